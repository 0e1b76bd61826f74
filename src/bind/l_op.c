/*
 * bind/l_op.c: every operation of the registry as nn.NAME(x, ...) and x:NAME(...), the in-place
 * forms x:NAME_(...), and the operators of tensors. One C function serves all of them; the
 * descriptor says what to expect.
 */
#include <math.h>
#include <string.h>

#include "bind/nnl.h"
#include "grad/op.h"

/* Tensors, or numbers that become tensors of a suitable dtype. */
typedef struct inputs {
  int n, tensors;
  nn_tensor *t[NN_MAXIN];
  double number[NN_MAXIN];
  bool whole[NN_MAXIN];
} inputs;

static void check_inputs(lua_State *L, const nn_op *op, inputs *in) {
  *in = (inputs){.n = op->nin};
  for (int k = 0; k < op->nin; k++) {
    in->t[k] = nnL_test(L, k + 1, NNL_TENSOR);
    in->tensors += in->t[k] != NULL;
    if (in->t[k]) continue;
    if (lua_type(L, k + 1) != LUA_TNUMBER) {
      if (op->nin > 1)
        nnL_error(L, "%s: needs %s (tensors or numbers); argument %d is %s", op->name, op->args,
                  k + 1, nnL_what(L, k + 1));
      nnL_error(L, "%s: needs a tensor or a number, got %s", op->name, nnL_what(L, k + 1));
    }
    in->number[k] = lua_tonumber(L, k + 1);
    in->whole[k] = in->number[k] == floor(in->number[k]) && fabs(in->number[k]) < 9e15;
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

/* Compute only: cannot raise. */
static nn_status apply_inputs(nn_ctx *ctx, const nn_op *op, const void *attr, const inputs *in,
                              nn_tensor **out) {
  nn_tensor *t[NN_MAXIN], *made[NN_MAXIN] = {0};
  nn_status st = NN_OK;
  *out = NULL;
  for (int k = 0; k < in->n; k++) {
    if (!in->t[k]) NN_GO(nn_tensor_scalar(ctx, number_dtype(ctx, in, k), in->number[k], &made[k]));
    t[k] = in->t[k] ? in->t[k] : made[k];
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

/* Pushes a 0-d result as a plain number and drops it. */
static int plain(lua_State *L, nn_tensor **box) {
  const nn_value *v = &(*box)->v;
  if (nn_is_real(v->dtype))
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
  nn_tensor *x = nnL_check_tensor(L, 1);
  nnL_arguments(L, 2, last, op->name, op->params, attr.bytes);
  nn_status st = nn_apply_all(nnL_ctx(L), op, attr.bytes, 1, &x, out);
  for (int i = 0; i <= op->results; i++) *boxes[i] = out[i];
  nnL_expect(L, st);
  bool whole = op->flags & NN_OP_WHOLE && lua_isnoneornil(L, 2);
  lua_settop(L, whole ? last + 1 : last + 1 + op->results);
  return whole ? 1 : 1 + op->results;
}

static int call(lua_State *L, const nn_op *op, int last) {
  attr_room attr;
  inputs in;
  if (last < op->nin) last = op->nin;
  lua_settop(L, last);
  if (op->nin == NN_LIST) return call_list(L, op, last < 1 ? 1 : last);
  if (op->results) return call_all(L, op, last);
  nn_tensor **box = nnL_box_tensor(L);
  check_inputs(L, op, &in);
  nnL_arguments(L, op->nin + 1, last, op->name, op->params, attr.bytes);
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

/* x:add_(y), x:add_(y, alpha): computed in place; x is the result. */
static int l_inplace(lua_State *L) {
  const nn_op *op = nnL_pointer(L);
  nn_ctx *ctx = nnL_ctx(L);
  inputs in;
  bool scaled = (strcmp(op->name, "add") == 0 || strcmp(op->name, "sub") == 0) && lua_gettop(L) > 2;
  double alpha = scaled ? luaL_checknumber(L, 3) : 1;
  if (lua_gettop(L) > op->nin + scaled) nnL_error(L, "%s_: too many arguments", op->name);
  lua_settop(L, op->nin);
  nn_tensor **scratch = nnL_box_tensor(L); /* holds y alpha, or y as a tensor */
  nn_tensor *x = nnL_check_tensor(L, 1);
  check_inputs(L, op, &in);
  nn_tensor *t[NN_MAXIN] = {x};
  if (op->nin > 1) {
    nn_dtype d = number_dtype(ctx, &in, 1);
    if (!in.t[1] && d != x->v.dtype)
      nnL_error(L, "%s_: %f does not fit a %s tensor in place", op->name, in.number[1],
                nn_dtype_name(x->v.dtype));
    if (!in.t[1]) {
      nnL_expect(L, nn_tensor_scalar(ctx, d, in.number[1] * alpha, scratch));
    } else if (scaled) {
      inputs y = {
        .n = 2, .t = {in.t[1]}, .number = {0, alpha}, .whole = {false, alpha == floor(alpha)}};
      nnL_expect(L, apply_inputs(ctx, nn_op_find("mul"), NULL, &y, scratch));
    }
    t[1] = *scratch ? *scratch : in.t[1];
  }
  nnL_expect(L, nn_apply_into(ctx, op, NULL, op->nin, t));
  lua_settop(L, 1);
  return 1;
}

static const struct {
  const char *event, *op;
} operators[] = {{"__add", "add"}, {"__sub", "sub"}, {"__mul", "mul"},
                 {"__div", "div"}, {"__pow", "pow"}, {"__unm", "neg"}};

void nnL_open_op(lua_State *L, nnL_state *s) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->methods[NNL_TENSOR]);
  for (const nn_op *const *op = nn_ops; *op; op++) {
    nnL_closure(L, s, l_op, *op);
    lua_pushvalue(L, -1);
    lua_setfield(L, -4, (*op)->name);
    lua_setfield(L, -2, (*op)->name);
    if (!(*op)->row[NN_F32] || (*op)->no_grad || (*op)->attr_size) continue;
    lua_pushfstring(L, "%s_", (*op)->name);
    nnL_closure(L, s, l_inplace, *op);
    lua_rawset(L, -3);
  }
  lua_pop(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->meta[NNL_TENSOR]);
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    nnL_closure(L, s, l_operator, nn_op_find(operators[i].op));
    lua_setfield(L, -2, operators[i].event);
  }
  lua_pop(L, 1);
}
