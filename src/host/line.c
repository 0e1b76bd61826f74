/* line.c: see line.h. libedit's own interface, as its imitation of readline does not survive Ctrl-C and
 * Ctrl-D both. The history is a plain file, a line an entry, in $XDG_STATE_HOME/nnlua/history;
 * $NNLUA_HISTORY names another, or none when it is empty. */
#include "host/line.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <lauxlib.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/library.h"
#include "host/host.h"

enum { REMEMBERED = 2000, PATH_SIZE = 4096 };

#define EDIT(F)   \
  F(el_init)      \
  F(el_end)       \
  F(el_set)       \
  F(el_get)       \
  F(el_gets)      \
  F(el_line)      \
  F(el_insertstr) \
  F(el_reset)     \
  F(el_source)    \
  F(history_init) \
  F(history_end)  \
  F(history)
NN_LIBRARY(edit, NN_SONAME_EDIT, "libedit", EDIT)

static EditLine *editor;
static History *history_list;
static lua_State *asker; /* whose prompt it is, for completion */
static const char *prompt_text = "> ";
static char history_path[PATH_SIZE]; /* empty: nothing is kept */

/* --- history --- */

static bool make_folders(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    const bool ok = mkdir(path, 0700) == 0 || errno == EEXIST;
    *slash = '/';
    if (!ok) return false;
  }
  return true;
}

/* Where the history lives; empty when the environment says nothing usable. */
static void find_history(void) {
  const char *given = getenv("NNLUA_HISTORY"), *state = getenv("XDG_STATE_HOME");
  const char *home = getenv("HOME");
  int length = 0;
  history_path[0] = '\0';
  if (given != NULL)
    length = snprintf(history_path, sizeof history_path, "%s", given);
  else if (state != NULL && state[0] == '/')
    length = snprintf(history_path, sizeof history_path, "%s/nnlua/history", state);
  else if (home != NULL && home[0] == '/')
    length = snprintf(history_path, sizeof history_path, "%s/.local/state/nnlua/history", home);
  if (length >= (int)sizeof history_path || (length > 0 && !make_folders(history_path)))
    history_path[0] = '\0';
}

static void enter(const char *line) {
  HistEvent event;
  edit.history(history_list, &event, H_ENTER, line);
}

/* Keeps the file from growing for ever: when twice as long as what is remembered, it is written anew. */
static void shorten_history(int lines) {
  char path[PATH_SIZE + 8];
  HistEvent event;
  if (lines <= 2 * REMEMBERED) return;
  snprintf(path, sizeof path, "%s.new", history_path);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
  if (f == NULL) return;
  for (int more = edit.history(history_list, &event, H_LAST); more >= 0;
       more = edit.history(history_list, &event, H_PREV))
    fprintf(f, "%s\n", event.str);
  const bool ok = ferror(f) == 0;
  if (fclose(f) == 0 && ok)
    rename(path, history_path);
  else
    unlink(path);
}

static void load_history(void) {
  char *line = NULL;
  size_t capacity = 0;
  ssize_t length;
  int lines = 0;
  FILE *f = history_path[0] != '\0' ? fopen(history_path, "re") : NULL;
  if (f == NULL) return;
  while ((length = getline(&line, &capacity, f)) > 0) {
    if (line[length - 1] == '\n') line[length - 1] = '\0';
    if (line[0] == '\0') continue;
    enter(line);
    lines++;
  }
  free(line);
  fclose(f);
  shorten_history(lines);
}

void host_line_remember(const char *line) {
  if (editor == NULL || line[0] == '\0' || line[0] == ' ') return;
  enter(line);
  if (history_path[0] == '\0') return;
  int fd = open(history_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  FILE *f = fd < 0 ? NULL : fdopen(fd, "a");
  if (f == NULL) return;
  fprintf(f, "%s\n", line);
  fclose(f);
}

/* --- Tab --- */

static int terminal_width(void) {
  struct winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 80;
  return size.ws_col;
}

/* Pushes what to insert and what to list, as complete(line, cursor, width) gives them. */
static bool ask_completion(lua_State *L, const LineInfo *line) {
  lua_getfield(L, LUA_REGISTRYINDEX, "nn.prompt");
  if (!lua_istable(L, -1)) return false;
  lua_getfield(L, -1, "complete");
  lua_pushlstring(L, line->buffer, (size_t)(line->lastchar - line->buffer));
  lua_pushinteger(L, line->cursor - line->buffer);
  lua_pushinteger(L, terminal_width());
  return lua_pcall(L, 3, 2, 0) == LUA_OK;
}

static unsigned char on_tab(EditLine *el, int key) {
  (void)key;
  lua_State *L = asker;
  int top = lua_gettop(L);
  unsigned char result = CC_ERROR;
  if (lua_checkstack(L, 8) && ask_completion(L, edit.el_line(el))) {
    const char *insert = lua_tostring(L, -2), *list = lua_tostring(L, -1);
    if (insert != NULL && insert[0] != '\0' && edit.el_insertstr(el, insert) == 0)
      result = CC_REFRESH;
    if (list != NULL && list[0] != '\0') {
      printf("\n%s\n", list);
      fflush(stdout);
      result = CC_REDISPLAY;
    }
  }
  lua_settop(L, top);
  return result;
}

/* --- editing --- */

static char *tell_prompt(EditLine *el) {
  (void)el;
  return (char *)(uintptr_t)prompt_text; /* libedit's type lacks a const */
}

static bool load_library(void) {
  nn_ctx *ctx = nn_ctx_new();
  bool ok = ctx != NULL && edit_load(ctx) == NN_OK;
  nn_ctx_free(ctx);
  return ok;
}

static bool is_terminal(void) {
  const char *term = getenv("TERM");
  return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term != NULL && term[0] != '\0' &&
         strcmp(term, "dumb") != 0;
}

bool host_line_open(lua_State *L) {
  HistEvent event;
  if (!is_terminal() || !load_library()) return false;
  setlocale(LC_CTYPE, ""); /* the width of characters; numbers keep their point */
  editor = edit.el_init("nnlua", stdin, stdout, stderr);
  history_list = editor != NULL ? edit.history_init() : NULL;
  if (history_list == NULL) {
    host_line_close();
    return false;
  }
  asker = L;
  edit.history(history_list, &event, H_SETSIZE, REMEMBERED);
  edit.history(history_list, &event, H_SETUNIQUE, 1);
  edit.el_set(editor, EL_PROMPT, tell_prompt);
  edit.el_set(editor, EL_EDITOR, "emacs");
  edit.el_set(editor, EL_HIST, edit.history, history_list);
  edit.el_set(editor, EL_ADDFN, "nn-complete", "complete the name before the cursor", on_tab);
  edit.el_set(editor, EL_BIND, "^I", "nn-complete", NULL);
  edit.el_set(editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
  /* Its own command line crashes on an empty command (libedit 3.1-20221030), and is of no use here. */
  edit.el_set(editor, EL_BIND, "^[x", "ed-unassigned", NULL);
  edit.el_set(editor, EL_BIND, "^[X", "ed-unassigned", NULL);
  edit.el_set(editor, EL_BIND, "-a", ":", "ed-unassigned", NULL);
  edit.el_source(editor, NULL); /* the user's ~/.editrc */
  find_history();
  load_history();
  return true;
}

const char *host_line_read(const char *prompt, int *length) {
  prompt_text = prompt;
  edit.el_reset(editor);
  return edit.el_gets(editor, length);
}

void host_line_close(void) {
  if (history_list != NULL) edit.history_end(history_list);
  if (editor != NULL) edit.el_end(editor);
  history_list = NULL;
  editor = NULL;
}
