/*
 * bind/l_workers.c: core.workers: a function run in a child process, whose answer, a string, comes
 * back through a pipe. lua/nn/experiment/workers.lua shares out tasks with it.
 *
 *   w = workers.start(f, memory)  the child calls f, sends what it returns and leaves; `memory`: by how
 *                                 many bytes its tensors may grow (more is an error there)
 *   i = workers.wait(list)        waits until one of the list has ended: its place
 *   w:result()                    true and the answer; false and how it died
 *   w:stop()                      ends it; so do the collector and the death of this process
 *
 * Fork copies the thread that calls it and no other. So the helper threads of OpenMP are joined first
 * (they come back with the next kernel that wants them), and the child has one for kernels and for
 * BLAS. It leaves by _exit: finalizers and what else happens at exit belong to the parent. A copy of
 * a worker in a child of ours is nobody's to stop: `owner` says whose it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <omp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "bind/nnl.h"
#include "kernel/blas.h"

#define WORKER "nn.Worker"
enum {
  TICK_MS = 50,     /* how long a Ctrl-C that came just before the wait can go unnoticed */
  FIRST = 1 << 12,  /* bytes of the first buffer */
  HEAD = 9,         /* what comes before the answer: whether f returned, the answer's length */
  BROKEN_PIPE = 99, /* the child's exit code where nobody reads its answer */
  LINE = 1 << 12    /* a child's line of output is written at once if it is no longer */
};

typedef struct worker {
  pid_t pid;   /* 0: it has ended */
  pid_t owner; /* who started it */
  int fd;      /* the pipe's reading end; -1: closed */
  int status;  /* as waitpid gives it, once it has ended; -1: unknown */
  char *data;  /* what has come so far */
  size_t n, room;
} worker;

/* ---- the child ---- */

static void write_all(int fd, const char *p, size_t n) {
  while (n > 0) {
    const ssize_t done = write(fd, p, n);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) _exit(BROKEN_PIPE);
    p += done;
    n -= (size_t)done;
  }
}

static void put_length(char *p, uint64_t n) {
  for (int i = 0; i < 8; i++) p[i] = (char)(n >> (8 * i) & 0xff);
}

static uint64_t get_length(const char *p) {
  uint64_t n = 0;
  for (int i = 0; i < 8; i++) n |= (uint64_t)(unsigned char)p[i] << (8 * i);
  return n;
}

/* Ctrl-C at a terminal goes to all processes there: the parent's to act on. */
static void set_signals(pid_t parent) {
  nn_interrupted = 0;
  nn_stop_asked = 0;
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_DFL);
  signal(SIGCHLD, SIG_DFL);
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(EXIT_FAILURE);
#else
  (void)parent;
#endif
}

/* Calls the function at 1 and does not return. */
static void be_child(lua_State *L, nn_ctx *ctx, int fd, pid_t parent, size_t memory) {
  set_signals(parent);
  ctx->threads = 1;
  nn_blas_threads(1, true);
  if (memory > 0 && memory < ctx->mem.limit - ctx->mem.live)
    ctx->mem.limit = ctx->mem.live + memory;
  setvbuf(stdout, NULL, _IOLBF, LINE);
  lua_settop(L, 1);
  const bool ok = lua_pcall(L, 0, 1, 0) == LUA_OK;
  size_t n = 0;
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &n) : NULL;
  if (!text) text = "the error is no text", n = strlen(text);
  fflush(NULL);
  char head[HEAD];
  head[0] = (char)ok;
  put_length(head + 1, n);
  write_all(fd, head, sizeof head);
  write_all(fd, text, n);
  _exit(EXIT_SUCCESS);
}

/* ---- the parent ---- */

static void drop_data(nn_ctx *ctx, worker *w) {
  nn_mem_give(ctx, w->data, w->room);
  w->data = NULL;
  w->n = w->room = 0;
}

static void close_fd(worker *w) {
  if (w->fd >= 0) close(w->fd);
  w->fd = -1;
}

/* Waits for its end, which is near. */
static void reap(worker *w) {
  close_fd(w);
  pid_t got;
  do got = waitpid(w->pid, &w->status, 0);
  while (got < 0 && errno == EINTR);
  if (got < 0) w->status = -1; /* SIGCHLD is ignored: nobody can tell */
  w->pid = 0;
}

static void stop(worker *w) {
  if (w->pid > 0 && w->owner == getpid()) {
    kill(w->pid, SIGTERM);
    reap(w);
  }
  close_fd(w);
}

static worker *check_worker(lua_State *L, int index) {
  return luaL_checkudata(L, index, WORKER);
}

static int l_stop(lua_State *L) {
  worker *w = check_worker(L, 1);
  stop(w);
  if (nnL_ctx(L)) drop_data(nnL_ctx(L), w);
  return 0;
}

static worker *new_worker(lua_State *L) {
  worker *w = lua_newuserdatauv(L, sizeof *w, 0);
  *w = (worker){.fd = -1, .status = -1};
  luaL_setmetatable(L, WORKER);
  return w;
}

/* Both ends are closed in programs that somebody starts. */
static bool open_pipe(int fd[2]) {
  if (pipe(fd) != 0) return false;
  fcntl(fd[0], F_SETFD, FD_CLOEXEC);
  fcntl(fd[1], F_SETFD, FD_CLOEXEC);
  fcntl(fd[0], F_SETFL, O_NONBLOCK);
  return true;
}

static int l_start(lua_State *L) {
  nn_ctx *ctx = nnL_ctx(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  const lua_Number memory = luaL_optnumber(L, 2, 0);
  worker *w = new_worker(L);
  int fd[2];
  if (!open_pipe(fd)) nnL_error(L, "workers: no pipe: %s", strerror(errno));
  fflush(NULL); /* or what waits in the buffers would be written twice */
  omp_pause_resource_all(omp_pause_hard);
  const pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    close(fd[0]);
    be_child(L, ctx, fd[1], parent, memory > 0 ? (size_t)memory : 0);
  }
  const int why = errno;
  close(fd[1]);
  w->fd = fd[0];
  if (pid < 0) nnL_error(L, "workers: no process: %s", strerror(why));
  w->pid = pid;
  w->owner = parent;
  return 1;
}

static nn_status grow(nn_ctx *ctx, worker *w) {
  if (w->n < w->room) return NN_OK;
  const size_t room = w->room ? 2 * w->room : FIRST;
  char *data = nn_mem_take(ctx, room);
  if (!data) return NN_ENOMEM;
  if (w->n > 0) memcpy(data, w->data, w->n);
  nn_mem_give(ctx, w->data, w->room);
  w->data = data;
  w->room = room;
  return NN_OK;
}

/* Reads what is there; reaps it at the end. */
static nn_status take(nn_ctx *ctx, worker *w) {
  for (;;) {
    NN_TRY(grow(ctx, w));
    const ssize_t got = read(w->fd, w->data + w->n, w->room - w->n);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return NN_OK;
    if (got <= 0) break;
    w->n += (size_t)got;
  }
  reap(w);
  return NN_OK;
}

/* The place of one that has ended, from 1; 0: none yet. */
static nn_status look(nn_ctx *ctx, int n, worker **list, struct pollfd *polled, int *place) {
  *place = 0;
  for (int i = 0; i < n; i++) {
    if (list[i]->pid == 0) return *place = i + 1, NN_OK;
    polled[i] = (struct pollfd){.fd = list[i]->fd, .events = POLLIN};
  }
  if (poll(polled, (nfds_t)n, TICK_MS) > 0) {
    for (int i = 0; i < n && *place == 0; i++) {
      if (polled[i].revents == 0) continue;
      NN_TRY(take(ctx, list[i]));
      if (list[i]->pid == 0) *place = i + 1;
    }
  }
  return nn_poll(ctx);
}

static int l_wait(lua_State *L) {
  nn_ctx *ctx = nnL_ctx(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  const int n = (int)lua_rawlen(L, 1);
  if (n < 1) nnL_error(L, "workers: nobody to wait for");
  worker **list = lua_newuserdatauv(L, (size_t)n * sizeof *list, 0);
  struct pollfd *polled = lua_newuserdatauv(L, (size_t)n * sizeof *polled, 0);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, 1, i + 1);
    list[i] = check_worker(L, -1);
    lua_pop(L, 1);
  }
  int place = 0;
  while (place == 0) nnL_expect(L, look(ctx, n, list, polled, &place));
  lua_pushinteger(L, place);
  return 1;
}

/* How it ended without an answer. */
static const char *push_cause(lua_State *L, int status) {
  if (status != -1 && WIFSIGNALED(status)) {
    const int sig = WTERMSIG(status);
    return lua_pushfstring(L, "its process died of signal %d (%s)%s", sig, strsignal(sig),
                           sig == SIGKILL ? "; the system ends a process so when memory is short"
                                          : "");
  }
  if (status != -1 && WIFEXITED(status))
    return lua_pushfstring(L, "its process left with exit code %d before it had a result",
                           WEXITSTATUS(status));
  return lua_pushliteral(L, "its process ended without a result");
}

static int l_result(lua_State *L) {
  worker *w = check_worker(L, 1);
  if (w->pid != 0) nnL_error(L, "workers: it has not ended");
  if (w->n >= HEAD && get_length(w->data + 1) == w->n - HEAD) {
    lua_pushboolean(L, w->data[0]);
    lua_pushlstring(L, w->data + HEAD, w->n - HEAD);
  } else {
    lua_pushboolean(L, 0);
    push_cause(L, w->status);
  }
  drop_data(nnL_ctx(L), w);
  return 2;
}

void nnL_open_workers(lua_State *L, nnL_state *s) {
  static const luaL_Reg methods[] = {{"result", l_result}, {"stop", l_stop}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"start", l_start}, {"wait", l_wait}, {NULL, NULL}};
  luaL_newmetatable(L, WORKER);
  lua_newtable(L);
  nnL_setfuncs(L, s, methods);
  lua_setfield(L, -2, "__index");
  nnL_closure(L, s, l_stop, NULL);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  lua_newtable(L);
  nnL_setfuncs(L, s, functions);
  lua_setfield(L, -2, "workers");
}
