/* bind/l_make.c: new tensors: nn.tensor, zeros, ones, full, rand, randn, randint, randperm,
   range, linspace, eye. */
#include <math.h>
#include <string.h>

#include "bind/l_struct.h"
#include "kernel/random.h"
#include "kernel/walk.h"

/* The options that every maker takes last. */
typedef struct options {
  nn_dtype dtype;
  bool requires_grad;
} options;

/* Takes {dtype =, requires_grad =} off the top of the arguments when it is there; `last`
   shrinks. Unknown fields raise. */
static options read_options(lua_State *L, const char *who, int *last, nn_dtype dtype) {
  options o = {dtype, false};
  if (*last < 1 || !lua_istable(L, *last) || lua_rawlen(L, *last) > 0) return o;
  bool named = false;
  for (lua_pushnil(L); lua_next(L, *last); lua_pop(L, 1)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
    named = true;
    if (strcmp(name, "dtype") == 0) {
      const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
      int d = nn_dtype_find(text);
      if (d < 0)
        nnL_error(L, "%s: dtype must be float32, float64, int64 or uint8, got %s", who,
                  nnL_what(L, -1));
      o.dtype = (nn_dtype)d;
    } else if (strcmp(name, "requires_grad") == 0) {
      o.requires_grad = lua_toboolean(L, -1);
    } else {
      nnL_error(L, "%s: there is no option '%s'; the options are dtype, requires_grad", who, name);
    }
  }
  if (named || *last > 1) --*last; /* a lone {} is an empty list of sizes */
  if (o.requires_grad && !nn_is_real(o.dtype))
    nnL_error(L, "%s: only floating tensors can require a gradient, not %s", who,
              nn_dtype_name(o.dtype));
  return o;
}

/* Boxes a new tensor. */
static nn_tensor *new_tensor(lua_State *L, const char *who, const options *o, const nn_shape *s) {
  nn_ctx *ctx = nnL_ctx(L);
  nn_tensor **box = nnL_box_tensor(L);
  nnL_expect(L, nn_shape_check(ctx, who, s, nn_dtype_size(o->dtype)));
  nnL_expect(L, nn_tensor_new(ctx, o->dtype, s, box));
  (*box)->requires_grad = o->requires_grad;
  return *box;
}

static nn_dtype real(lua_State *L) {
  return (nn_dtype)nnL_ctx(L)->real;
}

static int filled(lua_State *L, const char *who, double x) {
  int last = lua_gettop(L);
  options o = read_options(L, who, &last, real(L));
  nn_shape s = nnL_shape(L, 1, last, who);
  nn_tensor *t = new_tensor(L, who, &o, &s);
  return nnL_settle(L, nn_fill_into(nnL_ctx(L), &t->v, x));
}
static int l_zeros(lua_State *L) {
  return filled(L, "zeros", 0);
}
static int l_ones(lua_State *L) {
  return filled(L, "ones", 1);
}

static int l_full(lua_State *L) {
  int last = lua_gettop(L);
  options o = read_options(L, "full", &last, real(L));
  if (last != 2 || !lua_istable(L, 1))
    nnL_error(L, "full: wants a list of sizes and a number, nn.full({2, 3}, 0.5)");
  nn_shape s = nnL_shape(L, 1, 1, "full");
  double x = luaL_checknumber(L, 2);
  nn_tensor *t = new_tensor(L, "full", &o, &s);
  return nnL_settle(L, nn_fill_into(nnL_ctx(L), &t->v, x));
}

/* ---- random ---- */

static void draw(nn_ctx *ctx, const nn_value *v, bool normal) {
  if (normal && v->dtype == NN_F32)
    nn_random_normal_f32(&ctx->rng, NN_RNG_USER, v->numel, 0, 1, nn_data(v));
  else if (normal)
    nn_random_normal_f64(&ctx->rng, NN_RNG_USER, v->numel, 0, 1, nn_data(v));
  else if (v->dtype == NN_F32)
    nn_random_uniform_f32(&ctx->rng, NN_RNG_USER, v->numel, 0, 1, nn_data(v));
  else
    nn_random_uniform_f64(&ctx->rng, NN_RNG_USER, v->numel, 0, 1, nn_data(v));
}

static int random_filled(lua_State *L, const char *who, bool normal) {
  int last = lua_gettop(L);
  options o = read_options(L, who, &last, real(L));
  if (!nn_is_real(o.dtype))
    nnL_error(L, "%s: dtype must be floating, got %s", who, nn_dtype_name(o.dtype));
  nn_shape s = nnL_shape(L, 1, last, who);
  draw(nnL_ctx(L), &new_tensor(L, who, &o, &s)->v, normal);
  return 1;
}
static int l_rand(lua_State *L) {
  return random_filled(L, "rand", false);
}
static int l_randn(lua_State *L) {
  return random_filled(L, "randn", true);
}

static int l_randint(lua_State *L) {
  nn_ctx *ctx = nnL_ctx(L);
  int last = lua_gettop(L);
  options o = read_options(L, "randint", &last, NN_I64);
  lua_Integer lo = luaL_checkinteger(L, 1), hi = luaL_checkinteger(L, 2);
  if (hi < lo) nnL_error(L, "randint: the range is empty, %d to %d", (int)lo, (int)hi);
  o.dtype = NN_I64;
  nn_shape s = nnL_shape(L, 3, last, "randint");
  nn_tensor *t = new_tensor(L, "randint", &o, &s);
  int64_t *y = nn_data(&t->v);
  uint64_t range = (uint64_t)hi - (uint64_t)lo + 1; /* 0: all of int64 */
  for (int64_t i = 0; i < t->v.numel; i++) {
    uint64_t r = range ? nn_rng_below(&ctx->rng, NN_RNG_USER, range)
                       : nn_rng_below(&ctx->rng, NN_RNG_USER, UINT64_MAX);
    y[i] = (int64_t)((uint64_t)lo + r);
  }
  return 1;
}

/* The stream that an option names, and with a seed a fresh generator instead of the context's. */
static nn_rng *choose_rng(lua_State *L, int at, nn_rng *fresh, nn_stream *stream) {
  *stream = NN_RNG_USER;
  if (!lua_istable(L, at)) return &nnL_ctx(L)->rng;
  if (lua_getfield(L, at, "stream") == LUA_TSTRING) {
    int i = 0;
    while (nn_stream_names[i] && strcmp(nn_stream_names[i], lua_tostring(L, -1)) != 0) i++;
    if (!nn_stream_names[i])
      nnL_error(L, "randperm: there is no random stream '%s'", lua_tostring(L, -1));
    *stream = (nn_stream)i;
  }
  bool seeded = lua_getfield(L, at, "seed") != LUA_TNIL;
  if (seeded) nn_rng_init(fresh, (uint64_t)luaL_checkinteger(L, -1));
  lua_pop(L, 2);
  return seeded ? fresh : &nnL_ctx(L)->rng;
}

static int l_randperm(lua_State *L) {
  options o = {NN_I64, false};
  nn_rng fresh;
  nn_stream stream;
  lua_settop(L, 2);
  lua_Integer n = luaL_checkinteger(L, 1);
  if (n < 0) nnL_error(L, "randperm: n must be 0 or more, got %d", (int)n);
  nn_shape s = nn_shape_1(n);
  nn_rng *rng = choose_rng(L, 2, &fresh, &stream);
  nn_tensor *t = new_tensor(L, "randperm", &o, &s);
  nn_rng_permutation(rng, stream, 1, n, nn_data(&t->v));
  return 1;
}

/* ---- ranges ---- */

static void set_at(const nn_value *v, int64_t i, double x) {
  switch (v->dtype) {
    case NN_F32: ((float *)nn_data(v))[i] = (float)x; break;
    case NN_F64: ((double *)nn_data(v))[i] = x; break;
    case NN_I64: ((int64_t *)nn_data(v))[i] = (int64_t)x; break;
    case NN_U8: ((uint8_t *)nn_data(v))[i] = (uint8_t)(int64_t)x; break;
  }
}

/* Inclusive, as Lua's for; whole numbers give int64. */
static int l_range(lua_State *L) {
  int last = lua_gettop(L);
  bool whole = lua_isinteger(L, 1) && lua_isinteger(L, 2) &&
               (last < 3 || lua_isinteger(L, 3) || lua_istable(L, 3));
  options o = read_options(L, "range", &last, whole ? NN_I64 : real(L));
  double from = luaL_checknumber(L, 1), to = luaL_checknumber(L, 2),
         by = last > 2 ? luaL_checknumber(L, 3) : 1;
  if (by == 0 || !isfinite(from) || !isfinite(to) || !isfinite(by))
    nnL_error(L, "range: wants finite numbers and a step that is not 0, got %f to %f by %f", from,
              to, by);
  double steps = floor((to - from) / by * (1 + 1e-15));
  if (steps > 1e12) nnL_error(L, "range: %.0f elements are too many", steps);
  nn_shape s = nn_shape_1(steps < 0 ? 0 : (int64_t)steps + 1);
  nn_tensor *t = new_tensor(L, "range", &o, &s);
  for (int64_t i = 0; i < s.dim[0]; i++) set_at(&t->v, i, from + (double)i * by);
  return 1;
}

static int l_linspace(lua_State *L) {
  int last = lua_gettop(L);
  options o = read_options(L, "linspace", &last, real(L));
  double from = luaL_checknumber(L, 1), to = luaL_checknumber(L, 2);
  lua_Integer n = luaL_checkinteger(L, 3);
  if (n < 0) nnL_error(L, "linspace: the number of points must be 0 or more, got %d", (int)n);
  nn_shape s = nn_shape_1(n);
  nn_tensor *t = new_tensor(L, "linspace", &o, &s);
  for (int64_t i = 0; i < n; i++) {
    double part = n > 1 ? (double)i / (double)(n - 1) : 0;
    set_at(&t->v, i, i == n - 1 && n > 1 ? to : from + (to - from) * part);
  }
  return 1;
}

static int l_eye(lua_State *L) {
  int last = lua_gettop(L);
  options o = read_options(L, "eye", &last, real(L));
  lua_Integer n = luaL_checkinteger(L, 1);
  nn_shape s = nn_shape_2(n, n);
  nn_tensor *t = new_tensor(L, "eye", &o, &s);
  nnL_expect(L, nn_fill_into(nnL_ctx(L), &t->v, 0));
  for (int64_t i = 0; i < n; i++) set_at(&t->v, i * n + i, 1);
  return 1;
}

/* ---- from tables ---- */

/* First pass: the shape, from the first element of each level. */
static nn_shape table_shape(lua_State *L, int at) {
  nn_shape s = {0};
  lua_pushvalue(L, at);
  while (lua_istable(L, -1)) {
    if (s.ndim == NN_MAXDIM) nnL_error(L, "tensor: at most %d dimensions", NN_MAXDIM);
    s.dim[s.ndim++] = (int64_t)lua_rawlen(L, -1);
    lua_rawgeti(L, -1, 1);
    lua_remove(L, -2);
  }
  lua_pop(L, 1);
  return s;
}

/* Still the first pass: every list has its level's length, every element is a number. */
static void check_table(lua_State *L, const char *who, const nn_shape *s, int d, bool *whole) {
  nn_text t;
  luaL_checkstack(L, 3, "a nested table");
  if (d == s->ndim) {
    if (lua_type(L, -1) != LUA_TNUMBER)
      nnL_error(L, "%s: every element must be a number, got %s", who, nnL_what(L, -1));
    *whole = *whole && lua_isinteger(L, -1);
    return;
  }
  if (!lua_istable(L, -1) || (int64_t)lua_rawlen(L, -1) != s->dim[d])
    nnL_error(L,
              "%s: the lists are ragged: %s by the first of each, but here is %s where %d "
              "elements belong",
              who, nn_shape_text(&t, s),
              lua_istable(L, -1) ? lua_pushfstring(L, "a list of %d", (int)lua_rawlen(L, -1))
                                 : nnL_what(L, -1),
              (int)s->dim[d]);
  for (int64_t i = 1; i <= s->dim[d]; i++) {
    lua_rawgeti(L, -1, i);
    check_table(L, who, s, d + 1, whole);
    lua_pop(L, 1);
  }
}

/* Second pass: calls that cannot raise. The table may have been changed by nobody meanwhile. */
static void fill_table(lua_State *L, const nn_value *v, int d, int64_t at) {
  for (int64_t i = 0; i < v->shape.dim[d]; i++) {
    lua_rawgeti(L, -1, i + 1);
    if (d + 1 < v->shape.ndim)
      fill_table(L, v, d + 1, at + i * v->stride[d]);
    else if (v->dtype == NN_I64)
      ((int64_t *)nn_data(v))[at + i] = lua_isinteger(L, -1) ? lua_tointeger(L, -1)
                                                             : (int64_t)lua_tonumber(L, -1);
    else
      set_at(v, at + i, lua_tonumber(L, -1));
    lua_pop(L, 1);
  }
}

static nn_tensor *tensor_of_table(lua_State *L, int index, const char *who, const options *o) {
  bool whole = true;
  nn_ctx *ctx = nnL_ctx(L);
  index = lua_absindex(L, index);
  nn_tensor **box = nnL_box_tensor(L); /* before the table is looked at: it may run script code */
  nn_shape s = table_shape(L, index);
  lua_pushvalue(L, index);
  check_table(L, who, &s, 0, &whole);
  lua_pop(L, 1);
  if (!nn_is_real(o->dtype) && !whole)
    nnL_error(L, "%s: a fraction does not fit dtype %s", who, nn_dtype_name(o->dtype));
  luaL_checkstack(L, NN_MAXDIM + 2, "a nested table");
  nnL_expect(L, nn_shape_check(ctx, who, &s, nn_dtype_size(o->dtype)));
  nnL_expect(L, nn_tensor_new(ctx, o->dtype, &s, box));
  (*box)->requires_grad = o->requires_grad;
  lua_pushvalue(L, index);
  if ((*box)->v.numel > 0) fill_table(L, &(*box)->v, 0, 0);
  lua_pop(L, 1);
  return *box;
}

nn_tensor *nnL_tensor_of_table(lua_State *L, int index, const char *who, nn_dtype dtype) {
  return tensor_of_table(L, index, who, &(options){dtype, false});
}

static int l_tensor(lua_State *L) {
  int last = 2;
  lua_settop(L, 2);
  options o = read_options(L, "tensor", &last, real(L));
  if (nnL_test(L, 1, NNL_TENSOR))
    nnL_error(L, "tensor: wants a number or nested lists; copy a tensor with x:clone()");
  if (lua_type(L, 1) == LUA_TNUMBER) {
    nn_shape none = {0};
    nn_tensor *t = new_tensor(L, "tensor", &o, &none);
    if (lua_isinteger(L, 1) && o.dtype == NN_I64)
      *(int64_t *)nn_data(&t->v) = lua_tointeger(L, 1);
    else
      set_at(&t->v, 0, lua_tonumber(L, 1));
    return 1;
  }
  if (!lua_istable(L, 1))
    nnL_error(L, "tensor: wants a number or nested lists of numbers, got %s", nnL_what(L, 1));
  tensor_of_table(L, 1, "tensor", &o);
  return 1;
}

static int l_is_tensor(lua_State *L) {
  lua_pushboolean(L, nnL_test(L, 1, NNL_TENSOR) != NULL);
  return 1;
}

/* ---- like another one: x:zeros_like{dtype = ...}, nn.zeros_like(x) ---- */

/* Boxes a tensor of the shape of the argument, and of its dtype unless told. */
static nn_tensor *like(lua_State *L, const char *who, int args, bool floating) {
  int last = lua_gettop(L);
  const nn_value *x = &nnL_check_tensor(L, 1)->v;
  nn_dtype d = floating && !nn_is_real(x->dtype) ? real(L) : x->dtype;
  options o = read_options(L, who, &last, d);
  if (last != args) nnL_error(L, "%s: too %s arguments", who, last < args ? "few" : "many");
  if (floating && !nn_is_real(o.dtype))
    nnL_error(L, "%s: dtype must be floating, got %s", who, nn_dtype_name(o.dtype));
  nn_shape s = x->shape;
  return new_tensor(L, who, &o, &s);
}

static int filled_like(lua_State *L, const char *who, double x) {
  return nnL_settle(L, nn_fill_into(nnL_ctx(L), &like(L, who, 1, false)->v, x));
}
static int l_zeros_like(lua_State *L) {
  return filled_like(L, "zeros_like", 0);
}
static int l_ones_like(lua_State *L) {
  return filled_like(L, "ones_like", 1);
}
static int l_full_like(lua_State *L) {
  double x = luaL_checknumber(L, 2);
  nn_tensor *t = like(L, "full_like", 2, false);
  if (!nn_is_real(t->v.dtype) && x != floor(x))
    nnL_error(L, "full_like: %f does not fit dtype %s", x, nn_dtype_name(t->v.dtype));
  return nnL_settle(L, nn_fill_into(nnL_ctx(L), &t->v, x));
}
static int l_rand_like(lua_State *L) {
  draw(nnL_ctx(L), &like(L, "rand_like", 1, true)->v, false);
  return 1;
}
static int l_randn_like(lua_State *L) {
  draw(nnL_ctx(L), &like(L, "randn_like", 1, true)->v, true);
  return 1;
}

static const luaL_Reg likes[] = {{"zeros_like", l_zeros_like}, {"ones_like", l_ones_like},
                                 {"full_like", l_full_like},   {"rand_like", l_rand_like},
                                 {"randn_like", l_randn_like}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"tensor", l_tensor},
                                     {"zeros", l_zeros},
                                     {"ones", l_ones},
                                     {"full", l_full},
                                     {"rand", l_rand},
                                     {"randn", l_randn},
                                     {"randint", l_randint},
                                     {"randperm", l_randperm},
                                     {"range", l_range},
                                     {"linspace", l_linspace},
                                     {"eye", l_eye},
                                     {"is_tensor", l_is_tensor},
                                     {NULL, NULL}};

void nnL_open_make(lua_State *L, nnL_state *s) {
  nnL_setfuncs(L, s, functions);
  nnL_setfuncs(L, s, likes);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->methods[NNL_TENSOR]);
  nnL_setfuncs(L, s, likes);
  lua_pop(L, 1);
}
