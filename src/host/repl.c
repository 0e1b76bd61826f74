/* repl.c: the prompt. An expression prints without `=`, an incomplete statement continues, `_` holds
 * the last value, a final `;` keeps silent. Ctrl-C drops the line or stops what runs.
 *
 * What is not reading and calling is in lua/nn/prompt.lua, the table in the registry under
 * "nn.prompt": how values are shown, completion, commands (`?name`, `:time`). On a terminal a chunk's
 * environment is its `session` table, where the locals of earlier chunks stand before the globals. */
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "host/host.h"
#include "host/line.h"

typedef enum { LINE_READ, LINE_DROPPED, LINE_END } line_result;

static char *buffer; /* getline's; here, not on the stack, because Lua may raise past us */
static size_t capacity;
static bool on_terminal; /* a person sits there */
static bool editing;     /* with libedit */

/* Raw, because under --strict reading an unset global raises. */
static int get_global(lua_State *L, const char *name) {
  lua_pushglobaltable(L);
  lua_pushstring(L, name);
  int type = lua_rawget(L, -2);
  lua_remove(L, -2);
  return type;
}

/* Pushes the function of that name of nn.prompt. */
static void push_helper(lua_State *L, const char *name) {
  lua_getfield(L, LUA_REGISTRYINDEX, "nn.prompt");
  lua_getfield(L, -1, name);
  lua_remove(L, -2);
}

/* [-0, +1] */
static const char *push_prompt(lua_State *L, bool first) {
  if (get_global(L, first ? "_PROMPT" : "_PROMPT2") != LUA_TNIL) return luaL_tolstring(L, -1, NULL);
  return lua_pushstring(L, first ? "> " : ">> ");
}

static const char *read_plain(const char *prompt, int *length) {
  fputs(prompt, stdout);
  fflush(stdout);
  clearerr(stdin); /* a Ctrl-D or Ctrl-C that ended the script's own reading */
  *length = (int)getline(&buffer, &capacity, stdin);
  return *length < 0 ? NULL : buffer;
}

/* Pushes a line without its end; nothing when there is none. Index 1 holds the text so far. */
static line_result read_line(lua_State *L, bool first) {
  int length = 0;
  errno = 0;
  if (on_terminal) clearerr(stdout); /* a write that Ctrl-C cut short is no lost output */
  const char *prompt = push_prompt(L, first);
  host_reading_begin();
  const char *line = editing ? host_line_read(prompt, &length) : read_plain(prompt, &length);
  bool dropped = host_reading_end() && line == NULL;
  /* What is no text in the terminal's encoding is an error of reading, but not the end. */
  if (editing && line == NULL && length < 0 && errno == EILSEQ) dropped = true;
  lua_settop(L, first ? 0 : 1);
  if (dropped) {
    putchar('\n');
    return LINE_DROPPED;
  }
  if (line == NULL) return LINE_END;
  if (length > 0 && line[length - 1] == '\n') length--;
  lua_pushlstring(L, line, (size_t)length);
  if (editing) host_line_remember(lua_tostring(L, -1));
  /* As readline does, so that the transcript of a piped session reads like a session. */
  if (!isatty(STDIN_FILENO)) puts(lua_tostring(L, -1));
  if (first && lua_tostring(L, -1)[0] == '=') { /* the way of Lua 5.2 and before */
    lua_pushfstring(L, "return %s", lua_tostring(L, -1) + 1);
    lua_remove(L, -2);
  }
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

/* Reads on while the line at index 1 is incomplete; then its function or error message is at index 2.
 * LINE_DROPPED leaves an empty stack. */
static line_result load_line(lua_State *L, int *status, bool *is_expression, bool *silent) {
  bool more;
  line_result result = LINE_READ;
  while (*status = compile(L, is_expression, &more), more && result == LINE_READ) {
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
  *silent = *is_expression && is_silent(L);
  return LINE_READ;
}

/* --- a session on a terminal: its locals --- */

/* The chunk's first argument, called behind its last statement: the locals that it leaves become
 * fields of the session. */
static int l_keep_locals(lua_State *L) {
  lua_Debug ar;
  const char *name;
  lua_settop(L, 0);
  if (!lua_getstack(L, 1, &ar)) return 0;
  push_helper(L, "session");
  for (int i = 1; (name = lua_getlocal(L, &ar, i)) != NULL; i++) {
    lua_pushstring(L, name[0] == '(' ? "" : name); /* temporaries have no name of their own */
    lua_insert(L, -2);
    lua_rawset(L, 1);
  }
  return 0;
}

/* Replaces the function at index 2 by one of the session, with its argument behind it. Returns how
 * many arguments there are. */
static int enter_session(lua_State *L, bool is_expression) {
  push_helper(L, "keeping"); /* the text with such a call at its end */
  lua_pushvalue(L, 1);
  bool keeps = !is_expression && lua_pcall(L, 1, 1, 0) == LUA_OK && lua_isstring(L, -1);
  keeps = keeps && load_text(L, lua_tostring(L, -1)) == LUA_OK; /* not behind a return */
  if (keeps) lua_replace(L, 2);
  lua_settop(L, 2);
  push_helper(L, "session");
  if (lua_setupvalue(L, 2, 1) == NULL) lua_pop(L, 1);
  if (!keeps) return 0;
  lua_pushcfunction(L, l_keep_locals);
  return 1;
}

/* --- results --- */

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
  push_helper(L, "show"); /* gives a text for each */
  lua_insert(L, 1);
  int status = host_call(L, n, LUA_MULTRET, false);
  if (host_report(L, status) != LUA_OK) return;
  n = lua_gettop(L);
  get_global(L, "print");
  lua_insert(L, 1);
  if (host_call(L, n, 0, false) == LUA_OK) return;
  const char *why = luaL_tolstring(L, -1, NULL);
  host_message(lua_pushfstring(L, "error calling 'print' (%s)", why));
}

/* Lines for the prompt itself: `?name`, `:time expr`. Whether it was one. */
static bool is_command(lua_State *L) {
  const char *text = lua_tostring(L, 1);
  text += strspn(text, " \t");
  if (text[0] != '?' && text[0] != ':') return false;
  if (text[0] == ':' && text[1] == ':') return false; /* a label */
  push_helper(L, "command");
  lua_insert(L, 1);
  host_report(L, host_call(L, 1, 0, false));
  return true;
}

/* The chunk that was held goes into the session's script. */
static void record(lua_State *L) {
  push_helper(L, "record");
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) lua_pop(L, 1);
}

static void evaluate(lua_State *L) {
  int status, nargs = 0;
  bool is_expression, silent;
  if (is_command(L)) return;
  if (load_line(L, &status, &is_expression, &silent) == LINE_DROPPED) return;
  if (status == LUA_OK && on_terminal) nargs = enter_session(L, is_expression);
  push_helper(L, "hold");
  lua_pushvalue(L, 1);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
  lua_remove(L, 1);
  if (status == LUA_OK) status = host_call(L, nargs, LUA_MULTRET, true);
  if (host_report(L, status) != LUA_OK) return;
  record(L);
  show_results(L, silent);
}

static void open_prompt(lua_State *L) {
  on_terminal = isatty(STDIN_FILENO);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE); /* a script may have lost `require` */
  lua_getfield(L, -1, "nn.prompt");
  lua_call(L, 0, 1);
  lua_getfield(L, -1, "open");
  lua_call(L, 0, 0);
  lua_setfield(L, LUA_REGISTRYINDEX, "nn.prompt");
  host_is_interactive(true);
  editing = host_line_open(L);
}

void host_repl(lua_State *L) {
  const char *progname = host_progname;
  host_progname = NULL; /* errors at the prompt are the user's own */
  open_prompt(L);
  for (;;) {
    lua_settop(L, 0);
    line_result result = read_line(L, true);
    if (result == LINE_END) break;
    if (result == LINE_READ) evaluate(L);
  }
  putchar('\n');
  fflush(stdout);
  if (editing) host_line_close();
  free(buffer);
  buffer = NULL;
  capacity = 0;
  host_progname = progname;
}
