/*
 * tests/test_bind_fit.c: nn.fit with every allocation failing in turn; its checkpoint with every
 * system call failing, or being the last one before a crash, in turn: the fit that goes on from what
 * is left ends with the bytes of one that was never stopped.
 */
#include <sys/wait.h>

#include "bind_torture.h"
#include "nn_syscalls.h"

/* ---- allocations ---- */

#define LET(code) \
  "local ok, e = pcall(function() " code " end) nn.last = nil if not ok then error(e, 0) end"

static const char *const snippets[] = {
  LET(
    "nn.seed(1) local ds = nn.data.tensors(nn.randn(10, 2), nn.randn(10, 1)) "
    "local m = nn.Sequential{nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.2), nn.Linear(3, 1)} "
    "local h = nn.fit(m, ds, {loss = nn.MSELoss(), epochs = 2, batch_size = 2, accumulate = 2, "
    "optimizer = nn.optim.Adam(m:parameters(), {lr = 0.01}), l2 = 0.1, clip_norm = 1, "
    "metrics = {'mse'}, validation = 0.2}) assert(#h == 2)"),
  LET("nn.seed(1) local ds = nn.data.tensors(nn.randn(6, 2), nn.randn(6, 1)) "
      "local m = nn.Linear(2, 1) local n = 0 "
      "local h = nn.fit(m, ds, {loss = nn.MSELoss(), epochs = 1, batch_size = 2, accumulate = 2, "
      "optimizer = nn.optim.SGD(m:parameters(), {lr = 0.01}), l1 = 0.1, "
      "callbacks = {{on_batch_end = function() n = n + 1 end}}}) assert(n == 2)"),
  NULL,
};

static void test_lua_allocations(void **state) {
  world *w = *state;
  torture_all(w, snippets, &w->fail_in);
}

static void test_core_allocations(void **state) {
  world *w = *state;
  torture_all(w, snippets, &w->ctx->mem.fail_in);
}

/* ---- system calls ---- */

static char folder[32];

/* fit(epochs) goes on from the checkpoint; its value is all that it leaves, as a text. */
static const char program[] =
  "nn.threads(1) "                        /* forked */
  "io.stderr = {write = function() end} " /* falling back is told */
  "function fit(epochs) "
  "  nn.seed(3) "
  "  local ds = nn.data.tensors(nn.randn(30, 2), nn.randn(30, 1)) "
  "  local m = nn.Sequential{nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.2), nn.Linear(3, 1)} "
  "  local o = nn.optim.Adam(m:parameters(), {lr = 0.01}) "
  "  local h = nn.fit(m, ds, {loss = nn.MSELoss(), optimizer = o, epochs = epochs, batch_size = 4, "
  "    schedule = nn.schedule.Exponential(o, {gamma = 0.9}), checkpoint = {path = path}}) "
  "  local words = {} "
  "  for _, r in ipairs(h) do words[#words + 1] = ('%a %a'):format(r.loss, r.lr) end "
  "  for _, p in ipairs(m:named_parameters()) do "
  "    for _, v in ipairs(p.tensor:detach():reshape(-1):totable()) do "
  "      words[#words + 1] = ('%a'):format(v) end end "
  "  return table.concat(words, ' ') "
  "end ";

static void clean(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s && mkdir %s", folder, folder);
  assert_int_equal(system(command), 0);
}

static void must(world *w, const char *code) {
  if (run(w, code) != LUA_OK) fail_msg("'%.60s': %s", code, lua_tostring(w->L, -1));
}

static void prepare(world *w) {
  bool quick = access("/dev/shm", W_OK) == 0; /* in memory: nothing waits for a disk */
  strcpy(folder, quick ? "/dev/shm/nn_fit_XXXXXX" : "/tmp/nn_fit_XXXXXX");
  assert_non_null(mkdtemp(folder));
  lua_pushfstring(w->L, "%s/run.nn", folder);
  lua_setglobal(w->L, "path");
  must(w, program);
  must(w, "whole = fit(4)");
}

static void arm(int n, int error, bool after) {
  fault.on = true;
  fault.count = 0;
  fault.at = n;
  fault.error = error;
  fault.after = after;
}

static void test_failing_calls(void **state) {
  world *w = *state;
  const int errors[] = {EIO, ENOSPC, EPERM};
  prepare(w);
  for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
    int failed = 0;
    for (int n = 0, came = 1; came; n++) {
      clean();
      must(w, "fit(2)");
      arm(n, errors[e], false);
      int st = run(w, "assert(fit(4) == whole)");
      fault.on = false;
      came = fault.count > n;
      if (st != LUA_OK && strstr(lua_tostring(w->L, -1), "assertion"))
        fail_msg("%s: other bytes", fault.called[n]);
      failed += st != LUA_OK;
      must(w, "assert(fit(4) == whole)");
    }
    assert_true(failed >= 12); /* of two saves */
  }
  clean();
  assert_int_equal(rmdir(folder), 0);
}

static void test_crashes(void **state) {
  world *w = *state;
  prepare(w);
  for (int after = 0; after < 2; after++) {
    int status = 0;
    for (int n = 0; WEXITSTATUS(status) != 7; n++) {
      clean();
      must(w, "fit(2)");
      pid_t child = fork();
      assert_true(child >= 0);
      if (child == 0) {
        arm(n, 0, after);
        int st = run(w, "assert(fit(4) == whole)");
        _exit(st == LUA_OK ? 7 : 8);
      }
      assert_int_equal(waitpid(child, &status, 0), child);
      assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 8);
      must(w, "assert(fit(4) == whole)");
    }
  }
  clean();
  assert_int_equal(rmdir(folder), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_lua_allocations, open_world, close_world),
    cmocka_unit_test_setup_teardown(test_core_allocations, open_world, close_world),
    cmocka_unit_test_setup_teardown(test_failing_calls, open_world, close_world),
    cmocka_unit_test_setup_teardown(test_crashes, open_world, close_world),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
