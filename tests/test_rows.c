/*
 * tests/test_rows.c: what datasets do with rows, against loops that do it element by element: all
 * dtypes, dense and strided, one thread and several, each allocation failing in turn.
 */
#include "kernel/rows.h"
#include "nn_test.h"

enum { ROWS = 40000, THREADS = 4 };

/* ---- gathering ---- */

/* "6x4x3" of different numbers; `strided`: a view with every other element of a larger one, its last
   two dimensions exchanged. */
static nn_tensor *numbers(nn_ctx *ctx, nn_dtype dtype, const char *shape, bool strided) {
  nn_tensor *t = t_new(ctx, dtype, shape), *view;
  for (int64_t i = 0; i < t->v.numel; i++) t_set(t, i, (double)(i % 251));
  if (!strided) return t;
  view = t_call(ctx, "transpose", "-1, -2", t, NULL);
  nn_tensor_release(t);
  t = t_call(ctx, "narrow", "2, 2, 2", view, NULL);
  nn_tensor_release(view);
  return t;
}

static void check_gather(nn_ctx *ctx, const nn_tensor *x, const int64_t *index, int64_t first,
                         int64_t n) {
  int64_t rows = x->v.shape.dim[0], width = x->v.numel / rows;
  nn_tensor *y;
  OK(nn_rows_gather(ctx, "take", &x->v, index, first, n, &y));
  assert_true(y->v.dense);
  assert_int_equal(y->v.shape.dim[0], n);
  for (int64_t i = 0; i < n; i++) {
    int64_t row = !index ? first - 1 + i : index[i] > 0 ? index[i] - 1 : rows + index[i];
    for (int64_t c = 0; c < width; c++)
      assert_true(t_get(y, i * width + c) == t_get(x, row * width + c));
  }
  nn_tensor_release(y);
}

static void test_gather(void **state) {
  nn_ctx *ctx = *state;
  const int64_t index[] = {3, -1, 1, 1, 6, -6};
  for (nn_dtype d = NN_F32; d <= NN_U8; d++)
    for (int strided = 0; strided < 2; strided++) {
      nn_tensor *x = numbers(ctx, d, "6x4x3", strided);
      assert_true(x->v.dense == !strided);
      check_gather(ctx, x, index, 0, COUNT(index));
      check_gather(ctx, x, NULL, 2, 4);
      check_gather(ctx, x, NULL, 7, 0);
      nn_tensor_release(x);
    }
}

/* Columns of a table: rows lie apart, but their elements side by side, or not at all. */
static void test_gather_columns(void **state) {
  nn_ctx *ctx = *state;
  const int64_t index[] = {2, 5, -2};
  nn_tensor *x = numbers(ctx, NN_F64, "5x7", false);
  nn_tensor *part = t_call(ctx, "narrow", "2, 3, 4", x, NULL);
  nn_tensor *flipped = t_call(ctx, "transpose", "1, 2", x, NULL);
  check_gather(ctx, part, index, 0, 3);
  check_gather(ctx, flipped, index, 0, 3);
  check_gather(ctx, flipped, NULL, 4, 4);
  nn_tensor_release(flipped);
  nn_tensor_release(part);
  nn_tensor_release(x);
}

static void test_gather_threads(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *x = t_random(ctx, NN_F32, "40000x9", -1, 1, 5), *one, *many;
  int64_t *index = malloc(ROWS * sizeof *index);
  uint64_t seed = 9;
  assert_non_null(index);
  for (int64_t i = 0; i < ROWS; i++) index[i] = t_int(&seed, 1, ROWS);
  ctx->threads = 1;
  OK(nn_rows_gather(ctx, "take", &x->v, index, 0, ROWS, &one));
  ctx->threads = THREADS;
  OK(nn_rows_gather(ctx, "take", &x->v, index, 0, ROWS, &many));
  assert_true(t_equal(one, many));
  free(index);
  nn_tensor_release(one);
  nn_tensor_release(many);
  nn_tensor_release(x);
}

static void test_gather_refuses(void **state) {
  nn_ctx *ctx = *state;
  const int64_t zero[] = {1, 0}, far[] = {7}, below[] = {1, 2, -7}, least[] = {INT64_MIN};
  nn_tensor *x = numbers(ctx, NN_F32, "6x4", false), *s = t_full(ctx, NN_F32, "s", 1);
  nn_tensor *y = x;
  FAILS(nn_rows_gather(ctx, "take", &x->v, zero, 0, 2, &y), NN_EINDEX,
        "take: index 2 must be a row number in 1..6, got 0");
  assert_null(y);
  FAILS(nn_rows_gather(ctx, "take", &x->v, far, 0, 1, &y), NN_EINDEX, "index 1 must be a row");
  FAILS(nn_rows_gather(ctx, "take", &x->v, below, 0, 3, &y), NN_EINDEX, "got -7");
  FAILS(nn_rows_gather(ctx, "take", &x->v, least, 0, 1, &y), NN_EINDEX, "-9223372036854775808");
  FAILS(nn_rows_gather(ctx, "take", &x->v, NULL, 5, 3, &y), NN_EINDEX,
        "take: rows 5 to 7 leave 1..6");
  FAILS(nn_rows_gather(ctx, "take", &x->v, NULL, 0, 1, &y), NN_EINDEX, "rows 0 to 0 leave");
  FAILS(nn_rows_gather(ctx, "take", &s->v, NULL, 1, 1, &y), NN_ESHAPE, "has no rows");
  nn_tensor_release(s);
  nn_tensor_release(x);
}

static void test_gather_memory(void **state) {
  nn_ctx *ctx = *state;
  const int64_t index[] = {2, 1};
  for (int strided = 0; strided < 2; strided++) {
    nn_tensor *x = numbers(ctx, NN_F32, "6x4x3", strided), *y = NULL;
    size_t live = ctx->mem.live;
    nn_status st = NN_ENOMEM;
    for (int64_t n = 0; st == NN_ENOMEM; n++) {
      assert_true(n < 20);
      ctx->mem.fail_in = n;
      st = nn_rows_gather(ctx, "take", &x->v, index, 0, 2, &y);
      ctx->mem.fail_in = -1;
      if (st == NN_ENOMEM) assert_null(y);
      if (st == NN_ENOMEM) assert_int_equal(ctx->mem.live, live);
    }
    OK(st);
    nn_tensor_release(y);
    nn_tensor_release(x);
  }
}

/* ---- dealing ---- */

static void test_codes(void **state) {
  (void)state;
  const int64_t sorted[] = {-4, 0, 7, INT64_MAX}, x[] = {7, 1, -4, INT64_MAX, INT64_MIN, 0};
  int64_t places[COUNT(x)];
  nn_rows_codes(COUNT(x), x, COUNT(sorted), sorted, places);
  const int64_t want[] = {3, 0, 1, 4, 0, 2};
  assert_memory_equal(places, want, sizeof want);
  nn_rows_codes(COUNT(x), x, 0, sorted, places);
  for (size_t i = 0; i < COUNT(x); i++) assert_int_equal(places[i], 0);
}

static void test_deal(void **state) {
  nn_ctx *ctx = *state;
  const int64_t order[] = {6, 2, 4, 1, 5, 3}, group[] = {1, 1, 2, 2, 2, 1};
  int64_t out[6], counts[] = {1, 2, 2, 1}, all[] = {2, 0, 4};
  OK(nn_rows_deal(ctx, 6, order, group, 2, 2, counts, out));
  /* group 1 in order: 6 2 1; group 2: 4 5 3 */
  const int64_t want[] = {6, 4, 5, 2, 1, 3};
  assert_memory_equal(out, want, sizeof want);
  OK(nn_rows_deal(ctx, 6, order, NULL, 1, 3, all, out)); /* a part of none */
  assert_memory_equal(out, order, sizeof order);
}

static void test_deal_refuses(void **state) {
  nn_ctx *ctx = *state;
  const int64_t order[] = {1, 2, 3}, group[] = {1, 2, 1}, strange[] = {1, 3, 1},
                twice[] = {1, 4, 2};
  static const int64_t bad[][4] = {
    {2, 0, 1, 1}, {1, 0, 1, 0}, {3, 0, 0, 0}, {-1, 3, 1, 0}, {INT64_MAX, 1, 1, 1}};
  int64_t out[3], counts[4];
  for (size_t i = 0; i < COUNT(bad); i++) {
    memcpy(counts, bad[i], sizeof counts);
    FAILS(nn_rows_deal(ctx, 3, order, group, 2, 2, counts, out), NN_EVALUE, "do not add up");
  }
  const int64_t good[] = {1, 1, 1, 0};
  memcpy(counts, good, sizeof counts);
  FAILS(nn_rows_deal(ctx, 3, order, strange, 2, 2, counts, out), NN_EVALUE, "do not add up");
  memcpy(counts, good, sizeof counts);
  FAILS(nn_rows_deal(ctx, 3, twice, group, 2, 2, counts, out), NN_EVALUE, "do not add up");
  memcpy(counts, good, sizeof counts);
  ctx->mem.fail_in = 0;
  FAILS(nn_rows_deal(ctx, 3, order, group, 2, 2, counts, out), NN_ENOMEM, NULL);
  ctx->mem.fail_in = -1;
  assert_memory_equal(counts, good, sizeof good); /* nothing is used up */
}

/* ---- equal rows ---- */

static bool equal_rows(const nn_tensor *a, int64_t i, const nn_tensor *b, int64_t j,
                       int64_t width) {
  for (int64_t c = 0; c < width; c++) {
    double x = t_get(a, i * width + c), y = t_get(b, j * width + c);
    if (x != y && !(isnan(x) && isnan(y))) return false;
  }
  return true;
}

/* By comparing each with each. */
static void check_match(nn_ctx *ctx, const nn_tensor *x, const nn_tensor *other) {
  int64_t n = x->v.shape.dim[0], width = x->v.numel / n, place[64];
  assert_true(n <= (int64_t)COUNT(place));
  OK(nn_rows_match(ctx, &x->v, other ? &other->v : NULL, place));
  for (int64_t i = 0; i < n; i++) {
    int64_t want = 0, held = other ? other->v.shape.dim[0] : i;
    for (int64_t j = 0; j < held && want == 0; j++)
      if (equal_rows(x, i, other ? other : x, j, width)) want = j + 1;
    assert_int_equal(place[i], want);
  }
}

static void test_match(void **state) {
  nn_ctx *ctx = *state;
  static const double few[] = {0, -0.0, 1, NAN, -NAN, INFINITY};
  for (nn_dtype d = NN_F32; d <= NN_U8; d++)
    for (uint64_t seed = 1; seed < 20; seed++) {
      uint64_t bits = seed;
      nn_tensor *x = t_new(ctx, d, "60x2"), *other = t_new(ctx, d, "35x2");
      int64_t most = nn_is_real(d) ? COUNT(few) - 1 : 2;
      for (int64_t i = 0; i < x->v.numel; i++) t_set(x, i, few[t_int(&bits, 0, most)]);
      for (int64_t i = 0; i < other->v.numel; i++) t_set(other, i, few[t_int(&bits, 0, most)]);
      check_match(ctx, x, NULL);
      check_match(ctx, x, other);
      nn_tensor_release(x);
      nn_tensor_release(other);
    }
}

static void test_match_edges(void **state) {
  nn_ctx *ctx = *state;
  int64_t place[3] = {9, 9, 9};
  nn_tensor *x = t_full(ctx, NN_F32, "3x2", 1), *none = t_new(ctx, NN_F32, "0x2");
  nn_tensor *flat = t_new(ctx, NN_F32, "3x0");
  OK(nn_rows_match(ctx, &x->v, &none->v, place));
  for (int i = 0; i < 3; i++) assert_int_equal(place[i], 0);
  OK(nn_rows_match(ctx, &none->v, &x->v, place));
  OK(nn_rows_match(ctx, &none->v, NULL, place));
  OK(nn_rows_match(ctx, &flat->v, NULL, place)); /* rows of nothing are equal */
  assert_true(place[0] == 0 && place[1] == 1 && place[2] == 1);
  size_t live = ctx->mem.live;
  for (int64_t n = 0; n < 3; n++) {
    ctx->mem.fail_in = n;
    FAILS(nn_rows_match(ctx, &x->v, &x->v, place), NN_ENOMEM, NULL);
    ctx->mem.fail_in = -1;
    assert_int_equal(ctx->mem.live, live);
  }
  nn_interrupted = 1;
  assert_int_equal(nn_rows_match(ctx, &x->v, NULL, place), NN_EINTR);
  nn_interrupted = 0;
  nn_tensor_release(flat);
  nn_tensor_release(none);
  nn_tensor_release(x);
}

/* ---- columns ---- */

static void check_columns(nn_ctx *ctx, const nn_tensor *x) {
  int64_t rows = x->v.shape.dim[0], n = x->v.numel / rows;
  double out[NN_COL_N * 8];
  assert_true(n <= 8);
  OK(nn_columns(ctx, &x->v, out));
  for (int64_t c = 0; c < n; c++) {
    double count = 0, infinite = 0, least = INFINITY, most = -INFINITY;
    long double sum = 0, squares = 0;
    for (int64_t r = 0; r < rows; r++) {
      double v = t_get(x, r * n + c);
      if (isnan(v)) continue;
      count++, infinite += isinf(v) != 0, sum += v;
      least = fmin(least, v), most = fmax(most, v);
    }
    double mean = (double)(sum / count);
    for (int64_t r = 0; r < rows; r++)
      if (!isnan(t_get(x, r * n + c)))
        squares += ((long double)t_get(x, r * n + c) - mean) * (t_get(x, r * n + c) - mean);
    assert_true(out[NN_COL_COUNT * n + c] == count && out[NN_COL_INFINITE * n + c] == infinite);
    if (count == 0) {
      for (int k = NN_COL_MIN; k < NN_COL_N; k++) assert_true(isnan(out[k * n + c]));
      continue;
    }
    assert_true(out[NN_COL_MIN * n + c] == least && out[NN_COL_MAX * n + c] == most);
    if (infinite) continue;
    NEAR(out[NN_COL_MEAN * n + c], mean, 1e-12 * fmax(1, fabs(mean)));
    NEAR(out[NN_COL_VAR * n + c], (double)(squares / count),
         1e-9 * (most - least) * (most - least));
  }
}

static void test_columns(void **state) {
  nn_ctx *ctx = *state;
  for (nn_dtype d = NN_F32; d <= NN_U8; d++) {
    nn_tensor *x = t_random(ctx, d, "70000x3", 0, 200, 4); /* more than one block */
    check_columns(ctx, x);
    nn_tensor_release(x);
    x = t_full(ctx, d, "5x2x2", 0.1f); /* the mean of equal numbers is that number */
    double out[NN_COL_N * 4];
    OK(nn_columns(ctx, &x->v, out));
    for (int c = 0; c < 4; c++) {
      assert_true(out[NN_COL_MEAN * 4 + c] == t_get(x, 0) && out[NN_COL_VAR * 4 + c] == 0);
    }
    nn_tensor_release(x);
  }
  nn_tensor *x = t_random(ctx, NN_F64, "9x4", -1e6, 1e6, 6);
  for (int64_t r = 0; r < 9; r++) t_set(x, r * 4 + 1, NAN);
  t_set(x, 4 + 2, NAN);
  t_set(x, 8 + 3, -INFINITY);
  check_columns(ctx, x);
  nn_interrupted = 1;
  double out[NN_COL_N * 4];
  assert_int_equal(nn_columns(ctx, &x->v, out), NN_EINTR);
  nn_interrupted = 0;
  nn_tensor_release(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(test_gather),         TEST(test_gather_columns), TEST(test_gather_threads),
    TEST(test_gather_refuses), TEST(test_gather_memory),  TEST(test_codes),
    TEST(test_deal),           TEST(test_deal_refuses),   TEST(test_match),
    TEST(test_match_edges),    TEST(test_columns),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
