/*
 * tests/test_bind_optim.c: scripts that save and load optimizers, step by closures, clip and fit, with
 * every allocation failing in turn, Lua's own and the core's: an error or success, nothing leaks, and
 * the weights stand as before a step that failed.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bind/nnl.h"
#include "bind/open.h"

typedef struct world {
  lua_State *L;
  nn_ctx *ctx;
  int64_t fail_in; /* Lua allocations until one fails; < 0: never */
  bool retry;      /* the one after it fails too: Lua collects and tries again */
} world;

static void *failing(void *ud, void *p, size_t old, size_t new) {
  world *w = ud;
  bool grows = !p || new > old;
  if (new == 0) {
    free(p);
    return NULL;
  }
  if (grows && (w->retry || (w->fail_in >= 0 && w->fail_in-- == 0))) {
    w->retry = !w->retry;
    return NULL;
  }
  return realloc(p, new);
}

/* Each ends with what must hold, whatever happened before. */
static const char *const snippets[] = {
  "local w = nn.tensor({{1, 2}, {3, 4}}, {requires_grad = true}) "
  "local function run(o, n) for i = 1, n do o:step(function() o:zero_grad() "
  "  local l = (w * w):sum() l:backward() return l end) end end "
  "for _, name in ipairs{'Adam', 'NAdam', 'LBFGS', 'Nesterov', 'RandomSearch'} do "
  "  local o = nn.optim[name]{w} run(o, 2) local s = o:state() "
  "  local p = nn.optim[name]{w} p:load_state(s) run(p, 1) p:formula() "
  "  assert(p:state().params[1].steps == 3) end",

  "local w = nn.tensor({1, 2, 3}, {requires_grad = true}) "
  "local o = nn.optim.LBFGS({w}, {max_iter = 3}) local before = w:detach():clone() "
  "local ok, err = pcall(o.step, o, function() o:zero_grad() local l = (w * w * w * w):sum() "
  "  l:backward() return l end) "
  "if not ok then for i = 1, 3 do assert(w[i]:item() == before[i]) end error(err, 0) end",

  "local w = nn.tensor({1, 2}, {requires_grad = true}) ;(w * w):sum():backward() "
  "assert(nn.clip_grad_norm({w}, 1) > 1) nn.clip_grad_value({w}, 0.1) "
  "local o = nn.optim.SGD{w} o:step() tostring(o:explain(w, 1)) o:groups()[1].lr = 0.5 "
  "local s = nn.schedule.Warmup(o, {steps = 2, after = nn.schedule.Cosine(o, {T_max = 3})}) "
  "for i = 1, 4 do s:step() end s:load_state(s:state()) nn.schedule.plot(s)",

  "local w, b = nn.ols(nn.tensor{{1, 2}, {2, 1}, {3, 5}, {0, 1}}, nn.tensor{1, 2, 3, 4}) "
  "assert(w:numel() == 2 and b:numel() == 1)",
};

static int run(world *w, const char *code) {
  int st = luaL_loadstring(w->L, code);
  if (st == LUA_OK) st = lua_pcall(w->L, 0, 0, 0);
  return st;
}

static size_t live_after_collect(world *w) {
  w->fail_in = -1;
  w->retry = false;
  w->ctx->mem.fail_in = -1;
  lua_settop(w->L, 0);
  lua_gc(w->L, LUA_GCCOLLECT);
  lua_gc(w->L, LUA_GCCOLLECT);
  return w->ctx->mem.live;
}

static void torture(world *w, const char *code, int64_t *counter) {
  if (run(w, code) != LUA_OK) fail_msg("'%.40s': %s", code, lua_tostring(w->L, -1));
  size_t live = live_after_collect(w);
  for (int64_t n = 0, failed = 1; failed; n++) {
    assert_true(n < 100000);
    *counter = n;
    int st = run(w, code);
    failed = *counter < 0; /* the n-th allocation came, and failed */
    if (st != LUA_OK && !failed)
      fail_msg("'%.40s' failed by itself: %s", code, lua_tostring(w->L, -1));
    if (st == LUA_ERRRUN && strstr(luaL_tolstring(w->L, -1, NULL), "assertion failed"))
      fail_msg("failure %d of '%.40s': %s", (int)n, code, lua_tostring(w->L, -1));
    size_t now = live_after_collect(w);
    if (now != live)
      fail_msg("failure %d of '%.40s': %zu bytes live, were %zu", (int)n, code, now, live);
    assert_int_equal(w->ctx->no_grad, 0);
    assert_int_equal(w->ctx->nodes, 0);
  }
  assert_int_equal(run(w, code), LUA_OK);
}

static void lua_allocations(void **state) {
  world *w = *state;
  for (size_t i = 0; i < sizeof snippets / sizeof *snippets; i++)
    torture(w, snippets[i], &w->fail_in);
}

static void core_allocations(void **state) {
  world *w = *state;
  for (size_t i = 0; i < sizeof snippets / sizeof *snippets; i++)
    torture(w, snippets[i], &w->ctx->mem.fail_in);
}

static int open_world(void **state) {
  world *w = calloc(1, sizeof *w);
  if (!w) return -1;
  w->fail_in = -1;
  w->L = lua_newstate(failing, w);
  luaL_openlibs(w->L);
  luaL_requiref(w->L, "nn", luaopen_nn, 0);
  lua_setglobal(w->L, "nn");
  lua_pushnil(w->L);
  while (lua_next(w->L, LUA_REGISTRYINDEX)) { /* the context is the registry's one light key */
    if (lua_islightuserdata(w->L, -2) && lua_isuserdata(w->L, -1) && !w->ctx)
      w->ctx = ((nnL_state *)lua_touserdata(w->L, -1))->ctx;
    lua_pop(w->L, 1);
  }
  *state = w;
  return w->ctx ? 0 : -1;
}

static int close_world(void **state) {
  world *w = *state;
  lua_close(w->L);
  free(w);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(lua_allocations, open_world, close_world),
    cmocka_unit_test_setup_teardown(core_allocations, open_world, close_world),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
