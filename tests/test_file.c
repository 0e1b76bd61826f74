/*
 * tests/test_file.c: atomic writing with every system call failing, falling short or being the last
 * one before a crash, in turn; and what may not be written over or read.
 */
#include <sys/wait.h>

#include "io/file.h"
#include "io/nnfile.h"
#include "nn_syscalls.h"
#include "nn_test.h"

/* ---- a folder for each test ---- */

static char folder[64], path[128];

static int setup(void **state) {
  strcpy(folder, "/tmp/nn_file_XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/weights.nn", folder);
  memset(&fault, 0, sizeof fault);
  return t_setup(state);
}

static int teardown(void **state) {
  char command[256];
  fault.on = false;
  snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", folder, folder);
  return system(command) | t_teardown(state);
}
#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

enum { OLD = 3, NEW = 100 };

/* A file with one tensor that holds `value` everywhere. */
static nn_status save(nn_ctx *ctx, double value) {
  nn_tensor *t = t_full(ctx, NN_F64, "300x7", value);
  nn_status st = nn_nnfile_write(ctx, path, "tree", 4, 1, &t);
  nn_tensor_release(t);
  return st;
}

static double load(nn_ctx *ctx) {
  nn_nnfile f;
  OK(nn_nnfile_read(ctx, path, &f));
  assert_int_equal(f.n, 1);
  assert_int_equal(f.tree_bytes, 4);
  double value = t_get(f.tensor[0], 0);
  for (int64_t i = 0; i < f.tensor[0]->v.numel; i++) NEAR(t_get(f.tensor[0], i), value, 0);
  nn_nnfile_drop(ctx, &f);
  return value;
}

static int entries(void) {
  char command[256], text[32] = "";
  snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
  FILE *p = popen(command, "r");
  assert_non_null(p);
  assert_non_null(fgets(text, sizeof text, p));
  pclose(p);
  return atoi(text);
}

/* ---- every call goes wrong ---- */

static void test_failures(void **state) {
  nn_ctx *ctx = *state;
  const int errors[] = {EIO, ENOSPC, EINTR, EDOM};
  for (size_t e = 0; e < COUNT(errors); e++) {
    int kept = 0, unsure = 0;
    for (int n = 0, went_wrong = 1; went_wrong; n++) {
      fault.on = false;
      OK(save(ctx, OLD));
      fault.on = true;
      fault.count = 0;
      fault.at = n;
      fault.error = errors[e];
      nn_status st = save(ctx, NEW);
      fault.on = false;
      went_wrong = fault.count > n;
      const char *what = went_wrong ? fault.called[n] : "nothing";
      double value = load(ctx);
      bool committed = value != OLD;
      if (st == NN_OK && !committed) fail_msg("%s failed unseen", what);
      if (st != NN_OK && strstr(ctx->err, "; the file that was there is unchanged") && committed)
        fail_msg("%s: \"%s\", but it is changed", what, ctx->err);
      if (st != NN_OK && !committed && !strstr(ctx->err, "not written: "))
        fail_msg("%s: \"%s\"", what, ctx->err);
      if (st != NN_OK && committed && !strstr(ctx->err, "written, but its folder"))
        fail_msg("%s: \"%s\"", what, ctx->err);
      kept += !committed;
      unsure += st != NN_OK && committed;
      if (errors[e] == EINTR && strcmp(what, "write") == 0) assert_int_equal(st, NN_OK);
      if (errors[e] == EDOM && strcmp(what, "write") == 0) assert_int_equal(st, NN_OK);
      bool stuck = strcmp(what, "unlinkat") == 0;
      if (!stuck && entries() != 1) fail_msg("%s: %d files are left", what, entries());
    }
    if (errors[e] == EIO || errors[e] == ENOSPC) {
      assert_true(kept >=
                  12); /* the folder, the file, its mode, each write, fsync, close, rename */
      assert_int_equal(unsure, 1);
    }
  }
}

/* The process ends before, or after, each call: the old file or the new one is there, whole. */
static void test_crashes(void **state) {
  nn_ctx *ctx = *state;
  for (int after = 0; after < 2; after++) {
    int old = 0, new = 0;
    for (int n = 0;; n++) {
      fault.on = false;
      OK(save(ctx, OLD));
      pid_t child = fork();
      assert_true(child >= 0);
      if (child == 0) {
        fault.on = true;
        fault.count = fault.error = 0;
        fault.at = n;
        fault.after = after;
        nn_status st = save(ctx, NEW);
        _exit(st == NN_OK ? 7 : 8);
      }
      int status;
      assert_int_equal(waitpid(child, &status, 0), child);
      assert_true(WIFEXITED(status));
      if (WEXITSTATUS(status) == 7) break;
      assert_int_equal(WEXITSTATUS(status), 0);
      double value = load(ctx);
      assert_true(value == OLD || value == NEW);
      old += value == OLD;
      new += value == NEW;
    }
    assert_true(old >= 12);
    assert_true(new >= 2);
    assert_int_equal(load(ctx), NEW);
  }
}

/* A torn file, at any length, is told as such. */
static void test_torn(void **state) {
  nn_ctx *ctx = *state;
  struct stat s;
  nn_nnfile f;
  OK(save(ctx, OLD));
  assert_int_equal(stat(path, &s), 0);
  for (off_t n = s.st_size - 1; n >= 0; n -= n > 200 ? 97 : 1) {
    assert_int_equal(truncate(path, n), 0);
    FAILS(nn_nnfile_read(ctx, path, &f), NN_EIO, "weights.nn: byte ");
  }
}

/* ---- what is written over ---- */

static void test_permissions_and_links(void **state) {
  nn_ctx *ctx = *state;
  struct stat s;
  char link[128], other[128];
  mode_t mask = umask(022);
  OK(save(ctx, OLD));
  assert_int_equal(stat(path, &s), 0);
  assert_int_equal(s.st_mode & 0777, 0644);
  assert_int_equal(chmod(path, 0640), 0);
  OK(save(ctx, NEW));
  assert_int_equal(stat(path, &s), 0);
  assert_int_equal(s.st_mode & 0777, 0640);
  /* through a link, relative to its folder: the link stays */
  snprintf(link, sizeof link, "%s/link.nn", folder);
  assert_int_equal(symlink("weights.nn", link), 0);
  OK(nn_file_write(ctx, link, "text", 4));
  assert_int_equal(lstat(link, &s), 0);
  assert_true(S_ISLNK(s.st_mode));
  assert_int_equal(stat(path, &s), 0);
  assert_int_equal(s.st_size, 4);
  /* a link to what is not there yet */
  snprintf(other, sizeof other, "%s/dangling.nn", folder);
  assert_int_equal(symlink("new.nn", other), 0);
  OK(nn_file_write(ctx, other, "text", 4));
  assert_int_equal(lstat(other, &s), 0);
  assert_true(S_ISLNK(s.st_mode));
  assert_int_equal(stat(other, &s), 0);
  umask(mask);
}

static void test_what_is_refused(void **state) {
  nn_ctx *ctx = *state;
  char name[400];
  FAILS(nn_file_write(ctx, folder, "x", 1), NN_EIO, "not written: it is a folder");
  FAILS(nn_file_write(ctx, "/dev/null", "x", 1), NN_EIO,
        "/dev/null: not written: it is not a file");
  FAILS(nn_file_write(ctx, "", "x", 1), NN_EIO, "not written: this is the name of a folder");
  FAILS(nn_file_write(ctx, "/", "x", 1), NN_EIO, "not written: this is the name of a folder");
  snprintf(name, sizeof name, "%s/none/x.nn", folder);
  FAILS(nn_file_write(ctx, name, "x", 1), NN_EIO,
        "its folder cannot be opened: No such file or directory");
  snprintf(name, sizeof name, "%s/%0300d", folder, 0);
  FAILS(nn_file_write(ctx, name, "x", 1), NN_EIO,
        "the path cannot be followed: File name too long");
  snprintf(name, sizeof name, "%s/%0255d", folder, 0);
  OK(nn_file_write(ctx, name, "x", 1));
  if (geteuid() == 0) return; /* nothing is protected from root */
  OK(save(ctx, OLD));
  assert_int_equal(chmod(path, 0444), 0);
  FAILS(save(ctx, NEW), NN_EIO, "the old file is protected: Permission denied");
  assert_int_equal(load(ctx), OLD);
}

static void test_interrupt(void **state) {
  nn_ctx *ctx = *state;
  OK(save(ctx, OLD));
  nn_interrupted = 1;
  assert_int_equal(nn_file_write(ctx, path, "text", 4), NN_EINTR);
  nn_interrupted = 0;
  assert_int_equal(load(ctx), OLD);
  assert_int_equal(entries(), 1);
}

/* ---- what is read ---- */

static void test_only_files_are_read(void **state) {
  nn_ctx *ctx = *state;
  nn_nnfile f;
  char fifo[128];
  FAILS(nn_nnfile_read(ctx, folder, &f), NN_EIO, "is a folder, not a file");
  FAILS(nn_nnfile_read(ctx, "/dev/zero", &f), NN_EIO, "is a device, pipe or socket, not a file");
  snprintf(fifo, sizeof fifo, "%s/fifo", folder);
  assert_int_equal(mkfifo(fifo, 0600), 0);
  FAILS(nn_nnfile_read(ctx, fifo, &f), NN_EIO, "is a device, pipe or socket, not a file");
  FAILS(nn_nnfile_read(ctx, "/nowhere/x.nn", &f), NN_EIO, "No such file");
  OK(nn_file_write(ctx, path, "\x1f\x8b\x08 and so on, long enough", 25));
  FAILS(nn_nnfile_read(ctx, path, &f), NN_EIO, "this is gzip data; unpack it first");
}

/* A file that loses bytes while it is read is an error, not a signal. */
static void test_shrinking(void **state) {
  nn_ctx *ctx = *state;
  nn_file_source f;
  char bytes[64];
  OK(nn_file_write(ctx, path, "0123456789", 10));
  OK(nn_file_open(ctx, path, &f));
  assert_int_equal(truncate(path, 4), 0);
  FAILS(nn_source_take(&f.base, bytes, 10), NN_EIO,
        "weights.nn: byte 4: the data ends here, 6 bytes too early");
  nn_file_close(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    FILE_TEST(test_failures),
    FILE_TEST(test_crashes),
    FILE_TEST(test_torn),
    FILE_TEST(test_permissions_and_links),
    FILE_TEST(test_what_is_refused),
    FILE_TEST(test_interrupt),
    FILE_TEST(test_only_files_are_read),
    FILE_TEST(test_shrinking),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
