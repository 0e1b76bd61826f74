/* interrupt.c: Ctrl-C, which has to stop Lua code of any kind.
 *
 * The handler may do one thing to a Lua state: set a hook. It hooks the coroutine that runs, known
 * because coroutine.resume, wrap and close are ours (coroutines.c), and starts a timer that does it
 * again every few milliseconds, for scripts that remove hooks. The first raise is an error, which
 * unwinds and may be caught; what still runs a moment later is stopped by memory errors at every
 * instruction, so that `while true do pcall(f) end` ends too. (What Lua takes for lack of memory goes
 * past message handlers; one that loops could not be stopped, as no hook is called in a handler that
 * was itself called from a hook.) C functions and our own Lua files are spared then, or they could not
 * put things right while they unwind.
 *
 * A fit finishes its batch first: it holds interrupts, looks at nn_stop_asked between batches, and
 * obeys, after which all is as if nothing had happened. */
#include <lauxlib.h>
#include <lua.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/context.h"
#include "host/host.h"

enum {
  AGAIN_MS = 5,    /* the timer's period */
  CLEANUP_MS = 50, /* for a batch, and what runs after the first raise: __close, a caught error */
  PATIENCE_MS = 1000, /* then what is held, or our own, is stopped all the same */
  GIVE_UP_MS = 2000,  /* a second Ctrl-C within this ends a script */
  NERVOUS_MS = 500,   /* at the prompt one within this counts as the same */
  DEEPEST = 1000      /* levels of the stack that are looked at */
};

/* With this text lua_error raises a memory error. */
#define OUT_OF_MEMORY "not enough memory"

/* Where a request to stop stands. */
enum { NOTHING, ASKED, RAISED };

static lua_State *volatile running; /* whom the handler hooks; NULL: nothing runs */
static volatile sig_atomic_t stage;
static volatile sig_atomic_t held;     /* a fit wants to finish its batch */
static volatile sig_atomic_t reading;  /* at the prompt: nothing runs */
static volatile sig_atomic_t received; /* a SIGINT came while a line was read */
static volatile sig_atomic_t interactive, terminated;
static bool obeyed;            /* a fit has stopped by itself since the call began */
static struct timespec asked;  /* when; written by handlers alone */
static struct timespec raised; /* when; written by the hook alone */
static lua_CFunction xpcall;
static timer_t timer;
static bool has_timer;

/* --- the hook --- */

static long milliseconds_since(const struct timespec *then) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long)(now.tv_sec - then->tv_sec) * 1000 + (now.tv_nsec - then->tv_nsec) / 1000000;
}

/* Pushes "script.lua:12: " of the innermost function that is neither C nor ours. */
static void push_position(lua_State *L) {
  lua_Debug ar;
  for (int level = 0; level < DEEPEST && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline <= 0 || strncmp(ar.source, "@nn/", 4) == 0) continue;
    lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
    return;
  }
  lua_pushliteral(L, "");
}

/* Whether it is neither a C function nor ours. */
static bool is_of_script(lua_State *L, lua_Debug *ar) {
  lua_getinfo(L, "S", ar);
  return ar->what[0] != 'C' && strncmp(ar->source, "@nn/", 4) != 0;
}

/* Whether an error might call a script's message handler. */
static bool is_inside_xpcall(lua_State *L) {
  lua_Debug ar;
  for (int level = 0; level < DEEPEST; level++) {
    if (!lua_getstack(L, level, &ar)) return false;
    lua_getinfo(L, "f", &ar);
    const bool found = lua_tocfunction(L, -1) == xpcall;
    lua_pop(L, 1);
    if (found) return true;
  }
  return true;
}

static void raise_first(lua_State *L) {
  clock_gettime(CLOCK_MONOTONIC, &raised);
  stage = RAISED;
  if (!nn_interrupted && held == 0) return; /* the core has raised its error, which unwinds */
  nn_interrupted = 0;
  if (is_inside_xpcall(L)) {
    lua_pushliteral(L, OUT_OF_MEMORY);
  } else {
    push_position(L);
    lua_pushliteral(L, HOST_INTERRUPTED);
    lua_concat(L, 2);
  }
  lua_error(L);
}

static void on_hook(lua_State *L, lua_Debug *ar) {
  if (stage == NOTHING) { /* a coroutine that was not resumed until all was over */
    lua_sethook(L, NULL, 0, 0);
    return;
  }
  const bool overdue = milliseconds_since(&asked) > PATIENCE_MS;
  if (held > 0 && !overdue) return;
  if (stage == ASKED) {
    raise_first(L);
    return;
  }
  if (milliseconds_since(&raised) < CLEANUP_MS || !(overdue || is_of_script(L, ar))) return;
  lua_pushliteral(L, OUT_OF_MEMORY);
  lua_error(L);
}

void host_hook_if_stopping(lua_State *L) {
  if (stage == NOTHING || lua_gethook(L) == on_hook) return;
  lua_sethook(L, on_hook, LUA_MASKCALL | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

lua_State *host_set_running(lua_State *L) {
  lua_State *before = running;
  running = L;
  if (L != NULL) host_hook_if_stopping(L);
  return before;
}

/* --- signals --- */

static void start_timer(long ms) {
  const struct itimerspec when = {{0, ms * 1000000}, {0, ms * 1000000}};
  if (has_timer) timer_settime(timer, 0, &when, NULL);
}

static void on_timer(int sig) {
  (void)sig;
  /* A batch is finished where it is short, so that its gradients are there to be looked at. */
  if (nn_batch_yields && stage == ASKED && milliseconds_since(&asked) > CLEANUP_MS)
    nn_interrupted = 1;
  if (running != NULL) host_hook_if_stopping(running);
}

static void die_of(int sig) {
  signal(sig, SIG_DFL);
  raise(sig); /* delivered when the handler returns */
}

/* Whether the second Ctrl-C shall end the process. */
static bool is_last_straw(void) {
  const long ms = milliseconds_since(&asked);
  return stage != NOTHING && (interactive ? ms > NERVOUS_MS : ms < GIVE_UP_MS);
}

static void on_sigint(int sig) {
  if (running == NULL) {
    received = 1;
    if (reading) start_timer(AGAIN_MS); /* it may have come just before the reading blocks */
    return;
  }
  if (is_last_straw()) {
    die_of(sig);
    return;
  }
  if (stage == NOTHING) {
    stage = ASKED;
    clock_gettime(CLOCK_MONOTONIC, &asked);
  }
  nn_stop_asked = sig;
  if (held == 0 || nn_batch_yields == NN_YIELDS_AT_ONCE) nn_interrupted = 1;
  if (running != NULL) host_hook_if_stopping(running);
  start_timer(AGAIN_MS);
}

/* A fit writes its checkpoint first; what else runs dies at once, as ever. */
static void on_sigterm(int sig) {
  if (held == 0 || terminated) {
    die_of(sig);
    return;
  }
  terminated = 1;
  stage = ASKED;
  clock_gettime(CLOCK_MONOTONIC, &asked);
  nn_stop_asked = sig;
  start_timer(AGAIN_MS);
}

/* Without SA_RESTART, so that a blocking read returns and lets the hook or the prompt act. */
static void set_handler(int sig, void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler};
  sigemptyset(&action.sa_mask);
  sigaction(sig, &action, NULL);
}

/* Between calls: at the prompt a Ctrl-C that comes then is for nobody. */
static void set_idle(void) {
  set_handler(SIGINT, interactive ? on_sigint : SIG_DFL);
  set_handler(SIGTERM, SIG_DFL);
}

static void make_timer(void) {
  static bool tried;
  if (tried) return;
  tried = true;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
  set_handler(SIGALRM, on_timer);
  has_timer = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
}

/* --- a call, the prompt --- */

static void reset(void) {
  stage = NOTHING;
  nn_interrupted = 0;
  nn_stop_asked = 0;
}

void host_interrupts_begin(lua_State *L) {
  make_timer();
  reset();
  held = 0;
  obeyed = false;
  running = L;
  set_handler(SIGINT, on_sigint);
  set_handler(SIGTERM, on_sigterm);
}

bool host_interrupts_end(lua_State *L) {
  running = NULL;
  set_idle();
  start_timer(0);
  const bool stopped = stage != NOTHING || terminated;
  lua_sethook(L, NULL, 0, 0);
  reset();
  held = 0;
  return stopped;
}

bool host_interrupts_obeyed(void) {
  return obeyed;
}

void host_is_interactive(bool yes) {
  interactive = yes;
  set_idle();
}

void host_reading_begin(void) {
  make_timer();
  received = 0;
  reading = 1;
  set_handler(SIGINT, on_sigint);
}

bool host_reading_end(void) {
  reading = 0;
  start_timer(0);
  set_idle();
  return received;
}

void host_die_of_interrupt(void) {
  const int sig = terminated ? SIGTERM : SIGINT;
  set_handler(sig, SIG_DFL);
  raise(sig);
}

/* --- for the Lua part: nn.core.interrupts --- */

static int l_hold(lua_State *L) {
  (void)L;
  held++;
  return 0;
}

/* What was asked meanwhile and not obeyed happens now. */
static int l_release(lua_State *L) {
  if (held > 0) held--;
  if (held == 0 && stage == ASKED) {
    nn_interrupted = 1;
    host_hook_if_stopping(L);
    start_timer(AGAIN_MS);
  }
  return 0;
}

static int l_pending(lua_State *L) {
  lua_pushboolean(L, stage != NOTHING);
  return 1;
}

/* The caller stops by itself and raises what it likes, which may be caught. After SIGTERM the script
 * has to end all the same. */
static int l_obey(lua_State *L) {
  if (terminated) return 0;
  obeyed = true;
  start_timer(0);
  lua_sethook(L, NULL, 0, 0);
  reset();
  return 0;
}

void host_open_interrupts(lua_State *L) {
  static const luaL_Reg functions[] = {{"hold", l_hold},
                                       {"release", l_release},
                                       {"pending", l_pending},
                                       {"obey", l_obey},
                                       {NULL, NULL}};
  lua_getglobal(L, "xpcall");
  xpcall = lua_tocfunction(L, -1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "nn.core");
  luaL_newlib(L, functions);
  lua_setfield(L, -2, "interrupts");
  lua_pop(L, 3);
}
