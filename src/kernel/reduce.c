/* kernel/reduce.c: see reduce.h. */
#ifndef R
#include "kernel/reduce.h"

#include <string.h>

#include "kernel/names.h"
#include "kernel/vmath.h"
#include "kernel/walk.h"

enum {
  LANES = 16,
  BLOCK = 1 << 16,
  COLUMNS = 256, /* whose sums are held at a time */
  NARROW = 16,   /* in registers */
  FEW = 64       /* columns that go so: of more, rows are read as they lie */
};

typedef uint32_t bits_f32;
typedef uint64_t bits_f64;

/* The sum of the lanes, halves upon each other; written out, so that it stays in registers. */
static inline double join(const double *lane) {
  double half[LANES / 2], quarter[LANES / 4];
  for (int i = 0; i < LANES / 2; i++) half[i] = lane[i] + lane[i + LANES / 2];
  for (int i = 0; i < LANES / 4; i++) quarter[i] = half[i] + half[i + LANES / 4];
  return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
}

#define NN_SELF "kernel/reduce.c"
#include "kernel/each_real.h"

static const nn_row same[NN_NREAL] = NN_BOTH(same);

/* Moves the dimensions that `dst` keeps to the front; returns how many elements they have. */
static int64_t keep_first(const nn_value *dst, const nn_value *src, nn_value *moved) {
  int lead = src->shape.ndim - dst->shape.ndim, at = 0;
  int64_t kept = 1;
  *moved = *src;
  for (int pass = 0; pass < 2; pass++) {
    for (int d = 0; d < src->shape.ndim; d++) {
      bool keeps = d >= lead && dst->shape.dim[d - lead] == src->shape.dim[d];
      if (keeps != (pass == 0)) continue;
      moved->shape.dim[at] = src->shape.dim[d];
      moved->stride[at++] = src->stride[d];
      if (keeps) kept *= src->shape.dim[d];
    }
  }
  nn_value_settle(moved);
  return kept;
}

static void sum_rows(nn_ctx *ctx, const nn_value *dst, const nn_value *src, int64_t rows,
                     bool add) {
  int64_t n = rows ? src->numel / rows : 0;
  if (dst->dtype == NN_F32)
    nn_sum_rows_f32(ctx, rows, n, nn_data(src), 1, add, nn_data(dst));
  else
    nn_sum_rows_f64(ctx, rows, n, nn_data(src), 1, add, nn_data(dst));
}

static bool sum_leading(nn_ctx *ctx, const nn_value *dst, const nn_value *src, bool add) {
  int lead = src->shape.ndim - dst->shape.ndim;
  for (int d = lead; d < src->shape.ndim; d++)
    if (dst->shape.dim[d - lead] != src->shape.dim[d]) return false;
  int64_t n = dst->numel, rows = n ? src->numel / n : 0;
  if (dst->dtype == NN_F32)
    nn_sum_cols_f32(ctx, rows, n, nn_data(src), 1, add, nn_data(dst));
  else
    nn_sum_cols_f64(ctx, rows, n, nn_data(src), 1, add, nn_data(dst));
  return true;
}

nn_status nn_sum_to(nn_ctx *ctx, const nn_value *dst, const nn_value *src, bool add) {
  nn_value moved, dense;
  nn_tensor *copy = NULL, *sum = NULL;
  nn_status st = NN_OK;
  if (nn_shape_equal(&dst->shape, &src->shape)) /* no sum at all, as in the gradients of views */
    return add ? nn_walk(ctx, same[dst->dtype], NULL, 2, (const nn_value *[]){dst, src},
                         NN_WALK_ADD | NN_WALK_FINISH)
               : nn_copy_into(ctx, dst, src);
  if (src->dense && dst->numel == 1) { /* everything into one place */
    sum_rows(ctx, dst, src, 1, add);
    return NN_OK;
  }
  if (src->dense && dst->dense && sum_leading(ctx, dst, src, add)) return NN_OK;
  int64_t rows = keep_first(dst, src, &moved);
  if (!moved.dense) {
    NN_GO(nn_tensor_new(ctx, src->dtype, &moved.shape, &copy));
    NN_GO(nn_copy_into(ctx, &copy->v, &moved));
    nn_value_copy(&dense, &copy->v);
  } else {
    nn_value_copy(&dense, &moved);
  }
  if (dst->dense) {
    sum_rows(ctx, dst, &dense, rows, add);
    goto done;
  }
  NN_GO(nn_tensor_new(ctx, dst->dtype, &dst->shape,
                      &sum)); /* a strided destination: sum beside it, then copy */
  if (add) NN_GO(nn_copy_into(ctx, &sum->v, dst));
  sum_rows(ctx, &sum->v, &dense, rows, add);
  NN_GO(nn_copy_into(ctx, dst, &sum->v));
done:
  nn_tensor_release(copy);
  nn_tensor_release(sum);
  return st;
}

#else

static void FN(same)(int64_t n, void *const *p, const void *attr) {
  (void)attr;
  memcpy(p[0], p[1], (size_t)n * sizeof(R));
}

/* A long block has four times as many lanes at first, as an addition takes as long as four can begin,
   and asks for memory far ahead: the processor's own prefetching ends at each page. */
NN_HOT static double FN(block)(int64_t n, const R *x) {
  enum { WIDE = 4 * LANES, LINE = 64 / sizeof(R), AHEAD = 1 << 14 };
  double lane[LANES] = {0};
  int64_t i = 0;
  if (n >= 4 * WIDE) {
    double wide[WIDE] = {0};
    for (; i + WIDE <= n; i += WIDE) {
      for (int l = 0; l < WIDE; l += LINE) __builtin_prefetch((const char *)(x + i + l) + AHEAD);
      for (int l = 0; l < WIDE; l++) wide[l] += (double)x[i + l];
    }
    for (int l = 0; l < LANES; l++)
      lane[l] = (wide[l] + wide[l + LANES]) + (wide[l + 2 * LANES] + wide[l + 3 * LANES]);
  }
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) lane[l] += (double)x[i + l];
  const int rest = (int)(n - i);
  for (int l = 0; l < LANES; l++) lane[l] += l < rest ? (double)x[i + l] : 0;
  return join(lane);
}

double FN(nn_total)(const nn_ctx *ctx, int64_t n, const R *x) {
  if (n <= BLOCK) return FN(block)(n, x);
  enum { GROUP = 256 };
  double total = 0, part[GROUP];
  for (int64_t at = 0; at < n; at += (int64_t)GROUP * BLOCK) {
    int64_t left = n - at, blocks = (left + BLOCK - 1) / BLOCK;
    int used = blocks < GROUP ? (int)blocks : GROUP;
#pragma omp parallel for num_threads(nn_threads_for(ctx, n)) schedule(static)
    for (int b = 0; b < used; b++) {
      int64_t from = (int64_t)b * BLOCK, len = left - from < BLOCK ? left - from : BLOCK;
      part[b] = FN(block)(len, x + at + from);
    }
    for (int b = 0; b < used; b++) total += part[b];
  }
  return total;
}

NN_HOT double FN(nn_products)(int64_t n, const R *x, const R *y) {
  double lane[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) lane[l] += (double)x[i + l] * (double)y[i + l];
  for (int l = 0; i < n; i++, l++) lane[l] += (double)x[i] * (double)y[i];
  return join(lane);
}

static void FN(rows)(const nn_ctx *ctx, int64_t rows, int64_t n, const R *x, double scale, bool add,
                     R *y) {
  for (int64_t r = 0; r < rows; r++) {
    double s = scale * FN(nn_total)(ctx, n, x + r * n);
    y[r] = add ? y[r] + (R)s : (R)s;
  }
}

void FN(nn_sum_rows)(const nn_ctx *ctx, int64_t rows, int64_t n, const R *x, double scale, bool add,
                     R *y) {
  int threads = rows > 1 && n <= BLOCK ? nn_threads_for(ctx, rows * n) : 1;
  if (threads == 1) { /* a parallel region costs more than a short sum, even with one thread */
    FN(rows)(ctx, rows, n, x, scale, add, y);
    return;
  }
  int64_t each = (rows + threads - 1) / threads;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int t = 0; t < threads; t++) {
    int64_t from = t * each, m = rows - from < each ? rows - from : each;
    if (m > 0) FN(rows)(ctx, m, n, x + from * n, scale, add, y + from);
  }
}

/* `wide` columns, a number that the compiler knows, so that their sums stay in registers. */
static inline __attribute__((always_inline)) void FN(some_columns)(const int wide, int64_t rows,
                                                                   int64_t stride, const R *x,
                                                                   double scale, bool add, R *y) {
  double sum[NARROW] = {0};
  for (int64_t r = 0; r < rows; r++, x += stride)
    for (int c = 0; c < wide; c++) sum[c] += (double)x[c];
  for (int c = 0; c < wide; c++) y[c] = add ? y[c] + (R)(scale * sum[c]) : (R)(scale * sum[c]);
}

NN_HOT static void FN(few_columns)(int64_t rows, int64_t stride, int64_t n, const R *x,
                                   double scale, bool add, R *y) {
  int64_t c = 0;
  for (; c + NARROW <= n; c += NARROW)
    FN(some_columns)(NARROW, rows, stride, x + c, scale, add, y + c);
  for (int w = NARROW / 2; w > 0; w /= 2) {
    if (c + w > n) continue;
    if (w == 8) FN(some_columns)(8, rows, stride, x + c, scale, add, y + c);
    if (w == 4) FN(some_columns)(4, rows, stride, x + c, scale, add, y + c);
    if (w == 2) FN(some_columns)(2, rows, stride, x + c, scale, add, y + c);
    if (w == 1) FN(some_columns)(1, rows, stride, x + c, scale, add, y + c);
    c += w;
  }
}

NN_HOT static void FN(columns)(int64_t rows, int64_t stride, int64_t n, const R *x, double scale,
                               bool add, R *y) {
  double sum[COLUMNS];
  for (int64_t c = 0; c < n; c++) sum[c] = 0;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < n; c++) sum[c] += (double)x[r * stride + c];
  for (int64_t c = 0; c < n; c++) y[c] = add ? y[c] + (R)(scale * sum[c]) : (R)(scale * sum[c]);
}

void FN(nn_sum_cols)(const nn_ctx *ctx, int64_t rows, int64_t n, const R *x, double scale, bool add,
                     R *y) {
  if (n <= FEW) {
    FN(few_columns)(rows, n, n, x, scale, add, y);
    return;
  }
  int64_t groups = (n + COLUMNS - 1) / COLUMNS;
  int threads = groups > 1 ? nn_threads_for(ctx, rows * n) : 1;
  if (threads == 1) {
    for (int64_t c = 0; c < n; c += COLUMNS)
      FN(columns)(rows, n, n - c < COLUMNS ? n - c : COLUMNS, x + c, scale, add, y + c);
    return;
  }
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t g = 0; g < groups; g++) {
    int64_t c = g * COLUMNS;
    FN(columns)(rows, n, n - c < COLUMNS ? n - c : COLUMNS, x + c, scale, add, y + c);
  }
}

/* By lanes, because only they are looked through several at a time, few of them in a short row. NaN is passed over: the sum of the
   exponentials, which is NaN then, carries it into every element. */
NN_HOT static R FN(row_max)(int64_t n, const R *x) {
  enum { WIDE = 64, FOUR = 4 };
  R lane[WIDE], four[FOUR], m = x[0];
  int64_t i = 0;
  if (n >= FOUR && n < WIDE) {
    for (int l = 0; l < FOUR; l++) four[l] = m;
    for (; i + FOUR <= n; i += FOUR)
      for (int l = 0; l < FOUR; l++) four[l] = x[i + l] > four[l] ? x[i + l] : four[l];
    for (int l = 0; l < FOUR; l++) m = four[l] > m ? four[l] : m;
  }
  if (n >= WIDE) {
    for (int l = 0; l < WIDE; l++) lane[l] = m;
    for (; i + WIDE <= n; i += WIDE)
      for (int l = 0; l < WIDE; l++) lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
    for (int l = 0; l < WIDE; l++) m = lane[l] > m ? lane[l] : m;
  }
  for (; i < n; i++) m = x[i] > m ? x[i] : m;
  return m;
}

/* y = e^(x - m); an infinite m would make NaN of a row that has a softmax: +inf has all the weight. */
static void FN(exp_row)(int64_t n, const R *x, R m, R *y) {
  if (m != (R)INFINITY) {
    FN(nn_v_exp_less)(n, x, m, y);
    return;
  }
  for (int64_t i = 0; i < n; i++) y[i] = x[i] == m ? 1 : isnan(x[i]) ? (R)NAN : 0;
}

NN_HOT static void FN(scale_row)(int64_t n, R a, R *y) {
  for (int64_t i = 0; i < n; i++) y[i] *= a;
}

/* y = e^(x - max) of every row; short rows go through the exponential together. */
static void FN(exp_rows)(int64_t rows, int64_t n, const R *x, R *y, double *max) {
  enum { SHORT = 64 };
  const bool together = n <= SHORT;
  for (int64_t r = 0; r < rows; r++) {
    const R m = FN(row_max)(n, x + r * n);
    max[r] = (double)m;
    for (int64_t i = r * n; together && i < (r + 1) * n; i++) y[i] = x[i] - m;
  }
  if (together) FN(nn_v_exp)(rows * n, y, y);
  for (int64_t r = 0; r < rows; r++)
    if (!together || max[r] == (double)INFINITY) FN(exp_row)(n, x + r * n, (R)max[r], y + r * n);
}

void FN(nn_softmax_logsum_rows)(int64_t rows, int64_t n, const R *x, R *y, double *max,
                                double *lse) {
  if (n == 0) {
    for (int64_t r = 0; r < rows; r++) max[r] = 0, lse[r] = -(double)INFINITY;
    return;
  }
  FN(exp_rows)(rows, n, x, y, max);
  for (int64_t r = 0; r < rows; r++) {
    lse[r] = FN(block)(n, y + r * n);
    FN(scale_row)(n, (R)(1 / lse[r]), y + r * n);
  }
  nn_v_log_f64(rows, lse, lse);
}

void FN(nn_softmax_row)(int64_t n, const R *x, R *y) {
  if (n == 0) return;
  FN(exp_row)(n, x, FN(row_max)(n, x), y);
  FN(scale_row)(n, (R)(1 / FN(block)(n, y)), y);
}

void FN(nn_logsum_row)(int64_t n, const R *x, double *max, double *lse) {
  enum { PIECE = 512 };
  R part[PIECE], m = n ? FN(row_max)(n, x) : 0;
  double sum = 0;
  for (int64_t at = 0; at < n; at += PIECE) {
    int64_t w = n - at < PIECE ? n - at : PIECE;
    FN(exp_row)(w, x + at, m, part);
    sum += FN(block)(w, part);
  }
  *max = (double)m;
  *lse = n > 0 ? log(sum) : -(double)INFINITY;
}

/* The bits of a number without its sign grow with it, and are above all others for NaN: so this is
   NaN when one is. */
NN_HOT double FN(nn_largest)(int64_t n, const void *p) {
  enum { WIDE = 64 }; /* several vectors, or each would wait for the one before */
  const R *x = p;
  FN(bits) lane[WIDE], most = 0, a;
  R result;
  int64_t i = 0;
  if (n >= WIDE) memset(lane, 0, sizeof lane);
  for (; i + WIDE <= n; i += WIDE)
    for (int l = 0; l < WIDE; l++) {
      memcpy(&a, &x[i + l], sizeof a);
      a = (FN(bits))(a << 1) >> 1;
      lane[l] = a > lane[l] ? a : lane[l];
    }
  for (int l = 0; n >= WIDE && l < WIDE; l++) most = lane[l] > most ? lane[l] : most;
  for (; i < n; i++) {
    memcpy(&a, &x[i], sizeof a);
    a = (FN(bits))(a << 1) >> 1;
    most = a > most ? a : most;
  }
  memcpy(&result, &most, sizeof result);
  return (double)result;
}

#endif
