/* repl.c: the plain prompt. An expression prints without `=`, an incomplete statement continues, `_`
 * holds the last value, a final `;` keeps silent. Ctrl-C drops the line or stops what runs. */
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "host/host.h"

typedef enum { LINE_READ, LINE_DROPPED, LINE_END } line_result;

static char *buffer; /* getline's; here, not on the stack, because Lua may raise past us */
static size_t capacity;

/* Raw, because under --strict reading an unset global raises. */
static int get_global(lua_State *L, const char *name) {
  lua_pushglobaltable(L);
  lua_pushstring(L, name);
  int type = lua_rawget(L, -2);
  lua_remove(L, -2);
  return type;
}

static void show_prompt(lua_State *L, bool first) {
  if (get_global(L, first ? "_PROMPT" : "_PROMPT2") == LUA_TNIL)
    fputs(first ? "> " : ">> ", stdout);
  else
    fputs(luaL_tolstring(L, -1, NULL), stdout);
  fflush(stdout);
  lua_settop(L, first ? 0 : 1);
}

/* Pushes a line without its end; nothing when there is none. Index 1 holds the text so far. */
static line_result read_line(lua_State *L, bool first) {
  show_prompt(L, first);
  clearerr(stdin); /* a Ctrl-D or Ctrl-C that ended the script's own reading */
  host_reading_begin();
  ssize_t length = getline(&buffer, &capacity, stdin);
  if (host_reading_end() && length < 0) {
    putchar('\n');
    return LINE_DROPPED;
  }
  if (length < 0) return LINE_END;
  if (length > 0 && buffer[length - 1] == '\n') buffer[--length] = '\0';
  /* As readline does, so that the transcript of a piped session reads like a session. */
  if (!isatty(STDIN_FILENO)) puts(buffer);
  if (first && buffer[0] == '=') /* the way of Lua 5.2 and before */
    lua_pushfstring(L, "return %s", buffer + 1);
  else
    lua_pushlstring(L, buffer, (size_t)length);
  return LINE_READ;
}

static int load_text(lua_State *L, const char *text) {
  return luaL_loadbuffer(L, text, strlen(text), "=stdin");
}

/* Whether the expression at index 1 ends in a `;` that separates, not one inside a comment: after a
 * real one a second is a syntax error. */
static bool is_silent(lua_State *L) {
  const char *text = lua_tostring(L, 1);
  size_t length = strlen(text);
  while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL) length--;
  if (length == 0 || text[length - 1] != ';') return false;
  const char *twice = lua_pushfstring(L, "return %s;", text);
  bool silent = load_text(L, twice) != LUA_OK;
  lua_pop(L, 2);
  return silent;
}

static bool is_incomplete(lua_State *L, int status) {
  static const char mark[] = "<eof>";
  if (status != LUA_ERRSYNTAX) return false;
  size_t length;
  const char *message = lua_tolstring(L, -1, &length);
  return length >= sizeof mark - 1 && strcmp(message + length - (sizeof mark - 1), mark) == 0;
}

/* [-0, +1] Compiles the text at index 1, as an expression if it can be one. Pushes the function or
 * the message that says best what is wrong; `more`: whether that is only that the text ends early. */
static int compile(lua_State *L, bool *is_expression, bool *more) {
  const char *text = lua_tostring(L, 1);
  const char *expression = lua_pushfstring(L, "return %s", text);
  int status = load_text(L, expression);
  lua_remove(L, -2);
  *is_expression = status == LUA_OK;
  *more = is_incomplete(L, status);
  if (*is_expression) return status;
  status = load_text(L, text);
  if (status == LUA_OK || is_incomplete(L, status) || !*more) {
    *more = is_incomplete(L, status);
    lua_remove(L, -2);
    return status;
  }
  lua_pop(L, 1); /* "1 +" is no statement, but the beginning of an expression */
  return status;
}

/* Replaces the line at index 1 by its function or error message, reading on while it is incomplete.
 * LINE_DROPPED leaves an empty stack. */
static line_result load_line(lua_State *L, int *status, bool *silent) {
  bool is_expression, more;
  line_result result = LINE_READ;
  while (*status = compile(L, &is_expression, &more), more && result == LINE_READ) {
    lua_settop(L, 1);
    result = read_line(L, false);
    if (result == LINE_DROPPED) {
      lua_settop(L, 0);
      return result;
    }
    if (result == LINE_END) continue; /* once more, for the message */
    lua_pushliteral(L, "\n");
    lua_insert(L, -2);
    lua_concat(L, 3);
  }
  *silent = is_expression && is_silent(L);
  lua_remove(L, 1);
  return LINE_READ;
}

/* Everything on the stack is results: the first becomes `_`, and all are printed. */
static void show_results(lua_State *L, bool silent) {
  int n = lua_gettop(L);
  if (n == 0) return;
  if (!lua_isnil(L, 1)) {
    lua_pushglobaltable(L);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "_");
    lua_pop(L, 1);
  }
  if (silent) return;
  luaL_checkstack(L, LUA_MINSTACK, "too many results to print");
  get_global(L, "print");
  lua_insert(L, 1);
  if (host_call(L, n, 0, false) == LUA_OK) return;
  const char *why = luaL_tolstring(L, -1, NULL);
  host_message(lua_pushfstring(L, "error calling 'print' (%s)", why));
}

static void evaluate(lua_State *L) {
  int status;
  bool silent;
  if (load_line(L, &status, &silent) == LINE_DROPPED) return;
  if (status == LUA_OK) status = host_call(L, 0, LUA_MULTRET, true);
  if (host_report(L, status) == LUA_OK) show_results(L, silent);
}

void host_repl(lua_State *L) {
  const char *progname = host_progname;
  host_progname = NULL; /* errors at the prompt are the user's own */
  host_is_interactive(true);
  for (;;) {
    lua_settop(L, 0);
    line_result result = read_line(L, true);
    if (result == LINE_END) break;
    if (result == LINE_READ) evaluate(L);
  }
  putchar('\n');
  fflush(stdout);
  free(buffer);
  buffer = NULL;
  capacity = 0;
  host_progname = progname;
}
