/*
 * bind_torture.h: a Lua state with nn in which any allocation can be made to fail, Lua's own or the
 * core's, and the loop that lets each of a script's allocations fail in turn.
 */
#ifndef BIND_TORTURE_H
#define BIND_TORTURE_H

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

static inline void *failing(void *ud, void *p, size_t old, size_t new) {
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

static inline int run(world *w, const char *code) {
  int st = luaL_loadstring(w->L, code);
  if (st == LUA_OK) st = lua_pcall(w->L, 0, 0, 0);
  return st;
}

static inline size_t live_after_collect(world *w) {
  w->fail_in = -1;
  w->retry = false;
  w->ctx->mem.fail_in = -1;
  lua_settop(w->L, 0);
  lua_gc(w->L, LUA_GCCOLLECT);
  lua_gc(w->L, LUA_GCCOLLECT);
  return w->ctx->mem.live;
}

static inline void torture(world *w, const char *code, int64_t *counter) {
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

/* The same for each of a list that ends in NULL. */
static inline void torture_all(world *w, const char *const *codes, int64_t *counter) {
  for (; *codes; codes++) torture(w, *codes, counter);
}

static inline int open_world(void **state) {
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

static inline int close_world(void **state) {
  world *w = *state;
  lua_close(w->L);
  free(w);
  return 0;
}

#endif
