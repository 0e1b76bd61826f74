/* coroutines.c: coroutine.resume, wrap and close as Lua's own, but known to interrupt.c, which has to
 * hook the coroutine that runs, and the one that goes on after it was stopped. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "host/host.h"

static lua_State *check_coroutine(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co != NULL, 1, "thread");
  return co;
}

static int resume_known(lua_State *L, lua_State *co, int nargs, int *nresults) {
  lua_State *before = host_set_running(co);
  int status = lua_resume(co, L, nargs, nresults);
  host_set_running(before);
  return status;
}

static int close_known(lua_State *L, lua_State *co) {
  lua_State *before = host_set_running(co);
#if LUA_VERSION_RELEASE_NUM >= 50406
  int status = lua_closethread(co, L);
#else
  (void)L;
  int status = lua_resetthread(co);
#endif
  host_set_running(before);
  return status;
}

/* [-nargs, +results or 1] Resumes co with the values on the top of L; gives how many came back, or
 * -1 with the error value on the top. */
static int resume(lua_State *L, lua_State *co, int nargs) {
  if (!lua_checkstack(co, nargs)) {
    lua_pushliteral(L, "too many arguments to resume");
    return -1;
  }
  int nresults;
  lua_xmove(L, co, nargs);
  int status = resume_known(L, co, nargs, &nresults);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(co, L, 1);
    return -1;
  }
  if (!lua_checkstack(L, nresults + 1)) {
    lua_pop(co, nresults);
    lua_pushliteral(L, "too many results to resume");
    return -1;
  }
  lua_xmove(co, L, nresults);
  return nresults;
}

static int l_resume(lua_State *L) {
  lua_State *co = check_coroutine(L);
  int count = resume(L, co, lua_gettop(L) - 1);
  lua_pushboolean(L, count >= 0);
  lua_insert(L, count >= 0 ? -(count + 1) : -2);
  return count >= 0 ? count + 1 : 2;
}

static int l_wrapped(lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  int count = resume(L, co, lua_gettop(L));
  if (count >= 0) return count;
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) { /* an error inside: close what it left open */
    status = close_known(L, co);
    lua_xmove(co, L, 1); /* which may have its own error to tell */
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int l_wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushcclosure(L, l_wrapped, 1);
  return 1;
}

/* Only one that waits or is dead can be closed. */
static const char *state_of(lua_State *L, lua_State *co) {
  lua_Debug ar;
  if (L == co) return "running";
  if (lua_status(co) == LUA_OK && lua_getstack(co, 0, &ar)) return "normal";
  return NULL;
}

static int l_close(lua_State *L) {
  lua_State *co = check_coroutine(L);
  const char *state = state_of(L, co);
  if (state != NULL) return luaL_error(L, "cannot close a %s coroutine", state);
  if (close_known(L, co) == LUA_OK) return lua_pushboolean(L, 1), 1;
  lua_pushboolean(L, 0);
  lua_xmove(co, L, 1);
  return 2;
}

void host_open_coroutines(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"resume", l_resume}, {"wrap", l_wrap}, {"close", l_close}, {NULL, NULL}};
  lua_getglobal(L, LUA_COLIBNAME);
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
