/* kernel/walk.c: see walk.h. */
#include "kernel/walk.h"

#include <assert.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "kernel/names.h"

enum {
  PIECE = 512,       /* elements gathered at a time: six operands stay in the first-level cache */
  FEW = 128,         /* elements for which a plan would cost more than the run */
  SHORT = 256,       /* elements computed before they are stored past the caches */
  GRAIN = 1 << 16,   /* elements that a second thread must have to be worth waking */
  STRETCH = 1 << 18, /* elements between two looks at Ctrl-C */
  LARGE = 32 << 20   /* bytes of a result that no cache keeps until somebody reads it */
};

typedef struct plan {
  int n, ndim;
  nn_row row;
  const void *attr;
  unsigned flags;
  nn_dtype out;
  int64_t dim[NN_MAXDIM];
  size_t size[NN_WALK_MAX];
  char *base[NN_WALK_MAX];
  int64_t step[NN_WALK_MAX][NN_MAXDIM]; /* strides in bytes */
} plan;

int nn_threads_for(const nn_ctx *ctx, int64_t work) {
  int64_t t = work / GRAIN;
  return t < 2 ? 1 : t > ctx->threads ? ctx->threads : (int)t;
}

/* ---- adding a finished piece to its place ---- */

NN_HOT static void add_f32(int64_t n, float *y, const float *x) {
  for (int64_t i = 0; i < n; i++) y[i] += x[i];
}
NN_HOT static void add_f64(int64_t n, double *y, const double *x) {
  for (int64_t i = 0; i < n; i++) y[i] += x[i];
}
static void add_piece(nn_dtype d, int64_t n, void *y, const void *x) {
  if (d == NN_F32)
    add_f32(n, y, x);
  else
    add_f64(n, y, x);
}

/* ---- gathering and scattering ---- */

static void gather(char *to, const char *from, int64_t n, int64_t step, size_t size) {
  if (size == 4)
    for (int64_t i = 0; i < n; i++) memcpy(to + 4 * i, from + step * i, 4);
  else if (size == 8)
    for (int64_t i = 0; i < n; i++) memcpy(to + 8 * i, from + step * i, 8);
  else
    for (int64_t i = 0; i < n; i++) to[i] = from[step * i];
}

/* n times the element at `from` */
static void repeat(char *to, const char *from, int64_t n, size_t size) {
  uint32_t word;
  uint64_t twice;
  if (size == 4) {
    memcpy(&word, from, 4);
    for (int64_t i = 0; i < n; i++) memcpy(to + 4 * i, &word, 4);
  } else if (size == 8) {
    memcpy(&twice, from, 8);
    for (int64_t i = 0; i < n; i++) memcpy(to + 8 * i, &twice, 8);
  } else {
    memset(to, *from, (size_t)n);
  }
}

static void scatter(char *to, const char *from, int64_t n, int64_t step, size_t size) {
  if (size == 4)
    for (int64_t i = 0; i < n; i++) memcpy(to + step * i, from + 4 * i, 4);
  else if (size == 8)
    for (int64_t i = 0; i < n; i++) memcpy(to + step * i, from + 8 * i, 8);
  else
    for (int64_t i = 0; i < n; i++) to[step * i] = from[i];
}

typedef struct room {
  char piece[NN_WALK_MAX][PIECE * 8];
  const char
    *filled[NN_WALK_MAX]; /* the element or line that piece k repeats, to fill it only once */
} room;

/* One piece of one line: `at` holds the operands' first elements. */
static void do_piece(const plan *p, room *r, int64_t n, char *const *at) {
  void *ptr[NN_WALK_MAX];
  int inner = p->ndim - 1;
  int64_t line = inner >= 0 ? p->dim[inner] : 1, longest = line < PIECE ? line : PIECE;
  for (int k = 0; k < p->n; k++) {
    int64_t step = inner >= 0 ? p->step[k][inner] : 0;
    bool straight = step == (int64_t)p->size[k] || n == 1;
    ptr[k] = straight ? at[k] : r->piece[k];
    if (k == 0) {
      if (p->flags & NN_WALK_ADD) ptr[0] = r->piece[0];
      continue;
    }
    if (straight || (step == 0 && r->filled[k] == at[k])) continue;
    if (step == 0)
      repeat(r->piece[k], at[k], longest, p->size[k]);
    else
      gather(r->piece[k], at[k], n, step, p->size[k]);
    r->filled[k] = step == 0 ? at[k] : NULL;
  }
  p->row(n, ptr, p->attr);
  if (ptr[0] == at[0]) return;
  int64_t step = inner >= 0 ? p->step[0][inner] : 0;
  if (!(p->flags & NN_WALK_ADD)) {
    scatter(at[0], ptr[0], n, step, p->size[0]);
  } else if (step == (int64_t)p->size[0] || n == 1) {
    add_piece(p->out, n, at[0], ptr[0]);
  } else {
    char old[PIECE * 8];
    gather(old, at[0], n, step, p->size[0]);
    add_piece(p->out, n, old, ptr[0]);
    scatter(at[0], old, n, step, p->size[0]);
  }
}

/* How many whole lines fit a piece; 0: the lines are not short, or the results do not stand side by
   side. */
static int64_t lines_in_piece(const plan *p) {
  int inner = p->ndim - 1;
  if (inner < 1 || p->dim[inner] > PIECE / 4 || p->step[0][inner] != (int64_t)p->size[0] ||
      p->step[0][inner - 1] != p->dim[inner] * p->step[0][inner])
    return 0;
  return PIECE / p->dim[inner];
}

/* `lines` of operand k, side by side: itself where they are, else a copy. `most`: how many a line that
   is repeated is copied, once for all. */
static char *lines_of(const plan *p, room *r, int k, int64_t lines, int64_t most, char *at) {
  int inner = p->ndim - 1;
  int64_t line = p->dim[inner], step = p->step[k][inner], next = p->step[k][inner - 1];
  size_t bytes = (size_t)line * p->size[k];
  char *to = r->piece[k];
  if (step == (int64_t)p->size[k] && next == (int64_t)bytes) return at;
  if (next == 0 && r->filled[k] == at) return to;
  for (int64_t l = 0; l < (next == 0 ? most : lines); l++, to += bytes) {
    if (next == 0 && l > 0)
      memcpy(to, r->piece[k], bytes);
    else if (step == 0)
      repeat(to, at + l * next, line, p->size[k]);
    else
      gather(to, at + l * next, line, step, p->size[k]);
  }
  r->filled[k] = next == 0 ? at : NULL;
  return r->piece[k];
}

/* Several short lines as one run; `at` holds the operands' first elements. */
static void do_lines(const plan *p, room *r, int64_t lines, int64_t most, char *const *at) {
  void *ptr[NN_WALK_MAX];
  int64_t n = lines * p->dim[p->ndim - 1];
  ptr[0] = p->flags & NN_WALK_ADD ? r->piece[0] : at[0];
  for (int k = 1; k < p->n; k++) ptr[k] = lines_of(p, r, k, lines, most, at[k]);
  p->row(n, ptr, p->attr);
  if (p->flags & NN_WALK_ADD) add_piece(p->out, n, at[0], ptr[0]);
}

/* Where element i of each operand stands. */
static void find(const plan *p, int64_t i, char **at) {
  for (int k = 0; k < p->n; k++) at[k] = p->base[k];
  for (int d = p->ndim - 1; d >= 0; d--) {
    int64_t in = i % p->dim[d];
    i /= p->dim[d];
    for (int k = 0; k < p->n; k++) at[k] += in * p->step[k][d];
  }
}

/* Elements lo..hi-1 in row-major order. */
static void do_range(const plan *p, int64_t lo, int64_t hi) {
  const int64_t line = p->ndim > 0 ? p->dim[p->ndim - 1] : 1, most = lines_in_piece(p);
  bool by_lines = true;
  room r;
  memset(r.filled, 0, sizeof r.filled);
  while (lo < hi) {
    char *at[NN_WALK_MAX] = {0};
    int64_t in = lo % line, n = line - in, lines = 0;
    find(p, lo, at);
    if (most > 0 && in == 0) {
      lines = p->dim[p->ndim - 2] - lo / line % p->dim[p->ndim - 2];
      if (lines > (hi - lo) / line) lines = (hi - lo) / line;
      if (lines > most) lines = most;
    }
    if ((lines > 0) != by_lines) memset(r.filled, 0, sizeof r.filled);
    by_lines = lines > 0;
    if (by_lines) {
      do_lines(p, &r, lines, most, at);
      lo += lines * line;
      continue;
    }
    if (n > hi - lo) n = hi - lo;
    lo += n;
    for (int64_t m; n > 0; n -= m) {
      m = n < PIECE ? n : PIECE;
      do_piece(p, &r, m, at);
      for (int k = 0; k < p->n; k++) at[k] += p->ndim > 0 ? m * p->step[k][p->ndim - 1] : 0;
    }
  }
}

/* Drops dimensions of size 1 and joins neighbours that every operand can step through as one. */
static void collapse(plan *p, int n, const nn_value *const *v) {
  const nn_shape *s = &v[0]->shape;
  p->n = n;
  p->ndim = 0;
  for (int k = 0; k < n; k++) {
    p->size[k] = nn_dtype_size(v[k]->dtype);
    p->base[k] = nn_data(v[k]);
  }
  for (int d = 0; d < s->ndim; d++) {
    if (s->dim[d] == 1) continue;
    int last = p->ndim - 1;
    bool join = last >= 0;
    for (int k = 0; k < n && join; k++)
      join = p->step[k][last] == v[k]->stride[d] * s->dim[d] * (int64_t)p->size[k];
    int to = join ? last : p->ndim++;
    p->dim[to] = join ? p->dim[last] * s->dim[d] : s->dim[d];
    for (int k = 0; k < n; k++) p->step[k][to] = v[k]->stride[d] * (int64_t)p->size[k];
  }
}

/* All operands dense: one run, no buffers. */
static void do_dense(const plan *p, int64_t lo, int64_t hi) {
  void *ptr[NN_WALK_MAX];
  for (int k = 0; k < p->n; k++) ptr[k] = p->base[k] + (size_t)lo * p->size[k];
  p->row(hi - lo, ptr, p->attr);
}

#ifdef __SSE2__
/* Whether to store past the caches: an ordinary store reads the memory first, and drives out what is
   worth keeping. In place the line has been read anyway. */
static bool past_caches(const plan *p, int64_t total) {
  bool pays = (p->flags & NN_WALK_LIGHT) && (uint64_t)total * p->size[0] >= LARGE &&
              ((uintptr_t)p->base[0] & 15) == 0;
  for (int k = 1; k < p->n; k++) pays = pays && p->base[k] != p->base[0];
  return pays;
}

/* Moves a finished piece to its place. Meanwhile it asks for what the piece after the next will read:
   the processor's own prefetching starts anew after every burst of stores. */
static void move_out(const plan *p, const char *from, int64_t n, void *const *ptr) {
  enum { LINE = 64 };
  const size_t bytes = (size_t)n * p->size[0];
  char *to = ptr[0];
  size_t at = 0;
  for (; at + LINE <= bytes; at += LINE) {
    for (int k = 1; k < p->n; k++)
      __builtin_prefetch((const char *)ptr[k] + 2 * SHORT * p->size[k] + at);
    for (size_t i = at; i < at + LINE; i += sizeof(__m128i))
      _mm_stream_si128((void *)(to + i), _mm_load_si128((const void *)(from + i)));
  }
  memcpy(to + at, from + at, bytes - at);
}

/* do_dense for results that are LARGE. */
static void do_streamed(const plan *p, int64_t lo, int64_t hi) {
  _Alignas(64) char piece[SHORT * 8];
  for (int64_t at = lo, m; at < hi; at += m) {
    void *ptr[NN_WALK_MAX] = {0}, *in[NN_WALK_MAX] = {0};
    m = hi - at < SHORT ? hi - at : SHORT;
    for (int k = 0; k < p->n; k++) in[k] = ptr[k] = p->base[k] + (size_t)at * p->size[k];
    ptr[0] = piece;
    p->row(m, ptr, p->attr);
    move_out(p, piece, m, in);
  }
  _mm_sfence();
}
#else
static bool past_caches(const plan *p, int64_t total) {
  (void)p, (void)total;
  return false;
}
#define do_streamed do_dense
#endif

/* Whether it shows one element everywhere. */
static bool repeats(const nn_value *v) {
  for (int d = 0; d < v->shape.ndim; d++)
    if (v->stride[d] != 0 && v->shape.dim[d] != 1) return false;
  return true;
}

/* At most FEW elements of operands that are dense or repeat one element: one run, without a plan.
   False: others are among them. */
static bool do_few(nn_row row, const void *attr, int n, const nn_value *const *v, unsigned flags) {
  _Alignas(16) char piece[NN_WALK_MAX][FEW * 8];
  void *ptr[NN_WALK_MAX];
  int64_t total = v[0]->numel;
  if (!v[0]->dense) return false;
  ptr[0] = flags & NN_WALK_ADD ? piece[0] : nn_data(v[0]);
  for (int k = 1; k < n; k++) {
    ptr[k] = nn_data(v[k]);
    if (v[k]->dense) continue;
    if (!repeats(v[k])) return false;
    repeat(piece[k], ptr[k], total, nn_dtype_size(v[k]->dtype));
    ptr[k] = piece[k];
  }
  row(total, ptr, attr);
  if (flags & NN_WALK_ADD) add_piece(v[0]->dtype, total, nn_data(v[0]), ptr[0]);
  return true;
}

/* How the elements are walked through. */
typedef void (*way)(const plan *p, int64_t lo, int64_t hi);

/* Stretches between two looks at the interrupt, each divided among the threads. */
static nn_status do_long(nn_ctx *ctx, const plan *p, way do_part, int64_t total) {
  int threads = nn_threads_for(ctx, total);
  int64_t stretch = (int64_t)STRETCH * threads;
  for (int64_t lo = 0; lo < total; lo += stretch) {
    int64_t n = total - lo < stretch ? total - lo : stretch;
    if (!(p->flags & NN_WALK_FINISH)) NN_TRY(nn_poll(ctx));
    if (threads == 1) {
      do_part(p, lo, lo + n);
      continue;
    }
    int64_t each = (n / threads + 64) & ~(int64_t)63; /* whole cache lines */
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int t = 0; t < threads; t++) {
      int64_t from = lo + t * each, to = from + each < lo + n ? from + each : lo + n;
      if (from < to) do_part(p, from, to);
    }
  }
  return NN_OK;
}

nn_status nn_walk(nn_ctx *ctx, nn_row row, const void *attr, int n, const nn_value *const *v,
                  unsigned flags) {
  int64_t total = v[0]->numel;
  assert(n >= 1 && n <= NN_WALK_MAX);
  if (total == 0) return NN_OK;
  if (total <= FEW && do_few(row, attr, n, v, flags)) return NN_OK;
  plan p;
  p.row = row;
  p.attr = attr;
  p.flags = flags;
  p.out = v[0]->dtype;
  bool dense = !(flags & NN_WALK_ADD);
  for (int k = 0; k < n; k++) dense = dense && v[k]->dense;
  if (dense) {
    p.n = n;
    for (int k = 0; k < n; k++) {
      p.size[k] = nn_dtype_size(v[k]->dtype);
      p.base[k] = nn_data(v[k]);
    }
  } else {
    collapse(&p, n, v);
  }
  const way do_part = !dense ? do_range : past_caches(&p, total) ? do_streamed : do_dense;
  if (total > GRAIN) return do_long(ctx, &p, do_part, total);
  do_part(&p, 0, total);
  return NN_OK;
}
