/*
 * tests/test_bind_file.c: nn.save and nn.load with every allocation failing in turn, Lua's own and the
 * core's: each ends in an error or in success, nothing leaks, and the same works afterwards.
 */
#include <stdio.h>
#include <unistd.h>

#include "bind_torture.h"

static char path[64];

static const char *const snippets[] = {
  "local m = nn.Sequential{nn.Linear(2, 3), nn.Residual(nn.Linear(3, 3))} "
  "local o = nn.optim.Adam(m:parameters(), {lr = 0.1}) "
  "nn.save(path .. '.nn', {m = m, o = o, l = nn.MSELoss(), s = 'text', x = nn.ones(2, 3):t()}) "
  "local t = nn.load(path .. '.nn') assert(t.o:groups()[1].params[1] == t.m[1].weight)",
  "local t = {a = nn.ones(2, 3):t(), b = nn.zeros(0)} nn.save(path .. '.npz', t) "
  "assert(nn.equal(nn.load(path .. '.npz').a, t.a))",
  "nn.save(path .. '.safetensors', {a = nn.ones(2)}, {metadata = {k = 'v'}}) "
  "local t, m = nn.load(path .. '.safetensors') assert(m.k == 'v' and #t.a == 2)",
  "nn.save(path .. '.npy', nn.ones(2, 3):t()) assert(nn.load(path .. '.npy'):size(1) == 3)",
  "nn.save(path .. '.csv', nn.ones(2, 3)) nn.save(path .. '.csv', {{a = 1}, {a = 'x'}})",
  NULL,
};

static int setup(void **state) {
  strcpy(path, "/tmp/nn_bind_file_XXXXXX");
  int fd = mkstemp(path);
  if (fd < 0) return -1;
  close(fd);
  if (open_world(state) != 0) return -1;
  world *w = *state;
  lua_pushstring(w->L, path);
  lua_setglobal(w->L, "path");
  return 0;
}

static int teardown(void **state) {
  static const char *const ends[] = {"", ".nn", ".npz", ".safetensors", ".npy", ".csv"};
  char name[128];
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    snprintf(name, sizeof name, "%s%s", path, ends[i]);
    unlink(name);
  }
  return close_world(state);
}

static void test_lua_allocations(void **state) {
  world *w = *state;
  torture_all(w, snippets, &w->fail_in);
}

static void test_core_allocations(void **state) {
  world *w = *state;
  torture_all(w, snippets, &w->ctx->mem.fail_in);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_lua_allocations, setup, teardown),
    cmocka_unit_test_setup_teardown(test_core_allocations, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
