/*
 * bind/l_path.c: which part of a model an error happens in. Nothing is noted while a model runs: when
 * something raises, the calls under way are read off Lua's stack, where each layer's and module's
 * forward has its module as the first value, and lua/nn/path.lua makes "Sequential[3].fc" of them.
 */
#include <stdio.h>
#include <string.h>

#include "bind/nnl.h"

enum {
  DEEPEST = 1000 /* calls that are looked at */
};

/* Writes "[3][1]", the way from a container to one of its parts; false: it is none. */
static bool way_to(const nn_layer *from, const nn_layer *part, char *buf, size_t size) {
  for (int i = 0; i < from->nchild; i++) {
    int n = snprintf(buf, size, "[%d]", i + 1);
    if (n < 0 || (size_t)n >= size) return false;
    if (from->child[i] == part || way_to(from->child[i], part, buf + n, size - (size_t)n))
      return true;
  }
  return false;
}

/* Whether the Lua function at 5 is a method of the value at 6, a layer or module, and not just one that
   has it in its first variable: that is called self, or the function is its forward. */
static bool is_method(lua_State *L, const char *name, bool layer) {
  if (!layer && !lua_istable(L, 6)) return false;
  lua_pushvalue(L, 6);
  bool own = layer || lua_rawget(L, 4) != LUA_TNIL; /* nobody else's __index is asked below */
  if (own && strcmp(name, "self") != 0)
    own = !layer && lua_getfield(L, 6, "forward") == LUA_TFUNCTION && lua_rawequal(L, -1, 5);
  lua_settop(L, 6);
  return own;
}

/* A container runs the foreign layer at 6: pushes the way to it from the container at 3, as a part of
   the list, and its module. */
static bool push_child(lua_State *L) {
  char way[256];
  const nn_layer *part = lua_touserdata(L, 6), *from = nnL_test(L, 3, NNL_LAYER);
  if (!from || !part || !way_to(from, part, way, sizeof way)) return false;
  lua_pushstring(L, way);
  lua_rawseti(L, 2, (lua_Integer)lua_rawlen(L, 2) + 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, nnL_here(L)->modules);
  return lua_rawgetp(L, -1, part) != LUA_TNIL;
}

/* Appends what runs at this level to the list at 2; a layer that runs is remembered at 3. */
static void add_call(lua_State *L, lua_Debug *ar) {
  lua_getinfo(L, "f", ar); /* at 5 */
  lua_CFunction f = lua_tocfunction(L, 5);
  const char *name = lua_getlocal(L, ar, 1); /* at 6 */
  if (!name) return;
  const bool layer = f != nnL_layer_module && nnL_test(L, 6, NNL_LAYER);
  if (f == nnL_layer_module ? !push_child(L) : f ? !layer : !is_method(L, name, layer)) return;
  if (f && layer) lua_copy(L, 6, 3);
  lua_rawseti(L, 2, (lua_Integer)lua_rawlen(L, 2) + 1);
}

/* locate(text) -> text, with the path before it. At 2 the list of calls, at 4 the set of modules. */
static int l_locate(lua_State *L) {
  lua_Debug ar;
  int level = 1;
  lua_settop(L, 1);
  lua_newtable(L);
  lua_pushnil(L);
  lua_getfield(L, LUA_REGISTRYINDEX, "nn.hooks");
  if (lua_getfield(L, 4, "modules") != LUA_TTABLE) return lua_settop(L, 1), 1;
  lua_replace(L, 4);
  while (level < DEEPEST && lua_getstack(L, level, &ar)) level++;
  while (--level >= 1) {
    if (lua_getstack(L, level, &ar)) add_call(L, &ar);
    lua_settop(L, 4);
  }
  if (lua_rawlen(L, 2) == 0) return lua_settop(L, 1), 1;
  lua_getfield(L, LUA_REGISTRYINDEX, "nn.hooks");
  lua_getfield(L, -1, "locate");
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_call(L, 2, 1);
  return 1;
}

void nnL_locate(lua_State *L) {
  nnL_state *s = nnL_here(L);
  if (!lua_checkstack(L, 8)) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->locate);
  lua_pushvalue(L, -2);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TSTRING)
    lua_replace(L, -2);
  else /* the error itself matters more than where it is */
    lua_pop(L, 1);
}

void nnL_open_path(lua_State *L, nnL_state *s) {
  nnL_closure(L, s, l_locate, NULL);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "locate");
  s->locate = luaL_ref(L, LUA_REGISTRYINDEX);
}
