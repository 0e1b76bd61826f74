/* strict.c: --strict. A global is declared by assigning it in a main chunk or from C; reading or
 * assigning any other one is an error, which finds misspelt names. */
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "host/host.h"

/* Upvalue 1 of both: the set of declared names, to tell a declared nil from an unknown name. */
static bool is_declared(lua_State *L) {
  lua_pushvalue(L, 2);
  bool declared = lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL;
  lua_pop(L, 1);
  return declared;
}

static bool may_declare(lua_State *L) {
  lua_Debug ar;
  if (!lua_getstack(L, 1, &ar)) return true;
  lua_getinfo(L, "S", &ar);
  return strcmp(ar.what, "main") == 0 || strcmp(ar.what, "C") == 0;
}

static int undeclared(lua_State *L, const char *action) {
  return luaL_error(L, "%s undeclared global '%s'", action, luaL_tolstring(L, 2, NULL));
}

static int l_strict_index(lua_State *L) {
  if (!is_declared(L)) return undeclared(L, "use of");
  lua_pushnil(L);
  return 1;
}

static int l_strict_newindex(lua_State *L) {
  lua_settop(L, 3);
  if (!is_declared(L)) {
    if (!may_declare(L)) return undeclared(L, "assignment in a function to");
    lua_pushvalue(L, 2);
    lua_pushboolean(L, true);
    lua_rawset(L, lua_upvalueindex(1));
  }
  lua_rawset(L, 1);
  return 0;
}

void host_open_strict(lua_State *L) {
  static const luaL_Reg metamethods[] = {
    {"__index", l_strict_index},
    {"__newindex", l_strict_newindex},
    {NULL, NULL},
  };
  lua_pushglobaltable(L);
  luaL_newlibtable(L, metamethods);
  lua_newtable(L);
  luaL_setfuncs(L, metamethods, 1);
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}
