/*
 * tests/test_formats.c: files of every format, written and read with each allocation failing in turn:
 * an error or success, nothing leaks, the old file stays; a disk that is full while an archive is
 * written; a file that becomes shorter while it is read; more tensors than a file may have.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/csv_write.h"
#include "io/nnfile.h"
#include "io/npy.h"
#include "io/npz.h"
#include "io/safetensors.h"
#include "nn_test.h"

static char path[64];

/* Before the call of read() with that number the file loses its second half. Linked instead of the
   library's. */
static struct {
  bool on;
  int calls, at;
} shrink;

ssize_t read(int fd, void *p, size_t n) {
  struct stat s;
  if (shrink.on && shrink.calls++ == shrink.at && fstat(fd, &s) == 0 && S_ISREG(s.st_mode))
    if (truncate(path, s.st_size / 2) != 0) abort();
  return syscall(SYS_read, fd, p, n);
}

static int setup(void **state) {
  strcpy(path, "/tmp/nn_formats_XXXXXX");
  int fd = mkstemp(path);
  if (fd < 0) return -1;
  close(fd);
  return t_setup(state);
}
static int teardown(void **state) {
  unlink(path);
  return t_teardown(state);
}
#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* A view that has to be made dense, and a list of labels. */
static nn_tensor *turned(nn_ctx *ctx) {
  nn_tensor *t = t_random(ctx, NN_F32, "50x30", -1, 1, 7),
            *view = t_call(ctx, "transpose", "1, 2", t, NULL);
  nn_tensor_release(t);
  return view;
}

/* ---- one value in each format ---- */

static nn_status make_bundle(nn_ctx *ctx, nn_tensor *t, const char *text, nn_bundle *b) {
  *b = (nn_bundle){.ctx = ctx};
  for (int i = 0; i < 20; i++) {
    char name[16];
    int n = snprintf(name, sizeof name, "tensor %d", i);
    NN_TRY(nn_bundle_add(b, name, (size_t)n, NULL, t));
  }
  return text ? nn_bundle_add(b, "key", 3, text, NULL) : NN_OK;
}

static nn_status save_npy(nn_ctx *ctx, nn_tensor *t) {
  return nn_npy_save(ctx, path, t);
}
static nn_status save_npz(nn_ctx *ctx, nn_tensor *t) {
  nn_bundle b;
  nn_status st = make_bundle(ctx, t, NULL, &b);
  if (st == NN_OK) st = nn_npz_save(ctx, path, &b);
  nn_bundle_drop(&b);
  return st;
}
static nn_status save_safetensors(nn_ctx *ctx, nn_tensor *t) {
  nn_bundle b;
  nn_status st = make_bundle(ctx, t, "text", &b);
  if (st == NN_OK) st = nn_safetensors_save(ctx, path, &b);
  nn_bundle_drop(&b);
  return st;
}
static nn_status save_nn(nn_ctx *ctx, nn_tensor *t) {
  return nn_nnfile_write(ctx, path, "tree", 4, 2, (nn_tensor *[]){t, t});
}
static nn_status save_csv(nn_ctx *ctx, nn_tensor *t) {
  return nn_csv_save(ctx, path, "header\n", 2, (nn_tensor *[]){t, t}, NULL);
}

static nn_status load_npy(nn_ctx *ctx, nn_tensor **t) {
  return nn_npy_load(ctx, path, t);
}
/* The first of a bundle's tensors. */
static nn_status first(nn_status st, nn_bundle *b, nn_tensor **t) {
  if (st == NN_OK) *t = nn_tensor_retain(b->item[b->item[0].tensor ? 0 : 1].tensor);
  if (st == NN_OK) assert_true(b->n >= 20);
  nn_bundle_drop(b);
  return st;
}
static nn_status load_npz(nn_ctx *ctx, nn_tensor **t) {
  nn_bundle b = {.ctx = ctx};
  return first(nn_npz_load(ctx, path, &b), &b, t);
}
static nn_status load_safetensors(nn_ctx *ctx, nn_tensor **t) {
  nn_bundle b = {.ctx = ctx};
  return first(nn_safetensors_load(ctx, path, &b), &b, t);
}
static nn_status load_nn(nn_ctx *ctx, nn_tensor **t) {
  nn_nnfile f;
  NN_TRY(nn_nnfile_read(ctx, path, &f));
  assert_int_equal(f.n, 2);
  assert_memory_equal(f.tree, "tree", 4);
  *t = nn_tensor_retain(f.tensor[1]);
  nn_nnfile_drop(ctx, &f);
  return NN_OK;
}

static const struct {
  const char *name;
  nn_status (*save)(nn_ctx *ctx, nn_tensor *t);
  nn_status (*load)(nn_ctx *ctx, nn_tensor **t); /* NULL: only written */
} formats[] = {
  {"npy", save_npy, load_npy},
  {"npz", save_npz, load_npz},
  {"safetensors", save_safetensors, load_safetensors},
  {"nn", save_nn, load_nn},
  {"csv", save_csv, NULL},
};

/* ---- the tests ---- */

static off_t file_size(void) {
  struct stat s;
  assert_int_equal(stat(path, &s), 0);
  return s.st_size;
}

static void test_allocations(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *t = turned(ctx), *back;
  for (size_t k = 0; k < COUNT(formats); k++) {
    int failed = 0;
    assert_int_equal(truncate(path, 3), 0);
    for (nn_status st = NN_ENOMEM; st != NN_OK; failed++) {
      ctx->mem.fail_in = failed;
      size_t live = ctx->mem.live;
      st = formats[k].save(ctx, t);
      if (st != NN_OK) assert_int_equal(st, NN_ENOMEM);
      if (st != NN_OK) assert_int_equal(file_size(), 3);
      assert_int_equal(ctx->mem.live, live);
    }
    ctx->mem.fail_in = -1;
    if (strcmp(formats[k].name, "csv") != 0 && failed < 3) fail_msg("%s", formats[k].name);
    if (!formats[k].load) continue;
    failed = 0;
    for (nn_status st = NN_ENOMEM; st != NN_OK; failed++) {
      size_t live = ctx->mem.live;
      ctx->mem.fail_in = failed;
      st = formats[k].load(ctx, &back);
      if (st != NN_OK) assert_int_equal(st, NN_ENOMEM);
      if (st != NN_OK) assert_int_equal(ctx->mem.live, live);
    }
    ctx->mem.fail_in = -1;
    assert_true(failed > 2);
    if (!t_equal(t, back)) fail_msg("%s: other values", formats[k].name);
    nn_tensor_release(back);
  }
  nn_tensor_release(t);
}

/* What the file system says reaches the user, through libzip too, and the old file stays. */
static void test_full_disk(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *t = turned(ctx);
  struct rlimit before, low;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(truncate(path, 3), 0);
  low = before;
  low.rlim_cur = 2000;
  for (size_t k = 0; k < COUNT(formats); k++) {
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    nn_status st = formats[k].save(ctx, t);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(st, NN_EIO);
    if (!strstr(ctx->err, "not written: writing failed: File too large; the file that was there is "
                          "unchanged"))
      fail_msg("%s: %s", formats[k].name, ctx->err);
    assert_int_equal(file_size(), 3);
  }
  nn_tensor_release(t);
}

/* Ctrl-C in the middle: the old file stays, what was read is gone. */
static void test_interrupt(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *t = turned(ctx), *back;
  for (size_t k = 0; k < COUNT(formats); k++) {
    OK(formats[k].save(ctx, t));
    off_t size = file_size();
    nn_interrupted = 1;
    assert_int_equal(formats[k].save(ctx, t), NN_EINTR);
    if (formats[k].load) assert_int_equal(formats[k].load(ctx, &back), NN_EINTR);
    nn_interrupted = 0;
    assert_int_equal(file_size(), size);
  }
  nn_tensor_release(t);
}

/* Nothing is mapped, so it is an error, not a SIGBUS; nothing half read stays. */
static void test_shrinking(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *t = turned(ctx), *back;
  for (size_t k = 0; k < COUNT(formats); k++) {
    /* libzip reads through stdio, whose calls of read() nobody sees */
    if (!formats[k].load || formats[k].load == load_npz) continue;
    size_t live = ctx->mem.live;
    for (int at = 0;; at++) {
      OK(formats[k].save(ctx, t));
      shrink.calls = 0, shrink.at = at, shrink.on = true;
      nn_status st = formats[k].load(ctx, &back);
      shrink.on = false;
      if (st == NN_OK) break; /* it has all that it wants */
      if (st != NN_EIO || strncmp(ctx->err, path, strlen(path)) != 0)
        fail_msg("%s: status %d, %s", formats[k].name, (int)st, ctx->err);
      assert_int_equal(ctx->mem.live, live);
      assert_true(at < 1000);
    }
    if (shrink.at < 2) fail_msg("%s: read in %d calls", formats[k].name, shrink.at);
    nn_tensor_release(back);
  }
  nn_tensor_release(t);
}

static void put_header(const char *text, size_t n, size_t repeats) {
  unsigned char start[8];
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  nn_put_le(start, n, 8);
  assert_int_equal(fwrite(start, 1, 8, f), 8);
  fputc('{', f);
  for (size_t i = 0; i < repeats; i++) fprintf(f, "%s\"%06zu\":%s", i ? "," : "", i, text);
  for (long left = (long)n + 8 - ftell(f) - 1; left > 0; left--) fputc(' ', f);
  fputc('}', f);
  assert_int_equal(fclose(f), 0);
}

/* Of a safetensors file: a million tensors at most, and no header that memory cannot hold when it is
   parsed. */
static void test_header_limits(void **state) {
  nn_ctx *ctx = *state;
  nn_bundle b = {.ctx = ctx};
  put_header("0", 12 << 20, 1000001);
  FAILS(nn_safetensors_load(ctx, path, &b), NN_EIO,
        "byte 8: 1000001 tensors are more than 1000000");
  put_header("0", 12 << 20, 1000000);
  FAILS(nn_safetensors_load(ctx, path, &b), NN_EIO, "must be an object with dtype, shape and");
  size_t before = ctx->mem.limit;
  ctx->mem.limit = ctx->mem.live + (64 << 20); /* the text fits, what it becomes may not */
  FAILS(nn_safetensors_load(ctx, path, &b), NN_ENOMEM,
        "not enough memory for a header of 12582912 bytes");
  ctx->mem.limit = before;
  nn_bundle_drop(&b);
}

static void test_csv(void **state) {
  nn_ctx *ctx = *state;
  static const char *const names[] = {"one", "\"t,wo\""};
  nn_csv_labels labels = {2, names};
  nn_tensor *x = t_new(ctx, NN_F64, "2x2"), *y = t_new(ctx, NN_I64, "2");
  const double values[] = {0.1, -1e300, HUGE_VAL, 3};
  char text[128] = "";
  for (int i = 0; i < 4; i++) t_set(x, i, values[i]);
  t_set(y, 0, 2);
  t_set(y, 1, 1);
  OK(nn_csv_save(ctx, path, "a,b,y\n", 2, (nn_tensor *[]){x, y}, &labels));
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  assert_true(fread(text, 1, sizeof text - 1, f) > 0);
  fclose(f);
  assert_string_equal(text,
                      "a,b,y\n0.10000000000000001,-1.0000000000000001e+300,\"t,wo\"\ninf,3,one\n");
  t_set(y, 1, 3);
  FAILS(nn_csv_save(ctx, path, NULL, 2, (nn_tensor *[]){x, y}, &labels), NN_EVALUE,
        "label 3 is not in 1..2");
  FAILS(nn_csv_save(ctx, path, NULL, 1, (nn_tensor *[]){x}, &labels), NN_ESHAPE,
        "labels are whole numbers");
  nn_tensor *z = t_new(ctx, NN_F32, "3x1");
  FAILS(nn_csv_save(ctx, path, NULL, 2, (nn_tensor *[]){x, z}, NULL), NN_ESHAPE,
        "x and y differ in rows: 2x2 and 3x1");
  nn_tensor_release(z);
  nn_tensor_release(x);
  nn_tensor_release(y);
}

int main(void) {
  const struct CMUnitTest tests[] = {FILE_TEST(test_allocations),   FILE_TEST(test_full_disk),
                                     FILE_TEST(test_interrupt),     FILE_TEST(test_shrinking),
                                     FILE_TEST(test_header_limits), FILE_TEST(test_csv)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
