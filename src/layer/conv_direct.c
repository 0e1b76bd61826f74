/* layer/conv_direct.c: see conv_direct.h. */
#include "layer/conv_direct.h"

#include <omp.h>
#include <string.h>

#include "kernel/blas.h"
#include "kernel/copy_short.h"
#include "kernel/gemm_tiles.h"
#include "kernel/names.h"
#include "kernel/reduce.h"

enum {
  WEIGHTS = 64 * 1024, /* numbers of weights that stay in the second-level cache */
  BLOCK = 32 * 1024,   /* numbers of the result at a time: they stay there with what they read */
  FEW = 128,           /* places of a plane for which more weights are not worth reading */
  DOTS = 6 * 1024,     /* numbers of gy that a tile of dot products reads: the first-level cache */
};

/* Images with zeros around them: those right of one row are those left of the next. */
typedef struct planes {
  int64_t h, w;      /* of the image */
  int64_t pitch;     /* from row to row */
  int64_t top, left; /* zeros above and below; before the first row and after the last */
  int64_t size;      /* of one plane */
} planes;

/* x, and gy with as many zeros as a window over the places of x needs: the two have the same pitch. */
static planes planes_of_x(const nn_conv *g) {
  planes p = {g->h, g->w, g->w + g->pw, g->ph, g->pw, 0};
  p.size = (p.h + 2 * p.top) * p.pitch + p.left;
  return p;
}
static planes planes_of_y(const nn_conv *g) {
  planes p = {g->oh, g->ow, g->w + g->pw, (g->kh - 1) * g->dh - g->ph, 0, 0};
  p.left = (g->kw - 1) * g->dw - g->pw;
  p.size = (p.h + 2 * p.top) * p.pitch + p.left;
  return p;
}

static bool is_bare(const planes *p) {
  return p->top == 0 && p->left == 0 && p->pitch == p->w;
}

/* Where the image begins. */
static int64_t inner(const planes *p) {
  return p->top * p->pitch + p->left;
}

bool nn_conv_is_direct(const nn_conv *g) {
  const planes x = planes_of_x(g), y = planes_of_y(g);
  const bool one = g->kh == 1 && g->kw == 1 && g->ph == 0 && g->pw == 0;
  if (!nn_blas_tiles() || g->sh != 1 || g->sw != 1 || one) return false;
  if (y.top < 0 || y.left < 0 || g->oh != nn_conv_size(g->h, g->kh, 1, g->ph, g->dh) ||
      g->ow != nn_conv_size(g->w, g->kw, 1, g->pw, g->dw))
    return false;
  if (g->oh * x.pitch < FEW && g->o / g->groups * (g->c / g->groups) * g->kh * g->kw > WEIGHTS)
    return false;
  return 3 * g->ow >= 2 * x.pitch;
}

bool nn_conv_is_direct_to_x(const nn_conv *g) {
  enum { ROWS = 4, CHANNELS = 8 }; /* for fewer rows each vector of gy is loaded for little work */
  const int64_t cg = g->c / g->groups, og = g->o / g->groups;
  return (cg >= ROWS || og <= CHANNELS * cg) && nn_conv_is_direct(g);
}

/* ---- planes ---- */

/* n planes, which begin `step` apart, with zeros around; `to` is all zeros, or held images of the same
   size. */
NN_HOT static void surround(const planes *p, int64_t n, int64_t step, const float *restrict x,
                            float *restrict to) {
  for (int64_t c = 0; c < n; c++, to += p->size) {
    const float *from = x + c * step;
    float *row = to + inner(p);
    for (int64_t i = 0; i < p->h; i++, row += p->pitch, from += p->w)
      nn_copy_short((size_t)p->w * sizeof *x, from, row);
  }
}

/* The rows of a result, `pitch` apart, put one behind the other. */
NN_HOT static void put_rows(int64_t h, int64_t w, int64_t pitch, const float *restrict from,
                            float bias, bool add, float *restrict y) {
  for (int64_t i = 0; i < h; i++, from += pitch, y += w)
    if (add)
      for (int64_t j = 0; j < w; j++) y[j] += from[j];
    else
      for (int64_t j = 0; j < w; j++) y[j] = from[j] + bias;
}

/* ---- windows over planes ---- */

/* A kernel for `rows` channels of the result, and where its elements stand in the planes below: row of
   the kernel by row, in each channel by channel. */
typedef struct window {
  const nn_tiles *s;
  int64_t rows, taps;
  const float *w;          /* strip after strip of rows, in each tap after tap */
  const int64_t *at;       /* (taps) */
  int64_t h, width, pitch; /* of a plane of the result */
  int64_t kernel, step;    /* rows of the kernel, and of the planes from one to the next */
  int64_t top, behind;     /* planes: rows of zeros before the image, and the row after it */
} window;

/* Which taps the rows first .. last of the result need: the kernel's other rows meet zeros alone. */
static void seen_taps(const window *v, int64_t first, int64_t last, int64_t *from, int64_t *n) {
  int64_t lo = 0, hi = v->kernel, each = v->taps / v->kernel;
  while (lo < hi && last + lo * v->step < v->top) lo++;
  while (lo < hi && first + (hi - 1) * v->step >= v->behind) hi--;
  *from = lo * each;
  *n = (hi - lo) * each;
}

/* Numbers of each row of the result, `places` of them from the beginning of row `row` on, to rows
   `ld` apart; strips first .. last - 1. x: what the window sees there. */
static void run_strips(const window *v, int64_t first, int64_t last, const float *x, int64_t row,
                       int64_t places, float beta, float *to, int64_t ld) {
  const int64_t lanes = v->s->lanes, wide = 2 * lanes, strips = nn_pieces(v->rows, v->s->rows);
  for (int64_t p = 0; p < places; p += wide) {
    const int64_t left = places - p < wide ? places - p : wide, vecs = left > lanes ? 2 : 1;
    nn_tile t = {.ai = 1,
                 .b = x + p,
                 .ldc = ld,
                 .alpha = 1,
                 .beta = beta,
                 .tail = (int)(left - (vecs - 1) * lanes)};
    int64_t from;
    seen_taps(v, row + p / v->pitch, row + (p + left - 1) / v->pitch, &from, &t.k);
    t.at = v->at + from;
    for (int64_t i = first; i < last; i++) {
      const int64_t lo = nn_piece_from(v->rows, strips, i),
                    n = nn_piece_from(v->rows, strips, i + 1) - lo;
      t.a = v->w + lo * v->taps + from * n;
      t.ak = n;
      t.c = to + p + lo * ld;
      v->s->slide[n - 1][vecs - 1](&t);
    }
  }
}

/* As many strips at a time as have weights that stay in the cache from place to place. */
static void run_places(const window *v, const float *x, int64_t row, int64_t places, float beta,
                       float *to, int64_t ld) {
  const int64_t strips = nn_pieces(v->rows, v->s->rows), fit = WEIGHTS / (v->taps * v->s->rows);
  for (int64_t i = 0, n = fit > 0 ? fit : 1; i < strips; i += n)
    run_strips(v, i, i + n < strips ? i + n : strips, x, row, places, beta, to, ld);
}

/* All rows of the result for one image; bias may be NULL. `room` has room_of numbers. */
static void run_window(const window *v, const float *x, const float *bias, bool add, float *room,
                       float *y) {
  const int64_t plane = v->h * v->width, most = BLOCK / (v->rows * v->pitch);
  const int64_t blocks = most > 0 ? nn_pieces(v->h, most) : v->h;
  for (int64_t b = 0; b < blocks; b++) {
    const int64_t lo = nn_piece_from(v->h, blocks, b), n = nn_piece_from(v->h, blocks, b + 1) - lo;
    const int64_t places = (n - 1) * v->pitch + v->width;
    const float *from = x + lo * v->pitch;
    float *to = y + lo * v->width;
    if (v->pitch == v->width && !bias) {
      run_places(v, from, lo, places, add, to, plane);
      continue;
    }
    run_places(v, from, lo, places, 0, room, places);
    for (int64_t o = 0; o < v->rows; o++)
      put_rows(n, v->width, v->pitch, room + o * places, bias ? bias[o] : 0, add, to + o * plane);
  }
}

static int64_t room_of(const window *v) {
  int64_t all = v->h * v->rows * v->pitch, row = v->rows * v->pitch;
  return all < BLOCK ? all : row < BLOCK ? BLOCK : row;
}

/* ---- taps ---- */

/* Where the elements of the kernels stand in `channels` planes. */
static int64_t place_of(const nn_conv *g, const planes *p, int64_t c, int64_t u, int64_t v) {
  return c * p->size + u * g->dh * p->pitch + v * g->dw;
}

/* The same as a window lists them, and where they are in the weights of one row, w (o, c, kh, kw).
   `turned`: from gy to x, where the last element of a kernel is the first that x meets. */
static void list_taps(const nn_conv *g, const planes *p, int64_t channels, bool turned, int64_t *at,
                      int64_t *from) {
  const int64_t k = g->kh * g->kw, row = turned ? g->c / g->groups * k : k;
  for (int64_t u = 0, n = 0; u < g->kh; u++)
    for (int64_t c = 0; c < channels; c++)
      for (int64_t v = 0; v < g->kw; v++, n++) {
        const int64_t t = u * g->kw + v;
        at[n] = place_of(g, p, c, u, v);
        from[n] = c * row + (turned ? k - 1 - t : t);
      }
}

/* The weights of one group as a window reads them. */
static void pack(const window *v, const float *w, int64_t by_row, const int64_t *from, float *to) {
  const int64_t strips = nn_pieces(v->rows, v->s->rows);
  for (int64_t i = 0; i < strips; i++) {
    const int64_t lo = nn_piece_from(v->rows, strips, i),
                  n = nn_piece_from(v->rows, strips, i + 1) - lo;
    for (int64_t r = 0; r < n; r++)
      for (int64_t k = 0; k < v->taps; k++) to[k * n + r] = w[(lo + r) * by_row + from[k]];
    to += n * v->taps;
  }
}

/* ---- from x to y, and from gy to x ---- */

typedef struct pass {
  const nn_conv *g;
  planes from;
  int64_t channels; /* of a group there */
  window v;
  bool turned;
} pass;

static pass pass_of(const nn_conv *g, bool turned) {
  const int64_t cg = g->c / g->groups, og = g->o / g->groups, k = g->kh * g->kw;
  pass p = {.g = g, .turned = turned, .from = turned ? planes_of_y(g) : planes_of_x(g)};
  p.channels = turned ? og : cg;
  p.v = (window){.s = nn_blas_tiles(), .rows = turned ? cg : og, .taps = p.channels * k};
  p.v.h = turned ? g->h : g->oh;
  p.v.width = turned ? g->w : g->ow;
  p.v.pitch = p.from.pitch;
  p.v.kernel = g->kh;
  p.v.step = g->dh;
  p.v.top = p.from.top;
  p.v.behind = p.from.top + p.from.h;
  return p;
}

/* One image, one group. `room`: the planes with zeros around, then what run_window wants. */
static void run_image(const pass *p, const float *x, const float *bias, bool add, float *room,
                      float *y) {
  const bool bare = is_bare(&p->from);
  float *inside = room + (bare ? 0 : p->channels * p->from.size);
  if (!bare) surround(&p->from, p->channels, p->from.h * p->from.w, x, room);
  run_window(&p->v, bare ? x : room, bias, add, inside, y);
}

static nn_status run_images(nn_ctx *ctx, pass *p, const float *x, const float *w, const float *b,
                            bool add, float *y) {
  const nn_conv *g = p->g;
  const int64_t tasks = g->n * g->groups, weights = p->v.rows * p->v.taps;
  const int64_t in = p->channels * p->from.h * p->from.w, out = p->v.rows * p->v.h * p->v.width;
  const int64_t group = g->c / g->groups * (g->o / g->groups) * g->kh * g->kw;
  const int threads = nn_conv_threads(ctx, tasks, tasks * weights * p->v.h * p->v.width);
  const int64_t around = is_bare(&p->from) ? 0 : p->channels * p->from.size;
  const size_t each = (size_t)(around + room_of(&p->v) + 15) / 16 * 64;
  const size_t lists = (size_t)(2 * p->v.taps + 7) / 8 * 64;
  const size_t packed = (size_t)(g->groups * weights + 15) / 16 * 64;
  const size_t bytes = lists + packed + each * (size_t)threads;
  int64_t *at = nn_mem_take(ctx, bytes);
  if (!at) return NN_ENOMEM;
  float *ready = (float *)(void *)((char *)at + lists);
  char *room = (char *)at + lists + packed;
  list_taps(g, &p->from, p->channels, p->turned, at, at + p->v.taps);
  p->v.at = at;
  for (int64_t i = 0; i < g->groups; i++)
    pack(&p->v, w + i * group, p->turned ? g->kh * g->kw : p->v.taps, at + p->v.taps,
         ready + i * weights);
  if (around) memset(room, 0, each * (size_t)threads);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t t = 0; t < tasks; t++) {
    pass own = *p;
    own.v.w = ready + t % g->groups * weights;
    if (!nn_interrupted)
      run_image(&own, x + t * in, b ? b + t % g->groups * p->v.rows : NULL, add,
                (float *)(void *)(room + each * (size_t)omp_get_thread_num()), y + t * out);
  }
  nn_mem_give(ctx, at, bytes);
  return nn_poll(ctx);
}

nn_status nn_conv_direct_run(nn_ctx *ctx, const nn_conv *g, const float *x, const float *w,
                             const float *b, bool add, float *y) {
  pass p = pass_of(g, false);
  return run_images(ctx, &p, x, w, b, add, y);
}

nn_status nn_conv_direct_to_x(nn_ctx *ctx, const nn_conv *g, const float *w, const float *gy,
                              bool add, float *gx) {
  pass p = pass_of(g, true);
  return run_images(ctx, &p, gy, w, NULL, add, gx);
}

/* ---- to w ---- */

/* What the dot products read at a time: a few images, or a block of one's rows. */
typedef struct pairs {
  const nn_tiles *s;
  planes x, y; /* y: of a block */
  int64_t rows, taps;
  const int64_t *at;
  int64_t images, blocks;
} pairs;

static pairs pairs_of(const nn_conv *g) {
  pairs p = {.s = nn_blas_tiles(), .x = planes_of_x(g), .y = planes_of_y(g)};
  const int64_t places = DOTS / p.s->dot_rows, most = places / p.y.pitch;
  p.rows = g->o / g->groups;
  p.taps = g->c / g->groups * g->kh * g->kw;
  p.blocks = nn_pieces(g->oh, most > 0 ? most : 1);
  p.y.h = nn_pieces(g->oh, p.blocks);
  p.y.top = p.y.left = 0; /* no window passes over this */
  p.y.size = p.y.h * p.y.pitch;
  p.images = p.blocks == 1 && p.y.size < places ? places / p.y.size : 1;
  return p;
}

/* gw += products of n images' `lines` rows of gy, at `y`, and x, whose images are x_step apart */
static void run_pairs(const pairs *p, int64_t n, int64_t lines, const float *x, int64_t x_step,
                      const float *y, float *gw) {
  const int64_t strips = nn_pieces(p->rows, p->s->dot_rows);
  nn_tile t = {.k = (lines - 1) * p->y.pitch + p->y.w,
               .ai = p->y.size,
               .ak = p->rows * p->y.size,
               .bs = x_step,
               .ldc = p->taps,
               .times = n,
               .b = x,
               .alpha = 1,
               .beta = 1};
  for (int64_t i = 0; i < strips; i++) {
    const int64_t lo = nn_piece_from(p->rows, strips, i),
                  rows = nn_piece_from(p->rows, strips, i + 1) - lo;
    const int64_t parts = nn_pieces(p->taps, p->s->dot_cols[rows - 1]);
    t.a = y + lo * p->y.size;
    for (int64_t j = 0; j < parts; j++) {
      const int64_t from = nn_piece_from(p->taps, parts, j),
                    cols = nn_piece_from(p->taps, parts, j + 1) - from;
      t.at = p->at + from;
      t.c = gw + lo * p->taps + from;
      p->s->slide_dots[rows - 1][cols - 1](&t);
    }
  }
}

/* n images of one group; `room`: for p->images the planes of x, where they are not bare, and of gy. */
static void run_images_to_w(const nn_conv *g, const pairs *p, int64_t n, const float *x,
                            const float *gy, float *room, float *gw) {
  const bool bare = is_bare(&p->x);
  const int64_t cg = g->c / g->groups, in = g->c * g->h * g->w, plane = g->oh * g->ow;
  const int64_t x_size = cg * p->x.size;
  float *y = room + (bare ? 0 : p->images * x_size);
  for (int64_t i = 0; i < n && !bare; i++)
    surround(&p->x, cg, g->h * g->w, x + i * in, room + i * x_size);
  for (int64_t b = 0; b < p->blocks; b++) {
    planes part = p->y;
    const int64_t first = nn_piece_from(g->oh, p->blocks, b);
    part.h = nn_piece_from(g->oh, p->blocks, b + 1) - first;
    for (int64_t i = 0; i < n; i++)
      surround(&part, p->rows, plane, gy + i * g->o * plane + first * g->ow,
               y + i * p->rows * p->y.size);
    run_pairs(p, n, part.h, (bare ? x : room) + first * p->x.pitch, bare ? in : x_size, y, gw);
  }
}

/* Images lo .. hi - 1 of one group */
static void run_chunk(const nn_conv *g, const pairs *p, int64_t lo, int64_t hi, const float *x,
                      const float *gy, float *room, float *gw) {
  for (int64_t n; lo < hi && !nn_interrupted; lo += n) {
    n = hi - lo < p->images ? hi - lo : p->images;
    run_images_to_w(g, p, n, x + lo * g->c * g->h * g->w, gy + lo * g->o * g->oh * g->ow, room, gw);
  }
}

nn_status nn_conv_direct_to_w(nn_ctx *ctx, const nn_conv *g, const float *x, const float *gy,
                              bool add, float *gw) {
  pairs p = pairs_of(g);
  const int64_t cg = g->c / g->groups, weights = p.rows * p.taps, total = weights * g->groups;
  const int64_t chunks = nn_conv_chunks(g, (size_t)total * sizeof *gw);
  const int threads = nn_conv_threads(ctx, chunks, g->n * total * g->oh * g->ow);
  const int64_t room_for = p.images * ((is_bare(&p.x) ? 0 : cg * p.x.size) + p.rows * p.y.size);
  const size_t each = (size_t)(room_for + 15) / 16 * 64, list = (size_t)(p.taps + 7) / 8 * 64;
  const size_t sums = (size_t)(chunks * total + 15) / 16 * 64;
  const size_t bytes = list + sums + each * (size_t)threads;
  int64_t *at = nn_mem_take_zero(ctx, bytes);
  if (!at) return NN_ENOMEM;
  float *sum = (float *)(void *)((char *)at + list);
  char *room = (char *)sum + sums;
  for (int64_t t = 0; t < p.taps; t++)
    at[t] = place_of(g, &p.x, t / (g->kh * g->kw), t / g->kw % g->kh, t % g->kw);
  p.at = at;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t t = 0; t < chunks; t++)
    for (int64_t i = 0; i < g->groups; i++)
      run_chunk(g, &p, nn_piece_from(g->n, chunks, t), nn_piece_from(g->n, chunks, t + 1),
                x + i * cg * g->h * g->w, gy + i * p.rows * g->oh * g->ow,
                (float *)(void *)(room + each * (size_t)omp_get_thread_num()),
                sum + t * total + i * weights);
  nn_sum_cols_f32(ctx, chunks, total, sum, 1, add, gw);
  nn_mem_give(ctx, at, bytes);
  return nn_poll(ctx);
}
