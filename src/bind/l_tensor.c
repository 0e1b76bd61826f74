/* bind/l_tensor.c: the tensor's own methods: what it is, conversions, views with arguments of
   their own, in-place writes. */
#include <math.h>
#include <string.h>

#include "bind/l_struct.h"
#include "grad/graph.h"
#include "kernel/places.h"

extern const nn_op nn_op_to, nn_op_reshape, nn_op_view, nn_op_clone, nn_op_transpose;

static const nn_value *check_value(lua_State *L, int index) {
  return &nnL_check_tensor(L, index)->v;
}

/* ---- what it is ---- */

static void push_shape(lua_State *L, const nn_shape *s) {
  lua_createtable(L, s->ndim, 0);
  for (int i = 0; i < s->ndim; i++) {
    lua_pushinteger(L, s->dim[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

static int l_size(lua_State *L) {
  const nn_value *v = check_value(L, 1);
  int d;
  if (lua_isnoneornil(L, 2)) {
    push_shape(L, &v->shape);
    return 1;
  }
  nnL_expect(L, nn_shape_dim(nnL_ctx(L), "size", luaL_checkinteger(L, 2), v->shape.ndim, &d));
  lua_pushinteger(L, v->shape.dim[d]);
  return 1;
}

static int l_len(lua_State *L) {
  const nn_value *v = check_value(L, 1);
  if (v->shape.ndim == 0) nnL_error(L, "#x: a tensor without dimensions has no length");
  lua_pushinteger(L, v->shape.dim[0]);
  return 1;
}

static int l_dim(lua_State *L) {
  lua_pushinteger(L, check_value(L, 1)->shape.ndim);
  return 1;
}

static int l_numel(lua_State *L) {
  lua_pushinteger(L, check_value(L, 1)->numel);
  return 1;
}

static int l_dtype(lua_State *L) {
  lua_pushstring(L, nn_dtype_name(check_value(L, 1)->dtype));
  return 1;
}

static int l_is_contiguous(lua_State *L) {
  lua_pushboolean(L, check_value(L, 1)->dense);
  return 1;
}

static void push_element(lua_State *L, const nn_value *v, int64_t at) {
  if (nn_is_real(v->dtype))
    lua_pushnumber(L, nn_value_real_at(v, at));
  else
    lua_pushinteger(L, nn_value_int_at(v, at));
}

static int l_item(lua_State *L) {
  const nn_value *v = check_value(L, 1);
  nn_text t;
  if (v->numel != 1)
    nnL_error(L, "item: the tensor must have one element, it is %s", nn_value_text(&t, v));
  push_element(L, v, v->offset);
  return 1;
}

static void push_table(lua_State *L, const nn_value *v, int d, int64_t at) {
  luaL_checkstack(L, 4, "a nested tensor");
  lua_createtable(L, v->shape.dim[d] > INT32_MAX ? 0 : (int)v->shape.dim[d], 0);
  for (int64_t i = 0; i < v->shape.dim[d]; i++) {
    if (d == v->shape.ndim - 1)
      push_element(L, v, at + i * v->stride[d]);
    else
      push_table(L, v, d + 1, at + i * v->stride[d]);
    lua_rawseti(L, -2, i + 1);
  }
}

static int l_totable(lua_State *L) {
  const nn_value *v = check_value(L, 1);
  if (v->shape.ndim == 0)
    push_element(L, v, v->offset);
  else
    push_table(L, v, 0, v->offset);
  return 1;
}

/* ---- results with arguments of their own ---- */

static int l_to(lua_State *L) {
  lua_settop(L, 2);
  nn_tensor **box = nnL_box_tensor(L), *x = nnL_check_tensor(L, 1);
  const char *name = luaL_checkstring(L, 2);
  int64_t d = nn_dtype_find(name);
  if (d < 0) nnL_error(L, "to: a dtype is float32, float64, int64 or uint8, got \"%s\"", name);
  if (x->v.dtype == (nn_dtype)d) {
    lua_settop(L, 1);
    return 1;
  }
  return nnL_settle(L, nn_apply(nnL_ctx(L), &nn_op_to, &d, 1, &x, box));
}

/* Fills the size that is -1, if the others allow it, and checks that the shape has as many
   elements. */
static void settle_shape(lua_State *L, const char *who, const nn_value *x, nn_shape *s) {
  int64_t known = 1;
  int open = -1;
  nn_text a, b;
  bool fits = true;
  nn_shape asked = *s;
  for (int i = 0; i < s->ndim; i++) {
    if (s->dim[i] == -1 && open >= 0) nnL_error(L, "%s: only one size may be -1", who);
    if (s->dim[i] == -1)
      open = i;
    else
      fits = fits && s->dim[i] >= 0 && !__builtin_mul_overflow(known, s->dim[i], &known);
  }
  if (open >= 0) {
    fits = fits && known > 0 && x->numel % known == 0;
    if (fits) s->dim[open] = x->numel / known;
  } else {
    fits = fits && known == x->numel;
  }
  if (!fits)
    nnL_error(L, "%s: %s has %lld elements, which do not fill %s", who, nn_value_text(&a, x),
              (long long)x->numel, nn_shape_text(&b, &asked));
}

/* The argument in another shape, as a view where its strides allow one, else (unless `copy` is
   false) copied. */
static int reshaped(lua_State *L, const char *who, nn_shape s, bool copy) {
  nn_tensor **box = nnL_box_tensor(L), *x = nnL_check_tensor(L, 1);
  nn_ints sizes = {0};
  nn_value seen;
  settle_shape(L, who, &x->v, &s);
  sizes.n = s.ndim;
  memcpy(sizes.v, s.dim, sizeof s.dim);
  bool view = !x->v.dense && (!copy || nn_value_reshape(&seen, &x->v, &s));
  return nnL_settle(L,
                    nn_apply(nnL_ctx(L), view ? &nn_op_view : &nn_op_reshape, &sizes, 1, &x, box));
}

/* x:view(2, 3), x:view{2, 3}: like reshape, but never a copy */
static int l_view(lua_State *L) {
  check_value(L, 1);
  return reshaped(L, "view", nnL_shape(L, 2, lua_gettop(L), "view"), false);
}

static int l_reshape(lua_State *L) {
  check_value(L, 1);
  return reshaped(L, "reshape", nnL_shape(L, 2, lua_gettop(L), "reshape"), true);
}

static int l_view_as(lua_State *L) {
  lua_settop(L, 2);
  return reshaped(L, "view_as", check_value(L, 2)->shape, false);
}

/* x:flatten(), x:flatten(2): from a dimension on, x:flatten(1, 2): these dimensions become one */
static int l_flatten(lua_State *L) {
  lua_settop(L, 3);
  nn_ctx *ctx = nnL_ctx(L);
  const nn_shape *x = &check_value(L, 1)->shape;
  int first = 0, last = x->ndim - 1;
  nn_shape s = {0};
  if (!lua_isnil(L, 2))
    nnL_expect(L, nn_shape_dim(ctx, "flatten", luaL_checkinteger(L, 2), x->ndim, &first));
  if (!lua_isnil(L, 3))
    nnL_expect(L, nn_shape_dim(ctx, "flatten", luaL_checkinteger(L, 3), x->ndim, &last));
  if (x->ndim > 0 && last < first)
    nnL_error(L, "flatten: dimension %d comes before %d", last + 1, first + 1);
  for (int d = 0; d < first; d++) s.dim[s.ndim++] = x->dim[d];
  s.dim[s.ndim++] = 1;
  for (int d = first; d <= last; d++) s.dim[s.ndim - 1] *= x->dim[d];
  for (int d = last + 1; d < x->ndim; d++) s.dim[s.ndim++] = x->dim[d];
  return reshaped(L, "flatten", s, true);
}

static int l_unsqueeze(lua_State *L) {
  lua_settop(L, 2);
  nn_shape s = check_value(L, 1)->shape;
  int d;
  if (s.ndim == NN_MAXDIM) nnL_error(L, "unsqueeze: a tensor has at most %d dimensions", NN_MAXDIM);
  nnL_expect(L, nn_shape_dim(nnL_ctx(L), "unsqueeze", luaL_checkinteger(L, 2), s.ndim + 1, &d));
  for (int i = s.ndim; i > d; i--) s.dim[i] = s.dim[i - 1];
  s.dim[d] = 1;
  s.ndim++;
  return reshaped(L, "unsqueeze", s, false);
}

static int l_squeeze(lua_State *L) {
  lua_settop(L, 2);
  nn_shape s = check_value(L, 1)->shape;
  int d = -1, n = 0;
  if (!lua_isnil(L, 2))
    nnL_expect(L, nn_shape_dim(nnL_ctx(L), "squeeze", luaL_checkinteger(L, 2), s.ndim, &d));
  for (int i = 0; i < s.ndim; i++)
    if (s.dim[i] != 1 || (d >= 0 && i != d)) s.dim[n++] = s.dim[i];
  s.ndim = n;
  return reshaped(L, "squeeze", s, false);
}

static int l_t(lua_State *L) {
  lua_settop(L, 1);
  nn_tensor **box = nnL_box_tensor(L), *x = nnL_check_tensor(L, 1);
  int64_t dims[2] = {-2, -1};
  nn_text t;
  if (x->v.shape.ndim != 2)
    nnL_error(L, "t: wants two dimensions, got %s", nn_value_text(&t, &x->v));
  return nnL_settle(L, nn_apply(nnL_ctx(L), &nn_op_transpose, dims, 1, &x, box));
}

static int l_contiguous(lua_State *L) {
  lua_settop(L, 1);
  nn_tensor **box = nnL_box_tensor(L), *x = nnL_check_tensor(L, 1);
  if (x->v.dense) {
    lua_settop(L, 1);
    return 1;
  }
  return nnL_settle(L, nn_apply(nnL_ctx(L), &nn_op_clone, NULL, 1, &x, box));
}

/* ---- writing ---- */

static int l_fill(lua_State *L) {
  nn_tensor *x = nnL_check_tensor(L, 1);
  nnL_expect(L, nn_check_writable(nnL_ctx(L), "fill_", x));
  nnL_expect(L, nn_fill_into(nnL_ctx(L), &x->v, luaL_checknumber(L, 2)));
  nn_touch(&x->v);
  lua_settop(L, 1);
  return 1;
}

static int l_zero(lua_State *L) {
  lua_settop(L, 1);
  lua_pushnumber(L, 0);
  return l_fill(L);
}

/* The source is copied first when it may be another view of the same storage. */
static nn_status copy_into(nn_ctx *ctx, nn_tensor *x, nn_tensor *y, nn_tensor **scratch) {
  const nn_value *from = &y->v;
  nn_shape wide;
  nn_text a, b;
  NN_TRY(nn_shape_broadcast(ctx, "copy_", &x->v.shape, &y->v.shape, &wide));
  if (!nn_shape_equal(&wide, &x->v.shape))
    return nn_fail(ctx, NN_ESHAPE, "copy_: %s does not fit into %s", nn_value_text(&a, from),
                   nn_value_text(&b, &x->v));
  if (x->v.storage == y->v.storage) {
    NN_TRY(nn_tensor_new(ctx, from->dtype, &from->shape, scratch));
    NN_TRY(nn_copy_into(ctx, &(*scratch)->v, from));
    from = &(*scratch)->v;
  }
  nn_touch(&x->v);
  return nn_copy_into(ctx, &x->v, from);
}

static int l_copy(lua_State *L) {
  lua_settop(L, 2);
  nn_tensor **scratch = nnL_box_tensor(L), *x = nnL_check_tensor(L, 1), *y = nnL_check_tensor(L, 2);
  nn_ctx *ctx = nnL_ctx(L);
  nnL_expect(L, nn_check_writable(ctx, "copy_", x));
  if (ctx->no_grad == 0 && nn_needs_grad(y))
    nnL_error(
      L, "copy_: the source requires a gradient, which a copy in place would lose; detach() it");
  nnL_expect(L, copy_into(ctx, x, y, scratch));
  lua_settop(L, 1);
  return 1;
}

/* ---- life ---- */

static int l_release(lua_State *L) {
  void **box = lua_touserdata(L, 1);
  if (!nnL_test(L, 1, NNL_TENSOR)) nnL_bad_arg(L, 1, "a tensor");
  nn_tensor_release(*box);
  *box = NULL;
  return 0;
}

static int l_close(lua_State *L) {
  nn_tensor_release(nnL_empty(L));
  return 0;
}

static int l_gc(lua_State *L) {
  nn_tensor_release(nnL_finalize(L));
  return 0;
}

/* The text is made in Lua (lua/nn/tensor_print.lua), which sets the hook when it is first
   needed. */
static int l_tostring(lua_State *L) {
  nn_text t;
  void **box = lua_touserdata(L, 1);
  if (!*box) {
    lua_pushliteral(L, "released tensor");
    return 1;
  }
  nn_tensor *x = nnL_check_tensor(L, 1);
  lua_getfield(L, LUA_REGISTRYINDEX, "nn.hooks");
  lua_getfield(L, -1, "tensor_tostring");
  if (lua_isnil(L, -1)) {
    lua_pushfstring(L, "%s tensor of %s", nn_dtype_name(x->v.dtype), nn_value_text(&t, &x->v));
    return 1;
  }
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

static int l_concat(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  luaL_tolstring(L, 2, NULL);
  lua_concat(L, 2);
  return 1;
}

/* `<` and `<=` compare numbers and 0-d tensors. */
static double comparable(lua_State *L, int index, const char *other) {
  nn_tensor *t = nnL_test(L, index, NNL_TENSOR);
  nn_text text;
  if (!t) return luaL_checknumber(L, index);
  if (t->v.numel != 1)
    nnL_error(L, "comparing a tensor of %s has no one answer; x:%s(y) gives a mask",
              nn_value_text(&text, &t->v), other);
  return nn_value_real_at(&t->v, t->v.offset);
}
static int l_lt(lua_State *L) {
  lua_pushboolean(L, comparable(L, 1, "lt") < comparable(L, 2, "lt"));
  return 1;
}
static int l_le(lua_State *L) {
  lua_pushboolean(L, comparable(L, 1, "le") <= comparable(L, 2, "le"));
  return 1;
}

/* Of these each is a function too: nn.reshape(x, 2, 3). */
static const luaL_Reg results[] = {{"to", l_to},
                                   {"view", l_view},
                                   {"view_as", l_view_as},
                                   {"reshape", l_reshape},
                                   {"flatten", l_flatten},
                                   {"squeeze", l_squeeze},
                                   {"t", l_t},
                                   {"unsqueeze", l_unsqueeze},
                                   {"contiguous", l_contiguous},
                                   {NULL, NULL}};

static const luaL_Reg methods[] = {
  {"size", l_size},       {"dim", l_dim},         {"numel", l_numel},
  {"dtype", l_dtype},     {"item", l_item},       {"is_contiguous", l_is_contiguous},
  {"fill_", l_fill},      {"zero_", l_zero},      {"copy_", l_copy},
  {"release", l_release}, {"totable", l_totable}, {NULL, NULL}};

static const luaL_Reg events[] = {
  {"__gc", l_gc},         {"__close", l_close}, {"__tostring", l_tostring},
  {"__concat", l_concat}, {"__len", l_len},     {"__lt", l_lt},
  {"__le", l_le},         {NULL, NULL}};

void nnL_open_tensor(lua_State *L, nnL_state *s) {
  nnL_open_struct(L, s);
  nnL_open_linalg(L, s);
  nnL_setfuncs(L, s, results);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->methods[NNL_TENSOR]);
  nnL_setfuncs(L, s, results);
  nnL_setfuncs(L, s, methods);
  lua_pop(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->meta[NNL_TENSOR]);
  nnL_setfuncs(L, s, events);
  lua_pop(L, 1);
}
