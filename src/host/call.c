/* call.c: protected calls and error messages. */
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <string.h>

#include "host/host.h"

const char *host_progname = "nnlua";

enum { DEEPEST = 100 }; /* levels of the stack that are searched for the script */

static bool was_interrupted;

bool host_was_interrupted(void) {
  return was_interrupted;
}

void host_message(const char *text) {
  fflush(stdout); /* what was printed before comes before, also where both go to one file */
  if (host_progname != NULL) fprintf(stderr, "%s: ", host_progname);
  fprintf(stderr, "%s\n", text);
  fflush(stderr);
}

int host_report(lua_State *L, int status) {
  if (status == LUA_OK) return status;
  const char *text = lua_tostring(L, -1);
  host_message(text != NULL ? text : "(error object is not a string)");
  lua_pop(L, 1);
  return status;
}

/* [-0, +1] Where the innermost function of the script is: its source, or nil, and the line. */
static int push_place(lua_State *L) {
  lua_Debug ar;
  for (int level = 1; level < DEEPEST && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline <= 0 || strncmp(ar.source, "@nn/", 4) == 0) continue;
    lua_pushstring(L, ar.source);
    return ar.currentline;
  }
  lua_pushnil(L);
  return 0;
}

/* [-0, +1] The text, with a hint below where nn/hint.lua has one. */
static const char *push_hinted(lua_State *L, const char *text) {
  int top = lua_gettop(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  if (lua_getfield(L, -1, "nn.hint") == LUA_TFUNCTION && lua_pcall(L, 0, 1, 0) == LUA_OK) {
    lua_pushstring(L, text);
    int line = push_place(L);
    lua_pushinteger(L, line);
    if (lua_pcall(L, 3, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TSTRING) {
      const char *hinted = lua_pushfstring(L, "%s\nhint: %s", text, lua_tostring(L, -1));
      lua_replace(L, top + 1);
      lua_settop(L, top + 1);
      return hinted;
    }
  }
  lua_settop(L, top);
  return lua_pushstring(L, text);
}

/* Whether the line of a traceback is one of our own Lua files. */
static bool is_ours(const char *line) {
  return strncmp(line, "\tnn/", 4) == 0;
}

/* [-1, +1] The traceback on the top without what a script's writer cannot do anything about: our own
 * files, and `error` as they call it. */
static void drop_noise(lua_State *L) {
  luaL_Buffer buffer;
  const char *line = lua_tostring(L, -1);
  luaL_buffinit(L, &buffer);
  for (const char *next; line != NULL && *line != '\0'; line = next) {
    const char *end = strchr(line, '\n');
    next = end != NULL ? end + 1 : line + strlen(line);
    const bool by_us = strncmp(line, "\t[C]: in function 'error'", 25) == 0 && is_ours(next);
    if (!is_ours(line) && !by_us) luaL_addlstring(&buffer, line, (size_t)(next - line));
  }
  luaL_pushresult(&buffer);
  lua_remove(L, -2);
}

/* Message handler: the error as text, with a traceback unless the object makes its own text. */
static int l_traceback(lua_State *L) {
  const char *text = lua_tostring(L, 1);
  if (text == NULL) {
    if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING) return 1;
    text = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  }
  if (lua_type(L, 1) == LUA_TSTRING) text = push_hinted(L, text);
  luaL_traceback(L, L, NULL, 1);
  drop_noise(L);
  lua_pushfstring(L, "%s\n%s", text, lua_tostring(L, -1));
  return 1;
}

int host_call(lua_State *L, int nargs, int nresults, bool traceback) {
  int base = lua_gettop(L) - nargs;
  if (traceback) {
    lua_pushcfunction(L, l_traceback);
    lua_insert(L, base);
  }
  host_interrupts_begin(L);
  int status = lua_pcall(L, nargs, nresults, traceback ? base : 0);
  const bool stopped = host_interrupts_end(L);
  if (traceback) lua_remove(L, base);
  const char *text = status == LUA_OK ? NULL : lua_tostring(L, -1);
  const bool told = text != NULL && strstr(text, "interrupted") != NULL;
  was_interrupted = status != LUA_OK && (stopped || (told && host_interrupts_obeyed()));
  if (was_interrupted && status == LUA_ERRMEM) { /* how interrupt.c makes sure */
    lua_pop(L, 1);
    lua_pushliteral(L, HOST_INTERRUPTED);
  }
  return status;
}
