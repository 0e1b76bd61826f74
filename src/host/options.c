/* options.c: the command line. Short options are lua's, letter for letter; long ones are ours. */
#include <errno.h>
#include <limits.h>
#include <lua.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "host/host.h"

/* Shared by the usage message (stderr) and --help (stdout). */
static const char short_options[] =
  "  -e stat     execute string 'stat'\n"
  "  -i          enter interactive mode after executing 'script'\n"
  "  -l mod      require library 'mod' into global 'mod'\n"
  "  -l g=mod    require library 'mod' into global 'g'\n"
  "  -v          show version information\n"
  "  -E          ignore environment variables\n"
  "  -W          turn warnings on\n"
  "  --          stop handling options\n"
  "  -           stop handling options and execute stdin\n";

static const char long_options[] =
  "  --help      show this help\n"
  "  --version   show the versions of nnlua, Lua and BLAS, and the threads in use\n"
  "  --seed N    seed of every random stream; 'random' draws one and shows it\n"
  "  --threads N how many threads to compute with\n"
  "  --memory N  limit for tensors, in bytes; 512M and 2G are understood\n"
  "  --quiet     no banner, no progress\n"
  "  --no-color  plain text only\n"
  "  --strict    undeclared globals are errors\n";

void host_print_help(void) {
  printf("usage: %s [options] [script [args]]\n\n%s\n%s\n", host_progname, short_options,
         long_options);
  puts("Without a script: the prompt on a terminal, else the script is read from stdin.\n"
       "Environment: LUA_INIT, LUA_PATH and LUA_CPATH, as for lua; NO_COLOR.");
}

void host_print_banner(void) {
  puts("nnlua " NN_VERSION "\n" LUA_COPYRIGHT);
  fflush(stdout);
}

__attribute__((format(printf, 1, 2))) static bool usage_error(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "%s: ", host_progname);
  vfprintf(stderr, format, args);
  va_end(args);
  fprintf(stderr, "\nusage: %s [options] [script [args]]\nAvailable options are:\n%s%s",
          host_progname, short_options, long_options);
  return false;
}

/* A whole number, with a binary suffix if `suffixes`: 512M, 2G, 2GiB. */
static bool parse_integer(const char *text, bool suffixes, lua_Integer *value) {
  char *end;
  errno = 0;
  long long n = strtoll(text, &end, 10);
  if (end == text || errno != 0) return false;
  if (suffixes && *end != '\0') {
    static const char units[] = "KMGT";
    const char *unit = strchr(units, *end >= 'a' ? *end - 'a' + 'A' : *end);
    if (unit != NULL) {
      int shift = 10 * (int)(unit - units + 1);
      if (n > (LLONG_MAX >> shift)) return false;
      n *= 1LL << shift;
      end++;
      if (strcmp(end, "iB") == 0 || strcmp(end, "B") == 0) end += strlen(end);
    }
  }
  *value = n;
  return *end == '\0';
}

static bool set_flag(host_options *opt, const char *arg) {
  const struct {
    const char *name;
    bool *flag;
  } flags[] = {
    {"--help", &opt->help},         {"--version", &opt->version}, {"--quiet", &opt->quiet},
    {"--no-color", &opt->no_color}, {"--strict", &opt->strict},
  };
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    if (strcmp(arg, flags[i].name) == 0) return *flags[i].flag = true;
  }
  return false;
}

static bool set_seed(host_options *opt, const char *value) {
  opt->random_seed = strcmp(value, "random") == 0;
  opt->has_seed = true;
  if (opt->random_seed || parse_integer(value, false, &opt->seed)) return true;
  return usage_error("'--seed' needs an integer or 'random', got '%s'", value);
}

static bool set_threads(host_options *opt, const char *value) {
  if (parse_integer(value, false, &opt->threads) && opt->threads > 0) return true;
  return usage_error("'--threads' needs a positive integer, got '%s'", value);
}

static bool set_memory(host_options *opt, const char *value) {
  if (parse_integer(value, true, &opt->memory) && opt->memory > 0) return true;
  return usage_error("'--memory' needs a number of bytes such as 512M or 2G, got '%s'", value);
}

/* "--name", "--name value" or "--name=value" at argv[*i], moving *i to the last word used. */
static bool parse_long(host_options *opt, int *i) {
  static const struct {
    const char *name;
    bool (*set)(host_options *opt, const char *value);
  } settings[] = {{"--seed", set_seed}, {"--threads", set_threads}, {"--memory", set_memory}};
  const char *arg = opt->argv[*i];
  if (set_flag(opt, arg)) return true;
  for (size_t k = 0; k < sizeof settings / sizeof *settings; k++) {
    size_t length = strlen(settings[k].name);
    if (strncmp(arg, settings[k].name, length) != 0) continue;
    if (arg[length] == '=') return settings[k].set(opt, arg + length + 1);
    if (arg[length] != '\0') continue;
    if (*i + 1 >= opt->argc) return usage_error("'%s' needs argument", arg);
    return settings[k].set(opt, opt->argv[++*i]);
  }
  return usage_error("unrecognized option '%s'", arg);
}

bool host_option_is_split(const char *arg) {
  return (arg[1] == 'e' || arg[1] == 'l') && arg[2] == '\0';
}

/* One short option at argv[*i]. They do not bundle: -iv is unknown, -efoo is -e foo. */
static bool parse_short(host_options *opt, int *i) {
  const char *arg = opt->argv[*i];
  if (arg[1] == 'e' || arg[1] == 'l') {
    if (arg[1] == 'e') opt->has_chunk = true;
    if (!host_option_is_split(arg)) return true;
    const char *value = *i + 1 < opt->argc ? opt->argv[++*i] : NULL;
    if (value == NULL || value[0] == '-') return usage_error("'%s' needs argument", arg);
    return true;
  }
  if (arg[2] != '\0') return usage_error("unrecognized option '%s'", arg);
  switch (arg[1]) {
    case 'i': opt->interactive = opt->banner = true; return true;
    case 'v': opt->banner = true; return true;
    case 'E': opt->ignore_env = true; return true;
    case 'W': return true; /* acts in its turn among -e and -l, see main.c */
    default: return usage_error("unrecognized option '%s'", arg);
  }
}

bool host_options_parse(host_options *opt, int argc, char **argv) {
  *opt = (host_options){.argv = argv, .argc = argc, .script = argc};
  for (int i = 1; i < argc; i++) {
    const char *arg = argv[i];
    if (arg[0] != '-' || arg[1] == '\0') {
      opt->script = i;
      return true;
    }
    if (strcmp(arg, "--") == 0) {
      opt->script = i + 1;
      return true;
    }
    if (arg[1] == '-' ? !parse_long(opt, &i) : !parse_short(opt, &i)) return false;
  }
  return true;
}
