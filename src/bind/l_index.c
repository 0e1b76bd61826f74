/*
 * bind/l_index.c: x[i], x[{i, {j, k}, {}}], x[mask], x[indices], their assignment, and the fields
 * x.shape, x.grad, x.requires_grad. Every step of an index is an operation, so gradients go through it.
 */
#include <math.h>
#include <string.h>

#include "bind/l_struct.h"
#include "grad/op.h"
#include "kernel/places.h"

extern const nn_op nn_op_select, nn_op_narrow, nn_op_index_select, nn_op_masked_select,
  nn_op_nonzero, nn_op_reshape, nn_op_where;

typedef struct select_attr {
  int64_t dim, index;
} select_attr;
typedef struct narrow_attr {
  int64_t dim, first, n;
} narrow_attr;

/* One step of an index: an element (the dimension disappears), a range, all, or listed ones. */
typedef struct step {
  enum { STEP_ALL, STEP_ONE, STEP_RANGE, STEP_LIST } kind;
  int64_t first, last;
  nn_tensor *list;
} step;

static int64_t index_number(lua_State *L, int at) {
  int whole;
  lua_Integer i = lua_tointegerx(L, at, &whole);
  if (!whole || lua_type(L, at) != LUA_TNUMBER)
    nnL_error(L,
              "an index must be a whole number, a range {first, last}, {} for all, or a tensor of "
              "indices or a mask, got %s",
              nnL_what(L, at));
  return i;
}

static step read_step(lua_State *L, int at) {
  step s = {.kind = STEP_ALL};
  at = lua_absindex(L, at);
  if ((s.list = nnL_test(L, at, NNL_TENSOR))) {
    s.kind = STEP_LIST;
    return s;
  }
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

/* ---- masks and lists of indices ---- */

/* The places (a list of int64) where a mask is not 0, counted row-major. */
static nn_status places_of(nn_ctx *ctx, nn_tensor *mask, nn_tensor **out) {
  nn_ints flat = {1, {mask->v.numel}};
  nn_tensor *line = NULL, *rows = NULL;
  nn_status st;
  NN_GO(nn_apply(ctx, &nn_op_reshape, &flat, 1, &mask, &line));
  NN_GO(nn_apply(ctx, &nn_op_nonzero, NULL, 1, &line, &rows));
  flat.v[0] = rows->v.numel;
  NN_GO(nn_apply(ctx, &nn_op_reshape, &flat, 1, &rows, out));
done:
  nn_tensor_release(line);
  nn_tensor_release(rows);
  return st;
}

/* Fails unless it is a mask for the first dimensions of x, or a tensor of indices. */
static nn_status check_list(nn_ctx *ctx, const nn_value *x, const nn_value *list) {
  nn_text a, b;
  if (list->dtype == NN_I64 && x->shape.ndim > 0) return NN_OK;
  if (list->dtype == NN_I64)
    return nn_fail(ctx, NN_EINDEX, "a tensor without dimensions cannot be indexed; use item()");
  if (list->dtype != NN_U8)
    return nn_fail(ctx, NN_ETYPE,
                   "a tensor as an index is int64 (indices from 1) or uint8 (a mask), got %s",
                   nn_dtype_name(list->dtype));
  bool fits = list->shape.ndim <= x->shape.ndim;
  for (int d = 0; d < list->shape.ndim && fits; d++) fits = list->shape.dim[d] == x->shape.dim[d];
  if (fits) return NN_OK;
  return nn_fail(ctx, NN_ESHAPE,
                 "a mask of %s does not fit a tensor of %s: its sizes must be those of the first "
                 "dimensions",
                 nn_value_text(&a, list), nn_value_text(&b, x));
}

/* The tensor with its first `n` dimensions as the given ones. */
static nn_status with_first(nn_ctx *ctx, nn_tensor *x, int n, const nn_shape *first,
                            nn_tensor **out) {
  nn_ints sizes = {0};
  if (first->ndim + x->v.shape.ndim - n > NN_MAXDIM)
    return nn_fail(ctx, NN_ESHAPE, "indexing: a tensor has at most %d dimensions", NN_MAXDIM);
  for (int d = 0; d < first->ndim; d++) sizes.v[sizes.n++] = first->dim[d];
  for (int d = n; d < x->v.shape.ndim; d++) sizes.v[sizes.n++] = x->v.shape.dim[d];
  return nn_apply(ctx, &nn_op_reshape, &sizes, 1, &x, out);
}

/* x[mask], x[indices]; a mask for the first dimensions chooses what stands behind them. */
static nn_status apply_list(nn_ctx *ctx, nn_tensor *x, nn_tensor *list, nn_tensor **out) {
  nn_tensor *lines = NULL, *index = NULL, *found = NULL;
  const nn_shape *s = &list->v.shape;
  nn_shape flat = nn_shape_1(list->v.numel);
  int64_t dim = 1;
  nn_status st;
  NN_TRY(check_list(ctx, &x->v, &list->v));
  if (list->v.dtype == NN_U8 && nn_shape_equal(s, &x->v.shape))
    return nn_apply(ctx, &nn_op_masked_select, NULL, 2, (nn_tensor *[]){x, list}, out);
  if (list->v.dtype == NN_U8) {
    NN_GO(with_first(ctx, x, s->ndim, &flat, &lines));
    NN_GO(places_of(ctx, list, &index));
    st = nn_apply(ctx, &nn_op_index_select, &dim, 2, (nn_tensor *[]){lines, index}, out);
  } else if (s->ndim == 1) {
    st = nn_apply(ctx, &nn_op_index_select, &dim, 2, (nn_tensor *[]){x, list}, out);
  } else {
    NN_GO(with_first(ctx, list, s->ndim, &flat, &index));
    NN_GO(nn_apply(ctx, &nn_op_index_select, &dim, 2, (nn_tensor *[]){x, index}, &found));
    st = with_first(ctx, found, 1, s, out);
  }
done:
  nn_tensor_release(lines);
  nn_tensor_release(index);
  nn_tensor_release(found);
  return st;
}

/* The list of indices that a step names: itself, or the places of a mask. */
static nn_status step_indices(nn_ctx *ctx, const step *s, const nn_tensor *x, int dim,
                              nn_tensor **out) {
  const nn_value *v = &s->list->v;
  int64_t size = x->v.shape.dim[dim - 1];
  nn_text t;
  if (v->shape.ndim != 1 || (v->dtype != NN_I64 && v->dtype != NN_U8))
    return nn_fail(ctx, NN_ETYPE,
                   "the index of dimension %d must be a list: int64 indices or a uint8 mask, got a "
                   "%s tensor of %s",
                   dim, nn_dtype_name(v->dtype), nn_value_text(&t, v));
  if (v->dtype == NN_U8 && v->numel != size)
    return nn_fail(ctx, NN_ESHAPE, "a mask of %lld does not fit the %lld of dimension %d",
                   (long long)v->numel, (long long)size, dim);
  if (v->dtype == NN_U8) return places_of(ctx, s->list, out);
  *out = nn_tensor_retain(s->list);
  return NN_OK;
}

/* ---- steps ---- */

static nn_status apply_range(nn_ctx *ctx, const step *s, int dim, nn_tensor *x, nn_tensor **out) {
  int64_t size = x->v.shape.dim[dim - 1];
  int64_t first = s->first < 0 ? s->first + size + 1 : s->first,
          last = s->last < 0 ? s->last + size + 1 : s->last;
  if (first < 1 || last > size || last < first - 1)
    return nn_fail(ctx, NN_EINDEX,
                   "range {%lld, %lld} leaves 1..%lld of dimension %d (counting starts at 1)",
                   (long long)s->first, (long long)s->last, (long long)size, dim);
  return nn_apply(ctx, &nn_op_narrow, &(narrow_attr){dim, first, last - first + 1}, 1, &x, out);
}

static nn_status apply_step(nn_ctx *ctx, const step *s, int dim, nn_tensor *x, nn_tensor **out) {
  nn_tensor *index = NULL;
  int64_t at = dim;
  *out = NULL;
  if (s->kind == STEP_ONE)
    return nn_apply(ctx, &nn_op_select, &(select_attr){dim, s->first}, 1, &x, out);
  if (s->kind == STEP_RANGE) return apply_range(ctx, s, dim, x, out);
  NN_TRY(step_indices(ctx, s, x, dim, &index));
  nn_status st = nn_apply(ctx, &nn_op_index_select, &at, 2, (nn_tensor *[]){x, index}, out);
  nn_tensor_release(index);
  return st;
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

/* Where x[i] of a list stands. */
static int64_t element(lua_State *L, const nn_tensor *x, int64_t i) {
  int64_t n = x->v.shape.dim[0], at = nn_index_from_zero(i, n);
  if (at < 0)
    nnL_error(L, "index %lld is out of range 1..%lld (counting starts at 1)", (long long)i,
              (long long)n);
  return x->v.offset + at * x->v.stride[0];
}

int nnL_index(lua_State *L, nn_tensor *x, int key) {
  nn_ctx *ctx = nnL_ctx(L);
  step steps[NN_MAXDIM];
  bool tracked = ctx->no_grad == 0 && nn_needs_grad(x);
  if (lua_isinteger(L, key) && x->v.shape.ndim == 1 && !tracked) {
    push_number(L, &x->v, element(L, x, lua_tointeger(L, key)));
    return 1;
  }
  nn_tensor **box = nnL_box_tensor(L), *list = nnL_test(L, key, NNL_TENSOR);
  if (list) return nnL_settle(L, apply_list(ctx, x, list, box));
  int n = read_steps(L, x, key, steps);
  nnL_expect(L, apply_steps(ctx, steps, n, x, box));
  if ((*box)->v.shape.ndim > 0 || nn_needs_grad(*box)) return 1;
  push_number(L, &(*box)->v, (*box)->v.offset);
  nn_tensor_release(*box);
  *box = NULL;
  return 1;
}

static int l_index(lua_State *L) {
  if (lua_type(L, 2) != LUA_TSTRING) return nnL_index(L, nnL_check_tensor(L, 1), 2);
  if (nnL_push_method(L)) return 1;
  const char *name = lua_tostring(L, 2);
  nn_tensor *x = nnL_check_tensor(L, 1);
  if (strcmp(name, "grad") == 0) {
    if (!x->has_grad) return lua_pushnil(L), 1;
    nnL_push(L, NNL_TENSOR, x->grad);
  } else if (strcmp(name, "shape") == 0) {
    lua_getfield(L, lua_upvalueindex(2), "size");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
  } else if (strcmp(name, "requires_grad") == 0) {
    lua_pushboolean(L, nn_needs_grad(x));
  } else if (strcmp(name, "is_leaf") == 0) {
    lua_pushboolean(L, x->node == NULL);
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

/* ---- assignment ---- */

/* What is assigned: a tensor; of a number, one without dimensions. */
static nn_tensor *read_value(lua_State *L, int index, const nn_tensor *x, nn_tensor **box) {
  nn_ctx *ctx = nnL_ctx(L);
  nn_tensor *from = nnL_test(L, index, NNL_TENSOR);
  nn_dtype d = x->v.dtype;
  if (from && ctx->no_grad == 0 && nn_needs_grad(from))
    nnL_error(
      L,
      "assignment: the value requires a gradient, which a write in place would lose; detach() it");
  if (from) return from;
  if (lua_istable(L, index)) return nnL_tensor_of_table(L, index, "assignment", d);
  if (lua_type(L, index) != LUA_TNUMBER && (d != NN_U8 || !lua_isboolean(L, index)))
    nnL_error(L, "only numbers, tensors and nested lists can be assigned to elements, got %s",
              nnL_what(L, index));
  double number = lua_isboolean(L, index) ? lua_toboolean(L, index) : lua_tonumber(L, index);
  if ((!nn_is_real(d) && number != floor(number)) ||
      (d == NN_U8 && !(number >= 0 && number <= 255)))
    nnL_error(L, "assignment: %.14g does not fit a %s tensor", number, nn_dtype_name(d));
  nnL_expect(L, nn_tensor_scalar(ctx, d, number, box));
  if (d == NN_I64 && lua_isinteger(L, index))
    *(int64_t *)nn_data(&(*box)->v) = lua_tointeger(L, index);
  return *box;
}

static nn_status write_list(nn_ctx *ctx, nn_tensor *x, nn_tensor *list, nn_tensor *from) {
  nn_tensor *filled = NULL;
  nn_status st;
  nn_text t;
  NN_TRY(check_list(ctx, &x->v, &list->v));
  if (list->v.dtype == NN_I64 && list->v.shape.ndim != 1)
    return nn_fail(ctx, NN_ESHAPE, "assignment: the indices must be a list, got %s",
                   nn_value_text(&t, &list->v));
  if (list->v.dtype == NN_I64) return nn_index_write(ctx, &x->v, &list->v, &from->v);
  bool one = from->v.shape.ndim == 0 && from->v.dtype == x->v.dtype;
  if (!one || !nn_shape_equal(&list->v.shape, &x->v.shape))
    return nn_mask_write(ctx, &x->v, &list->v, &from->v);
  NN_GO(nn_apply(ctx, &nn_op_where, NULL, 3, (nn_tensor *[]){list, from, x}, &filled));
  NN_GO(nn_copy_into(ctx, &x->v, &filled->v));
done:
  nn_tensor_release(filled);
  return st;
}

/* The value with dimension `dim` (from 0) first. */
static void bring_first(nn_value *v, int dim) {
  int64_t size = v->shape.dim[dim], stride = v->stride[dim];
  for (int d = dim; d > 0; d--) {
    v->shape.dim[d] = v->shape.dim[d - 1];
    v->stride[d] = v->stride[d - 1];
  }
  v->shape.dim[0] = size;
  v->stride[0] = stride;
  nn_value_settle(v);
}

/* Writes the listed elements of dimension `dim` (from 1) of the view `to`. */
static nn_status write_listed(nn_ctx *ctx, const step *s, nn_tensor *to, int dim,
                              const nn_value *from) {
  nn_tensor *index = NULL;
  nn_value dst, src;
  nn_status st;
  NN_GO(step_indices(ctx, s, to, dim, &index));
  nn_shape all = to->v.shape;
  all.dim[dim - 1] = index->v.numel;
  nn_value_copy(&dst, &to->v);
  NN_GO(nn_value_widen(ctx, from, &all, &src));
  bring_first(&dst, dim - 1);
  bring_first(&src, dim - 1);
  NN_GO(nn_index_write(ctx, &dst, &index->v, &src));
done:
  nn_tensor_release(index);
  return st;
}

/* x[steps] = from; of the steps at most one is a list. */
static nn_status write_steps(nn_ctx *ctx, step *steps, int n, nn_tensor *x, nn_tensor *from) {
  step list = {.kind = STEP_ALL};
  nn_tensor *to = NULL;
  int dim = 1, at = 0;
  for (int i = 0; i < n; i++) {
    if (steps[i].kind == STEP_LIST && at > 0)
      return nn_fail(ctx, NN_EINDEX, "assignment: only one dimension may have a list of indices");
    if (steps[i].kind == STEP_LIST) {
      list = steps[i];
      at = dim;
      steps[i].kind = STEP_ALL;
    }
    dim += steps[i].kind != STEP_ONE;
  }
  NN_TRY(apply_steps(ctx, steps, n, x, &to));
  nn_value wide;
  nn_status st;
  if (at > 0) {
    st = write_listed(ctx, &list, to, at, &from->v);
  } else {
    NN_GO(nn_value_widen(ctx, &from->v, &to->v.shape, &wide));
    st = nn_copy_into(ctx, &to->v, &wide);
  }
done:
  nn_tensor_release(to);
  return st;
}

/* x[i] = number of a floating list, which loops do: no box, no view. */
static bool write_element(lua_State *L, nn_tensor *x) {
  nn_ctx *ctx = nnL_ctx(L);
  if (!lua_isinteger(L, 2) || lua_type(L, 3) != LUA_TNUMBER || x->v.shape.ndim != 1 ||
      !nn_is_real(x->v.dtype))
    return false;
  nnL_expect(L, nn_check_writable(ctx, "assignment", x));
  nn_value one = {.storage = x->v.storage, .dtype = x->v.dtype, .numel = 1, .dense = true};
  one.offset = element(L, x, lua_tointeger(L, 2));
  nn_touch(&x->v);
  nnL_expect(L, nn_fill_into(ctx, &one, lua_tonumber(L, 3)));
  return true;
}

static int l_newindex(lua_State *L) {
  nn_ctx *ctx = nnL_ctx(L);
  step steps[NN_MAXDIM];
  lua_settop(L, 3);
  nn_tensor *x = nnL_check_tensor(L, 1);
  if (lua_type(L, 2) == LUA_TSTRING) {
    if (strcmp(lua_tostring(L, 2), "grad") != 0)
      nnL_error(L, "a tensor has no field '%s' to assign; only x.grad", lua_tostring(L, 2));
    return set_grad(L, x);
  }
  if (write_element(L, x)) return 0;
  nn_tensor **number = nnL_box_tensor(L), **copy = nnL_box_tensor(L);
  x = nnL_check_tensor(L, 1); /* boxes, and reading a table, may run script code */
  nn_tensor *from = read_value(L, 3, x, number), *list = nnL_test(L, 2, NNL_TENSOR);
  x = nnL_check_tensor(L, 1);
  nnL_expect(L, nn_check_writable(ctx, "assignment", x));
  int n = list ? 0 : read_steps(L, x, 2, steps);
  if (from->v.storage == x->v.storage) { /* it may overlap what is written */
    nnL_expect(L, nn_tensor_new(ctx, from->v.dtype, &from->v.shape, copy));
    nnL_expect(L, nn_copy_into(ctx, &(*copy)->v, &from->v));
    from = *copy;
  }
  nn_touch(&x->v);
  ctx->no_grad++; /* views made here are only for writing */
  nn_status st = list ? write_list(ctx, x, list, from) : write_steps(ctx, steps, n, x, from);
  ctx->no_grad--;
  nnL_expect(L, st);
  return 0;
}

static const luaL_Reg events[] = {{"__newindex", l_newindex}, {NULL, NULL}};

void nnL_open_index(lua_State *L, nnL_state *s) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->meta[NNL_TENSOR]);
  nnL_setfuncs(L, s, events);
  nnL_set_index(L, s, NNL_TENSOR, l_index);
  lua_pop(L, 1);
}
