/* host.h: the parts of the interpreter: options, protected calls with Ctrl-C, the prompt. */
#ifndef NN_HOST_HOST_H
#define NN_HOST_HOST_H

#include <lua.h>
#include <stdbool.h>

/* --- options.c --- */

typedef struct host_options {
  char **argv;
  int argc;
  int script; /* argv index of the script's name; argc when there is none */
  bool interactive, banner, ignore_env, has_chunk; /* -i, -v, -E, -e */
  bool help, version, quiet, no_color, strict;
  bool random_seed, has_seed;
  lua_Integer seed;
  lua_Integer threads, memory; /* 0: not given */
} host_options;

/* Reads the command line up to the script's name. On a mistake prints it with the usage, and
 * returns false. */
bool host_options_parse(host_options *opt, int argc, char **argv);

/* Whether argv[i], an option that takes a value as lua's do (-e -l), has it in argv[i + 1]. */
bool host_option_is_split(const char *arg);

void host_print_help(void);
void host_print_banner(void);

/* --- waiting.c --- */

/* Before anything else is done: sees to it that threads (0: as many as OpenMP would take) do not spin for
   long when they wait for each other. Starts the program once more where it has to. */
void host_set_waiting(lua_Integer threads, char **argv);

/* --- call.c --- */

/* The name in front of error messages; NULL for none (at the prompt). */
extern const char *host_progname;

void host_message(const char *text);

/* [-(1 if status is an error), +0] Prints the error on top of the stack; returns status. */
int host_report(lua_State *L, int status);

/* As lua_pcall, but Ctrl-C raises an error inside and error messages get a traceback if wanted. */
int host_call(lua_State *L, int nargs, int nresults, bool traceback);

/* Whether the last host_call ended with an error because of Ctrl-C. */
bool host_was_interrupted(void);

/* --- interrupt.c --- */

#define HOST_INTERRUPTED "interrupted!"

/* Around a protected call: Ctrl-C raises HOST_INTERRUPTED inside. The end tells whether it had to. */
void host_interrupts_begin(lua_State *L);
bool host_interrupts_end(lua_State *L);
/* Whether a fit stopped by itself in the call that has ended; its error says "interrupted". */
bool host_interrupts_obeyed(void);

/* The coroutine that runs from now on; returns the one before. */
lua_State *host_set_running(lua_State *L);
/* Hooks L if Ctrl-C was pressed and not obeyed yet. */
void host_hook_if_stopping(lua_State *L);

/* At the prompt a second Ctrl-C is more patient. */
void host_is_interactive(bool yes);

/* nn.core.interrupts, by which nn.fit finishes its batch first: hold, release, pending, obey. */
void host_open_interrupts(lua_State *L);

/* While a line is read, Ctrl-C only sets a flag; the end of reading returns and clears it. */
void host_reading_begin(void);
bool host_reading_end(void);

/* Dies of SIGINT (or SIGTERM, if that came) as if no handler had ever been there, so that the parent
 * sees what happened. */
void host_die_of_interrupt(void);

/* --- heap.c --- */

/* Serves the state's small blocks from a pool, from now on. */
void host_heap_use(lua_State *L);

/* --- coroutines.c, strict.c, repl.c --- */

/* Replaces coroutine.resume, wrap and close by ones that Ctrl-C can follow. */
void host_open_coroutines(lua_State *L);

/* From here on, reading an undeclared global, or assigning one inside a function, is an error. */
void host_open_strict(lua_State *L);

/* Reads, evaluates and prints until the end of the input. */
void host_repl(lua_State *L);

#endif
