/*
 * bind/l_index.c: x[i], x[{i, {j, k}, {}}], x[indices], their assignment, and the fields x.shape,
 * x.grad, x.requires_grad. Every step of an index is an operation, so gradients go through it.
 */
#include <string.h>

#include "bind/nnl.h"
#include "grad/op.h"

extern const nn_op nn_op_select, nn_op_narrow, nn_op_index_select;

typedef struct select_attr {
  int64_t dim, index;
} select_attr;
typedef struct narrow_attr {
  int64_t dim, first, n;
} narrow_attr;

/* One step of an index: an element (dimension disappears), a range, or all. */
typedef struct step {
  enum { STEP_ALL, STEP_ONE, STEP_RANGE } kind;
  int64_t first, last;
} step;

static int64_t index_number(lua_State *L, int at) {
  int whole;
  lua_Integer i = lua_tointegerx(L, at, &whole);
  if (!whole || lua_type(L, at) != LUA_TNUMBER)
    nnL_error(L, "an index must be a whole number, a range {first, last} or {} for all, got %s",
              nnL_what(L, at));
  return i;
}

static step read_step(lua_State *L, int at) {
  step s = {.kind = STEP_ALL};
  at = lua_absindex(L, at);
  if (!lua_istable(L, at)) {
    s.kind = STEP_ONE;
    s.first = index_number(L, at);
    return s;
  }
  lua_Unsigned n = lua_rawlen(L, at);
  if (n == 0) return s;
  if (n != 2) nnL_error(L, "a range is {first, last}, or {} for all; got a list of %d", (int)n);
  s.kind = STEP_RANGE;
  lua_rawgeti(L, at, 1);
  lua_rawgeti(L, at, 2);
  s.first = index_number(L, -2);
  s.last = index_number(L, -1);
  lua_pop(L, 2);
  return s;
}

/* Reads the key at stack index `key` into steps; returns how many. */
static int read_steps(lua_State *L, const nn_tensor *x, int key, step *steps) {
  nn_text t;
  if (!lua_istable(L, key)) {
    steps[0] = read_step(L, key);
    if (x->v.shape.ndim == 0)
      nnL_error(L, "a tensor without dimensions cannot be indexed; use item()");
    return 1;
  }
  int n = (int)lua_rawlen(L, key);
  if (n > x->v.shape.ndim)
    nnL_error(L, "%d indices for a tensor of %s", n, nn_value_text(&t, &x->v));
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, key, i + 1);
    steps[i] = read_step(L, -1);
    lua_pop(L, 1);
  }
  return n;
}

static nn_status apply_step(nn_ctx *ctx, const step *s, int dim, nn_tensor *x, nn_tensor **out) {
  if (s->kind == STEP_ONE)
    return nn_apply(ctx, &nn_op_select, &(select_attr){dim, s->first}, 1, &x, out);
  int64_t size = x->v.shape.dim[dim - 1];
  int64_t first = s->first < 0 ? s->first + size + 1 : s->first,
          last = s->last < 0 ? s->last + size + 1 : s->last;
  *out = NULL;
  if (first < 1 || last > size || last < first - 1)
    return nn_fail(ctx, NN_EINDEX,
                   "range {%lld, %lld} leaves 1..%lld of dimension %d (counting starts at 1)",
                   (long long)s->first, (long long)s->last, (long long)size, dim);
  return nn_apply(ctx, &nn_op_narrow, &(narrow_attr){dim, first, last - first + 1}, 1, &x, out);
}

static nn_status apply_steps(nn_ctx *ctx, const step *steps, int n, nn_tensor *x, nn_tensor **out) {
  nn_tensor *at = nn_tensor_retain(x), *next;
  int dim = 1;
  *out = NULL;
  for (int i = 0; i < n; i++) {
    if (steps[i].kind != STEP_ALL) {
      nn_status st = apply_step(ctx, &steps[i], dim, at, &next);
      nn_tensor_release(at);
      if (st != NN_OK) return st;
      at = next;
    }
    dim += steps[i].kind != STEP_ONE;
  }
  *out = at;
  return NN_OK;
}

static void push_number(lua_State *L, const nn_value *v, int64_t at) {
  if (nn_is_real(v->dtype))
    lua_pushnumber(L, nn_value_real_at(v, at));
  else
    lua_pushinteger(L, nn_value_int_at(v, at));
}

/* x[i] of a list, without making a view of it */
static int element(lua_State *L, const nn_tensor *x, int64_t i) {
  int64_t n = x->v.shape.dim[0], at = i < 0 ? i + n : i - 1;
  if (i == 0 || at < 0 || at >= n)
    nnL_error(L, "index %lld is out of range 1..%lld (counting starts at 1)", (long long)i,
              (long long)n);
  push_number(L, &x->v, x->v.offset + at * x->v.stride[0]);
  return 1;
}

int nnL_index(lua_State *L, nn_tensor *x, int key) {
  nn_ctx *ctx = nnL_ctx(L);
  step steps[NN_MAXDIM];
  bool tracked = ctx->no_grad == 0 && nn_needs_grad(x);
  if (lua_isinteger(L, key) && x->v.shape.ndim == 1 && !tracked)
    return element(L, x, lua_tointeger(L, key));
  nn_tensor **box = nnL_box_tensor(L), *indices = nnL_test(L, key, NNL_TENSOR);
  if (indices) {
    int64_t dim = 1;
    return nnL_settle(
      L, nn_apply(ctx, &nn_op_index_select, &dim, 2, (nn_tensor *[]){x, indices}, box));
  }
  int n = read_steps(L, x, key, steps);
  nnL_expect(L, apply_steps(ctx, steps, n, x, box));
  if ((*box)->v.shape.ndim > 0 || nn_needs_grad(*box)) return 1;
  push_number(L, &(*box)->v, (*box)->v.offset);
  nn_tensor_release(*box);
  *box = NULL;
  return 1;
}

static int l_index(lua_State *L) {
  nnL_state *s = nnL_here(L);
  if (lua_type(L, 2) != LUA_TSTRING) return nnL_index(L, nnL_check_tensor(L, 1), 2);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->methods[NNL_TENSOR]);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, -2) != LUA_TNIL) return 1;
  const char *name = lua_tostring(L, 2);
  nn_tensor *x = nnL_check_tensor(L, 1);
  if (strcmp(name, "grad") == 0) {
    if (!x->has_grad) return lua_pushnil(L), 1;
    nnL_push(L, NNL_TENSOR, x->grad);
  } else if (strcmp(name, "shape") == 0) {
    lua_getfield(L, -2, "size");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
  } else if (strcmp(name, "requires_grad") == 0) {
    lua_pushboolean(L, nn_needs_grad(x));
  } else {
    lua_pushnil(L);
  }
  return 1;
}

/* x.grad = nil, x.grad = t */
static int set_grad(lua_State *L, nn_tensor *x) {
  nn_ctx *ctx = nnL_ctx(L);
  nn_tensor *g, *t = lua_isnil(L, 3) ? NULL : nnL_check_tensor(L, 3);
  nn_text a, b;
  if (!t) {
    x->has_grad = false;
    return 0;
  }
  if (t->v.dtype != x->v.dtype || !nn_shape_equal(&t->v.shape, &x->v.shape))
    nnL_error(L, "x.grad: must be a %s tensor of %s, got %s of %s", nn_dtype_name(x->v.dtype),
              nn_value_text(&a, &x->v), nn_dtype_name(t->v.dtype), nn_value_text(&b, &t->v));
  nnL_expect(L, nn_tensor_grad(ctx, x, &g));
  nnL_expect(L, nn_copy_into(ctx, &g->v, &t->v));
  nn_touch(&g->v);
  x->has_grad = true;
  return 0;
}

static nn_status assign(nn_ctx *ctx, nn_tensor *to, nn_tensor *from, double number) {
  nn_shape wide;
  nn_text a, b;
  nn_tensor *copy = NULL;
  nn_status st = NN_OK;
  nn_touch(&to->v);
  if (!from) return nn_fill_into(ctx, &to->v, number);
  NN_TRY(nn_shape_broadcast(ctx, "assignment", &to->v.shape, &from->v.shape, &wide));
  if (!nn_shape_equal(&wide, &to->v.shape))
    return nn_fail(ctx, NN_ESHAPE, "assignment: %s does not fit into %s",
                   nn_value_text(&a, &from->v), nn_value_text(&b, &to->v));
  if (from->v.storage != to->v.storage) return nn_copy_into(ctx, &to->v, &from->v);
  NN_TRY(
    nn_tensor_new(ctx, from->v.dtype, &from->v.shape, &copy)); /* it may overlap what is written */
  NN_GO(nn_copy_into(ctx, &copy->v, &from->v));
  NN_GO(nn_copy_into(ctx, &to->v, &copy->v));
done:
  nn_tensor_release(copy);
  return st;
}

static int l_newindex(lua_State *L) {
  nn_ctx *ctx = nnL_ctx(L);
  step steps[NN_MAXDIM];
  lua_settop(L, 3);
  nn_tensor **box = nnL_box_tensor(L), *x = nnL_check_tensor(L, 1);
  if (lua_type(L, 2) == LUA_TSTRING) {
    if (strcmp(lua_tostring(L, 2), "grad") != 0)
      nnL_error(L, "a tensor has no field '%s' to assign; only x.grad", lua_tostring(L, 2));
    return set_grad(L, x);
  }
  nn_tensor *from = nnL_test(L, 3, NNL_TENSOR);
  if (!from && lua_type(L, 3) != LUA_TNUMBER)
    nnL_error(L, "only numbers and tensors can be assigned to elements, got %s", nnL_what(L, 3));
  nnL_expect(L, nn_check_writable(ctx, "assignment", x));
  if (from && ctx->no_grad == 0 && nn_needs_grad(from))
    nnL_error(
      L,
      "assignment: the value requires a gradient, which a write in place would lose; detach() it");
  int n = read_steps(L, x, 2, steps);
  ctx->no_grad++; /* the view is only for writing */
  nn_status st = apply_steps(ctx, steps, n, x, box);
  ctx->no_grad--;
  nnL_expect(L, st);
  nnL_expect(L, assign(ctx, *box, from, from ? 0 : lua_tonumber(L, 3)));
  return 0;
}

static const luaL_Reg events[] = {{"__index", l_index}, {"__newindex", l_newindex}, {NULL, NULL}};

void nnL_open_index(lua_State *L, nnL_state *s) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->meta[NNL_TENSOR]);
  nnL_setfuncs(L, s, events);
  lua_pop(L, 1);
}
