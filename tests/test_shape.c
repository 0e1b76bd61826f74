/* Shapes, dtypes and the geometry of values: no data is touched. */
#include "nn_test.h"

static const char *words(const nn_shape *s) {
  static nn_text t;
  return nn_shape_text(&t, s);
}

static void texts(void **state) {
  nn_shape s = t_shape("32x1x28x28"), none = {0}, widest = {.ndim = NN_MAXDIM};
  (void)state;
  assert_string_equal(words(&s), "32x1x28x28");
  assert_string_equal(words(&none), "scalar");
  for (int i = 0; i < NN_MAXDIM; i++) widest.dim[i] = INT64_MIN + 1;
  assert_true(strlen(words(&widest)) < sizeof(nn_text));
  s = nn_shape_1(7);
  assert_string_equal(words(&s), "7");
  s = nn_shape_2(0, 3);
  assert_string_equal(words(&s), "0x3");
}

static void dtypes(void **state) {
  static const size_t size[] = {4, 8, 8, 1};
  (void)state;
  for (int d = 0; d < NN_NDTYPE; d++) {
    assert_int_equal(nn_dtype_size((nn_dtype)d), size[d]);
    assert_int_equal(nn_dtype_find(nn_dtype_name((nn_dtype)d)), d);
    assert_int_equal(nn_is_real((nn_dtype)d), d < NN_NREAL);
  }
  assert_int_equal(nn_dtype_find("float16"), -1);
  assert_int_equal(nn_dtype_find(""), -1);
  assert_null(nn_dtype_names[NN_NDTYPE]);
}

static void sizes(void **state) {
  nn_ctx *ctx = *state;
  nn_shape a = t_shape("2x3x4"), b = t_shape("2x3x4"), c = t_shape("2x3"), none = {0};
  assert_int_equal(nn_shape_numel(&a), 24);
  assert_int_equal(nn_shape_numel(&none), 1);
  assert_true(nn_shape_equal(&a, &b));
  assert_false(nn_shape_equal(&a, &c));
  b.dim[5] = 99; /* beyond ndim nothing counts */
  assert_true(nn_shape_equal(&a, &b));
  b.dim[0] = 1;
  assert_false(nn_shape_equal(&a, &b));
  OK(nn_shape_check(ctx, "x", &a, 8));
  OK(nn_shape_check(ctx, "x", &none, 8));
  nn_shape empty = t_shape("0x1000000000000");
  OK(nn_shape_check(ctx, "x", &empty, 8));
  nn_shape negative = nn_shape_2(3, -1);
  FAILS(nn_shape_check(ctx, "x", &negative, 8), NN_ESHAPE,
        "x: a size cannot be negative, got 3x-1");
  static const char *const huge[] = {"1000000000000", "3000000000x3000000000x3000000000",
                                     "9223372036854775807x2",
                                     "1000000x1000000x1000000x1000000x1000000x1000000x1000000"};
  for (size_t i = 0; i < COUNT(huge); i++) {
    nn_shape s = t_shape(huge[i]);
    char text[200];
    snprintf(text, sizeof text, "x: a tensor of %s is larger than any memory", words(&s));
    FAILS(nn_shape_check(ctx, "x", &s, 128), NN_ENOMEM, text);
  }
}

/* ---- broadcasting ---- */

static void broadcasts(void **state) {
  nn_ctx *ctx = *state;
  static const char *const ok[][3] = {{"2x3", "2x3", "2x3"},
                                      {"2x3", "3", "2x3"},
                                      {"3", "2x3", "2x3"},
                                      {"4x1", "1x3", "4x3"},
                                      {"s", "2x3", "2x3"},
                                      {"s", "s", "s"},
                                      {"1", "s", "1"},
                                      {"0x3", "3", "0x3"},
                                      {"0", "1", "0"},
                                      {"1x1x5", "4x1", "1x4x5"},
                                      {"8x1x6x1", "7x1x5", "8x7x6x5"}};
  static const char *const bad[][2] = {{"2x3", "2"}, {"2x3", "3x2"}, {"0", "2"}, {"4x3", "2x3"}};
  nn_shape out;
  for (size_t i = 0; i < COUNT(ok); i++) {
    nn_shape a = t_shape(ok[i][0]), b = t_shape(ok[i][1]), want = t_shape(ok[i][2]);
    OK(nn_shape_broadcast(ctx, "add", &a, &b, &out));
    assert_true(nn_shape_equal(&out, &want));
    OK(nn_shape_broadcast(ctx, "add", &b, &a, &out));
    assert_true(nn_shape_equal(&out, &want));
    OK(nn_shape_broadcast(ctx, "add", &a, &b, &a)); /* the result may be an argument */
    assert_true(nn_shape_equal(&a, &want));
  }
  for (size_t i = 0; i < COUNT(bad); i++) {
    nn_shape a = t_shape(bad[i][0]), b = t_shape(bad[i][1]);
    FAILS(nn_shape_broadcast(ctx, "add", &a, &b, &out), NN_ESHAPE, "do not broadcast");
  }
  nn_shape a = t_shape("2x3"), b = t_shape("4x3");
  nn_shape_broadcast(ctx, "add", &a, &b, &out);
  assert_string_equal(ctx->err, "add: shapes 2x3 and 4x3 do not broadcast: counted from the last, "
                                "sizes must be equal or 1");
}

static void dimensions(void **state) {
  nn_ctx *ctx = *state;
  int d = -7;
  for (int n = 1; n <= NN_MAXDIM; n++)
    for (int i = 1; i <= n; i++) {
      OK(nn_shape_dim(ctx, "sum", i, n, &d));
      assert_int_equal(d, i - 1);
      OK(nn_shape_dim(ctx, "sum", -i, n, &d));
      assert_int_equal(d, n - i);
    }
  static const int64_t bad[] = {0, 4, -4, INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < COUNT(bad); i++)
    FAILS(nn_shape_dim(ctx, "sum", bad[i], 3, &d), NN_EINDEX, "is out of range 1..3");
  nn_shape_dim(ctx, "sum", 4, 3, &d);
  assert_string_equal(
    ctx->err, "sum: dimension 4 is out of range 1..3 (counting starts at 1; -1 is the last)");
  FAILS(nn_shape_dim(ctx, "sum", 1, 0, &d), NN_EINDEX,
        "sum: dimension 1 asked of a tensor that has no dimensions");
}

static void axes(void **state) {
  (void)state;
  nn_shape s = t_shape("2x3x4x5"), none = {0};
  for (int d = 0; d < 4; d++) {
    nn_axis a = nn_shape_axis(&s, d);
    assert_int_equal(a.n, s.dim[d]);
    assert_int_equal(a.outer * a.n * a.inner, 120);
    assert_int_equal(a.inner, d == 3 ? 1 : d == 2 ? 5 : d == 1 ? 20 : 60);
  }
  nn_axis all = nn_shape_axis(&s, -1), one = nn_shape_axis(&none, -1);
  assert_true(all.outer == 1 && all.n == 120 && all.inner == 1);
  assert_true(one.outer == 1 && one.n == 1 && one.inner == 1);
}

/* ---- values ---- */

static void geometry(void **state) {
  (void)state;
  nn_value v, w;
  nn_shape s = t_shape("2x3x4");
  nn_value_set(&v, NN_F32, &s);
  assert_true(v.dense && v.numel == 24 && v.offset == 0 && !v.storage);
  assert_true(v.stride[0] == 12 && v.stride[1] == 4 && v.stride[2] == 1);
  v.stride[0] = 13;
  nn_value_settle(&v);
  assert_false(v.dense);
  v.shape.dim[0] = 1; /* the stride of a dimension of size 1 is never used */
  nn_value_settle(&v);
  assert_true(v.dense && v.numel == 12);
  v.shape.dim[1] = 0;
  nn_value_settle(&v);
  assert_true(v.dense && v.numel == 0);
  nn_value_set(&v, NN_I64, &s);
  v.offset = 5;
  nn_value_copy(&w, &v);
  assert_true(w.offset == 5 && w.numel == 24 && w.dtype == NN_I64 && w.dense);
  assert_true(nn_shape_equal(&w.shape, &v.shape) && w.stride[1] == 4);
}

static void expansion(void **state) {
  (void)state;
  nn_value v, w;
  nn_shape from = t_shape("3x1"), to = t_shape("2x3x4"), none = {0};
  nn_value_set(&v, NN_F64, &from);
  v.offset = 9;
  nn_value_expand(&w, &v, &to);
  assert_true(w.numel == 24 && !w.dense && w.offset == 9);
  assert_true(w.stride[0] == 0 && w.stride[1] == 1 && w.stride[2] == 0);
  nn_value_expand(&v, &v, &to); /* onto itself */
  assert_true(v.stride[0] == 0 && v.stride[1] == 1 && v.stride[2] == 0);
  nn_value_set(&v, NN_F64, &none);
  nn_value_expand(&w, &v, &to);
  assert_true(w.numel == 24 && w.stride[0] == 0 && w.stride[1] == 0 && w.stride[2] == 0);
  nn_value_set(&v, NN_F64, &to);
  nn_value_expand(&w, &v, &to);
  assert_true(w.dense);
}

static void elements(void **state) {
  nn_ctx *ctx = *state;
  for (int d = 0; d < NN_NDTYPE; d++) {
    nn_tensor *t = t_new(ctx, (nn_dtype)d, "5");
    for (int i = 0; i < 5; i++) t_set(t, i, 10 * i);
    assert_true(nn_value_real_at(&t->v, 3) == 30);
    assert_int_equal(nn_value_int_at(&t->v, 3), 30);
    nn_tensor_release(t);
  }
  nn_tensor *t = t_new(ctx, NN_I64, "1");
  *(int64_t *)nn_data(&t->v) = INT64_MAX; /* not by way of a double */
  assert_true(nn_value_int_at(&t->v, 0) == INT64_MAX);
  nn_tensor_release(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(texts),      TEST(dtypes),   TEST(sizes),
                                     TEST(broadcasts), TEST(axes),     TEST(dimensions),
                                     TEST(geometry),   TEST(elements), TEST(expansion)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
