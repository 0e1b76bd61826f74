/*
 * bind/l_op.c: every operation of the registry as nn.NAME(x, ...) and x:NAME(...), the in-place
 * forms x:NAME_(...), and the operators of tensors. One C function serves all of them; the
 * descriptor says what to expect.
 */
#include <math.h>
#include <string.h>

#include "bind/nnl.h"
#include "grad/op.h"

extern const nn_op nn_op_to;

/* Tensors, or numbers that become tensors of a suitable dtype. */
typedef struct inputs {
  int n, tensors;
  nn_tensor *t[NN_MAXIN]; /* NULL: a number, of which the following arrays tell */
  double number[NN_MAXIN];
  bool whole[NN_MAXIN];
  bool exact[NN_MAXIN]; /* a Lua integer that a double may not hold: `integer` does */
  int64_t integer[NN_MAXIN];
  bool fraction; /* among the arguments: an integer tensor becomes the default floating dtype */
} inputs;

static void check_inputs(lua_State *L, const nn_op *op, inputs *in) {
  in->n = op->nin;
  in->tensors = 0;
  in->fraction = false;
  for (int k = 0; k < op->nin; k++) {
    in->t[k] = nnL_test(L, k + 1, NNL_TENSOR);
    in->tensors += in->t[k] != NULL;
    in->number[k] = 0;
    if (in->t[k]) continue;
    if (lua_type(L, k + 1) != LUA_TNUMBER) {
      if (op->nin > 1)
        nnL_error(L, "%s: needs %s (tensors or numbers); argument %d is %s", op->name, op->args,
                  k + 1, nnL_what(L, k + 1));
      nnL_error(L, "%s: needs a tensor or a number, got %s", op->name, nnL_what(L, k + 1));
    }
    in->number[k] = lua_tonumber(L, k + 1);
    in->exact[k] = lua_isinteger(L, k + 1);
    in->integer[k] = in->exact[k] ? lua_tointeger(L, k + 1) : 0;
    in->whole[k] = in->exact[k] ||
                   (in->number[k] == floor(in->number[k]) && fabs(in->number[k]) < 9e15);
  }
}

/* A number takes the tensor's dtype; a fraction beside an integer tensor makes it the default
   floating one. */
static nn_dtype number_dtype(const nn_ctx *ctx, const inputs *in, int k) {
  for (int j = 0; j < in->n; j++) {
    if (!in->t[j]) continue;
    nn_dtype d = in->t[j]->v.dtype;
    if (nn_is_real(d) ||
        (in->whole[k] && (d != NN_U8 || (in->number[k] >= 0 && in->number[k] <= 255))))
      return d;
    return in->whole[k] ? NN_I64 : (nn_dtype)ctx->real;
  }
  return NN_F64;
}

static nn_status number_tensor(nn_ctx *ctx, const inputs *in, int k, nn_tensor **out) {
  nn_dtype d = number_dtype(ctx, in, k);
  bool exact = in->exact[k] && d == NN_I64;
  NN_TRY(nn_tensor_scalar(ctx, d, exact ? 0 : in->number[k], out));
  if (exact) *(int64_t *)nn_data(&(*out)->v) = in->integer[k];
  return NN_OK;
}

/* Compute only: cannot raise. */
static nn_status apply_inputs(nn_ctx *ctx, const nn_op *op, const void *attr, const inputs *in,
                              nn_tensor **out) {
  nn_tensor *t[NN_MAXIN], *made[NN_MAXIN] = {0};
  const int64_t real = ctx->real;
  nn_status st = NN_OK;
  *out = NULL;
  for (int k = 0; k < in->n; k++) {
    t[k] = in->t[k];
    if (!t[k])
      NN_GO(number_tensor(ctx, in, k, &made[k]));
    else if (in->fraction && !nn_is_real(t[k]->v.dtype))
      NN_GO(nn_apply(ctx, &nn_op_to, &real, 1, &t[k], &made[k]));
    if (made[k]) t[k] = made[k];
  }
  st = nn_apply(ctx, op, attr, in->n, t, out);
done:
  for (int k = 0; k < in->n; k++) nn_tensor_release(made[k]);
  return st;
}

/* Room for any op's attributes. */
typedef union attr_room {
  double align;
  char bytes[256];
} attr_room;

/* ---- arguments that are no tensors ---- */

/* The number of the argument `dim`, where the operation has one. */
static bool dim_of(const nn_op *op, const void *attr, int64_t *dim) {
  const nn_param *p = nn_param_find(op->params, "dim");
  if (!p || p->kind != NN_PARAM_INT) return false;
  memcpy(dim, (const char *)attr + p->offset, sizeof *dim);
  return true;
}

/* Without a dimension dim is 0; given, 0 is a slip of somebody who counts from there. */
static void check_dim(lua_State *L, const nn_op *op, int last, const void *attr) {
  int64_t dim;
  int d, first = op->nin + 1;
  if (last < first || !dim_of(op, attr, &dim) || dim != 0) return;
  bool given = lua_type(L, first) == LUA_TNUMBER;
  if (!given && lua_istable(L, last)) {
    given = lua_getfield(L, last, "dim") == LUA_TNUMBER;
    lua_pop(L, 1);
  }
  const nn_tensor *x = nnL_test(L, 1, NNL_TENSOR);
  if (given) nnL_expect(L, nn_shape_dim(nnL_ctx(L), op->name, 0, x ? x->v.shape.ndim : 0, &d));
}

/* A fractional number among the arguments of an elementwise operation (bounds, not counts). */
static bool has_fraction(const nn_op *op, const void *attr) {
  for (const nn_param *p = op->params; p && op->row[NN_I64] && p->kind != NN_PARAM_END; p++) {
    if (p->kind != NN_PARAM_REAL) continue;
    double r = nn_param_get(p, attr).r;
    if (r != floor(r)) return true;
  }
  return false;
}

static void read_arguments(lua_State *L, const nn_op *op, int last, void *attr) {
  nnL_arguments(L, op->nin + 1, last, op->name, op->params, attr);
  check_dim(L, op, last, attr);
}

/* ---- calls ---- */

/* Pushes a 0-d result as a plain number, a mask's as a boolean, and drops it. */
static int plain(lua_State *L, nn_tensor **box) {
  const nn_value *v = &(*box)->v;
  if (v->dtype == NN_U8)
    lua_pushboolean(L, nn_value_int_at(v, v->offset) != 0);
  else if (nn_is_real(v->dtype))
    lua_pushnumber(L, nn_value_real_at(v, v->offset));
  else
    lua_pushinteger(L, nn_value_int_at(v, v->offset));
  nn_tensor_release(*box);
  *box = NULL;
  return 1;
}

/* Pushes boxes for the results beside the first, which has one. */
static void result_boxes(lua_State *L, const nn_op *op, nn_tensor ***boxes) {
  for (int i = 0; i < op->results; i++) boxes[1 + i] = nnL_box_tensor(L);
}

/* An operation on a list: nn.cat({a, b}, dim). */
static int call_list(lua_State *L, const nn_op *op, int last) {
  attr_room attr;
  nn_tensor **box = nnL_box_tensor(L);
  if (!lua_istable(L, 1))
    nnL_error(L, "%s: needs a list of tensors, got %s", op->name, nnL_what(L, 1));
  int n = (int)lua_rawlen(L, 1);
  if (n == 0) nnL_error(L, "%s: the list of tensors is empty", op->name);
  nn_tensor **in = lua_newuserdatauv(L, (size_t)n * sizeof *in, 0);
  for (int k = 0; k < n; k++) {
    lua_rawgeti(L, 1, k + 1);
    if (!(in[k] = nnL_test(L, -1, NNL_TENSOR)))
      nnL_error(L, "%s: element %d of the list must be a tensor, got %s", op->name, k + 1,
                nnL_what(L, -1));
    lua_pop(L, 1);
  }
  nnL_arguments(L, 2, last, op->name, op->params, attr.bytes);
  nnL_expect(L, nn_apply(nnL_ctx(L), op, attr.bytes, n, in, box));
  lua_settop(L, last + 1);
  return 1;
}

/* An operation with more than one result: x:sort(dim) gives values and indices. */
static int call_all(lua_State *L, const nn_op *op, int last) {
  attr_room attr;
  nn_tensor **boxes[1 + NN_MAXAUX] = {nnL_box_tensor(L)}, *out[1 + NN_MAXAUX] = {0};
  result_boxes(L, op, boxes);
  int64_t dim = 1;
  nn_tensor *x = nnL_check_tensor(L, 1);
  read_arguments(L, op, last, attr.bytes);
  nn_status st = nn_apply_all(nnL_ctx(L), op, attr.bytes, 1, &x, out);
  for (int i = 0; i <= op->results; i++) *boxes[i] = out[i];
  nnL_expect(L, st);
  bool whole = op->flags & NN_OP_WHOLE && dim_of(op, attr.bytes, &dim) && dim == 0;
  lua_settop(L, whole ? last + 1 : last + 1 + op->results);
  return whole ? 1 : 1 + op->results;
}

/* Whether the operation has an argument without a default. */
static bool needs_arguments(const nn_op *op) {
  for (const nn_param *p = op->params; p && p->kind != NN_PARAM_END; p++)
    if (p->flags & NN_P_NEEDED) return true;
  return op->attr_size && !op->params;
}

/* Tensors alone, which is the rule: nothing to read or to convert. (A default may be a fraction, which
   integers do not stay with.) */
static bool call_simple(lua_State *L, const nn_op *op, int last) {
  attr_room attr;
  nn_tensor *t[NN_MAXIN];
  if (last != op->nin || op->nin < 1 || op->results || needs_arguments(op)) return false;
  for (int k = 0; k < op->nin; k++)
    if (!(t[k] = nnL_test(L, k + 1, NNL_TENSOR)) || (op->params && !nn_is_real(t[k]->v.dtype)))
      return false;
  nn_tensor **box = nnL_box_tensor(L);
  nn_param_defaults(op->params, attr.bytes);
  nnL_expect(L, nn_apply(t[0]->ctx, op, attr.bytes, op->nin, t, box));
  if ((*box)->v.shape.ndim == 0 && op->flags & NN_OP_PLAIN) plain(L, box);
  return true;
}

static int call(lua_State *L, const nn_op *op, int last) {
  attr_room attr;
  inputs in;
  if (call_simple(L, op, last)) return 1;
  if (last < op->nin) last = op->nin;
  lua_settop(L, last);
  if (op->nin == NN_LIST) return call_list(L, op, last < 1 ? 1 : last);
  if (op->results) return call_all(L, op, last);
  nn_tensor **box = nnL_box_tensor(L);
  check_inputs(L, op, &in);
  read_arguments(L, op, last, attr.bytes);
  in.fraction = has_fraction(op, attr.bytes);
  nnL_expect(L, apply_inputs(nnL_ctx(L), op, attr.bytes, &in, box));
  bool numbers = in.tensors == 0, scalar = (*box)->v.shape.ndim == 0;
  lua_settop(L, last + 1);
  return scalar && (numbers || op->flags & NN_OP_PLAIN) ? plain(L, box) : 1;
}

static int l_op(lua_State *L) {
  return call(L, nnL_pointer(L), lua_gettop(L));
}

/* An operator's metamethod: Lua passes the operand of a unary one twice. */
static int l_operator(lua_State *L) {
  const nn_op *op = nnL_pointer(L);
  return call(L, op, op->nin);
}

/* The same for `&`, `|` and `~`: on other dtypes one would expect bits, or a comparison. */
static int l_mask_operator(lua_State *L) {
  const nn_op *op = nnL_pointer(L);
  for (int k = 1; k <= op->nin; k++) {
    const nn_tensor *t = nnL_test(L, k, NNL_TENSOR);
    if (t && t->v.dtype != NN_U8)
      nnL_error(L, "%s: combines masks (uint8), got %s; compare first, as in x:gt(0)", op->name,
                nnL_what(L, k));
  }
  return call(L, op, op->nin);
}

/* The second operand of x:add_(y, alpha), in the scratch box where it is not y itself. */
static nn_tensor *operand(lua_State *L, const nn_op *op, const inputs *in, double alpha,
                          nn_tensor **scratch) {
  nn_ctx *ctx = nnL_ctx(L);
  inputs y = {.n = 2, .t = {in->t[0], in->t[1]}, .number = {0}};
  if (!in->t[1]) {
    y.number[1] = alpha * in->number[1];
    y.whole[1] = y.number[1] == floor(y.number[1]) && fabs(y.number[1]) < 9e15;
    y.exact[1] = in->exact[1] && alpha == 1;
    y.whole[1] |= y.exact[1];
    y.integer[1] = in->integer[1];
    if (number_dtype(ctx, &y, 1) != in->t[0]->v.dtype)
      nnL_error(L, "%s_: %.14g does not fit a %s tensor in place", op->name, y.number[1],
                nn_dtype_name(in->t[0]->v.dtype));
    nnL_expect(L, number_tensor(ctx, &y, 1, scratch));
  } else if (alpha != 1) {
    y.t[0] = in->t[1];
    y.t[1] = NULL;
    y.number[1] = alpha;
    y.whole[1] = alpha == floor(alpha);
    nnL_expect(L, apply_inputs(ctx, nn_op_find("mul"), NULL, &y, scratch));
  }
  return *scratch ? *scratch : in->t[1];
}

/* x:add_(y), x:add_(y, alpha), x:clamp_(lo, hi): computed in place; x is the result. */
static int l_inplace(lua_State *L) {
  const nn_op *op = nnL_pointer(L);
  attr_room attr;
  inputs in = {0};
  int last = lua_gettop(L);
  bool scaled = (strcmp(op->name, "add") == 0 || strcmp(op->name, "sub") == 0) && last > 2;
  double alpha = scaled ? luaL_checknumber(L, 3) : 1;
  if (!op->params && last > op->nin + scaled) nnL_error(L, "%s_: too many arguments", op->name);
  if (!op->params || last < op->nin) last = op->nin;
  lua_settop(L, last);
  nn_tensor **scratch = nnL_box_tensor(L);
  nn_tensor *x = nnL_check_tensor(L, 1);
  check_inputs(L, op, &in);
  read_arguments(L, op, last, attr.bytes);
  if (has_fraction(op, attr.bytes) && !nn_is_real(x->v.dtype))
    nnL_error(L, "%s_: a fraction does not fit a %s tensor in place", op->name,
              nn_dtype_name(x->v.dtype));
  nn_tensor *t[NN_MAXIN] = {x};
  if (op->nin > 1) t[1] = operand(L, op, &in, alpha, scratch);
  nnL_expect(L, nn_apply_into(nnL_ctx(L), op, attr.bytes, op->nin, t));
  lua_settop(L, 1);
  return 1;
}

static const struct {
  const char *event, *op;
  lua_CFunction call;
} operators[] = {{"__add", "add", l_operator},
                 {"__sub", "sub", l_operator},
                 {"__mul", "mul", l_operator},
                 {"__div", "div", l_operator},
                 {"__mod", "mod", l_operator},
                 {"__pow", "pow", l_operator},
                 {"__unm", "neg", l_operator},
                 {"__band", "logical_and", l_mask_operator},
                 {"__bor", "logical_or", l_mask_operator},
                 {"__bnot", "logical_not", l_mask_operator}};

void nnL_open_op(lua_State *L, nnL_state *s) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->methods[NNL_TENSOR]);
  for (const nn_op *const *op = nn_ops; *op; op++) {
    nnL_closure(L, s, l_op, *op);
    lua_pushvalue(L, -1);
    lua_setfield(L, -4, (*op)->name);
    lua_setfield(L, -2, (*op)->name);
    if (!(*op)->row[NN_F32] || (*op)->no_grad) continue;
    lua_pushfstring(L, "%s_", (*op)->name);
    nnL_closure(L, s, l_inplace, *op);
    lua_rawset(L, -3);
  }
  lua_pop(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->meta[NNL_TENSOR]);
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    nnL_closure(L, s, operators[i].call, nn_op_find(operators[i].op));
    lua_setfield(L, -2, operators[i].event);
  }
  lua_pop(L, 1);
}
