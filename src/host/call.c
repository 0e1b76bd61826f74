/* call.c: protected calls and error messages. */
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <string.h>

#include "host/host.h"

const char *host_progname = "nnlua";

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

/* Message handler: the error as text, with a traceback unless the object makes its own text. */
static int l_traceback(lua_State *L) {
  const char *text = lua_tostring(L, 1);
  if (text == NULL) {
    if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING) return 1;
    text = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  }
  luaL_traceback(L, L, text, 1);
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
  was_interrupted = stopped && status != LUA_OK;
  if (was_interrupted && status == LUA_ERRMEM) { /* how interrupt.c makes sure */
    lua_pop(L, 1);
    lua_pushliteral(L, HOST_INTERRUPTED);
  }
  return status;
}
