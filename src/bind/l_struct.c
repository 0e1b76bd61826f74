/*
 * bind/l_struct.c: what tensors do together: where and masked_fill (whose numbers take the other
 * tensor's dtype), lists of views (split, chunk, unbind), meshgrid, equal, allclose.
 */
#include "bind/l_struct.h"

#include <math.h>
#include <string.h>

#include "grad/op.h"
#include "kernel/places.h"

extern const nn_op nn_op_where, nn_op_to, nn_op_narrow, nn_op_select, nn_op_reshape, nn_op_expand,
  nn_op_gather, nn_op_index_select;

/* ---- where ---- */

/* A tensor or a number at a stack index. */
typedef struct choice {
  nn_tensor *t;
  double number;
  int64_t integer;
  bool whole;
} choice;

static choice read_choice(lua_State *L, int index, const char *who) {
  choice c = {.t = nnL_test(L, index, NNL_TENSOR)};
  if (c.t) return c;
  if (lua_type(L, index) != LUA_TNUMBER)
    nnL_error(L, "%s: wants tensors or numbers to choose from, got %s", who, nnL_what(L, index));
  c.number = lua_tonumber(L, index);
  c.whole = lua_isinteger(L, index) || c.number == floor(c.number);
  c.integer = lua_isinteger(L, index) ? lua_tointeger(L, index) : 0;
  return c;
}

/* Two numbers give the default floating dtype. */
static nn_dtype common_dtype(const nn_ctx *ctx, const choice *a, const choice *b) {
  if (!a->t && !b->t) return (nn_dtype)ctx->real;
  if (!a->t || !b->t) {
    const choice *number = a->t ? b : a;
    nn_dtype d = a->t ? a->t->v.dtype : b->t->v.dtype;
    if (nn_is_real(d)) return d;
    if (!number->whole) return (nn_dtype)ctx->real;
    return d == NN_U8 && (number->number < 0 || number->number > 255) ? NN_I64 : d;
  }
  nn_dtype d = a->t->v.dtype, e = b->t->v.dtype;
  if (d == e || (nn_is_real(d) && nn_is_real(e)))
    return d; /* the operation refuses two real ones */
  return nn_is_real(d) ? d : nn_is_real(e) ? e : NN_I64;
}

/* Makes the choice a tensor of that dtype, in the box where it is a new one. */
static nn_status settle_choice(nn_ctx *ctx, choice *c, nn_dtype d, nn_tensor **box) {
  if (!c->t) {
    NN_TRY(nn_tensor_scalar(ctx, d, c->number, box));
    if (d == NN_I64 && c->integer) *(int64_t *)nn_data(&(*box)->v) = c->integer;
    c->t = *box;
  } else if (c->t->v.dtype != d && !(nn_is_real(c->t->v.dtype) && nn_is_real(d))) {
    int64_t to = d;
    NN_TRY(nn_apply(ctx, &nn_op_to, &to, 1, &c->t, box));
    c->t = *box;
  }
  return NN_OK;
}

/* The mask, a and b at these indices; the result's box is pushed last. */
static int choose(lua_State *L, const char *who, int mask, int a, int b) {
  nn_ctx *ctx = nnL_ctx(L);
  nn_tensor **box_a = nnL_box_tensor(L), **box_b = nnL_box_tensor(L), **box = nnL_box_tensor(L);
  nn_tensor *m = nnL_test(L, mask, NNL_TENSOR);
  if (!m) nnL_error(L, "%s: the mask must be a uint8 tensor, got %s", who, nnL_what(L, mask));
  choice x = read_choice(L, a, who), y = read_choice(L, b, who);
  nn_dtype d = common_dtype(ctx, &x, &y);
  nnL_expect(L, settle_choice(ctx, &x, d, box_a));
  nnL_expect(L, settle_choice(ctx, &y, d, box_b));
  return nnL_settle(L, nn_apply(ctx, &nn_op_where, NULL, 3, (nn_tensor *[]){m, x.t, y.t}, box));
}

static int l_where(lua_State *L) {
  if (lua_gettop(L) != 3) nnL_error(L, "where: wants a mask and two tensors or numbers");
  return choose(L, "where", 1, 2, 3);
}

static int l_masked_fill(lua_State *L) {
  if (lua_gettop(L) != 3) nnL_error(L, "masked_fill: wants a tensor, a mask and a number");
  nnL_check_tensor(L, 1);
  return choose(L, "masked_fill", 2, 3, 1);
}

/* x:masked_fill_(mask, number) */
static int l_masked_fill_into(lua_State *L) {
  nn_ctx *ctx = nnL_ctx(L);
  nn_text a, b;
  lua_settop(L, 3);
  nn_tensor **number = nnL_box_tensor(L), **filled = nnL_box_tensor(L);
  nn_tensor *x = nnL_check_tensor(L, 1), *mask = nnL_check_tensor(L, 2);
  double value = luaL_checknumber(L, 3);
  nnL_expect(L, nn_check_writable(ctx, "masked_fill_", x));
  if (!nn_is_real(x->v.dtype) && value != floor(value))
    nnL_error(L, "masked_fill_: %f does not fit a %s tensor in place", value,
              nn_dtype_name(x->v.dtype));
  nnL_expect(L, nn_tensor_scalar(ctx, x->v.dtype, value, number));
  ctx->no_grad++;
  nn_status st = nn_apply(ctx, &nn_op_where, NULL, 3, (nn_tensor *[]){mask, *number, x}, filled);
  ctx->no_grad--;
  nnL_expect(L, st);
  if (!nn_shape_equal(&(*filled)->v.shape, &x->v.shape))
    nnL_error(L, "masked_fill_: a mask of %s does not fit a tensor of %s",
              nn_value_text(&a, &mask->v), nn_value_text(&b, &x->v));
  nn_touch(&x->v);
  nnL_expect(L, nn_copy_into(ctx, &x->v, &(*filled)->v));
  lua_settop(L, 1);
  return 1;
}

/* ---- lists of views ---- */

typedef struct narrow_attr {
  int64_t dim, first, n;
} narrow_attr;

static int dim_argument(lua_State *L, const char *who, int index, const nn_tensor *x) {
  int d;
  nnL_expect(L, nn_shape_dim(nnL_ctx(L), who, luaL_optinteger(L, index, 1), x->v.shape.ndim, &d));
  return d;
}

/* Appends x:narrow(dim, first, n) to the list on the top; returns first + n. */
static int64_t add_part(lua_State *L, nn_tensor *x, int dim, int64_t first, int64_t n, int place) {
  narrow_attr attr = {dim + 1, first, n};
  nn_tensor **box = nnL_box_tensor(L);
  nnL_expect(L, nn_apply(nnL_ctx(L), &nn_op_narrow, &attr, 1, &x, box));
  lua_rawseti(L, -2, place);
  return first + n;
}

/* x:split(3, dim): parts of 3, the last one shorter; x:split({2, 5}, dim): parts of these sizes */
static int l_split(lua_State *L) {
  lua_settop(L, 3);
  nn_tensor *x = nnL_check_tensor(L, 1);
  int dim = dim_argument(L, "split", 3, x), place = 0;
  int64_t size = x->v.shape.dim[dim], first = 1, sum = 0;
  if (lua_istable(L, 2)) {
    int many = (int)lua_rawlen(L, 2);
    for (int i = 1; i <= many; i++) {
      lua_rawgeti(L, 2, i);
      int64_t n = luaL_checkinteger(L, -1);
      lua_pop(L, 1);
      if (n < 0 || n > size - sum) sum = -1;
      if (sum < 0) break;
      sum += n;
    }
    if (sum != size)
      nnL_error(L, "split: the sizes must add up to %lld, that of dimension %d", (long long)size,
                dim + 1);
    lua_createtable(L, many, 0);
    while (place < many) {
      lua_rawgeti(L, 2, place + 1);
      int64_t n = luaL_checkinteger(L, -1);
      lua_pop(L, 1);
      first = add_part(L, x, dim, first, n, ++place);
    }
    return 1;
  }
  int64_t each = luaL_checkinteger(L, 2);
  if (each < 1) nnL_error(L, "split: wants parts of 1 element or more, got %lld", (long long)each);
  lua_newtable(L);
  while (first <= size)
    first = add_part(L, x, dim, first, size - first + 1 < each ? size - first + 1 : each, ++place);
  return 1;
}

/* x:chunk(n, dim): n parts, as even as parts of one size can be */
static int l_chunk(lua_State *L) {
  lua_settop(L, 3);
  nn_tensor *x = nnL_check_tensor(L, 1);
  int64_t n = luaL_checkinteger(L, 2);
  int dim = dim_argument(L, "chunk", 3, x), place = 0;
  if (n < 1) nnL_error(L, "chunk: wants 1 part or more, got %lld", (long long)n);
  int64_t size = x->v.shape.dim[dim], each = size / n + (size % n != 0), first = 1;
  lua_newtable(L);
  while (first <= size)
    first = add_part(L, x, dim, first, size - first + 1 < each ? size - first + 1 : each, ++place);
  return 1;
}

static int l_unbind(lua_State *L) {
  lua_settop(L, 2);
  nn_tensor *x = nnL_check_tensor(L, 1);
  int dim = dim_argument(L, "unbind", 2, x);
  int64_t size = x->v.shape.dim[dim];
  lua_newtable(L);
  for (int64_t i = 1; i <= size; i++) {
    int64_t attr[2] = {dim + 1, i};
    nn_tensor **box = nnL_box_tensor(L);
    nnL_expect(L, nn_apply(nnL_ctx(L), &nn_op_select, attr, 1, &x, box));
    lua_rawseti(L, -2, i);
  }
  return 1;
}

/* ---- meshgrid ---- */

/* nn.meshgrid(x, y, ..., {indexing = "ij"}): one tensor a list, of all their lengths; with "xy" the
   first two dimensions change places, as pictures have them. */
static int l_meshgrid(lua_State *L) {
  nn_ctx *ctx = nnL_ctx(L);
  int n = lua_gettop(L);
  bool xy = false;
  if (n > 0 && lua_istable(L, n)) {
    lua_getfield(L, n, "indexing");
    const char *how = lua_tostring(L, -1);
    if (!how || (strcmp(how, "ij") != 0 && strcmp(how, "xy") != 0))
      nnL_error(L, "meshgrid: the option is indexing = \"ij\" or \"xy\", got %s", nnL_what(L, -1));
    xy = strcmp(how, "xy") == 0;
    lua_settop(L, --n);
  }
  if (n < 1 || n > NN_MAXDIM)
    nnL_error(L, "meshgrid: wants 1 to %d lists, got %d", (int)NN_MAXDIM, n);
  nn_ints all = {.n = n};
  for (int k = 0; k < n; k++) {
    const nn_tensor *x = nnL_check_tensor(L, k + 1);
    if (x->v.shape.ndim > 1)
      nnL_error(L, "meshgrid: argument %d must be a list, got %s", k + 1, nnL_what(L, k + 1));
    all.v[xy && n > 1 && k < 2 ? 1 - k : k] = x->v.numel;
  }
  luaL_checkstack(L, 2 * n, "meshgrid");
  for (int k = 0; k < n; k++) {
    nn_ints line = {.n = n};
    nn_tensor **box = nnL_box_tensor(L), **lying = nnL_box_tensor(L),
              *x = nnL_check_tensor(L, k + 1);
    for (int d = 0; d < n; d++) line.v[d] = 1;
    line.v[xy && n > 1 && k < 2 ? 1 - k : k] = x->v.numel;
    nnL_expect(L, nn_apply(ctx, &nn_op_reshape, &line, 1, &x, lying));
    nnL_expect(L, nn_apply(ctx, &nn_op_expand, &all, 1, lying, box));
    lua_pop(L, 1);
  }
  return n;
}

/* ---- by indices ---- */

/* x:gather(dim, indices): the dimension comes first, as for the views. */
static int l_by_index(lua_State *L) {
  const nn_op *op = nnL_pointer(L);
  int64_t dim;
  lua_settop(L, 3);
  if (nnL_test(L, 2, NNL_TENSOR)) lua_insert(L, 2); /* the other order is as clear */
  nn_tensor **box = nnL_box_tensor(L);
  nnL_check_tensor(L, 1);
  if (!lua_isinteger(L, 2))
    nnL_error(L, "%s: wants a dimension and a tensor of indices, got %s", op->name, nnL_what(L, 2));
  dim = lua_tointeger(L, 2);
  nn_tensor *index = nnL_test(L, 3, NNL_TENSOR);
  if (!index)
    nnL_error(L, "%s: wants a tensor of indices (int64), got %s", op->name, nnL_what(L, 3));
  nn_tensor *x = nnL_check_tensor(L, 1);
  return nnL_settle(L, nn_apply(nnL_ctx(L), op, &dim, 2, (nn_tensor *[]){x, index}, box));
}

/* ---- comparing ---- */

/* Two tensors or numbers as values of one shape; boxes hold the numbers' tensors. False: the shapes
   differ. */
static bool read_pair(lua_State *L, const char *who, bool broadcast, nn_value *v) {
  nn_ctx *ctx = nnL_ctx(L);
  nn_tensor *t[2];
  nn_shape s;
  for (int k = 0; k < 2; k++) {
    nn_tensor **box = nnL_box_tensor(L);
    choice c = read_choice(L, k + 1, who);
    nn_dtype d = c.t ? c.t->v.dtype : lua_isinteger(L, k + 1) ? NN_I64 : NN_F64;
    nnL_expect(L, settle_choice(ctx, &c, d, box));
    t[k] = c.t;
  }
  if (nn_shape_equal(&t[0]->v.shape, &t[1]->v.shape))
    s = t[0]->v.shape;
  else if (broadcast)
    nnL_expect(L, nn_shape_broadcast(ctx, who, &t[0]->v.shape, &t[1]->v.shape, &s));
  else
    return false;
  for (int k = 0; k < 2; k++) nn_value_expand(&v[k], &t[k]->v, &s);
  return true;
}

/* The same shape and the same numbers, whatever the dtypes. */
static int l_equal(lua_State *L) {
  nn_value v[2];
  lua_settop(L, 2);
  bool same = read_pair(L, "equal", false, v);
  lua_pushboolean(L, same && nn_values_close(&v[0], &v[1], 0, 0, false));
  return 1;
}

typedef struct close_options {
  double rtol, atol;
  bool equal_nan;
} close_options;

static const nn_param close_params[] = {
  NN_P_REAL(close_options, rtol, 0, 1e-5, 0, NN_REAL_MAX, "relative tolerance, of the second"),
  NN_P_REAL(close_options, atol, 0, 1e-8, 0, NN_REAL_MAX, "absolute tolerance"),
  NN_P_BOOL(close_options, equal_nan, 0, "NaN equals NaN"), NN_P_END};

static int l_allclose(lua_State *L) {
  close_options o;
  nn_value v[2];
  lua_settop(L, 3);
  nnL_arguments(L, 3, lua_isnil(L, 3) ? 2 : 3, "allclose", close_params, &o);
  read_pair(L, "allclose", true, v);
  lua_pushboolean(L, nn_values_close(&v[0], &v[1], o.rtol, o.atol, o.equal_nan));
  return 1;
}

/* Each a method too: x:split(3). */
static const luaL_Reg functions[] = {{"where", l_where},       {"masked_fill", l_masked_fill},
                                     {"split", l_split},       {"chunk", l_chunk},
                                     {"unbind", l_unbind},     {"equal", l_equal},
                                     {"allclose", l_allclose}, {NULL, NULL}};

static const luaL_Reg alone[] = {{"meshgrid", l_meshgrid}, {NULL, NULL}};

static const luaL_Reg methods[] = {{"masked_fill_", l_masked_fill_into}, {NULL, NULL}};

void nnL_open_struct(lua_State *L, nnL_state *s) {
  static const nn_op *const by_index[] = {&nn_op_gather, &nn_op_index_select};
  nnL_setfuncs(L, s, functions);
  nnL_setfuncs(L, s, alone);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->methods[NNL_TENSOR]);
  nnL_setfuncs(L, s, functions);
  nnL_setfuncs(L, s, methods);
  for (size_t i = 0; i < sizeof by_index / sizeof *by_index; i++) {
    nnL_closure(L, s, l_by_index, by_index[i]);
    lua_pushvalue(L, -1);
    lua_setfield(L, -4, by_index[i]->name);
    lua_setfield(L, -2, by_index[i]->name);
  }
  lua_pop(L, 1);
}
