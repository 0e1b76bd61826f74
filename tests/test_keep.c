/* tests/test_keep.c: the file before the one that is to be written, and what crashes left beside it. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/keep.h"
#include "nn_test.h"

static char folder[32];

static int setup(void **state) {
  strcpy(folder, "/tmp/nn_keep_XXXXXX");
  if (!mkdtemp(folder) || chdir(folder)) return -1;
  return t_setup(state);
}

static int teardown(void **state) {
  char command[64];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return chdir("/") | system(command) | t_teardown(state);
}

static void put(const char *path, const char *text) {
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  assert_int_equal(fclose(f), 0);
}

static void holds(const char *path, const char *text) {
  char got[32] = "";
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  assert_non_null(fgets(got, sizeof got, f));
  fclose(f);
  assert_string_equal(got, text);
}

static bool is_there(const char *path) {
  struct stat s;
  return lstat(path, &s) == 0;
}

static void test_keep(void **state) {
  nn_ctx *ctx = *state;
  OK(nn_file_keep(ctx, "run.nn", "old.nn")); /* nothing to keep */
  assert_false(is_there("old.nn"));
  put("run.nn", "one");
  OK(nn_file_keep(ctx, "run.nn", "old.nn"));
  holds("run.nn", "one");
  holds("old.nn", "one");
  OK(nn_file_keep(ctx, "run.nn", "old.nn")); /* they are one file already */
  assert_int_equal(unlink("run.nn"), 0);
  put("run.nn", "two");
  holds("old.nn", "one");
  OK(nn_file_keep(ctx, "run.nn", "old.nn"));
  holds("old.nn", "two");
  assert_int_equal(system("test $(ls -A | wc -l) = 2"), 0);
}

static void test_links_are_followed(void **state) {
  nn_ctx *ctx = *state;
  put("target.nn", "one");
  assert_int_equal(symlink("target.nn", "run.nn"), 0);
  OK(nn_file_keep(ctx, "run.nn", "old.nn"));
  assert_int_equal(unlink("target.nn"), 0);
  put("target.nn", "two");
  holds("old.nn", "one");
  holds("run.nn", "two");
}

static void test_keep_fails(void **state) {
  nn_ctx *ctx = *state;
  put("run.nn", "one");
  assert_int_equal(mkdir("old.nn", 0700), 0);
  FAILS(nn_file_keep(ctx, "run.nn", "old.nn"), NN_EIO, "run.nn: cannot be kept as old.nn: ");
  holds("run.nn", "one");
  assert_int_equal(system("test $(ls -A | wc -l) = 2"), 0);
}

/* A number that no process has. */
static long nobody(void) {
  pid_t child = fork();
  if (child == 0) _exit(0);
  assert_int_equal(waitpid(child, NULL, 0), child);
  return child;
}

static void test_sweep(void **state) {
  static const struct {
    const char *format;
    bool alive, old, goes;
  } cases[] = {
    {".run.nn.tmp-%ld-0123abcd", false, true, true},
    {".run.nn.tmp-%ld-0123abce", false, false, false}, /* written to just now */
    {".run.nn.tmp-%ld-0123abcf", true, true, false},   /* its process lives */
    {".other.nn.tmp-%ld-0123abcd", false, true, false},
    {".run.nn.tmp-%ld-0123abcg", false, true, false},
    {".run.nn.tmp-%ld-0123abcd.gz", false, true, false},
    {"run.nn.tmp-%ld-0123abcd", false, true, false},
    {".run.nn.tmp-x%ld-0123abcd", false, true, false},
  };
  char name[COUNT(cases)][64], other[64];
  const struct timespec past[2] = {{1000000, 0}, {1000000, 0}};
  long gone = nobody();
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    const char *at = strstr(cases[i].format, "%ld");
    snprintf(name[i], sizeof name[i], "%.*s%ld%s", (int)(at - cases[i].format), cases[i].format,
             cases[i].alive ? (long)getpid() : gone, at + 3);
    put(name[i], "x");
    if (cases[i].old) assert_int_equal(utimensat(AT_FDCWD, name[i], past, 0), 0);
  }
  snprintf(other, sizeof other, "%s/run.nn", folder);
  nn_file_sweep(other);
  nn_file_sweep("nowhere/run.nn");
  for (size_t i = 0; i < COUNT(cases); i++)
    if (is_there(name[i]) == cases[i].goes) fail_msg("%s", name[i]);
  nn_file_sweep("run.nn"); /* by a path without a folder it is the same */
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_keep, setup, teardown),
    cmocka_unit_test_setup_teardown(test_links_are_followed, setup, teardown),
    cmocka_unit_test_setup_teardown(test_keep_fails, setup, teardown),
    cmocka_unit_test_setup_teardown(test_sweep, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
