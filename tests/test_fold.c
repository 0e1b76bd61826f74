/*
 * Reductions along an axis by pieces (kernel/fold.h): every layout against a plain loop, the same
 * bits with any number of threads, Ctrl-C; max and min (kernel/extreme.h) in four dtypes and the
 * variance (kernel/moments.h) on them.
 */
#include "kernel/fold.h"

#include "kernel/extreme.h"
#include "kernel/moments.h"
#include "nn_test.h"

/* ---- a reduction that notices what it was given: an order-dependent hash ---- */

static void piece(int64_t n, const void *x, const void *arg, void *state) {
  const double *v = x;
  nn_fold_state *s = state;
  (void)arg;
  s->whole[0] = n;
  s->real[1] = s->real[2] = 0;
  for (int64_t i = 0; i < n; i++) s->real[1] += v[i], s->real[2] += v[i] * (double)(i + 1);
}
static void join(void *into, int64_t m, const void *from, int64_t n) {
  nn_fold_state *a = into;
  const nn_fold_state *b = from;
  assert_int_equal(a->whole[0], m);
  assert_int_equal(b->whole[0], n);
  a->whole[0] += n;
  a->real[2] += b->real[2] + (double)m * b->real[1];
  a->real[1] += b->real[1];
}
static void end(const void *state, int64_t n, int64_t line, const void *out) {
  double *const *y = out;
  const nn_fold_state *s = state;
  (*y)[2 * line] = s->whole[0] == n ? s->real[1] : (double)NAN;
  (*y)[2 * line + 1] = s->real[2];
}

static const nn_axis axes[] = {
  {1, 1, 1},    {1, 0, 1},      {3, 0, 4},      {0, 5, 1},      {7, 5, 1},      {2, 4096, 1},
  {2, 4097, 1}, {1, 131072, 1}, {1, 400001, 1}, {2, 131073, 1}, {300, 1000, 1}, {1, 7, 2},
  {3, 255, 15}, {2, 256, 16},   {2, 257, 17},   {2, 1000, 33},  {5, 3, 7000},   {1, 20000, 3},
};

static double *numbers(int64_t n, uint64_t seed) {
  double *x = malloc((size_t)(n + 1) * sizeof *x);
  assert_non_null(x);
  for (int64_t i = 0; i < n; i++) x[i] = (double)t_int(&seed, -1000, 1000);
  return x;
}

static void layouts(void **state) {
  nn_ctx *ctx = *state;
  static const nn_fold fold = {sizeof(double), piece, join, end};
  for (size_t k = 0; k < COUNT(axes); k++) {
    const nn_axis *a = &axes[k];
    int64_t lines = a->outer * a->inner;
    double *x = numbers(lines * a->n, k), *y = calloc((size_t)lines * 2 + 1, sizeof *y);
    for (ctx->threads = 1; ctx->threads <= 4; ctx->threads += 3) {
      OK(nn_fold_along(ctx, &fold, a, x, NULL, &y));
      for (int64_t line = 0; line < lines; line++) {
        double sum = 0, weighted = 0; /* whole numbers: exact in any order */
        for (int64_t i = 0; i < a->n; i++) {
          double v = x[(line / a->inner * a->n + i) * a->inner + line % a->inner];
          sum += v, weighted += v * (double)(i + 1);
        }
        if (y[2 * line] != sum || y[2 * line + 1] != weighted)
          fail_msg("axis %zu, line %lld, %d threads", k, (long long)line, ctx->threads);
      }
    }
    free(x), free(y);
  }
}

static void interrupt(void **state) {
  nn_ctx *ctx = *state;
  static const nn_fold fold = {sizeof(double), piece, join, end};
  for (size_t k = 0; k < COUNT(axes); k++) {
    int64_t lines = axes[k].outer * axes[k].inner;
    double *x = numbers(lines * axes[k].n, k), *y = calloc((size_t)lines * 2 + 1, sizeof *y);
    nn_interrupted = 1;
    nn_status st = nn_fold_along(ctx, &fold, &axes[k], x, NULL, &y);
    nn_interrupted = 0;
    assert_int_equal(st, lines > 0 ? NN_EINTR : NN_OK);
    free(x), free(y);
  }
}

/* ---- max and min ---- */

typedef struct array {
  nn_dtype dtype;
  char *data;
} array;

static double at(const array *x, int64_t i) {
  switch (x->dtype) {
    case NN_F32: return (double)((const float *)(const void *)x->data)[i];
    case NN_F64: return ((const double *)(const void *)x->data)[i];
    case NN_I64: return (double)((const int64_t *)(const void *)x->data)[i];
    case NN_U8: return ((const uint8_t *)x->data)[i];
  }
  return 0;
}
static void put(const array *x, int64_t i, double v) {
  switch (x->dtype) {
    case NN_F32: ((float *)(void *)x->data)[i] = (float)v; break;
    case NN_F64: ((double *)(void *)x->data)[i] = v; break;
    case NN_I64: ((int64_t *)(void *)x->data)[i] = (int64_t)v; break;
    case NN_U8: ((uint8_t *)x->data)[i] = (uint8_t)v; break;
  }
}
static array new_array(nn_dtype dtype, int64_t n) {
  array x = {dtype, calloc((size_t)n + 1, nn_dtype_size(dtype))};
  assert_non_null(x.data);
  return x;
}

/* Few different values, so that there are ties; NaN here and there. */
static void scatter_values(const array *x, int64_t n, bool nans, uint64_t seed) {
  bool real = nn_is_real(x->dtype);
  double low = x->dtype == NN_U8 ? 0 : -100, odd[] = {INFINITY, -INFINITY, -0.0, 0};
  for (int64_t i = 0; i < n; i++) {
    put(x, i, (double)t_int(&seed, (int64_t)low, 100));
    if (real && t_int(&seed, 0, 99) == 0) put(x, i, odd[t_int(&seed, 0, 3)]);
    if (real && nans && t_int(&seed, 0, 999) == 0) put(x, i, NAN);
  }
}

static int64_t first_best(const array *x, const nn_axis *a, int64_t line, bool least) {
  int64_t base = line / a->inner * a->n * a->inner + line % a->inner, best = 0;
  for (int64_t i = 1; i < a->n; i++) {
    double v = at(x, base + i * a->inner), top = at(x, base + best * a->inner);
    if (!isnan(top) && (isnan(v) || (least ? v < top : v > top))) best = i;
  }
  return best;
}

static void check_extremes(nn_ctx *ctx, const nn_axis *a, nn_dtype dtype, bool least, bool nans) {
  int64_t lines = a->outer * a->inner;
  array x = new_array(dtype, lines * a->n), v = new_array(dtype, lines);
  int64_t *place = calloc((size_t)lines + 1, sizeof *place);
  scatter_values(&x, lines * a->n, nans, (uint64_t)a->n);
  OK(nn_extreme_along(ctx, dtype, least, a, x.data, v.data, place));
  for (int64_t line = 0; line < lines; line++) {
    int64_t want = first_best(&x, a, line, least);
    int64_t from = (line / a->inner * a->n + want) * a->inner + line % a->inner;
    if (place[line] != want + 1 || !t_same_bits(at(&v, line), at(&x, from)))
      fail_msg("%s, line %lld of %lldx%lldx%lld: %lld, not %lld", nn_dtype_name(dtype),
               (long long)line, (long long)a->outer, (long long)a->n, (long long)a->inner,
               (long long)place[line], (long long)want + 1);
  }
  OK(nn_extreme_along(ctx, dtype, least, a, x.data, NULL, NULL));
  free(x.data), free(v.data), free(place);
}

static void extremes(void **state) {
  for (size_t k = 0; k < COUNT(axes); k++)
    for (int d = 0; d < NN_NDTYPE && axes[k].n > 0; d++)
      for (int way = 0; way < 4; way++)
        check_extremes(*state, &axes[k], (nn_dtype)d, way % 2, way / 2);
}

/* ---- variance ---- */

static void check_variance(nn_ctx *ctx, const nn_axis *a, double offset) {
  int64_t lines = a->outer * a->inner;
  double *x = numbers(lines * a->n, 3), *mean = calloc((size_t)lines + 1, sizeof *mean);
  double *y = calloc((size_t)lines + 1, sizeof *y);
  for (int64_t i = 0; i < lines * a->n; i++) x[i] += offset;
  OK(nn_variance_f64(ctx, a, x, true, false, mean, y));
  for (int64_t line = 0; line < lines; line++) {
    const double *p = x + line / a->inner * a->n * a->inner + line % a->inner;
    long double sum = 0, squares = 0, n = a->n;
    for (int64_t i = 0; i < a->n; i++) sum += p[i * a->inner];
    for (int64_t i = 0; i < a->n; i++)
      squares += (p[i * a->inner] - sum / n) * (p[i * a->inner] - sum / n);
    double want = a->n > 1 ? (double)(squares / (n - 1)) : (double)NAN;
    if (isnan(want) ? !isnan(y[line]) : fabs(y[line] - want) > 1e-13 * want)
      fail_msg("variance of %lld: %.17g, not %.17g", (long long)a->n, y[line], want);
    if (a->n > 0) NEAR(mean[line], (double)(sum / n), 1e-13 * (1000 + offset));
  }
  free(x), free(y), free(mean);
}

static void variance(void **state) {
  /* valgrind computes long double in 64 bits, so the reference itself would be wrong there. */
  if (getenv("NN_VALGRIND")) skip();
  for (size_t k = 0; k < COUNT(axes); k++) check_variance(*state, &axes[k], k % 2 ? 1e6 : 0);
}

/* The same bits with one thread and with five. */
static void threads(void **state) {
  nn_ctx *ctx = *state;
  const nn_axis a = {1, 500001, 1};
  double *x = numbers(a.n, 8), mean[2], y[2];
  for (int64_t i = 0; i < a.n; i++) x[i] = sin(x[i]);
  for (int k = 0; k < 2; k++) {
    ctx->threads = k ? 5 : 1;
    OK(nn_variance_f64(ctx, &a, x, false, true, &mean[k], &y[k]));
  }
  assert_true(t_same_bits(mean[0], mean[1]) && t_same_bits(y[0], y[1]));
  free(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(layouts), TEST(interrupt), TEST(extremes), TEST(variance),
                                     TEST(threads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
