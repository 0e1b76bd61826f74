/* open.c: luaopen_nn, the door through which both the host and a stock lua5.4 (nn.so) come in.
 *
 * The core becomes "nn.core", each embedded Lua file a module that is loaded on demand from memory,
 * and what nn/init.lua returns is the module "nn". */
#include <lauxlib.h>
#include <lua.h>
#include <stdint.h>
#include <string.h>

#include "bind/embed.h"
#include "bind/open.h"

const nn_embedded *nn_embedded_find(const char *name) {
  for (const nn_embedded *file = nn_embedded_files; file->name != NULL; file++)
    if (strcmp(file->name, name) == 0) return file;
  return NULL;
}

/* [-0, +1, e] the loaded chunk; errors in it name the file as a path below lua/. */
static void nnL_load_embedded(lua_State *L, const nn_embedded *file) {
  const char *chunk = lua_pushfstring(L, "@%s", file->name);
  if (luaL_loadbufferx(L, (const char *)file->data, file->size, chunk, "t") != LUA_OK) lua_error(L);
  lua_remove(L, -2);
}

/* A package.preload entry: runs the file with what `require` passes, returns what it returns. */
static int l_open_embedded(lua_State *L) {
  const nn_embedded *file = lua_touserdata(L, lua_upvalueindex(1));
  lua_settop(L, 2);
  nnL_load_embedded(L, file);
  lua_insert(L, 1);
  lua_call(L, 2, 1);
  return 1;
}

/* [-0, +1, m] "nn/plot/svg.lua" gives "nn.plot.svg", "nn/plot/init.lua" gives "nn.plot"; false,
 * and nothing pushed, for what is no module: an asset. */
static int push_module_name(lua_State *L, const char *path) {
  size_t length = strlen(path);
  if (length < 4 || strcmp(path + length - 4, ".lua") != 0) return 0;
  lua_pushlstring(L, path, length - 4);
  luaL_gsub(L, lua_tostring(L, -1), "/", ".");
  lua_remove(L, -2);
  const char *name = lua_tolstring(L, -1, &length);
  if (length > 5 && strcmp(name + length - 5, ".init") == 0) {
    lua_pushlstring(L, name, length - 5);
    lua_remove(L, -2);
  }
  return 1;
}

static void nnL_preload_embedded(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const nn_embedded *file = nn_embedded_files; file->name != NULL; file++) {
    if (strcmp(file->name, "nn/init.lua") == 0 || !push_module_name(L, file->name)) continue;
    /* The closure only reads through the pointer. */
    lua_pushlightuserdata(L, (void *)(uintptr_t)file);
    lua_pushcclosure(L, l_open_embedded, 1);
    lua_rawset(L, -3);
  }
  lua_pop(L, 1);
}

int luaopen_nn(lua_State *L) {
  const nn_embedded *init = nn_embedded_find("nn/init.lua");
  if (init == NULL) return luaL_error(L, "nn: built without lua/nn/init.lua");
  nnL_preload_embedded(L);
  luaL_requiref(L, "nn.core", luaopen_nn_core, 0);
  lua_pop(L, 1);
  nnL_load_embedded(L, init);
  lua_pushliteral(L, "nn");
  lua_call(L, 1, 1);
  return 1;
}
