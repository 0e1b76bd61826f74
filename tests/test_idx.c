/* tests/test_idx.c: IDX files: what they mean, and every one that must be refused, with its text. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "io/idx.h"
#include "nn_test.h"

/* ---- files ---- */

typedef struct bytes {
  size_t n;
  unsigned char b[4096];
} bytes;

/* "00 00 08 01" as bytes */
static bytes hex(const char *text) {
  bytes x = {0};
  for (char *end; *text; text = end) {
    x.b[x.n++] = (unsigned char)strtoul(text, &end, 16);
    while (*end == ' ') end++;
  }
  return x;
}

static bytes gzipped(const bytes *x) {
  bytes y = {0};
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = (Bytef *)(uintptr_t)x->b;
  z.avail_in = (uInt)x->n;
  z.next_out = y.b;
  z.avail_out = sizeof y.b;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  y.n = z.total_out;
  deflateEnd(&z);
  return y;
}

static const char *put(char path[32], const bytes *x) {
  strcpy(path, "/tmp/nn_test_idx_XXXXXX");
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, x->b, x->n), x->n);
  close(fd);
  return path;
}

/* The error text without the file's name. */
static void refused(nn_ctx *ctx, nn_status st, const char *path, const char *text) {
  size_t n = strlen(path);
  if (st != NN_EIO) fail_msg("not refused: %s (status %d, %s)", text, st, ctx->err);
  assert_memory_equal(ctx->err, path, n);
  assert_string_equal(ctx->err + n, text);
}

/* ---- what files mean ---- */

static void check_type(nn_ctx *ctx, const char *text, const char *shape, const double *want) {
  char path[32];
  bytes plain = hex(text), packed = gzipped(&plain);
  nn_shape s = t_shape(shape);
  for (int gz = 0; gz < 2; gz++) {
    for (nn_dtype d = NN_F32; d <= NN_F64; d++) {
      nn_tensor *t;
      put(path, gz ? &packed : &plain);
      OK(nn_idx_load(ctx, path, d, &t));
      unlink(path);
      assert_int_equal(t->v.dtype, d);
      assert_true(nn_shape_equal(&t->v.shape, &s));
      for (int64_t i = 0; i < t->v.numel; i++)
        assert_true(t_get(t, i) == (d == NN_F32 ? (double)(float)want[i] : want[i]));
      nn_tensor_release(t);
    }
  }
}

static void test_types(void **state) {
  nn_ctx *ctx = *state;
  check_type(ctx, "00 00 08 03 00 00 00 02 00 00 00 01 00 00 00 02 00 ff 33 80", "2x1x2",
             (double[]){0, 1, 51 / 255.0, 128 / 255.0});
  check_type(ctx, "00 00 09 01 00 00 00 03 00 7f 80", "3", (double[]){0, 127, -128});
  check_type(ctx, "00 00 0b 01 00 00 00 03 01 02 7f ff 80 00", "3", (double[]){258, 32767, -32768});
  check_type(ctx, "00 00 0c 01 00 00 00 02 80 00 00 00 00 01 00 00", "2",
             (double[]){-2147483648.0, 65536});
  check_type(ctx, "00 00 0d 02 00 00 00 01 00 00 00 02 3f 80 00 00 bf 20 00 00", "1x2",
             (double[]){1, -0.625});
  check_type(ctx, "00 00 0e 01 00 00 00 01 3f b9 99 99 99 99 99 9a", "1", (double[]){0.1});
  check_type(ctx, "00 00 08 02 00 00 00 00 00 00 00 05", "0x5", NULL);
}

/* More than the pieces in which it is read, as all bytes in turn. */
static void test_long(void **state) {
  nn_ctx *ctx = *state;
  char path[] = "/tmp/nn_test_idx_XXXXXX";
  enum { N = 70000 };
  int fd = mkstemp(path);
  gzFile z = gzdopen(fd, "wb");
  bytes head = hex("00 00 08 02 00 01 11 70 00 00 00 03"); /* 70000 x 3 */
  gzwrite(z, head.b, (unsigned)head.n);
  for (int i = 0; i < 3 * N; i++) gzputc(z, i * 7 & 255);
  gzclose(z);
  nn_tensor *t;
  OK(nn_idx_load(ctx, path, NN_F32, &t));
  float *x = nn_data(&t->v);
  for (int i = 0; i < 3 * N; i++) assert_true(x[i] == (float)(i * 7 & 255) / 255.0f);
  nn_tensor_release(t);
  nn_idx f;
  nn_tensor *part = t_new(ctx, NN_F32, "2x3");
  OK(nn_idx_open(ctx, path, &f));
  for (int64_t record = 60000; record >= 0; record -= 20000) { /* backwards too */
    OK(nn_idx_seek(&f, record));
    OK(nn_idx_read(&f, &part->v));
    for (int i = 0; i < 6; i++)
      assert_true(t_get(part, i) == (double)((float)((record * 3 + i) * 7 & 255) / 255.0f));
  }
  nn_idx_close(&f);
  nn_tensor_release(part);
  unlink(path);
}

static void test_labels(void **state) {
  nn_ctx *ctx = *state;
  char path[32];
  int64_t most;
  nn_tensor *y;
  bytes x = hex("00 00 08 01 00 00 00 03 00 09 04");
  put(path, &x);
  OK(nn_idx_labels(ctx, path, 0, &y, &most));
  assert_int_equal(most, 10);
  assert_int_equal(y->v.dtype, NN_I64);
  assert_true(t_get(y, 0) == 1 && t_get(y, 1) == 10 && t_get(y, 2) == 5);
  nn_tensor_release(y);
  refused(ctx, nn_idx_labels(ctx, path, 9, &y, &most), path,
          ": byte 9: label 9 of sample 2: expected 0 to 8");
  assert_null(y);
  unlink(path);
  x = hex("00 00 0b 01 00 00 00 02 00 01 ff ff");
  put(path, &x);
  refused(ctx, nn_idx_labels(ctx, path, 0, &y, &most), path,
          ": byte 10: label -1 of sample 2: expected 0 to 65535");
  unlink(path);
  x = hex("00 00 0d 01 00 00 00 00");
  put(path, &x);
  refused(ctx, nn_idx_labels(ctx, path, 0, &y, &most), path,
          ": byte 2: labels are whole numbers (types 08, 09, 0b, 0c), got 0d");
  unlink(path);
  x = hex("00 00 08 02 00 00 00 00 00 00 00 02");
  put(path, &x);
  refused(ctx, nn_idx_labels(ctx, path, 0, &y, &most), path,
          ": byte 3: labels are a list, one dimension; this file holds 0x2");
  unlink(path);
}

/* ---- what is refused ---- */

static void check_refused(nn_ctx *ctx, const bytes *x, const char *text) {
  char path[32];
  nn_tensor *t;
  put(path, x);
  refused(ctx, nn_idx_load(ctx, path, NN_F32, &t), path, text);
  unlink(path);
  assert_null(t);
}

static void test_heads(void **state) {
  nn_ctx *ctx = *state;
  static const struct {
    const char *file, *text;
  } cases[] = {
    {"", ": byte 0: not an IDX file: expected a head of 8 bytes or more"},
    {"00 00 08", ": byte 3: not an IDX file: expected a head of 8 bytes or more"},
    {"50 4b 08 01 00 00 00 00", ": byte 0: not an IDX file: expected the bytes 00 00, got 50 4b"},
    {"00 00 0a 01 00 00 00 00",
     ": byte 2: type of the elements: expected 08, 09, 0b, 0c, 0d or 0e, got 0a"},
    {"00 00 08 00 00 00 00 00", ": byte 3: number of dimensions: expected 1 to 8, got 0"},
    {"00 00 08 09 00 00 00 00", ": byte 3: number of dimensions: expected 1 to 8, got 9"},
    {"00 00 08 02 00 00 00 01 00", ": byte 9: the file ends before the 2 sizes"},
    {"00 00 08 03 ff ff ff ff ff ff ff ff ff ff ff ff",
     ": byte 4: sizes: 4294967295x4294967295x4294967295 elements are more than any file holds"},
    {"00 00 08 01 ff ff ff ff 00", ": byte 4: sizes: 4294967295 elements of 1 bytes want a file of "
                                   "4294967303 bytes, got 9"},
    {"00 00 08 01 00 00 00 02 00",
     ": byte 4: sizes: 2 elements of 1 bytes want a file of 10 bytes, got 9"},
    {"00 00 0c 01 00 00 00 01 00 00 00 00 00",
     ": byte 4: sizes: 1 elements of 4 bytes want a file of 12 bytes, got 13"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    bytes x = hex(cases[i].file);
    check_refused(ctx, &x, cases[i].text);
  }
}

static void test_gzip(void **state) {
  nn_ctx *ctx = *state;
  bytes plain = hex("00 00 08 01 00 00 00 04 01 02 03 04"), z = gzipped(&plain), bad;
  bad = z;
  bad.n = 10;
  check_refused(ctx, &bad, ": begins as gzip data, but has only 10 bytes");
  bad = z;
  bad.b[10] |= 6; /* there is no third type of block */
  check_refused(ctx, &bad, ": byte 0: the gzip data is damaged");
  bad = z;
  bad.b[bad.n - 6] ^= 1; /* its checksum */
  check_refused(ctx, &bad, ": byte 12: the gzip data is damaged");
  bad = z;
  bad.b[bad.n - 4]++; /* the length that it states */
  check_refused(ctx, &bad,
                ": byte 4: sizes: 4 elements of 1 bytes want a content of 12 bytes, got 13");
  bad = z; /* a second stream behind the first, which ends alike */
  memcpy(bad.b + bad.n, z.b, z.n);
  bad.n *= 2;
  check_refused(ctx, &bad, ": byte 12: bytes follow the end of the gzip data");
  plain = hex("00 00 08 01 00 00 00 03 01 02 03 04"); /* a head that lies, and a trailer with it */
  bad = gzipped(&plain);
  bad.b[bad.n - 4]--;
  check_refused(ctx, &bad, ": byte 12: the gzip data is damaged");
  plain = hex("00 00 08 01 7f 00 00 00 01");
  bad = gzipped(&plain);
  memcpy(bad.b + bad.n - 4, (unsigned char[]){8, 0, 0, 0x7f}, 4);
  int most = 1032 * (int)(bad.n - 18) + 1032;
  char text[200];
  snprintf(text, sizeof text,
           ": byte 4: sizes: 2130706432 elements of 1 bytes want a content of 2130706440 bytes, "
           "got at most %d",
           most);
  check_refused(ctx, &bad, text);
}

static void test_no_files(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *t;
  char path[] = "/tmp/nn_test_idx_XXXXXX";
  refused(ctx, nn_idx_load(ctx, "/tmp", NN_F32, &t), "/tmp", ": is a folder, not a file");
  refused(ctx, nn_idx_load(ctx, "/dev/zero", NN_F32, &t), "/dev/zero",
          ": is a device, pipe or socket, not a file");
  close(mkstemp(path));
  unlink(path);
  refused(ctx, nn_idx_load(ctx, path, NN_F32, &t), path,
          ": cannot be opened: No such file or directory");
  assert_int_equal(mkfifo(path, 0600), 0);
  refused(ctx, nn_idx_load(ctx, path, NN_F32, &t), path,
          ": is a device, pipe or socket, not a file"); /* and does not wait for a writer */
  unlink(path);
}

/* Files that shrink or grow while they are read. */
static void test_changes(void **state) {
  nn_ctx *ctx = *state;
  char path[32];
  nn_idx f;
  bytes x = hex("00 00 08 01 00 00 00 04 01 02 03 04");
  nn_tensor *t = t_new(ctx, NN_F32, "4");
  put(path, &x);
  OK(nn_idx_open(ctx, path, &f));
  assert_int_equal(truncate(path, 10), 0);
  refused(ctx, nn_idx_read(&f, &t->v), path,
          ": byte 10: the file ends here, before its last element; it was longer a moment ago");
  nn_idx_close(&f);
  put(path, &x);
  OK(nn_idx_open(ctx, path, &f));
  assert_int_equal(truncate(path, 13), 0);
  OK(nn_idx_read(&f, &t->v));
  refused(ctx, nn_idx_finish(&f), path, ": byte 12: bytes follow the last element");
  nn_idx_close(&f);
  nn_tensor_release(t);
  unlink(path);
}

/* Each allocation failing in turn: nothing is left (the teardown counts). */
static void test_memory(void **state) {
  nn_ctx *ctx = *state;
  char path[32];
  int64_t most;
  bytes plain = hex("00 00 08 01 00 00 00 04 01 02 03 04"), z = gzipped(&plain);
  put(path, &z);
  nn_status st = NN_ENOMEM;
  for (int n = 0; st != NN_OK; n++) {
    nn_tensor *t;
    assert_true(n < 20);
    ctx->mem.fail_in = n;
    st = nn_idx_labels(ctx, path, 0, &t, &most);
    ctx->mem.fail_in = -1;
    assert_true(st == NN_OK || (st == NN_ENOMEM && !t));
    nn_tensor_release(t);
  }
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(test_types), TEST(test_long),     TEST(test_labels),  TEST(test_heads),
    TEST(test_gzip),  TEST(test_no_files), TEST(test_changes), TEST(test_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
