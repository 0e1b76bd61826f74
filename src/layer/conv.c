/* layer/conv.c: see conv.h. The operation that Conv1d and Conv2d share, and its products. */
#ifndef R
#include "layer/conv.h"

#include <omp.h>
#include <string.h>

#include "kernel/blas.h"
#include "kernel/copy_short.h"
#include "kernel/names.h"
#include "kernel/reduce.h"
#include "layer/conv_direct.h"

enum {
  PIECE = 512 * 1024, /* bytes of columns a thread: they stay in its second-level cache */
  NARROWEST = 64      /* places in a piece, below which a product loses too much to its edges */
};

/* A group of an image, and how its columns are cut: `channels` at a time, `places` of the result. */
typedef struct cut {
  int64_t k, cg, og, all; /* elements of a kernel, channels of x and of y, places of y */
  int64_t weights;        /* og cg k */
  int64_t channels, places;
  size_t bytes; /* of the columns of a piece */
  bool plain;   /* kernels of 1x1 at every place: x is its own columns */
} cut;

/* i, or the nearest within lo .. hi */
static inline int64_t within(int64_t i, int64_t lo, int64_t hi) {
  return i < lo ? lo : i > hi ? hi : i;
}

static cut cut_of(const nn_conv *g, size_t size) {
  cut c = {.k = g->kh * g->kw, .cg = g->c / g->groups, .og = g->o / g->groups};
  const int64_t most = PIECE / (int64_t)size, all = c.all = g->oh * g->ow;
  c.weights = c.og * c.cg * c.k;
  c.plain = c.k == 1 && g->sh == 1 && g->sw == 1 && g->ph == 0 && g->pw == 0;
  if (c.plain) {
    c.channels = c.cg, c.places = all;
    return c;
  }
  c.channels = within(most / (c.k * NARROWEST), 1, c.cg);
  c.places = most / (c.k * c.channels);
  if (c.places < NARROWEST) c.places = NARROWEST;
  if (c.places > all) c.places = all;
  if (all > 0) { /* pieces of one size, none of them a small rest */
    int64_t pieces = (all + c.places - 1) / c.places;
    c.places = (all + pieces - 1) / pieces;
    if (c.places > g->ow) c.places = (c.places + g->ow - 1) / g->ow * g->ow; /* whole rows */
  }
  c.bytes = (size_t)(c.channels * c.k * c.places) * size;
  return c;
}

/* The places of a row of the result at which the kernel's column v stands inside x: first ..
   behind - 1. */
static void inside(const nn_conv *g, int64_t v, int64_t *first, int64_t *behind) {
  int64_t at = v * g->dw - g->pw; /* of place 0 */
  *first = at >= 0 ? 0 : (-at + g->sw - 1) / g->sw;
  *behind = g->w > at ? (g->w - at + g->sw - 1) / g->sw : 0;
}

int nn_conv_threads(const nn_ctx *ctx, int64_t tasks, int64_t work) {
  int64_t t = nn_threads_for(ctx, work);
  if (tasks < t) t = tasks;
  return t < 1 ? 1 : (int)t; /* an empty batch has no tasks */
}

int64_t nn_conv_chunks(const nn_conv *g, size_t bytes) {
  enum { PARTIALS = 8 * 1024 * 1024, CHUNKS = 16 };
  int64_t chunks = PARTIALS / (int64_t)bytes;
  if (chunks > CHUNKS) chunks = CHUNKS;
  if (chunks > g->n) chunks = g->n;
  return chunks < 1 ? 1 : chunks;
}

int64_t nn_conv_size(int64_t size, int64_t k, int64_t stride, int64_t padding, int64_t dilation) {
  int64_t left = size + 2 * padding - dilation * (k - 1) - 1;
  return left < 0 ? 0 : left / stride + 1;
}

/* ---- the operation ---- */

static int64_t from_end(const nn_shape *s, int i) {
  return i < s->ndim ? s->dim[s->ndim - 1 - i] : 1;
}

/* x (n, c, [h,] w), w (o, c / groups, [kh,] kw) */
static nn_conv geometry(const nn_shape *x, const nn_shape *w, const nn_conv_attr *a) {
  bool flat = x->ndim < 4;
  nn_conv g = {.n = x->dim[0], .c = x->dim[1], .h = flat ? 1 : x->dim[2], .w = from_end(x, 0)};
  g.o = w->dim[0];
  g.groups = a->groups;
  g.kh = a->k[0], g.kw = a->k[1];
  g.sh = a->stride[0], g.sw = a->stride[1];
  g.ph = a->padding[0], g.pw = a->padding[1];
  g.dh = a->dilation[0], g.dw = a->dilation[1];
  g.oh = nn_conv_size(g.h, g.kh, g.sh, g.ph, g.dh);
  g.ow = nn_conv_size(g.w, g.kw, g.sw, g.pw, g.dw);
  return g;
}

static nn_status infer(const nn_call *c) {
  nn_conv g = geometry(&c->in[0]->shape, &c->in[1]->shape, c->attr);
  nn_shape s = {.ndim = c->in[0]->shape.ndim, .dim = {g.n, g.o, g.oh, g.ow}};
  nn_text t;
  if (g.oh <= 0 || g.ow <= 0)
    return nn_fail(c->ctx, NN_ESHAPE,
                   "the kernel of %lldx%lld (dilation %lldx%lld) does not fit into %s with padding "
                   "%lldx%lld",
                   (long long)g.kh, (long long)g.kw, (long long)g.dh, (long long)g.dw,
                   nn_shape_text(&t, &c->in[0]->shape), (long long)g.ph, (long long)g.pw);
  if (s.ndim == 3) s.dim[2] = g.ow;
  nn_value_set(c->out, c->in[0]->dtype, &s);
  NN_TRY(nn_blas_check(c->ctx, "convolution", g.o, g.oh * g.ow, g.c / g.groups * g.kh * g.kw));
  return NN_OK;
}

/* For the calls that are made with floats alone, but compiled for both. */
#define FLOATS(p) ((void *)(uintptr_t)(p))
#define NN_SELF "layer/conv.c"
#include "kernel/each_real.h"

const nn_op nn_op_conv = {
  .name = "conv",
  .nin = 3,
  .saves = NN_IN(0) | NN_IN(1),
  .attr_size = sizeof(nn_conv_attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};
#else

/* ---- columns ---- */

/* Gather for whole rows i .. last - 1 of the result and a stride of 1 along them. What stands beside
   the image in a row is copied with it where that is still inside the plane, then cleared. */
NN_HOT static void FN(gather_rows)(const nn_conv *g, int64_t u, int64_t v, int64_t i, int64_t last,
                                   const R *x, R *col) {
  const int64_t ow = g->ow, shift = v * g->dw - g->pw;
  int64_t first, behind;
  inside(g, v, &first, &behind);
  const int64_t lo = within(first, 0, ow), hi = within(behind, lo, ow);
  const bool near = shift >= -g->w && shift + ow <= 2 * g->w, all = lo == 0 && hi == ow;
  int64_t row = i * g->sh - g->ph + u * g->dh;
  for (; i < last; i++, row += g->sh, col += ow) {
    const R *line = x + row * g->w + shift;
    int64_t from = lo, to = hi;
    if (row < 0 || row >= g->h) from = to = 0;
    if (to > from && (all || (near && row > 0 && row < g->h - 1)))
      nn_copy_short((size_t)(ow) * sizeof *x, line, col);
    else
      nn_copy_short((size_t)(to - from) * sizeof *x, line + from, col + from);
    for (int64_t k = 0; k < from; k++) col[k] = 0;
    for (int64_t k = to; k < ow; k++) col[k] = 0;
  }
}

/* One row of the columns: x of one channel as column v, row u of the kernel sees it from places
   from .. to - 1 of the result. */
NN_HOT static void FN(gather)(const nn_conv *g, int64_t u, int64_t v, int64_t from, int64_t to,
                              const R *x, R *col) {
  int64_t i = from / g->ow, j = from - i * g->ow, first, behind;
  if (g->sw == 1 && j == 0 && to % g->ow == 0) {
    FN(gather_rows)(g, u, v, i, to / g->ow, x, col);
    return;
  }
  inside(g, v, &first, &behind);
  for (int64_t n; from < to; from += n, col += n, i++, j = 0) {
    n = to - from < g->ow - j ? to - from : g->ow - j;
    int64_t row = i * g->sh - g->ph + u * g->dh;
    int64_t lo = within(first, j, j + n), hi = within(behind, lo, j + n);
    if (row < 0 || row >= g->h) lo = hi = j;
    const R *line = x + row * g->w + (v * g->dw - g->pw);
    for (int64_t k = j; k < lo; k++) col[k - j] = 0;
    if (g->sw == 1)
      nn_copy_short((size_t)(hi - lo) * sizeof *x, line + lo, col + lo - j);
    else
      for (int64_t k = lo; k < hi; k++) col[k - j] = line[k * g->sw];
    for (int64_t k = hi; k < j + n; k++) col[k - j] = 0;
  }
}

/* x += col, n numbers */
static inline void FN(add_run)(int64_t n, const R *restrict col, R *restrict x) {
  for (int64_t k = 0; k < n; k++) x[k] += col[k];
}

/* The reverse of gather_rows. */
NN_HOT static void FN(scatter_rows)(const nn_conv *g, int64_t u, int64_t v, int64_t i, int64_t last,
                                    const R *restrict col, R *restrict x) {
  const int64_t shift = v * g->dw - g->pw;
  int64_t first, behind;
  inside(g, v, &first, &behind);
  const int64_t lo = within(first, 0, g->ow), n = within(behind, lo, g->ow) - lo;
  int64_t row = i * g->sh - g->ph + u * g->dh;
  for (col += lo, x += shift + lo; i < last; i++, row += g->sh, col += g->ow)
    if (row >= 0 && row < g->h) FN(add_run)(n, col, x + row * g->w);
}

/* The reverse: adds a row of columns to where it came from. */
NN_HOT static void FN(scatter)(const nn_conv *g, int64_t u, int64_t v, int64_t from, int64_t to,
                               const R *col, R *x) {
  int64_t i = from / g->ow, j = from - i * g->ow, first, behind;
  if (g->sw == 1 && j == 0 && to % g->ow == 0) {
    FN(scatter_rows)(g, u, v, i, to / g->ow, col, x);
    return;
  }
  inside(g, v, &first, &behind);
  for (int64_t n; from < to; from += n, col += n, i++, j = 0) {
    n = to - from < g->ow - j ? to - from : g->ow - j;
    int64_t row = i * g->sh - g->ph + u * g->dh;
    if (row < 0 || row >= g->h) continue;
    int64_t lo = within(first, j, j + n), hi = within(behind, lo, j + n);
    R *line = x + row * g->w + (v * g->dw - g->pw);
    if (g->sw == 1)
      FN(add_run)(hi - lo, col + lo - j, line + lo);
    else
      for (int64_t k = lo; k < hi; k++) line[k * g->sw] += col[k - j];
  }
}

/* Columns of channels first .. first + n - 1 at places from .. to - 1: (n kh kw, to - from) */
static void FN(columns)(const nn_conv *g, int64_t n, int64_t from, int64_t to, const R *x, R *col) {
  for (int64_t c = 0; c < n; c++)
    for (int64_t u = 0; u < g->kh; u++)
      for (int64_t v = 0; v < g->kw; v++, col += to - from)
        FN(gather)(g, u, v, from, to, x + c * g->h * g->w, col);
}

static void FN(uncolumns)(const nn_conv *g, int64_t n, int64_t from, int64_t to, const R *col,
                          R *x) {
  for (int64_t c = 0; c < n; c++)
    for (int64_t u = 0; u < g->kh; u++)
      for (int64_t v = 0; v < g->kw; v++, col += to - from)
        FN(scatter)(g, u, v, from, to, col, x + c * g->h * g->w);
}

/* ---- one image, one group ---- */

static void FN(run_image)(const nn_conv *g, const cut *c, const R *x, const R *w, const R *b,
                          bool add, R *col, R *y) {
  const int64_t k = c->k, cg = c->cg, og = c->og, all = c->all;
  for (int64_t o = 0; o < og && b; o++)
    for (int64_t i = 0; i < all; i++) y[o * all + i] = b[o];
  for (int64_t p = 0; p < all; p += c->places) {
    int64_t end = p + c->places < all ? p + c->places : all;
    for (int64_t first = 0; first < cg; first += c->channels) {
      int64_t n = cg - first < c->channels ? cg - first : c->channels;
      const R *from = x + first * g->h * g->w;
      if (!c->plain) FN(columns)(g, n, p, end, from, col);
      FN(nn_gemm)
      (false, false, og, end - p, n * k, 1, w + first * k, cg * k, c->plain ? from : col, end - p,
       first || b || add ? 1 : 0, y + p, all);
    }
  }
}

static void FN(x_image)(const nn_conv *g, const cut *c, const R *w, const R *gy, bool add, R *col,
                        R *gx) {
  const int64_t k = c->k, cg = c->cg, og = c->og, all = c->all;
  if (!add && !c->plain) memset(gx, 0, (size_t)(cg * g->h * g->w) * sizeof *gx);
  for (int64_t p = 0; p < all; p += c->places) {
    int64_t end = p + c->places < all ? p + c->places : all;
    for (int64_t first = 0; first < cg; first += c->channels) {
      int64_t n = cg - first < c->channels ? cg - first : c->channels;
      R *to = gx + first * g->h * g->w;
      FN(nn_gemm)
      (true, false, n * k, end - p, og, 1, w + first * k, cg * k, gy + p, all, c->plain && add,
       c->plain ? to : col, end - p);
      if (!c->plain) FN(uncolumns)(g, n, p, end, col, to);
    }
  }
}

/* gw += */
static void FN(w_image)(const nn_conv *g, const cut *c, const R *x, const R *gy, R *col, R *gw) {
  const int64_t k = c->k, cg = c->cg, og = c->og, all = c->all;
  for (int64_t p = 0; p < all; p += c->places) {
    int64_t end = p + c->places < all ? p + c->places : all;
    for (int64_t first = 0; first < cg; first += c->channels) {
      int64_t n = cg - first < c->channels ? cg - first : c->channels;
      const R *from = x + first * g->h * g->w;
      if (!c->plain) FN(columns)(g, n, p, end, from, col);
      FN(nn_gemm)
      (false, true, og, n * k, end - p, 1, gy + p, all, c->plain ? from : col, end - p, 1,
       gw + first * k, cg * k);
    }
  }
}

/* ---- all of them ---- */

nn_status FN(nn_conv_run)(nn_ctx *ctx, const nn_conv *g, const R *x, const R *w, const R *b,
                          bool add, R *y) {
  if (NN_R == NN_F32 && nn_conv_is_direct(g))
    return nn_conv_direct_run(ctx, g, FLOATS(x), FLOATS(w), FLOATS(b), add, FLOATS(y));
  const cut c = cut_of(g, sizeof(R));
  const int64_t tasks = g->n * g->groups;
  const int threads = nn_conv_threads(ctx, tasks, tasks * c.weights * c.all);
  char *room = nn_mem_take(ctx, c.bytes * (size_t)threads);
  if (!room) return NN_ENOMEM;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t t = 0; t < tasks; t++) {
    int64_t n = t / g->groups, i = t % g->groups;
    R *col = (R *)(void *)(room + c.bytes * (size_t)omp_get_thread_num());
    if (!nn_interrupted) FN(run_image)
    (g, &c, x + (n * g->c + i * c.cg) * g->h * g->w, w + i * c.weights, b ? b + i * c.og : NULL,
     add, col, y + (n * g->o + i * c.og) * c.all);
  }
  nn_mem_give(ctx, room, c.bytes * (size_t)threads);
  return nn_poll(ctx);
}

nn_status FN(nn_conv_to_x)(nn_ctx *ctx, const nn_conv *g, const R *w, const R *gy, bool add,
                           R *gx) {
  if (NN_R == NN_F32 && nn_conv_is_direct_to_x(g))
    return nn_conv_direct_to_x(ctx, g, FLOATS(w), FLOATS(gy), add, FLOATS(gx));
  const cut c = cut_of(g, sizeof(R));
  const int64_t tasks = g->n * g->groups;
  const int threads = nn_conv_threads(ctx, tasks, tasks * c.weights * c.all);
  char *room = nn_mem_take(ctx, c.bytes * (size_t)threads);
  if (!room) return NN_ENOMEM;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t t = 0; t < tasks; t++) {
    int64_t n = t / g->groups, i = t % g->groups;
    R *col = (R *)(void *)(room + c.bytes * (size_t)omp_get_thread_num());
    if (!nn_interrupted) FN(x_image)
    (g, &c, w + i * c.weights, gy + (n * g->o + i * c.og) * c.all, add, col,
     gx + (n * g->c + i * c.cg) * g->h * g->w);
  }
  nn_mem_give(ctx, room, c.bytes * (size_t)threads);
  return nn_poll(ctx);
}

nn_status FN(nn_conv_to_w)(nn_ctx *ctx, const nn_conv *g, const R *x, const R *gy, bool add,
                           R *gw) {
  if (NN_R == NN_F32 && nn_conv_is_direct(g))
    return nn_conv_direct_to_w(ctx, g, FLOATS(x), FLOATS(gy), add, FLOATS(gw));
  const cut c = cut_of(g, sizeof(R));
  const int64_t total = c.weights * g->groups;
  const int64_t chunks = nn_conv_chunks(g, (size_t)total * sizeof(R));
  int threads = nn_conv_threads(ctx, chunks, g->n * total * c.all);
  size_t sums = (size_t)(chunks * total) * sizeof(R), bytes = sums + c.bytes * (size_t)threads;
  char *room = nn_mem_take(ctx, bytes);
  if (!room) return NN_ENOMEM;
  R *sum = (R *)(void *)room;
  memset(sum, 0, sums);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t t = 0; t < chunks; t++) {
    R *col = (R *)(void *)(room + sums + c.bytes * (size_t)omp_get_thread_num());
    for (int64_t k = g->n * t / chunks * g->groups; k < g->n * (t + 1) / chunks * g->groups; k++) {
      int64_t n = k / g->groups, i = k % g->groups;
      if (!nn_interrupted) FN(w_image)
      (g, &c, x + (n * g->c + i * c.cg) * g->h * g->w, gy + (n * g->o + i * c.og) * c.all, col,
       sum + t * total + i * c.weights);
    }
  }
  FN(nn_sum_cols)(ctx, chunks, total, sum, 1, add, gw);
  nn_mem_give(ctx, room, bytes);
  return nn_poll(ctx);
}

nn_status FN(nn_conv_to_b)(nn_ctx *ctx, int64_t n, int64_t channels, int64_t places, const R *gy,
                           bool add, R *gb) {
  R *rows = nn_mem_take(ctx, (size_t)(n * channels) * sizeof(R)); /* (n, channels) */
  if (!rows) return NN_ENOMEM;
  FN(nn_sum_rows)(ctx, n * channels, places, gy, 1, false, rows);
  FN(nn_sum_cols)(ctx, n, channels, rows, 1, add, gb);
  nn_mem_give(ctx, rows, (size_t)(n * channels) * sizeof(R));
  return NN_OK;
}

/* ---- the operation ---- */

static nn_status FN(forward)(const nn_call *c) {
  nn_conv g = geometry(&c->in[0]->shape, &c->in[1]->shape, c->attr);
  return FN(nn_conv_run)(c->ctx, &g, nn_data(c->in[0]), nn_data(c->in[1]),
                         c->nin > 2 ? nn_data(c->in[2]) : NULL, false, nn_data(c->out));
}

static nn_status FN(backward)(const nn_call *c) {
  nn_conv g = geometry(&c->in[0]->shape, &c->in[1]->shape, c->attr);
  const R *gy = nn_data(c->gout);
  if (c->gin[0])
    NN_TRY(FN(nn_conv_to_x)(c->ctx, &g, nn_data(c->in[1]), gy, c->add[0], nn_data(c->gin[0])));
  if (c->gin[1])
    NN_TRY(FN(nn_conv_to_w)(c->ctx, &g, nn_data(c->in[0]), gy, c->add[1], nn_data(c->gin[1])));
  if (c->nin > 2 && c->gin[2])
    NN_TRY(FN(nn_conv_to_b)(c->ctx, g.n, g.o, g.oh * g.ow, gy, c->add[2], nn_data(c->gin[2])));
  return NN_OK;
}

#endif
