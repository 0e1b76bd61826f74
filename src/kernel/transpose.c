/*
 * kernel/transpose.c: see transpose.h.
 *
 * Copying such a value line by line touches a cache line of one side for each single element. Here a
 * tile is read along the source's fastest dimension (one cache line a row, each used up at once, so
 * that strides of a power of two, whose lines all fall into one set of the cache, do no harm), turned
 * in a small buffer, and written along the destination's.
 */
#ifndef R
#include "kernel/transpose.h"

#include <string.h>

#include "kernel/names.h"
#include "kernel/walk.h"

enum {
  LINE = 64,      /* bytes of a cache line: a tile's row in the source */
  LONG = 64,      /* elements of a tile's row in the destination */
  LONG_1 = 256,   /* the same for bytes */
  VECTOR = 16,    /* bytes that are turned in a register */
  LEAST = 8,      /* a side shorter than that is not worth turning */
  SMALL = 1 << 12 /* elements of a copy that the plain walk does as fast */
};

typedef struct plan {
  int ndim; /* of the planes: the other dimensions */
  int64_t dim[NN_MAXDIM], to_step[NN_MAXDIM], from_step[NN_MAXDIM];
  int64_t rows, cols;     /* elements along the destination's and the source's fast dimension */
  int64_t to_ld, from_ld; /* the destination's step along cols, the source's along rows */
  int64_t strip, planes, strips; /* a plane is cut into strips of `strip` rows */
  char *to;
  const char *from;
  size_t size;
} plan;

/* The dimension whose elements stand side by side, or -1. */
static int fastest(const nn_value *v) {
  for (int d = v->shape.ndim - 1; d >= 0; d--)
    if (v->stride[d] == 1 && v->shape.dim[d] > 1) return d;
  return -1;
}

static bool make_plan(const nn_value *dst, const nn_value *src, plan *p) {
  int r = fastest(dst), c = fastest(src);
  if (r < 0 || c < 0 || r == c || dst->numel < SMALL) return false;
  p->rows = dst->shape.dim[r];
  p->cols = dst->shape.dim[c];
  if (p->rows < LEAST || p->cols < LEAST) return false;
  p->to_ld = dst->stride[c];
  p->from_ld = src->stride[r];
  p->ndim = 0;
  for (int d = 0; d < dst->shape.ndim; d++) {
    if (d == r || d == c || dst->shape.dim[d] == 1) continue;
    p->dim[p->ndim] = dst->shape.dim[d];
    p->to_step[p->ndim] = dst->stride[d];
    p->from_step[p->ndim++] = src->stride[d];
  }
  p->planes = dst->numel / (p->rows * p->cols);
  p->size = nn_dtype_size(dst->dtype);
  p->strip = p->size == 1 ? LONG_1 : LONG;
  p->strips = (p->rows + p->strip - 1) / p->strip;
  p->to = nn_data(dst);
  p->from = nn_data(src);
  return true;
}

/* The halves of two vectors, their elements taken in turn. */
#if defined(__clang__)
#define NN_WEAVE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define NN_WEAVE(a, b, ...) __builtin_shuffle(a, b, (V){__VA_ARGS__})
#endif

#define NN_SELF "kernel/transpose.c"
#define R uint8_t
#define FN(name) NN_JOIN(name, 1)
#define LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#include NN_SELF
#undef R
#undef FN
#undef LOW
#undef HIGH
#define R uint32_t
#define FN(name) NN_JOIN(name, 4)
#define LOW 0, 4, 1, 5
#define HIGH 2, 6, 3, 7
#include NN_SELF
#undef R
#undef FN
#undef LOW
#undef HIGH
#define R uint64_t
#define FN(name) NN_JOIN(name, 8)
#define LOW 0, 2
#define HIGH 1, 3
#include NN_SELF
#undef R
#undef FN
#undef LOW
#undef HIGH

static void do_strip(const plan *p, int64_t item) {
  int64_t plane = item / p->strips, first = item % p->strips * p->strip, to = 0, from = 0;
  int64_t rows = p->rows - first < p->strip ? p->rows - first : p->strip;
  for (int d = p->ndim - 1; d >= 0; d--) {
    int64_t i = plane % p->dim[d];
    plane /= p->dim[d];
    to += i * p->to_step[d];
    from += i * p->from_step[d];
  }
  char *y = p->to + (to + first) * (int64_t)p->size;
  const char *x = p->from + (from + first * p->from_ld) * (int64_t)p->size;
  if (p->size == 1)
    strip_1(p, rows, (const void *)x, (void *)y);
  else if (p->size == 4)
    strip_4(p, rows, (const void *)x, (void *)y);
  else
    strip_8(p, rows, (const void *)x, (void *)y);
}

bool nn_copy_transposed(const nn_ctx *ctx, const nn_value *dst, const nn_value *src) {
  plan p;
  if (!make_plan(dst, src, &p)) return false;
  int threads = nn_threads_for(ctx, dst->numel);
  int64_t items = p.planes * p.strips;
  if (threads == 1) {
    for (int64_t i = 0; i < items; i++) do_strip(&p, i);
    return true;
  }
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t i = 0; i < items; i++) do_strip(&p, i);
  return true;
}
#else

/* A square of as many elements as a vector has, turned by weaving its halves, log2 times. */
static inline __attribute__((always_inline)) void FN(square)(const R *x, int64_t ld, R *y,
                                                             int64_t to_ld) {
  enum { N = VECTOR / sizeof(R) };
  typedef R V __attribute__((vector_size(VECTOR)));
  V a[N], b[N];
  for (int i = 0; i < N; i++) memcpy(&a[i], x + i * ld, VECTOR);
  for (int step = 1; step < N; step *= 2) {
    for (int i = 0; i < N / 2; i++) {
      b[2 * i] = NN_WEAVE(a[i], a[i + N / 2], LOW);
      b[2 * i + 1] = NN_WEAVE(a[i], a[i + N / 2], HIGH);
    }
    memcpy(a, b, sizeof a);
  }
  for (int i = 0; i < N; i++) memcpy(y + i * to_ld, &a[i], VECTOR);
}

/* x: `rows` rows of cols elements; y: cols rows of `rows` elements. */
NN_HOT static void FN(strip)(const plan *p, int64_t rows, const R *x, R *y) {
  enum { N = VECTOR / sizeof(R), WIDE = LINE / sizeof(R), TALL = sizeof(R) == 1 ? LONG_1 : LONG };
  R tile[WIDE][TALL];
  for (int64_t c = 0; c < p->cols; c += WIDE) {
    int64_t wide = p->cols - c < WIDE ? p->cols - c : WIDE;
    int64_t i = 0, whole = wide == WIDE ? rows / N * N : 0;
    for (; i < whole; i += N)
      for (int64_t j = 0; j < WIDE; j += N)
        FN(square)(x + i * p->from_ld + c + j, p->from_ld, &tile[j][i], TALL);
    for (; i < rows; i++)
      for (int64_t j = 0; j < wide; j++) tile[j][i] = x[i * p->from_ld + c + j];
    for (int64_t j = 0; j < wide; j++)
      memcpy(y + (c + j) * p->to_ld, tile[j], (size_t)rows * sizeof(R));
  }
}

#endif
