/* bind/l_source.c: nn.core.source, what reads files of data for lua/nn/data. */
#include <string.h>

#include "bind/l_file.h"
#include "bind/l_source.h"
#include "io/idx.h"
#include "io/npy.h"
#include "kernel/random.h"

/* ---- arguments ---- */

nn_dtype nnL_check_dtype(lua_State *L, int index) {
  int d = nn_dtype_find(luaL_checkstring(L, index));
  if (d < 0) nnL_bad_arg(L, index, "a dtype");
  return (nn_dtype)d;
}

/* ---- IDX ---- */

static void push_shape(lua_State *L, const nn_shape *s) {
  lua_createtable(L, s->ndim, 0);
  for (int d = 0; d < s->ndim; d++) {
    lua_pushinteger(L, s->dim[d]);
    lua_rawseti(L, -2, d + 1);
  }
}

/* (path): the sizes, and whether the elements are floating */
static int l_idx_info(lua_State *L) {
  nn_idx f;
  const char *path = nnL_check_path(L, 1, "idx");
  nnL_expect(L, nn_idx_open(nnL_ctx(L), path, &f));
  nn_idx_close(&f);
  push_shape(L, &f.shape);
  lua_pushboolean(L, f.type == NN_IDX_F32 || f.type == NN_IDX_F64);
  return 2;
}

/* (path, dtype): a tensor of the file's shape */
static int l_idx(lua_State *L) {
  lua_settop(L, 2);
  nn_tensor **box = nnL_box_tensor(L);
  const char *path = nnL_check_path(L, 1, "idx");
  return nnL_settle(L, nn_idx_load(nnL_ctx(L), path, nnL_check_dtype(L, 2), box));
}

/* (path, classes or 0): labels from 1, and the greatest */
static int l_idx_labels(lua_State *L) {
  int64_t most;
  lua_settop(L, 2);
  nn_tensor **box = nnL_box_tensor(L);
  const char *path = nnL_check_path(L, 1, "idx");
  lua_Integer classes = luaL_checkinteger(L, 2);
  nnL_expect(L, nn_idx_labels(nnL_ctx(L), path, classes, box, &most));
  lua_pushinteger(L, most);
  return 2;
}

/* (path, first row from 0, rows, dtype): these records of a file that is not gzip */
static int l_idx_rows(lua_State *L) {
  lua_settop(L, 4);
  nn_tensor **box = nnL_box_tensor(L);
  nn_idx f;
  const char *path = nnL_check_path(L, 1, "stream");
  lua_Integer first = luaL_checkinteger(L, 2), count = luaL_checkinteger(L, 3);
  nn_dtype dtype = nnL_check_dtype(L, 4);
  nn_ctx *ctx = nnL_ctx(L);
  nnL_expect(L, nn_idx_open(ctx, path, &f));
  nn_status st = NN_OK;
  if (f.in.gzip)
    st = nn_fail(ctx, NN_EIO, "%s: gzip data cannot be read in batches; unpack it first (gunzip)",
                 path);
  else if (first < 0 || count < 0 || first > f.shape.dim[0] - count)
    st = nn_fail(ctx, NN_EIO, "%s: the file has changed since it was opened", path);
  f.shape.dim[0] = count;
  if (st == NN_OK) st = nn_shape_check(ctx, "stream", &f.shape, nn_dtype_size(dtype));
  if (st == NN_OK) st = nn_tensor_new(ctx, dtype, &f.shape, box);
  if (st == NN_OK) st = nn_idx_seek(&f, first);
  if (st == NN_OK) st = nn_idx_read(&f, &(*box)->v);
  nn_idx_close(&f);
  return nnL_settle(L, st);
}

/* ---- npy ---- */

/* (path, first row from 0, rows): these rows, and the sizes of the whole */
static int l_npy_rows(lua_State *L) {
  nn_shape shape;
  lua_settop(L, 3);
  nn_tensor **box = nnL_box_tensor(L);
  const char *path = nnL_check_path(L, 1, "stream");
  lua_Integer first = luaL_checkinteger(L, 2), count = luaL_checkinteger(L, 3);
  if (first < 0 || count < 0) luaL_argerror(L, 2, "rows out of range");
  nnL_expect(L, nn_npy_rows(nnL_ctx(L), path, first, count, &shape, box));
  push_shape(L, &shape);
  return 2;
}

/* ---- random numbers for generated data ---- */

/* (seed or nil): a seed and a place for the numbers of one dataset: those of the seed, or of nn.seed and
   how many were made since. */
static int l_random_place(lua_State *L) {
  nn_rng *rng = &nnL_ctx(L)->rng;
  int whole;
  uint64_t seed = rng->seed, place = 0;
  if (lua_isnoneornil(L, 1)) {
    place = (nn_rng_reserve(rng, NN_RNG_DATA, 1) + 1) << 40;
  } else {
    seed = (uint64_t)lua_tointegerx(L, 1, &whole);
    if (!whole) nnL_bad_arg(L, 1, "a whole number");
  }
  lua_pushinteger(L, (lua_Integer)seed);
  lua_pushinteger(L, (lua_Integer)place);
  return 2;
}

/* (normal?, n, seed, place): n float64 numbers, uniform in 0..1 or standard normal */
static int l_random(lua_State *L) {
  lua_settop(L, 4);
  nn_tensor **box = nnL_box_tensor(L);
  nn_rng rng;
  nn_ctx *ctx = nnL_ctx(L);
  const bool normal = lua_toboolean(L, 1);
  nn_shape s = nn_shape_1(luaL_checkinteger(L, 2));
  nn_rng_init(&rng, (uint64_t)luaL_checkinteger(L, 3));
  rng.next[NN_RNG_DATA] = (uint64_t)luaL_checkinteger(L, 4);
  nnL_expect(L, nn_shape_check(ctx, "generate", &s, sizeof(double)));
  nnL_expect(L, nn_tensor_new(ctx, NN_F64, &s, box));
  double *x = nn_data(&(*box)->v);
  if (normal)
    nn_random_normal_f64(&rng, NN_RNG_DATA, s.dim[0], 0, 1, x);
  else
    nn_random_uniform_f64(&rng, NN_RNG_DATA, s.dim[0], 0, 1, x);
  return 1;
}

static const luaL_Reg functions[] = {{"idx", l_idx},
                                     {"idx_info", l_idx_info},
                                     {"idx_labels", l_idx_labels},
                                     {"idx_rows", l_idx_rows},
                                     {"npy_rows", l_npy_rows},
                                     {"random", l_random},
                                     {"random_place", l_random_place},
                                     {NULL, NULL}};

void nnL_open_source(lua_State *L, nnL_state *s) {
  lua_newtable(L);
  nnL_setfuncs(L, s, functions);
  nnL_open_source_csv(L, s);
  nnL_open_source_image(L, s);
  lua_setfield(L, -2, "source");
}
