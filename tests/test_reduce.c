/*
 * Sums along rows, columns and axes, softmax (kernel/reduce.h, along.h), and the sums that undo
 * broadcasting (nn_sum_to): against exact values, and with any number of threads the same bits.
 */
#include "kernel/along.h"
#include "kernel/reduce.h"
#include "nn_test.h"

/* Whole numbers in two arrays, one of each dtype; their sums are exact in any order. */
static void whole_numbers(int64_t n, float *f, double *d, uint64_t seed) {
  for (int64_t i = 0; i < n; i++) f[i] = (float)(d[i] = (double)t_int(&seed, -20, 20));
}

static void totals(void **state) {
  nn_ctx *ctx = *state;
  enum { MOST = 1100000 };
  static const int64_t sizes[] = {0,  1,    2,     15,    16,    17,     31,
                                  33, 1000, 65535, 65536, 65537, 300000, MOST};
  float *f = calloc(MOST, sizeof *f);
  double *d = calloc(MOST, sizeof *d);
  whole_numbers(MOST, f, d, 1);
  for (size_t k = 0; k < COUNT(sizes); k++) {
    double want = 0;
    for (int64_t i = 0; i < sizes[k]; i++) want += d[i];
    for (ctx->threads = 1; ctx->threads <= 3; ctx->threads++) {
      assert_true(nn_total_f32(ctx, sizes[k], f) == want);
      assert_true(nn_total_f64(ctx, sizes[k], d) == want);
    }
  }
  uint64_t seed = 2; /* rounding: near the truth, and the same with any number of threads */
  long double truth = 0, truth32 = 0, all = 0;
  for (int64_t i = 0; i < MOST; i++) {
    d[i] = (t_unit(&seed) - 0.4) * pow(10, (double)t_int(&seed, -6, 6));
    f[i] = (float)d[i];
    truth += d[i], truth32 += f[i], all += fabsl(d[i]);
  }
  double first[2] = {0};
  for (ctx->threads = 1; ctx->threads <= 3; ctx->threads++) {
    double a = nn_total_f64(ctx, MOST, d), b = nn_total_f32(ctx, MOST, f);
    NEAR(a, (double)truth, (double)all * 1e-14);
    NEAR(b, (double)truth32, (double)all * 1e-14);
    if (ctx->threads == 1) first[0] = a, first[1] = b;
    assert_true(t_same_bits(a, first[0]) && t_same_bits(b, first[1]));
  }
  free(f), free(d);
}

/* ---- rows and columns ---- */

typedef struct matrix {
  int64_t rows, n;
  float *f;
  double *d;
} matrix;

static void check_lines(nn_ctx *ctx, const matrix *m, bool rows, bool add) {
  int64_t lines = rows ? m->rows : m->n, size = (lines + 1);
  float *yf = calloc((size_t)size, sizeof *yf);
  double *yd = calloc((size_t)size, sizeof *yd);
  for (int64_t i = 0; i < lines; i++)
    yf[i] = (float)(yd[i] = add ? 5 : NAN); /* NaN: not to be read */
  if (rows) {
    nn_sum_rows_f32(ctx, m->rows, m->n, m->f, 0.5, add, yf);
    nn_sum_rows_f64(ctx, m->rows, m->n, m->d, 0.5, add, yd);
  } else {
    nn_sum_cols_f32(ctx, m->rows, m->n, m->f, 0.5, add, yf);
    nn_sum_cols_f64(ctx, m->rows, m->n, m->d, 0.5, add, yd);
  }
  for (int64_t i = 0; i < lines; i++) {
    double want = 0;
    for (int64_t k = 0; k < (rows ? m->n : m->rows); k++)
      want += m->d[rows ? i * m->n + k : k * m->n + i];
    want = (add ? 5 : 0) + want / 2;
    if ((double)yf[i] != want || yd[i] != want)
      fail_msg("%s %lld of %lldx%lld", rows ? "row" : "column", (long long)i, (long long)m->rows,
               (long long)m->n);
  }
  assert_true(yf[lines] == 0 && yd[lines] == 0);
  free(yf), free(yd);
}

static void lines(void **state) {
  nn_ctx *ctx = *state;
  static const int64_t sizes[][2] = {{0, 3},     {3, 0},      {1, 1},     {7, 5},
                                     {300, 2},   {2, 300},    {40, 257},  {3, 70000},
                                     {70000, 3}, {600, 1000}, {1, 200000}};
  for (size_t k = 0; k < COUNT(sizes); k++) {
    matrix m = {sizes[k][0], sizes[k][1], NULL, NULL};
    size_t n = (size_t)(m.rows * m.n) + 1;
    m.f = calloc(n, sizeof *m.f);
    m.d = calloc(n, sizeof *m.d);
    whole_numbers((int64_t)n, m.f, m.d, k);
    for (int form = 0; form < 8; form++) {
      ctx->threads = form & 4 ? 2 : 1;
      check_lines(ctx, &m, form & 1, form & 2);
    }
    free(m.f), free(m.d);
  }
}

/* Few columns, as many of them as have a way of their own and more. */
static void narrow_lines(void **state) {
  nn_ctx *ctx = *state;
  enum { ROWS = 9, MOST = 70 };
  float f[ROWS * MOST + 1];
  double d[ROWS * MOST + 1];
  whole_numbers(ROWS * MOST + 1, f, d, 5);
  for (int64_t rows = 1; rows <= ROWS; rows++)
    for (int64_t n = 1; n <= MOST; n++) {
      const matrix m = {rows, n, f, d};
      for (int form = 0; form < 4; form++) check_lines(ctx, &m, form & 1, form & 2);
    }
}

static void along_axes(void **state) {
  nn_ctx *ctx = *state;
  static const nn_axis axes[] = {{1, 24, 1}, {6, 4, 1}, {1, 6, 4},  {2, 3, 4},
                                 {4, 1, 6},  {3, 0, 2}, {1, 5, 300}};
  float f[2000], sf[2000];
  double d[2000], sd[2000];
  for (size_t k = 0; k < COUNT(axes); k++) {
    const nn_axis *a = &axes[k];
    int64_t kept = a->outer * a->inner, all = kept * a->n;
    whole_numbers(all, f, d, k);
    nn_sum_along_f32(ctx, a, f, 3, sf);
    nn_sum_along_f64(ctx, a, d, 3, sd);
    for (int64_t i = 0; i < kept; i++) {
      double want = 0;
      for (int64_t j = 0; j < a->n; j++)
        want += d[(i / a->inner * a->n + j) * a->inner + i % a->inner];
      assert_true((double)sf[i] == 3 * want && sd[i] == 3 * want);
    }
    for (int add = 0; add < 2; add++) {
      for (int64_t i = 0; i < all; i++) f[i] = (float)(d[i] = add ? 7 : NAN);
      nn_spread_along_f32(a, sf, 2, add, f);
      nn_spread_along_f64(a, sd, 2, add, d);
      for (int64_t i = 0; i < all; i++) {
        int64_t from = i / (a->n * a->inner) * a->inner + i % a->inner;
        assert_true(d[i] == (add ? 7 : 0) + 2 * sd[from] && (double)f[i] == d[i]);
      }
    }
  }
}

/* ---- the sums that undo broadcasting ---- */

/* Sizes that broadcast to s: some made 1, leading ones left out. */
static nn_shape narrower(const nn_shape *s, uint64_t *seed) {
  nn_shape t = {.ndim = (int)t_int(seed, 0, s->ndim)};
  for (int i = 0; i < t.ndim; i++) {
    int64_t d = s->dim[s->ndim - t.ndim + i];
    t.dim[i] = t_int(seed, 0, 2) == 0 ? 1 : d;
  }
  return t;
}

/* A tensor of whole numbers; `strided`: every other element of its storage, transposed where 2-d.
 */
static nn_tensor *numbers(nn_ctx *ctx, nn_dtype dtype, const nn_shape *s, bool strided,
                          uint64_t *seed) {
  nn_tensor *whole, *view;
  nn_value v;
  nn_value_set(&v, dtype, s);
  if (strided) {
    int64_t step = 2;
    for (int i = 0; i < s->ndim; i++) v.stride[i] = step, step *= s->dim[i] > 0 ? s->dim[i] : 1;
    v.offset = 1;
    nn_value_settle(&v);
  }
  nn_shape flat = nn_shape_1(2 * v.numel + 2);
  OK(nn_tensor_new(ctx, dtype, &flat, &whole));
  for (int64_t i = 0; i < flat.dim[0]; i++) t_set(whole, i, (double)t_int(seed, -9, 9));
  v.storage = whole->v.storage;
  OK(nn_tensor_view(ctx, &v, &view));
  nn_tensor_release(whole);
  return view;
}

static void check_sum_to(nn_ctx *ctx, const nn_tensor *dst, const nn_value *src, bool add) {
  nn_tensor *want;
  nn_value wide;
  OK(nn_tensor_new(ctx, NN_F64, &dst->v.shape, &want));
  for (int64_t i = 0; i < want->v.numel; i++) t_set(want, i, add ? t_get(dst, i) : 0);
  nn_value_expand(&wide, &want->v, &src->shape);
  for (int64_t i = 0; i < src->numel; i++)
    ((double *)nn_data(&want->v))[t_place(&wide, i)] += nn_value_real_at(src, t_place(src, i));
  if (!add) /* its contents are void */
    for (int64_t i = 0; i < dst->v.numel; i++) t_set(dst, i, NAN);
  OK(nn_sum_to(ctx, &dst->v, src, add));
  for (int64_t i = 0; i < dst->v.numel; i++)
    if (t_get(dst, i) != t_get(want, i)) {
      nn_text a, b;
      fail_msg("%s summed to %s: %g, not %g", nn_shape_text(&a, &src->shape),
               nn_value_text(&b, &dst->v), t_get(dst, i), t_get(want, i));
    }
  nn_tensor_release(want);
}

static void sums_to(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 3;
  for (int round = 0; round < 4000; round++) {
    nn_dtype dtype = round & 1 ? NN_F64 : NN_F32;
    nn_shape s = {.ndim = (int)t_int(&seed, 0, 4)};
    for (int i = 0; i < s.ndim; i++) s.dim[i] = t_int(&seed, 0, 12) == 0 ? 0 : t_int(&seed, 1, 5);
    nn_shape to = narrower(&s, &seed);
    nn_tensor *dst = numbers(ctx, dtype, &to, round & 2, &seed);
    nn_tensor *src = numbers(ctx, dtype, &s, round & 4, &seed);
    nn_value v;
    nn_value_copy(&v, &src->v);
    if (round & 8 && v.shape.ndim) { /* a gradient that was itself repeated */
      v.stride[t_int(&seed, 0, v.shape.ndim - 1)] = 0;
      nn_value_settle(&v);
    }
    check_sum_to(ctx, dst, &v, round & 16);
    nn_tensor_release(dst), nn_tensor_release(src);
  }
}

static void sums_far(void **state) {
  nn_ctx *ctx = *state;
  static const char *const pairs[][2] = {{"300000", "s"},      {"600x700", "700"},
                                         {"600x700", "600x1"}, {"70x80x90", "80x1"},
                                         {"70x80x90", "1x90"}, {"2x300000", "2x1"}};
  for (size_t k = 0; k < COUNT(pairs); k++) {
    nn_tensor *src = t_random(ctx, NN_F32, pairs[k][0], -1, 1, k), *dst[2];
    for (int t = 0; t < 2; t++) {
      ctx->threads = t + 1;
      dst[t] = t_new(ctx, NN_F32, pairs[k][1]);
      OK(nn_sum_to(ctx, &dst[t]->v, &src->v, false));
    }
    assert_true(t_equal(dst[0], dst[1]));
    nn_tensor_release(src), nn_tensor_release(dst[0]), nn_tensor_release(dst[1]);
  }
}

/* ---- softmax ---- */

static void softmax(void **state) {
  (void)state;
  static const double shift[] = {0, 1e4, -1e4, 1e30, 700, -745};
  double x[600], y[600], max, lse;
  float xf[600], yf[600];
  for (int64_t n = 1; n <= 600; n += n < 40 ? 1 : 131)
    for (size_t k = 0; k < COUNT(shift); k++) {
      uint64_t seed = (uint64_t)n;
      long double sum = 0;
      for (int64_t i = 0; i < n; i++) {
        x[i] = shift[k] + (t_unit(&seed) - 0.5) * 20;
        xf[i] = (float)x[i];
      }
      nn_softmax_row_f64(n, x, y);
      nn_softmax_row_f32(n, xf, yf);
      nn_logsum_row_f64(n, x, &max, &lse);
      for (int64_t i = 0; i < n; i++) sum += expl((long double)x[i] - max);
      double total = 0, total32 = 0;
      for (int64_t i = 0; i < n; i++) {
        NEAR(y[i], (double)(expl((long double)x[i] - max) / sum), 1e-15);
        total += y[i], total32 += (double)yf[i];
        assert_true(x[i] <= max);
      }
      NEAR(total, 1, 1e-13);
      NEAR(total32, 1, 1e-6);
      NEAR(lse, (double)logl(sum), 1e-14 * (1 + fabs(lse)));
      nn_softmax_row_f64(n, x, x); /* in place */
      assert_memory_equal(x, y, (size_t)n * sizeof *x);
    }
}

/* A NaN is seen in the whole row; an infinite score has all the weight; nothing is not touched. */
static void softmax_ends(void **state) {
  (void)state;
  double nan_row[3] = {1, NAN, 2}, inf_row[3] = {1, INFINITY, 2},
         low[3] = {-INFINITY, 0, -INFINITY};
  double y[3] = {7, 7, 7};
  float f[3] = {INFINITY, 3, INFINITY};
  nn_softmax_row_f64(0, NULL, y);
  assert_true(y[0] == 7);
  nn_softmax_row_f64(3, nan_row, y);
  for (int i = 0; i < 3; i++) assert_true(isnan(y[i]));
  nn_softmax_row_f64(3, inf_row, y);
  assert_true(y[0] == 0 && y[1] == 1 && y[2] == 0);
  nn_softmax_row_f64(3, low, y);
  assert_true(y[0] == 0 && y[1] == 1 && y[2] == 0);
  nn_softmax_row_f32(3, f, f);
  assert_true(f[0] == 0.5f && f[1] == 0 && f[2] == 0.5f);
}

/* Rows together give the bits of rows alone, whatever the others hold. */
static void softmax_rows(void **state) {
  (void)state;
  enum { ROWS = 5, MOST = 70 };
  double x[ROWS * MOST], y[ROWS * MOST], alone[MOST], max[ROWS], lse[ROWS], m, l;
  uint64_t seed = 3;
  for (int64_t n = 1; n <= MOST; n++) {
    for (int64_t i = 0; i < ROWS * n; i++) x[i] = (t_unit(&seed) - 0.5) * 40;
    x[n] = (double)INFINITY;
    x[2 * n] = -(double)INFINITY;
    x[4 * n - 1] = (double)NAN;
    nn_softmax_logsum_rows_f64(ROWS, n, x, y, max, lse);
    for (int64_t r = 0; r < ROWS; r++) {
      nn_softmax_row_f64(n, x + r * n, alone);
      nn_logsum_row_f64(n, x + r * n, &m, &l);
      for (int64_t i = 0; i < n; i++) assert_true(t_same_bits(alone[i], y[r * n + i]));
      assert_true(t_same_bits(m, max[r]));
      if (isfinite(l))
        NEAR(lse[r], l, 1e-14 * (1 + fabs(l)));
      else
        assert_true(isnan(l) ? isnan(lse[r]) : l == lse[r]);
    }
  }
  nn_softmax_logsum_rows_f64(2, 0, x, y, max, lse);
  assert_true(max[1] == 0 && lse[1] == -(double)INFINITY);
}

static void products(void **state) {
  enum { MOST = 100 };
  float f[2][MOST];
  double d[2][MOST];
  (void)state;
  whole_numbers(MOST, f[0], d[0], 8);
  whole_numbers(MOST, f[1], d[1], 9);
  double want = 0;
  for (int n = 0; n < MOST; n++) {
    assert_true(nn_products_f32(n, f[0], f[1]) == want);
    assert_true(nn_products_f64(n, d[0], d[1]) == want);
    want += d[0][n] * d[1][n];
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(totals),   TEST(lines),   TEST(narrow_lines), TEST(along_axes),   TEST(sums_to),
    TEST(sums_far), TEST(softmax), TEST(softmax_ends), TEST(softmax_rows), TEST(products)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
