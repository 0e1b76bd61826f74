/* main.c: the interpreter nnlua: lua's command line around the module nn.
 *
 * Everything that may raise runs inside one protected call. Exit codes: 0; 1 for any error, output
 * that could not be written included; death by SIGINT (130 in a shell) after an interrupted script. */
#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/context.h"
#include "bind/open.h"
#include "host/host.h"

#define INIT_VAR "LUA_INIT"
#define INIT_VAR_VERSION INIT_VAR "_" LUA_VERSION_MAJOR "_" LUA_VERSION_MINOR

static bool has_value(const char *text) {
  return text != NULL && text[0] != '\0';
}

/* --- running pieces of Lua: each takes a status of loading, reports errors, returns success --- */

static bool run(lua_State *L, int status, int nargs, int nresults) {
  if (status == LUA_OK) status = host_call(L, nargs, nresults, true);
  return host_report(L, status) == LUA_OK;
}

static bool run_string(lua_State *L, const char *text, const char *chunk) {
  return run(L, luaL_loadbuffer(L, text, strlen(text), chunk), 0, 0);
}

static bool run_file(lua_State *L, const char *path) {
  return run(L, luaL_loadfile(L, path), 0, 0);
}

/* -l mod, -l g=mod */
static bool run_library(lua_State *L, const char *spec) {
  const char *equals = strchr(spec, '=');
  const char *module = equals != NULL ? equals + 1 : spec;
  lua_getglobal(L, "require");
  lua_pushstring(L, module);
  if (!run(L, LUA_OK, 1, 1)) return false;
  lua_pushglobaltable(L);
  lua_pushlstring(L, spec, equals != NULL ? (size_t)(equals - spec) : strlen(spec));
  lua_pushvalue(L, -3);
  lua_settable(L, -3);
  lua_pop(L, 2);
  return true;
}

static bool run_init_variable(lua_State *L) {
  const char *name = "=" INIT_VAR_VERSION;
  const char *value = getenv(name + 1);
  if (value == NULL) value = getenv((name = "=" INIT_VAR) + 1);
  if (value == NULL) return true;
  return value[0] == '@' ? run_file(L, value + 1) : run_string(L, value, name);
}

/* -e, -l and -W, in the order given. */
static bool run_options(lua_State *L, const host_options *opt) {
  for (int i = 1; i < opt->script && i < opt->argc; i++) {
    const char *arg = opt->argv[i];
    if (arg[0] != '-') continue; /* the value of a long option */
    if (arg[1] == 'W') lua_warning(L, "@on", 0);
    if (arg[1] != 'e' && arg[1] != 'l') continue;
    const char *value = host_option_is_split(arg) ? opt->argv[++i] : arg + 2;
    bool ok = arg[1] == 'e' ? run_string(L, value, "=(command line)") : run_library(L, value);
    if (!ok) return false;
  }
  return true;
}

/* Pushes arg[1], arg[2]...; they are read back because -e and -l may have changed them. */
static int push_arguments(lua_State *L) {
  if (lua_getglobal(L, "arg") != LUA_TTABLE) luaL_error(L, "'arg' is not a table");
  lua_Integer n = luaL_len(L, -1);
  if (n > INT_MAX) n = INT_MAX;
  luaL_checkstack(L, (int)n + 3, "too many arguments to script");
  int table = lua_gettop(L);
  for (lua_Integer i = 1; i <= n; i++) lua_rawgeti(L, table, i);
  lua_remove(L, table);
  return (int)n;
}

static bool run_script(lua_State *L, const host_options *opt) {
  const char *path = opt->argv[opt->script];
  /* After "--" a lone "-" is the name of a file. */
  if (strcmp(path, "-") == 0 && strcmp(opt->argv[opt->script - 1], "--") != 0) path = NULL;
  int status = luaL_loadfile(L, path);
  return run(L, status, status == LUA_OK ? push_arguments(L) : 0, 0);
}

/* --- preparing the state --- */

/* arg[0] is the script, or the program where there is no script; what precedes it is negative. */
static void make_arg(lua_State *L, const host_options *opt) {
  int zero = opt->script < opt->argc ? opt->script : 0;
  lua_createtable(L, opt->argc - zero, zero + 1);
  for (int i = 0; i < opt->argc; i++) {
    lua_pushstring(L, opt->argv[i]);
    lua_rawseti(L, -2, i - zero);
  }
  lua_setglobal(L, "arg");
}

/* [-0, +1] */
static void push_nn_function(lua_State *L, const char *name) {
  lua_getglobal(L, "nn");
  lua_getfield(L, -1, name);
  lua_remove(L, -2);
}

static bool colors_are_welcome(const host_options *opt) {
  const char *term = getenv("TERM");
  if (opt->no_color || (term != NULL && strcmp(term, "dumb") == 0)) return false;
  return opt->ignore_env || !has_value(getenv("NO_COLOR"));
}

static void call_nn(lua_State *L, const char *name, lua_Integer value) {
  push_nn_function(L, name);
  lua_pushinteger(L, value);
  lua_call(L, 1, 0);
}

static void set_options(lua_State *L, const host_options *opt) {
  lua_getglobal(L, "nn");
  lua_createtable(L, 0, 2);
  lua_pushboolean(L, opt->quiet);
  lua_setfield(L, -2, "quiet");
  lua_pushboolean(L, colors_are_welcome(opt));
  lua_setfield(L, -2, "color");
  lua_setfield(L, -2, "options");
  lua_pop(L, 1);
  if (opt->memory > 0) call_nn(L, "memory_limit", opt->memory);
  if (opt->threads > 0) call_nn(L, "threads", opt->threads);
  if (opt->has_seed && !opt->random_seed) call_nn(L, "seed", opt->seed);
  if (opt->random_seed) {
    push_nn_function(L, "seed");
    lua_pushliteral(L, "random");
    lua_call(L, 1, 1);
    fprintf(stderr, "%s: seed %s\n", host_progname, luaL_tolstring(L, -1, NULL));
    lua_pop(L, 2);
  }
}

/* nn.strict() */
static int l_strict(lua_State *L) {
  host_open_strict(L);
  return 0;
}

static void open_libraries(lua_State *L, const host_options *opt) {
  luaL_openlibs(L);
  host_open_coroutines(L);
  make_arg(L, opt);
  lua_gc(L, LUA_GCGEN, 0, 0);
  /* By way of package.preload, so that `require "nn"` gives the same module, from any folder. */
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_nn);
  lua_setfield(L, -2, "nn");
  lua_getglobal(L, "require");
  lua_pushliteral(L, "nn");
  lua_call(L, 1, 1);
  lua_setglobal(L, "nn");
  host_open_interrupts(L);
  lua_getglobal(L, "nn");
  lua_pushcfunction(L, l_strict);
  lua_setfield(L, -2, "strict");
  lua_settop(L, 1); /* pmain's argument */
  set_options(L, opt);
  if (opt->strict) host_open_strict(L);
}

/* --version: one line for each field of nn.version(), the best known first. */
static void show_version(lua_State *L) {
  static const char show[] =
    "local version, rank, keys = nn.version(), {nnlua = 1, lua = 2, blas = 3, threads = 4}, {}\n"
    "for key in pairs(version) do keys[#keys + 1] = key end\n"
    "table.sort(keys, function(a, b)\n"
    "  local i, j = rank[a] or 9, rank[b] or 9\n"
    "  if i == j then return a < b end\n"
    "  return i < j\n"
    "end)\n"
    "for _, key in ipairs(keys) do print(key .. ': ' .. tostring(version[key])) end\n";
  if (luaL_loadbuffer(L, show, sizeof show - 1, "=version") != LUA_OK) lua_error(L);
  lua_call(L, 0, 0);
}

/* --- main --- */

/* The protected part. Takes the options, returns whether all went well. */
static int pmain(lua_State *L) {
  const host_options *opt = lua_touserdata(L, 1);
  luaL_checkversion(L);
  if (opt->ignore_env) {
    lua_pushboolean(L, true); /* seen by the package library */
    lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
  }
  if (opt->banner && !opt->quiet) host_print_banner();
  open_libraries(L, opt);
  bool ok = true;
  if (opt->version) {
    show_version(L);
  } else {
    ok = (opt->ignore_env || run_init_variable(L)) && run_options(L, opt);
    bool has_script = opt->script < opt->argc;
    if (ok && has_script) ok = run_script(L, opt);
    if (ok && opt->interactive) {
      host_repl(L);
    } else if (ok && !has_script && !opt->has_chunk && !opt->banner) {
      if (isatty(STDIN_FILENO)) {
        if (!opt->quiet) host_print_banner();
        host_repl(L);
      } else {
        ok = run_file(L, NULL);
      }
    }
  }
  lua_pushboolean(L, ok);
  return 1;
}

/* At every exit, os.exit's too: lost output (a full disk) must not look like success. */
static void check_stdout(void) {
  bool failed = ferror(stdout) != 0;
  errno = 0;
  if (fflush(stdout) == 0 && !failed) return;
  const char *why = errno != 0 ? strerror(errno) : "an earlier write failed";
  fprintf(stderr, "%s: cannot write to standard output: %s\n", host_progname, why);
  fflush(NULL);
  _exit(EXIT_FAILURE);
}

int main(int argc, char **argv) {
  if (argc > 0 && has_value(argv[0])) host_progname = argv[0];
  host_options opt;
  atexit(check_stdout);
  if (!host_options_parse(&opt, argc, argv)) return EXIT_FAILURE;
  if (opt.help) {
    host_print_help();
    return EXIT_SUCCESS;
  }
  host_set_waiting(opt.threads, argv);
  lua_State *L = luaL_newstate();
  if (L == NULL) {
    host_message("cannot create state: not enough memory");
    return EXIT_FAILURE;
  }
  host_heap_use(L);
  lua_pushcfunction(L, pmain);
  lua_pushlightuserdata(L, &opt);
  int status = lua_pcall(L, 1, 1, 0);
  bool ok = status == LUA_OK && lua_toboolean(L, -1);
  host_report(L, status);
  lua_close(L);
  if (!ok && host_was_interrupted()) {
    fflush(stdout);
    host_die_of_interrupt();
  }
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
