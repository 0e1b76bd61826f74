/* call.c: protected calls, error messages and Ctrl-C.
 *
 * A SIGINT during a call raises "interrupted!" at the next instruction of the main coroutine, through
 * a hook, the only thing that a signal handler may do to a Lua state; the flag nn_interrupted tells
 * long work in the core. Whichever of the two acts first clears the flag, so one Ctrl-C is one error.
 * A second SIGINT within two seconds gives up on that and ends the process. */
#include <lauxlib.h>
#include <lua.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/context.h"
#include "host/host.h"

enum { GIVE_UP_SECONDS = 2 };

const char *host_progname = "nnlua";

static lua_State *volatile running;    /* whom the handler hooks */
static volatile sig_atomic_t reading;  /* at the prompt: nothing runs */
static volatile sig_atomic_t received; /* a SIGINT came since the call or the reading began */
static struct timespec last_signal;    /* of the handler alone */
static bool was_interrupted;

/* --- Ctrl-C --- */

static void on_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  if (!nn_interrupted) return; /* the core was faster and has raised the error already */
  nn_interrupted = 0;
  luaL_where(L, 0); /* a hook has no level of its own: 0 is where the script was */
  lua_pushliteral(L, "interrupted!");
  lua_concat(L, 2);
  lua_error(L);
}

static void on_sigint(int sig) {
  if (reading) {
    received = 1;
    return;
  }
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (received && now.tv_sec - last_signal.tv_sec < GIVE_UP_SECONDS) {
    signal(sig, SIG_DFL);
    raise(sig); /* delivered when this handler returns */
    return;
  }
  last_signal = now;
  received = 1;
  nn_interrupted = 1;
  lua_sethook(running, on_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

/* Without SA_RESTART, so that a blocking read returns and lets the hook or the prompt act. */
static void set_handler(void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
}

void host_reading_begin(void) {
  received = 0;
  reading = 1;
  set_handler(on_sigint);
}

bool host_reading_end(void) {
  set_handler(SIG_DFL);
  reading = 0;
  return received;
}

void host_die_of_interrupt(void) {
  set_handler(SIG_DFL);
  raise(SIGINT);
}

bool host_was_interrupted(void) {
  return was_interrupted;
}

/* --- messages and calls --- */

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
  running = L;
  received = 0;
  nn_interrupted = 0;
  set_handler(on_sigint);
  int status = lua_pcall(L, nargs, nresults, traceback ? base : 0);
  set_handler(SIG_DFL);
  lua_sethook(L, NULL, 0, 0);
  nn_interrupted = 0;
  if (traceback) lua_remove(L, base);
  const char *text = status == LUA_OK ? NULL : lua_tostring(L, -1);
  was_interrupted = received && text != NULL && strstr(text, "interrupted") != NULL;
  return status;
}
