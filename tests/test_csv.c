/* tests/test_csv.c: tables, pictures and CIFAR-10 with each allocation failing in turn, and what Lua cannot
   reach: rows around the ends of the buffer. spec/source_*_spec.lua has the rest. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/cifar.h"
#include "io/csv.h"
#include "io/image.h"
#include "nn_test.h"

static const char *put(char path[32], const char *text, size_t n) {
  strcpy(path, "/tmp/nn_test_csv_XXXXXX");
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, n), n);
  close(fd);
  return path;
}

/* All columns features but the last, which is what it is. */
static nn_status open_table(nn_ctx *ctx, const char *path, nn_csv_missing missing, nn_csv **out) {
  const nn_csv_options o = {.decimal = '.', .header = -1};
  NN_TRY(nn_csv_open(ctx, path, &o, out));
  nn_csv *r = *out;
  r->plan = (nn_csv_plan){.dtype = NN_F32, .missing = missing, .codes = true};
  for (int64_t c = 0; c < r->ncol; c++) {
    r->column[c].use = c + 1 < r->ncol ? NN_CSV_X : NN_CSV_TARGET;
    r->column[c].to = c + 1 < r->ncol ? c : 0;
  }
  return nn_csv_begin(r);
}

/* Whole, then in blocks; leaves nothing behind. */
static nn_status read_both(nn_ctx *ctx, const char *path) {
  nn_csv *r = NULL;
  nn_tensor *x = NULL, *y = NULL, *bx = NULL, *by = NULL;
  nn_status st = open_table(ctx, path, NN_CSV_MEAN, &r);
  if (st == NN_OK) st = nn_csv_load(r, &x, &y);
  if (r) nn_csv_close(r);
  r = NULL;
  if (st == NN_OK) st = open_table(ctx, path, NN_CSV_MEAN, &r);
  if (st == NN_OK) st = nn_csv_scan(r);
  if (st == NN_OK) st = nn_csv_load_block(r, 0, &bx, &by);
  if (st == NN_OK) {
    assert_true(t_equal(x, bx));
    assert_true(t_equal(y, by));
    assert_int_equal(x->v.shape.dim[0], 4);
    assert_true(t_get(x, 1 * 2) == 2 && t_get(x, 3 * 2 + 1) == 1 && t_get(y, 3) == 3);
  }
  if (r) nn_csv_close(r);
  nn_tensor_release(x), nn_tensor_release(y), nn_tensor_release(bx), nn_tensor_release(by);
  return st;
}

static void test_memory(void **state) {
  nn_ctx *ctx = *state;
  char path[32];
  static const char text[] = "a,kind,b\n1,x,p\n,\"y\"\"\",q\n3,z,p\n2,x,\"r,\"\n";
  put(path, text, sizeof text - 1);
  nn_status st = NN_ENOMEM;
  int n = 0;
  for (; st != NN_OK; n++) {
    assert_true(n < 200);
    ctx->mem.fail_in = n;
    st = read_both(ctx, path);
    ctx->mem.fail_in = -1;
    assert_true(st == NN_OK || st == NN_ENOMEM);
    assert_int_equal(ctx->mem.live, 0);
  }
  assert_true(n > 20);
  unlink(path);
}

/* More texts than a table of texts begins with. */
static void test_texts(void **state) {
  nn_ctx *ctx = *state;
  nn_csv_texts t = {0};
  char text[32];
  size_t n;
  int64_t number;
  for (int pass = 0; pass < 2; pass++) {
    for (int i = 0; i < 5000; i++) {
      int length = snprintf(text, sizeof text, i % 3 ? "text %d" : "%d", i * 7919);
      OK(nn_csv_intern(ctx, &t, text, (size_t)length, &number));
      assert_int_equal(number, i);
    }
  }
  assert_int_equal(t.n, 5000);
  assert_memory_equal(nn_csv_text(&t, 4, &n), "text 31676", 10);
  assert_int_equal(n, 10);
  OK(nn_csv_intern(ctx, &t, "", 0, &number));
  assert_int_equal(number, 5000);
  nn_csv_texts_drop(ctx, &t);
  static const struct {
    const char *text;
    bool valid;
  } cases[] = {
    {"", true},
    {"a\x7f", true},
    {"\xc3\xbc", true},
    {"\xf0\x9f\x98\x80", true},
    {"\x80", false},
    {"\xc0\x80", false},
    {"\xc3", false},
    {"\xe0\x80\x80", false},
    {"\xed\xa0\x80", false},
    {"\xf5\x80\x80\x80", false},
    {"\xf4\x90\x80\x80", false},
    {"\xef\xbf\xbf", true},
    {"\xe2\x82", false},
    {"\xff", false},
  };
  for (size_t i = 0; i < COUNT(cases); i++)
    assert_int_equal(nn_utf8_valid(cases[i].text, strlen(cases[i].text)), cases[i].valid);
}

/* A long row before and behind the end of the first buffer, whatever the sizes. */
static void test_buffers(void **state) {
  nn_ctx *ctx = *state;
  const int64_t rows = 30, cells = 40000;
  char path[32];
  FILE *f = fopen(put(path, "", 0), "w");
  assert_non_null(f);
  for (int64_t c = 0; c < cells; c++) fprintf(f, c ? ",c%lld" : "c%lld", (long long)c);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t c = 0; c < cells; c++)
      fprintf(f, "%c%lld.25e0", c ? ',' : '\n', (long long)((i * 7 + c) % 100000));
  fclose(f);
  nn_csv *r = NULL;
  nn_tensor *x, *y;
  for (int threads = 1; threads <= 3; threads += 2) {
    ctx->threads = threads;
    OK(open_table(ctx, path, NN_CSV_ERROR, &r));
    OK(nn_csv_load(r, &x, &y));
    assert_int_equal(x->v.shape.dim[0], rows);
    assert_int_equal(x->v.shape.dim[1], cells - 1);
    const float *v = nn_data(&x->v), *w = nn_data(&y->v);
    for (int64_t i = 0; i < rows; i++) {
      for (int64_t c = 0; c + 1 < cells; c++)
        assert_true(v[i * (cells - 1) + c] == (float)((i * 7 + c) % 100000) + 0.25f);
      assert_true(w[i] == (float)((i * 7 + cells - 1) % 100000) + 0.25f);
    }
    nn_tensor_release(x), nn_tensor_release(y);
    nn_csv_close(r);
  }
  unlink(path);
}

/* ---- pictures and CIFAR-10 ---- */

static void test_pictures(void **state) {
  nn_ctx *ctx = *state;
  const char *const path[] = {"tests/golden/images/rgb.png", "tests/golden/images/progressive.jpg",
                              "tests/golden/images/rgba.png"};
  const nn_image_options o = {.height = 6, .width = 4, .channels = 3, .dtype = NN_F32};
  nn_status st = NN_ENOMEM;
  for (int n = 0; st != NN_OK; n++) {
    nn_tensor *x;
    assert_true(n < 100);
    ctx->mem.fail_in = n;
    st = nn_images_load(ctx, 3, path, &o, &x);
    ctx->mem.fail_in = -1;
    assert_true(st == NN_OK ? x->v.numel == 3 * 3 * 6 * 4 : st == NN_ENOMEM && !x);
    nn_tensor_release(x);
    assert_int_equal(ctx->mem.live, 0);
  }
}

static void test_cifar(void **state) {
  nn_ctx *ctx = *state;
  char path[32], text[2 * (1 + NN_CIFAR_PIXELS)] = {3};
  const char *const files[] = {put(path, text, sizeof text), path};
  nn_status st = NN_ENOMEM;
  for (int n = 0; st != NN_OK; n++) {
    nn_tensor *x, *y;
    assert_true(n < 100);
    ctx->mem.fail_in = n;
    st = nn_cifar_load(ctx, 2, files, NN_F64, &x, &y);
    ctx->mem.fail_in = -1;
    assert_true(st == NN_OK ? t_get(y, 0) == 4 && t_get(y, 1) == 1 && t_get(y, 2) == 4
                            : st == NN_ENOMEM && !x && !y);
    nn_tensor_release(x), nn_tensor_release(y);
    assert_int_equal(ctx->mem.live, 0);
  }
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(test_memory), TEST(test_texts), TEST(test_buffers),
                                     TEST(test_pictures), TEST(test_cifar)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
