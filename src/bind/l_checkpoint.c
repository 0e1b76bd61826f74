/*
 * bind/l_checkpoint.c: what lua/nn/fit/checkpoint.lua needs besides nn.save: the state of
 * math.random, fingerprints of data, and the file before the one that is to be written.
 */
#include <string.h>
#include <zlib.h>

#include "bind/l_optim.h"
#include "io/keep.h"

/* ---- math.random ---- */

/* Lua keeps the generator's four words in a userdata that is an upvalue of math.random. NULL: not
   where we know it (a script has put a function of its own there). */
static void *math_words(lua_State *L, size_t *size) {
  void *words = NULL;
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "math") == LUA_TTABLE && lua_getfield(L, -1, "random") == LUA_TFUNCTION &&
      lua_iscfunction(L, -1) && lua_getupvalue(L, -1, 1)) {
    *size = lua_rawlen(L, -1);
    if (lua_type(L, -1) == LUA_TUSERDATA && *size == 4 * sizeof(uint64_t))
      words = lua_touserdata(L, -1); /* math.random holds it */
  }
  return words;
}

/* core.math_state(): 32 bytes, or nil */
static int l_math_state(lua_State *L) {
  size_t size;
  const char *words = math_words(L, &size);
  if (words)
    lua_pushlstring(L, words, size);
  else
    lua_pushnil(L);
  return 1;
}

/* core.set_math_state(bytes) */
static int l_set_math_state(lua_State *L) {
  size_t size, given;
  const char *bytes = luaL_checklstring(L, 1, &given);
  void *words = math_words(L, &size);
  if (words && size == given) memcpy(words, bytes, size);
  return 0;
}

/* ---- fingerprints ---- */

/* core.fingerprint(dense tensor or string): 16 digits, CRC-32 and Adler-32 of the bytes. To notice
   that data are others, not to withstand somebody who wants them to look the same. */
static int l_fingerprint(lua_State *L) {
  char text[24];
  size_t n;
  const nn_tensor *t = nnL_test(L, 1, NNL_TENSOR);
  const void *p = t ? nn_data(&t->v) : luaL_checklstring(L, 1, &n);
  if (t) {
    luaL_argcheck(L, t->v.dense, 1, "must be dense");
    n = (size_t)t->v.numel * nn_dtype_size(t->v.dtype);
  }
  snprintf(text, sizeof text, "%08lx%08lx", crc32_z(0, p, n), adler32_z(1, p, n));
  lua_pushstring(L, text);
  return 1;
}

/* core.keep_previous(path, previous) */
static int l_keep_previous(lua_State *L) {
  nnL_expect(L, nn_file_keep(nnL_ctx(L), luaL_checkstring(L, 1), luaL_checkstring(L, 2)));
  return 0;
}

/* core.sweep(path) */
static int l_sweep(lua_State *L) {
  nn_file_sweep(luaL_checkstring(L, 1));
  return 0;
}

static const luaL_Reg functions[] = {{"math_state", l_math_state},
                                     {"set_math_state", l_set_math_state},
                                     {"fingerprint", l_fingerprint},
                                     {"keep_previous", l_keep_previous},
                                     {"sweep", l_sweep},
                                     {NULL, NULL}};

void nnL_open_checkpoint(lua_State *L, nnL_state *s) {
  nnL_setfuncs(L, s, functions);
}
