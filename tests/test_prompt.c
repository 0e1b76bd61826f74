/*
 * test_prompt.c: the prompt as a person meets it, on a pseudo-terminal: each test is a session of
 * the nnlua of the same build, in a folder of its own, that is typed at and read.
 */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_SECONDS = 60, SEEN = 1 << 20 };

static char program[PATH_MAX], home[] = "/tmp/nnlua-prompt-XXXXXX";

typedef struct session {
  pid_t pid;
  int fd, tty;       /* the terminal's two ends */
  size_t length, at; /* what was printed; what of it is not yet expected */
  char seen[SEEN + 1];
  struct termios before;
} session;

/* ---- a session ---- */

static void in_child(int tty, const char *option) {
  setsid();
  ioctl(tty, TIOCSCTTY, 0);
  for (int fd = 0; fd < 3; fd++) dup2(tty, fd);
  setenv("TERM", "xterm", 1);
  setenv("NO_COLOR", "1", 1);
  setenv("HOME", home, 1);
  setenv("LC_ALL", "C.UTF-8", 1);
  unsetenv("XDG_STATE_HOME");
  unsetenv("NNLUA_HISTORY");
  unsetenv("LUA_INIT");
  if (chdir(home) == 0) execl(program, "nnlua", "--quiet", option, (char *)NULL);
  _exit(127);
}

static void start(session *s, const char *option) {
  memset(s, 0, sizeof *s);
  s->fd = posix_openpt(O_RDWR | O_NOCTTY);
  assert_true(s->fd >= 0 && grantpt(s->fd) == 0 && unlockpt(s->fd) == 0);
  s->tty = open(ptsname(s->fd), O_RDWR | O_NOCTTY);
  assert_true(s->tty >= 0);
  const struct winsize size = {.ws_row = 40, .ws_col = 100};
  ioctl(s->fd, TIOCSWINSZ, &size);
  tcgetattr(s->tty, &s->before);
  s->pid = fork();
  assert_true(s->pid >= 0);
  if (s->pid == 0) {
    close(s->fd);
    in_child(s->tty, option);
  }
}

/* Takes in what has been printed, waiting for it at most so long. False: nothing came. */
static bool take(session *s, int milliseconds) {
  struct pollfd poll_fd = {.fd = s->fd, .events = POLLIN};
  if (poll(&poll_fd, 1, milliseconds) <= 0) return false;
  if (s->length > SEEN / 2) { /* what was expected is not looked at again */
    memmove(s->seen, s->seen + s->at, s->length - s->at + 1);
    s->length -= s->at;
    s->at = 0;
  }
  if (s->length >= SEEN) s->length = s->at = 0;
  ssize_t n = read(s->fd, s->seen + s->length, SEEN - s->length);
  if (n <= 0) return false;
  for (ssize_t i = 0; i < n; i++) /* so that the text stays one */
    if (s->seen[s->length + (size_t)i] == '\0') s->seen[s->length + (size_t)i] = '?';
  s->length += (size_t)n;
  s->seen[s->length] = '\0';
  return true;
}

static void expect(session *s, const char *text) {
  const time_t until = time(NULL) + WAIT_SECONDS;
  for (;;) {
    const char *found = strstr(s->seen + s->at, text);
    if (found != NULL) {
      s->at = (size_t)(found - s->seen) + strlen(text);
      return;
    }
    if (time(NULL) > until) break;
    take(s, 200);
  }
  print_error("expected \"%s\", saw \"%s\"\n", text, s->seen + s->at);
  kill(s->pid, SIGKILL);
  fail();
}

static void type(session *s, const char *keys) {
  size_t n = strlen(keys);
  assert_int_equal(write(s->fd, keys, n), (ssize_t)n);
}

/* Ctrl-C, when all that was to come has come. */
static void cancel(session *s) {
  while (take(s, 300)) continue;
  s->at = s->length;
  type(s, "\003");
  expect(s, "> ");
}

/* Types a line and waits for the prompt behind what it prints, which must contain the text. */
static void enter(session *s, const char *line, const char *text) {
  type(s, line);
  type(s, "\r");
  if (text != NULL) expect(s, text);
  expect(s, "\r\n");
  expect(s, "> ");
}

/* Leaves, and checks that the terminal is as it was. */
static void leave(session *s) {
  int status = -1;
  struct termios after;
  const time_t until = time(NULL) + WAIT_SECONDS;
  pid_t done;
  do { /* a ^D is lost while the terminal changes modes */
    cancel(s);
    while (take(s, 200)) continue;
    type(s, "\004");
    for (int i = 0; i < 40 && (done = waitpid(s->pid, &status, WNOHANG)) == 0; i++) take(s, 50);
  } while (done == 0 && time(NULL) < until);
  if (done == 0) {
    kill(s->pid, SIGKILL);
    print_error("does not leave; saw \"%s\"\n", s->seen + s->at);
  }
  assert_int_equal(done, s->pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  tcgetattr(s->tty, &after);
  assert_int_equal(after.c_lflag, s->before.c_lflag);
  assert_int_equal(after.c_iflag, s->before.c_iflag);
  assert_int_equal(after.c_oflag, s->before.c_oflag);
  close(s->tty);
  close(s->fd);
}

static session *begin(const char *option) {
  static session s;
  start(&s, option);
  expect(&s, "> ");
  return &s;
}

/* ---- what is typed ---- */

static void expressions_and_locals(void **state) {
  (void)state;
  session *s = begin(NULL);
  enter(s, "6 * 7", "\r\n42");
  enter(s, "_ + 1", "\r\n43");
  enter(s, "local a, b <const> = 20, 'text'", NULL);
  enter(s, "local function twice() return 2 * a end", NULL);
  enter(s, "twice(), b", "40\ttext");
  enter(s, "a = 4", NULL);
  enter(s, "twice()", "\r\n8");
  enter(s, "rawget(_G, 'a')", "nil");
  enter(s, "a;", NULL);
  enter(s, "{3, name = {1, 2}, f = print}", "{3, f = <function>, name = {1, 2}}");
  enter(s, "nn.Sequential{nn.Linear(3, 4)}", "16 parameters");
  enter(s, "nn.optim.SGD({nn.ones(2)}, {lr = 0.5})", "w = w - 0.5 g");
  type(s, "for i = 1, 2 do\r");
  expect(s, ">> ");
  enter(s, "print('row', i) end", "row\t2");
  leave(s);
}

static void commands_and_help(void **state) {
  (void)state;
  session *s = begin(NULL);
  enter(s, "?nn.Linear", "Fully connected");
  enter(s, "help(nn.optim.Adam)", "nn.optim.Adam(params, {");
  enter(s, "?Linaer", "Did you mean nn.Linear?");
  enter(s, "?dropout", "nn.Dropout2d");
  enter(s, ":time 1 + 1", "mean of");
  enter(s, ":memory", "peak");
  enter(s, ":tiem 1", "did you mean :time?");
  enter(s, "local kept = 5", NULL);
  enter(s, "kept.x.y = 1", "attempt to index");
  enter(s, ":save session.lua", "2 lines in session.lua"); /* the one that failed is not there */
  enter(s, ":reset", NULL);
  enter(s, "kept", "nil");
  enter(s, ":load session.lua", NULL);
  enter(s, "nn.Liner(3)", "hint: did you mean nn.Linear?");
  leave(s);
}

static void completion(void **state) {
  (void)state;
  session *s = begin(NULL);
  type(s, "nn.optim.Ada\t");
  expect(s, "Adadelta");
  expect(s, "Adamax");
  cancel(s);
  type(s, "nn.Linear(3, 4, {bi\t");
  enter(s, "false})", "Linear(3, 4, {bias = false})");
  enter(s, "x = nn.ones(2)", NULL);
  type(s, "x:reshap\t");
  enter(s, "(2, 1).shape", "{2, 1}");
  enter(s, "t = setmetatable({field = 7}, {__index = function() error 'ran' end})", NULL);
  type(s, "t.fie\t");
  enter(s, "", "\r\n7");
  type(s, "t.nothing.\t");
  cancel(s);
  enter(s, "io.open('some file', 'w'):close()", NULL);
  type(s, "io.open('some f\t");
  enter(s, "):read(0)", "nil");
  leave(s);
}

static void control_c(void **state) {
  (void)state;
  session *s = begin(NULL);
  type(s, "nonsense that is not wanted");
  cancel(s);
  enter(s, "'still ' .. 'here'", "still here");
  const char *loops[] = {"while true do end", "coroutine.wrap(function() while true do end end)()",
                         "while true do pcall(function() while true do end end) end",
                         "local m = nn.randn(300, 300) while true do m = m:matmul(m):sin() end"};
  for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
    type(s, "print('un' .. 'der way') ");
    type(s, loops[i]);
    type(s, "\r");
    expect(s, "under way");
    usleep(200000);
    type(s, "\003");
    expect(s, "interrupted!");
    expect(s, "> ");
  }
  enter(s, "2 ^ 10", "1024");
  leave(s);
}

static void history(void **state) {
  (void)state;
  char path[PATH_MAX], text[4096] = "";
  session *s = begin(NULL);
  enter(s, "'remember ' .. 'me'", "remember me");
  enter(s, " 'not ' .. 'me'", "not me");
  leave(s);
  s = begin(NULL);
  type(s, "\033[A\r"); /* the last line again */
  expect(s, "\r\nremember me");
  expect(s, "> ");
  leave(s);
  snprintf(path, sizeof path, "%s/.local/state/nnlua/history", home);
  struct stat about;
  assert_int_equal(stat(path, &about), 0);
  assert_int_equal(about.st_mode & 0777, 0600);
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  text[fread(text, 1, sizeof text - 1, f)] = '\0';
  fclose(f);
  assert_non_null(strstr(text, "'remember ' .. 'me'\n"));
  assert_null(strstr(text, "'not '"));
}

/* A fit that is stopped, looked at, changed, gone on with, saved. */
static void training_alive(void **state) {
  (void)state;
  session *s = begin(NULL);
  enter(s, "data = nn.data.digits()", NULL);
  enter(s, "model = nn.Sequential{nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)}",
        NULL);
  enter(s, "opt = nn.optim.SGD(model:parameters(), {lr = 0.01, momentum = 0.9})", NULL);
  enter(s, "loss = nn.CrossEntropyLoss()", NULL);
  enter(s, "seen = {on_epoch_end = function(s) if s.epoch == 3 then print('third') end end}", NULL);
  type(s, "h = nn.fit(model, data, {loss = loss, optimizer = opt, epochs = 100000, "
          "callbacks = {seen}, progress = true})\r");
  expect(s, "third");
  type(s, "\003");
  expect(s, "interrupted");
  expect(s, "> ");
  enter(s, "#nn.last.history >= 3", "true");
  enter(s, "nn.last.model == model, model[2].weight.grad:abs():sum():item() > 0", "true\ttrue");
  enter(s, "done = #nn.last.history", NULL);
  enter(s, "opt.lr = 0.05", NULL);
  type(s, "h = nn.resume()\r");
  usleep(300000);
  type(s, "\003");
  expect(s, "interrupted");
  expect(s, "> ");
  enter(s, "#nn.last.history > done, nn.last.history[#nn.last.history].lr", "true\t0.05");
  enter(s, "nn.save('run.nn', {model = model, optimizer = opt})", NULL);
  enter(s, "copy = nn.load('run.nn').model", NULL);
  enter(s, "nn.equal(copy[2].weight, model[2].weight)", "true");
  leave(s);
}

/* What libedit itself does not survive. */
static void dangerous_keys(void **state) {
  (void)state;
  session *s = begin(NULL);
  type(s, "\033x\"\r\033X'\r\033x\r");
  cancel(s);
  enter(s, "'still ' .. 'here'", "still here");
  leave(s);
}

/* Whatever keys come: no crash, and afterwards all is well. (Not those that leave or suspend.) */
static void random_keys(void **state) {
  (void)state;
  static const char *const keys[] = {
    "\t",   "\033[A", "\033[B", "\033[C", "\033[D", "\033[3~",    "\001",   "\005",
    "\013", "\025",   "\027",   "\031",   "\022",   "\r",         "\003",   "\177",
    "\014", "\033",   "nn.",    "x:",     "{",      "}",          "(",      ")",
    "'",    "\"",     " ",      "ö",      "\xff",   "nn.Linear(", "local ", "=",
    "?",    ":",      "end",    "\033b",  "\033d",  "[",          "-- ",    "nn.data."};
  const size_t n = sizeof keys / sizeof *keys;
  const char *asked = getenv("NNLUA_RANDOM_KEYS");
  const int rounds = asked != NULL ? atoi(asked) : 10000;
  uint64_t random = 20261121;
  session *s = begin(NULL);
  for (int i = 0; i < rounds; i++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const size_t pick = (size_t)(random >> 33) % (n + 20);
    const char letter[2] = {(char)('a' + (random >> 40) % 26), '\0'};
    type(s, pick < n ? keys[pick] : letter);
    if (i % 16 == 15) { /* it must not run ahead for ever */
      while (take(s, 0)) s->at = s->length;
      int status;
      if (waitpid(s->pid, &status, WNOHANG) != 0)
        fail_msg("ended with %#x after %d keys: %s", (unsigned)status, i, s->seen);
    }
  }
  cancel(s); /* what may be a search, then the line */
  cancel(s);
  enter(s, "print('al' .. 'ive')", "\r\nalive");
  leave(s);
}

/* ---- */

static int find_program(void **state) {
  (void)state;
  ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
  if (n <= 0) return -1;
  program[n] = '\0';
  char *slash = strrchr(program, '/');
  if (slash == NULL) return -1;
  *slash = '\0';
  slash = strrchr(program, '/');
  if (slash == NULL) return -1;
  memcpy(slash, "/nnlua", sizeof "/nnlua");
  return mkdtemp(home) != NULL ? 0 : -1;
}

static int remove_home(void **state) {
  (void)state;
  char command[PATH_MAX];
  snprintf(command, sizeof command, "rm -rf '%s'", home);
  return system(command);
}

static bool has_terminals(void) {
  const int fd = posix_openpt(O_RDWR | O_NOCTTY);
  const bool all = fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0 && ptsname(fd) &&
                   access(ptsname(fd), R_OK | W_OK) == 0;
  if (fd >= 0) close(fd);
  return all;
}

int main(void) {
  if (!has_terminals()) { /* a chroot without /dev/pts */
    puts("1..1\nok 1 # SKIP the system has no pseudo-terminals");
    return 0;
  }
  const struct CMUnitTest tests[] = {cmocka_unit_test(expressions_and_locals),
                                     cmocka_unit_test(commands_and_help),
                                     cmocka_unit_test(completion),
                                     cmocka_unit_test(control_c),
                                     cmocka_unit_test(history),
                                     cmocka_unit_test(training_alive),
                                     cmocka_unit_test(dangerous_keys),
                                     cmocka_unit_test(random_keys)};
  signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, find_program, remove_home);
}
