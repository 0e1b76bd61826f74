/*
 * tests/test_bind_workers.c: experiments in processes (core.workers) where the system refuses: pipes,
 * processes, reads that are interrupted, an answer that cannot be written, memory for what comes back.
 * What cannot be had ends in an error, or in the same numbers a little later; nothing stays open and no
 * process stays behind.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bind_torture.h"

/* Which of the calls goes wrong, counted from 0, and how many from there on. */
static struct {
  const char *call;
  int at, times, error, count;
} fault;

static bool fails(const char *call) {
  if (!fault.call || strcmp(fault.call, call) != 0) return false;
  const int n = fault.count++;
  if (n < fault.at || n >= fault.at + fault.times) return false;
  errno = fault.error;
  return true;
}

/* The linker takes these instead of the library's. */
int pipe(int fd[2]) {
  return fails("pipe") ? -1 : (int)syscall(SYS_pipe2, fd, 0);
}
pid_t fork(void) {
  pid_t (*real)(void) = NULL;
  void *found = dlsym(RTLD_NEXT, "fork");
  memcpy(&real, &found, sizeof real);
  return fails("fork") ? -1 : real();
}
ssize_t read(int fd, void *p, size_t n) {
  return fails("read") ? -1 : syscall(SYS_read, fd, p, n);
}
ssize_t write(int fd, const void *p, size_t n) {
  return fails("write") ? -1 : syscall(SYS_write, fd, p, n);
}

static int open_files(void) {
  DIR *d = opendir("/proc/self/fd");
  int n = 0;
  while (d && readdir(d)) n++;
  if (d) closedir(d);
  return n;
}

static const char script[] =
  "local data = nn.data.tensors(nn.range(1, 12):unsqueeze(2), nn.ones(12, 1)) "
  "local cv = nn.cross_validate(data, {folds = 4, workers = 2, seed = 1, stratify = false}, "
  "  function(train, val, fold) return {fold = fold, x = val.x:sum():item() + nn.rand(1):item()} "
  "end) "
  "numbers = tostring(cv)";

/* Runs it with the fault; the error's text, or NULL and what it printed in *numbers. */
static const char *with(world *w, const char *call, int at, int times, int error,
                        const char **numbers) {
  lua_settop(w->L, 0);
  fault.call = call, fault.at = at, fault.times = times, fault.error = error, fault.count = 0;
  const int files = open_files();
  const int st = run(w, script);
  fault.call = NULL;
  lua_gc(w->L, LUA_GCCOLLECT); /* which closes what an error left */
  assert_int_equal(open_files(), files);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left, not even a dead one */
  assert_int_equal(errno, ECHILD);
  if (st != LUA_OK) return lua_tostring(w->L, -1);
  lua_getglobal(w->L, "numbers");
  *numbers = lua_tostring(w->L, -1);
  return NULL;
}

static void must_give(world *w, const char *call, int at, int times, int error, const char *want) {
  const char *numbers = NULL, *why = with(w, call, at, times, error, &numbers);
  if (why) fail_msg("%s %d: %s", call, at, why);
  assert_string_equal(numbers, want);
}

static void must_fail(world *w, const char *call, int at, int times, int error, const char *want) {
  const char *numbers = NULL, *why = with(w, call, at, times, error, &numbers);
  if (!why || !strstr(why, want)) fail_msg("%s %d: %s", call, at, why ? why : "no error");
}

static void test_refusals(void **state) {
  world *w = *state;
  const char *plain = NULL;
  assert_null(with(w, NULL, 0, 0, 0, &plain));
  char want[1024];
  assert_in_range(snprintf(want, sizeof want, "%s", plain), 1, sizeof want - 1);
  must_fail(w, "pipe", 0, 1, EMFILE, "workers: no pipe: Too many open files");
  must_fail(w, "fork", 0, 1, EAGAIN, "workers: no process: Resource temporarily unavailable");
  for (int at = 1; at < 4; at++) { /* those that run make room */
    must_give(w, "pipe", at, 1, EMFILE, want);
    must_give(w, "fork", at, 1, EAGAIN, want);
  }
  must_fail(w, "fork", 1, 1000, ENOMEM, "workers: no process: Cannot allocate memory");
  must_fail(w, "read", 0, 1, EIO, "its process");
  for (int at = 0; at < 4; at++) {
    must_give(w, "read", at, 1, EINTR, want);
    must_give(w, "read", at, 3, EAGAIN, want);
  }
  must_give(w, "write", 0, 2, EINTR, want); /* counted in each child */
  must_fail(w, "write", 1, 1, ENOSPC, "its process left with exit code 99");
}

static void test_memory(void **state) {
  world *w = *state;
  const char *numbers = NULL;
  int failed = 0;
  for (int n = 0; n < 200; n++) {
    w->ctx->mem.fail_in = n;
    const char *why = with(w, NULL, 0, 0, 0, &numbers);
    const bool reached = w->ctx->mem.fail_in < 0;
    w->ctx->mem.fail_in = -1;
    failed += why != NULL;
    if (why && !strstr(why, "memory")) fail_msg("allocation %d: %s", n, why);
    if (!reached) break;
  }
  assert_in_range(failed, 5, 199);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_refusals, open_world, close_world),
    cmocka_unit_test_setup_teardown(test_memory, open_world, close_world)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
