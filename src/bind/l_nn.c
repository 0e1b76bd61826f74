/* bind/l_nn.c: the module's C part: the context's life, and what concerns the whole: seed,
   threads, memory, version. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bind/embed.h"
#include "bind/nnl.h"
#include "bind/open.h"
#include "io/gzip.h"
#include "kernel/blas.h"

/* ---- the context ---- */

static int l_close(lua_State *L) {
  nnL_state *s = lua_touserdata(L, 1);
  nn_ctx_free(s->ctx);
  s->ctx = NULL;
  return 0;
}

static int weak_table(lua_State *L) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

/* The first object with a finalizer, so the last to be finalized when the Lua state closes:
   everything that the context has given out is gone by then. */
static nnL_state *new_state(lua_State *L) {
  static const char *const names[NNL_KINDS] = {"nn.Tensor", "nn.Layer", "nn.Loss", "nn.Optimizer"};
  nnL_state *s = lua_newuserdatauv(L, sizeof *s, 0);
  memset(s, 0, sizeof *s);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, l_close);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  s->main = lua_tothread(L, -1);
  lua_pop(L, 1);
  s->ctx = nn_ctx_new();
  if (!s->ctx) luaL_error(L, "nn: not enough memory");
  lua_rawsetp(L, LUA_REGISTRYINDEX, s->ctx);
  for (int kind = 0; kind < NNL_KINDS; kind++) {
    lua_createtable(L, 0, 16);
    lua_pushstring(L, names[kind]);
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "protected");
    lua_setfield(L, -2, "__metatable"); /* __gc is not for scripts to call */
    s->meta[kind] = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L);
    s->methods[kind] = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  s->cache = weak_table(L);
  s->modules = weak_table(L);
  lua_pushboolean(L, 0);
  s->error = luaL_ref(L, LUA_REGISTRYINDEX);
  return s;
}

/* ---- seed and streams ---- */

static int l_seed(lua_State *L) {
  nn_ctx *ctx = nnL_ctx(L);
  uint64_t seed;
  if (lua_type(L, 1) == LUA_TSTRING && strcmp(lua_tostring(L, 1), "random") == 0) {
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) seed = (uint64_t)time(NULL);
    seed >>= 11; /* exact as a number in any language, and short enough to be typed again */
  } else {
    int whole;
    seed = (uint64_t)lua_tointegerx(L, 1, &whole);
    if (!whole) nnL_error(L, "seed: wants a whole number or \"random\", got %s", nnL_what(L, 1));
  }
  nn_rng_init(&ctx->rng, seed);
  lua_getglobal(L, "math"); /* math.random follows the same seed */
  if (lua_istable(L, -1) && lua_getfield(L, -1, "randomseed") == LUA_TFUNCTION) {
    lua_pushinteger(L, (lua_Integer)seed);
    lua_call(L, 1, 0);
  }
  lua_pushinteger(L, (lua_Integer)seed);
  return 1;
}

static int l_rng_state(lua_State *L) {
  const nn_rng *rng = &nnL_ctx(L)->rng;
  lua_newtable(L);
  lua_pushinteger(L, (lua_Integer)rng->seed);
  lua_setfield(L, -2, "seed");
  for (int i = 0; i < NN_NSTREAMS; i++) {
    lua_pushinteger(L, (lua_Integer)rng->next[i]);
    lua_setfield(L, -2, nn_stream_names[i]);
  }
  return 1;
}

static int l_set_rng_state(lua_State *L) {
  nn_rng rng;
  int whole;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_getfield(L, 1, "seed");
  nn_rng_init(&rng, (uint64_t)lua_tointegerx(L, -1, &whole));
  if (!whole) nnL_error(L, "set_rng_state: the field 'seed' is missing");
  for (int i = 0; i < NN_NSTREAMS; i++) {
    lua_getfield(L, 1, nn_stream_names[i]);
    rng.next[i] = (uint64_t)lua_tointegerx(L, -1, &whole);
    if (!whole) nnL_error(L, "set_rng_state: the field '%s' is missing", nn_stream_names[i]);
    lua_pop(L, 1);
  }
  nnL_ctx(L)->rng = rng;
  return 0;
}

/* ---- threads, memory, time ---- */

static int l_threads(lua_State *L) {
  nn_ctx *ctx = nnL_ctx(L);
  if (!lua_isnoneornil(L, 1)) {
    lua_Integer n = luaL_checkinteger(L, 1);
    if (n < 1 || n > 1024) nnL_error(L, "threads: wants 1 to 1024, got %d", (int)n);
    ctx->threads = (int)n;
    nn_blas_threads(ctx->threads, ctx->deterministic);
  }
  lua_pushinteger(L, ctx->threads);
  return 1;
}

/*
 * nn.deterministic(on): with `true` the same bits for any number of threads, not only for this one;
 * returns whether it is on. All kernels share out their work by shapes alone, so what it costs is BLAS's
 * second thread: matrix products larger than those of kernel/gemm.h (more than 96 rows by more than
 * 32 columns) run in one.
 */
static int l_deterministic(lua_State *L) {
  nn_ctx *ctx = nnL_ctx(L);
  if (!lua_isnoneornil(L, 1)) {
    if (!lua_isboolean(L, 1))
      nnL_error(L, "deterministic: wants true or false, got %s", nnL_what(L, 1));
    ctx->deterministic = lua_toboolean(L, 1);
    nn_blas_threads(ctx->threads, ctx->deterministic);
  }
  lua_pushboolean(L, ctx->deterministic);
  return 1;
}

static void set_bytes(lua_State *L, const char *name, size_t bytes) {
  lua_pushinteger(L, bytes > (size_t)LUA_MAXINTEGER ? LUA_MAXINTEGER : (lua_Integer)bytes);
  lua_setfield(L, -2, name);
}

static int l_memory(lua_State *L) {
  const nn_memory *m = &nnL_ctx(L)->mem;
  lua_createtable(L, 0, 6);
  set_bytes(L, "live", m->live);
  set_bytes(L, "peak", m->peak);
  set_bytes(L, "pooled", m->pooled);
  set_bytes(L, "limit", m->limit);
  set_bytes(L, "mallocs", m->mallocs);
  set_bytes(L, "requests", m->requests);
  return 1;
}

static int l_memory_limit(lua_State *L) {
  nn_memory *m = &nnL_ctx(L)->mem;
  if (!lua_isnoneornil(L, 1)) {
    lua_Number n = luaL_checknumber(L, 1);
    if (!(n >= 1 << 20) || n > 9e15)
      nnL_error(L, "memory_limit: wants at least 1048576 bytes, got %.14g", n);
    m->limit = (size_t)n;
  }
  lua_pushinteger(L, (lua_Integer)m->limit);
  return 1;
}

static int l_time(lua_State *L) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  lua_pushnumber(L, (double)t.tv_sec + 1e-9 * (double)t.tv_nsec);
  return 1;
}

static int l_set_default_dtype(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  int d = nn_dtype_find(name);
  if (d < 0 || !nn_is_real((nn_dtype)d))
    nnL_error(L, "set_default_dtype: wants \"float32\" or \"float64\", got \"%s\"", name);
  nnL_ctx(L)->real = d;
  return 0;
}

static int l_version(lua_State *L) {
  char threads[128];
  nn_blas_about blas;
  nnL_expect(L, nn_blas_describe(nnL_ctx(L), &blas));
  lua_createtable(L, 0, 5);
  lua_pushliteral(L, NN_VERSION);
  lua_setfield(L, -2, "nnlua");
  lua_pushliteral(L, LUA_RELEASE);
  lua_setfield(L, -2, "lua");
  lua_pushfstring(L, "%s, core %s", blas.config, blas.core);
  lua_setfield(L, -2, "blas");
  snprintf(threads, sizeof threads, "%d%s", nnL_ctx(L)->threads,
           blas.shares_threads
             ? nnL_ctx(L)->deterministic ? " (BLAS 1: nn.deterministic)" : ""
             : " (BLAS 1: it is not the OpenMP build and would fight our threads)");
  lua_pushstring(L, threads);
  lua_setfield(L, -2, "threads");
  return 1;
}

/* ---- odds and ends for the Lua part ---- */

static int l_isatty(lua_State *L) {
  lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
  return 1;
}

static int l_close_folder(lua_State *L) {
  DIR **folder = lua_touserdata(L, 1);
  if (*folder) closedir(*folder);
  *folder = NULL;
  return 0;
}

/* Pushes the name, with a slash if it is a folder's. */
static void push_file_name(lua_State *L, DIR *folder, const char *name) {
  struct stat about;
  const bool inner = fstatat(dirfd(folder), name, &about, 0) == 0 && S_ISDIR(about.st_mode);
  lua_pushfstring(L, "%s%s", name, inner ? "/" : "");
}

/* core.folder(path) -> the names of what is in it, in no order, those of folders with a slash; or
   nil and why not. */
static int l_folder(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  DIR **folder = lua_newuserdatauv(L, sizeof(DIR *), 0);
  *folder = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, l_close_folder);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_newtable(L);
  *folder = opendir(path);
  if (!*folder) return luaL_fileresult(L, 0, path);
  lua_Integer n = 0;
  for (struct dirent *e = readdir(*folder); e; e = readdir(*folder)) {
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    push_file_name(L, *folder, e->d_name);
    lua_rawseti(L, -2, ++n);
  }
  closedir(*folder);
  *folder = NULL;
  return 1;
}

static int l_kind(lua_State *L) {
  static const char *const names[NNL_KINDS] = {"tensor", "layer", "loss", "optimizer"};
  const nnL_state *s = nnL_here(L);
  if (lua_type(L, 1) != LUA_TUSERDATA || !lua_getmetatable(L, 1)) return lua_pushnil(L), 1;
  for (int kind = 0; kind < NNL_KINDS; kind++) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->meta[kind]);
    if (lua_rawequal(L, -1, -2)) return lua_pushstring(L, names[kind]), 1;
    lua_pop(L, 1);
  }
  return lua_pushnil(L), 1;
}

static int l_asset(lua_State *L) {
  lua_settop(L, 1);
  nn_tensor **box = nnL_box_tensor(L);
  const char *name = lua_pushfstring(L, "nn/assets/%s", luaL_checkstring(L, 1));
  const nn_embedded *file = nn_embedded_find(name);
  if (!file) nnL_error(L, "there is no asset '%s' in this binary", name);
  nnL_expect(L, nn_gunzip(nnL_ctx(L), name, file->data, file->size, box));
  lua_settop(L, 2);
  return 1;
}

static const luaL_Reg functions[] = {{"seed", l_seed},
                                     {"rng_state", l_rng_state},
                                     {"set_rng_state", l_set_rng_state},
                                     {"threads", l_threads},
                                     {"deterministic", l_deterministic},
                                     {"memory", l_memory},
                                     {"memory_limit", l_memory_limit},
                                     {"time", l_time},
                                     {"set_default_dtype", l_set_default_dtype},
                                     {"version", l_version},
                                     {"kind", l_kind},
                                     {"asset", l_asset},
                                     {"isatty", l_isatty},
                                     {"folder", l_folder},
                                     {NULL, NULL}};

/* core.methods.tensor and so on: where the Lua part adds its methods. */
static void open_methods(lua_State *L, const nnL_state *s) {
  static const char *const names[NNL_KINDS] = {"tensor", "layer", "loss", "optimizer"};
  lua_createtable(L, 0, NNL_KINDS);
  for (int kind = 0; kind < NNL_KINDS; kind++) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->methods[kind]);
    lua_setfield(L, -2, names[kind]);
  }
  lua_setfield(L, -2, "methods");
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, "nn.hooks");
  lua_setfield(L, -2, "hooks");
}

int luaopen_nn_core(lua_State *L) {
  nnL_state *s = new_state(L);
  nn_blas_threads(s->ctx->threads, false);
  lua_newtable(L);
  nnL_setfuncs(L, s, functions);
  open_methods(L, s);
  nnL_open_op(L, s); /* first: a few operations have a friendlier form of their own */
  nnL_open_tensor(L, s);
  nnL_open_index(L, s);
  nnL_open_make(L, s);
  nnL_open_grad(L, s);
  nnL_open_func(L, s);
  nnL_open_layer(L, s);
  nnL_open_path(L, s);
  nnL_open_loss(L, s);
  nnL_open_init(L, s);
  nnL_open_optim(L, s);
  nnL_open_terminal(L, s);
  nnL_open_data(L, s);
  nnL_open_file(L, s);
  nnL_open_plot(L, s);
  nnL_open_source(L, s);
  nnL_open_workers(L, s);
  nnL_open_catalogue(L, s);
  return 1;
}
