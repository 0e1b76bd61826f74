/*
 * bind/l_func.c: nn.func, an operation written in Lua, and the callback of nn.gradcheck.
 *
 * A call runs `forward` without recording, then records one node whose attribute is a registry
 * reference to {ctx, backward}; the node's end gives the reference back. The result that scripts
 * see is a new tensor over forward's storage, so a ctx that keeps what forward returned makes no
 * cycle through the node.
 */
#include "bind/nnl.h"
#include "grad/gradcheck.h"
#include "grad/graph.h"

typedef struct func_attr {
  nnL_state *state;
  int record; /* registry reference: {ctx, backward} */
} func_attr;

/* Raw access to an existing integer key: cannot raise. No state runs while the collector or the
   end of a script drops nodes; the main one serves then. */
static void drop_record(nn_ctx *ctx, void *attr) {
  func_attr *a = attr;
  luaL_unref(ctx->host ? ctx->host : a->state->main, LUA_REGISTRYINDEX, a->record);
}

typedef struct backward_call {
  const nn_call *c;
} backward_call;

/* Adds what backward returned for input k, on the stack at `index`. */
static void take_gradient(lua_State *L, const nn_call *c, int k, int index) {
  const nn_value *want = c->gin[k];
  nn_tensor *g = nnL_test(L, index, NNL_TENSOR);
  nn_text a, b;
  if (!g)
    nnL_error(L, "func: backward must return a gradient for tensor %d of the call, got %s", k + 1,
              nnL_what(L, index));
  if (g->v.dtype != want->dtype || !nn_shape_equal(&g->v.shape, &want->shape))
    nnL_error(L, "func: backward's gradient for tensor %d must be %s %s, got %s %s", k + 1,
              nn_dtype_name(want->dtype), nn_value_text(&a, want), nn_dtype_name(g->v.dtype),
              nn_value_text(&b, &g->v));
  nnL_expect(L, nn_sum_to(c->ctx, c->gin[k], &g->v, c->add[k]));
}

/* Protected: backward(ctx, dy) of one node. */
static int l_run_backward(lua_State *L) {
  const nn_call *c = ((backward_call *)lua_touserdata(L, 1))->c;
  const func_attr *a = c->attr;
  nn_tensor **dy = nnL_box_tensor(L); /* a copy: the script may do what it likes with it */
  nnL_expect(L, nn_tensor_new(c->ctx, c->gout->dtype, &c->gout->shape, dy));
  nnL_expect(L, nn_copy_into(c->ctx, &(*dy)->v, c->gout));
  lua_rawgeti(L, LUA_REGISTRYINDEX, a->record);
  lua_rawgeti(L, -1, 2);
  lua_rawgeti(L, -2, 1);
  lua_pushvalue(L, 2);
  lua_call(L, 2, c->nin);
  int first = lua_gettop(L) - c->nin + 1;
  for (int k = 0; k < c->nin; k++)
    if (c->gin[k]) take_gradient(L, c, k, first + k);
  return 0;
}

/* Runs one of our protected functions from inside the core; its error value is kept. */
static nn_status run_protected(nn_ctx *ctx, nnL_state *s, int function, void *argument) {
  lua_State *L = ctx->host;
  if (!lua_checkstack(L, 8)) return nn_fail(ctx, NN_ENOMEM, "the Lua stack is full");
  lua_rawgeti(L, LUA_REGISTRYINDEX, function);
  lua_pushlightuserdata(L, argument);
  int recording = ctx->no_grad;
  int st = lua_pcall(L, 1, 0, 0);
  ctx->no_grad = recording;
  if (st == LUA_OK) return NN_OK;
  lua_rawseti(L, LUA_REGISTRYINDEX, s->error);
  return nn_fail(ctx, NN_ECALLBACK, "a Lua function failed");
}

static nn_status backward(const nn_call *c) {
  const func_attr *a = c->attr;
  backward_call call = {c};
  c->ctx->no_grad++;
  nn_status st = run_protected(c->ctx, a->state, a->state->backward, &call);
  c->ctx->no_grad--;
  return st;
}

static const nn_op op = {
  .name = "func",
  .nin = NN_LIST,
  .attr_size = sizeof(func_attr),
  .backward = {backward, backward},
  .drop_attr = drop_record,
};

/* ---- the call ---- */

/* The tensors among arguments 1..n, in an array that is a userdata; pushes it. */
static nn_tensor **tensors_of(lua_State *L, int n, int *count, bool *needs) {
  nn_tensor **in = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *in, 0);
  *count = 0;
  *needs = false;
  for (int i = 1; i <= n; i++) {
    nn_tensor *t = nnL_test(L, i, NNL_TENSOR);
    if (!t) continue;
    in[(*count)++] = t;
    *needs = *needs || nn_needs_grad(t);
  }
  return in;
}

/* Calls forward(ctx, ...) without recording; its one result is left on the top. */
static void run_forward(lua_State *L, int n) {
  nn_ctx *ctx = nnL_ctx(L);
  luaL_checkstack(L, n + 4, "too many arguments");
  lua_getfield(L, lua_upvalueindex(2), "forward");
  lua_pushvalue(L, n + 1);
  for (int i = 1; i <= n; i++) lua_pushvalue(L, i);
  ctx->no_grad++;
  int st = lua_pcall(L, n + 1, 1, 0);
  ctx->no_grad--;
  if (st != LUA_OK) lua_error(L);
}

static nn_status record(nn_ctx *ctx, const func_attr *attr, int n, nn_tensor **in, nn_value **value,
                        nn_tensor *out) {
  for (int k = 0; k < n; k++) value[k] = &in[k]->v;
  nn_call c = {.ctx = ctx, .op = &op, .attr = attr, .nin = n, .in = value, .out = &out->v};
  return nn_record(&c, 0, in, out);
}

static int l_call(lua_State *L) {
  nnL_state *s = nnL_here(L);
  int n = lua_gettop(L), count;
  bool needs;
  lua_newtable(L); /* ctx, at n + 1 */
  nn_tensor **box = nnL_box_tensor(L);
  run_forward(L, n);
  nn_tensor *y = nnL_test(L, -1, NNL_TENSOR);
  if (!y) nnL_error(L, "func: forward must return a tensor, got %s", nnL_what(L, -1));
  nn_tensor **in = tensors_of(L, n, &count, &needs);
  nn_value **value = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *value, 0);
  needs = needs && s->ctx->no_grad == 0 && nn_is_real(y->v.dtype);
  func_attr attr = {.state = s};
  if (needs) {
    lua_createtable(L, 2, 0);
    lua_pushvalue(L, n + 1);
    lua_rawseti(L, -2, 1);
    lua_getfield(L, lua_upvalueindex(2), "backward");
    lua_rawseti(L, -2, 2);
    attr.record = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  nn_status st = nn_tensor_view(s->ctx, &y->v, box);
  if (st == NN_OK && needs) st = record(s->ctx, &attr, count, in, value, *box);
  if (st != NN_OK && needs) luaL_unref(L, LUA_REGISTRYINDEX, attr.record);
  nnL_expect(L, st);
  lua_settop(L, n + 2);
  return 1;
}

/* nn.func{forward = f, backward = b} */
static int l_func(lua_State *L) {
  nnL_state *s = nnL_here(L);
  static const char *const names[] = {"forward", "backward"};
  lua_settop(L, 1);
  if (!lua_istable(L, 1))
    nnL_error(L, "func: wants {forward = ..., backward = ...}, got %s", nnL_what(L, 1));
  lua_newtable(L); /* a copy, that nobody changes behind our back */
  for (int i = 0; i < 2; i++) {
    if (lua_getfield(L, 1, names[i]) != LUA_TFUNCTION)
      nnL_error(L, "func: '%s' must be a function, got %s", names[i], nnL_what(L, -1));
    lua_setfield(L, 2, names[i]);
  }
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    if (lua_rawget(L, 2) == LUA_TNIL)
      nnL_error(L, "func: there is no option '%s'; the options are forward, backward",
                luaL_tolstring(L, -3, NULL));
    lua_pop(L, 1);
  }
  lua_pushlightuserdata(L, s);
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, l_call, 2);
  return 1;
}

/* ---- gradcheck ---- */

typedef struct check_call {
  nnL_state *state;
  int args; /* how many of the tensors are f's arguments */
  nn_tensor *const *x;
  nn_tensor *y;
} check_call;

/* Protected: f, at registry reference 1 of the call's table, on the tensors. */
static int l_run_checked(lua_State *L) {
  check_call *c = lua_touserdata(L, 1);
  luaL_checkstack(L, c->args + 4, "too many tensors");
  lua_getfield(L, LUA_REGISTRYINDEX, "nn.gradcheck");
  for (int i = 0; i < c->args; i++) nnL_push(L, NNL_TENSOR, c->x[i]);
  lua_call(L, c->args, 1);
  nn_tensor *y = nnL_test(L, -1, NNL_TENSOR);
  if (!y) nnL_error(L, "gradcheck: the function must return a tensor, got %s", nnL_what(L, -1));
  c->y = nn_tensor_retain(y);
  return 0;
}

static nn_status checked(nn_ctx *ctx, void *user, nn_tensor *const *x, nn_tensor **y) {
  check_call *c = user;
  c->x = x;
  c->y = NULL;
  nn_status st = run_protected(ctx, c->state, c->state->checked, c);
  *y = c->y;
  return st;
}

/* core.gradcheck(f, tensors, args, step): error, tensor, element (from 1), analytic, numeric */
static int l_gradcheck(lua_State *L) {
  nnL_state *s = nnL_here(L);
  nn_gradcheck_report r = {0};
  lua_settop(L, 4);
  int n = (int)lua_rawlen(L, 2);
  check_call c = {.state = s, .args = (int)luaL_checkinteger(L, 3)};
  double step = luaL_optnumber(L, 4, 0);
  nn_tensor **x = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *x, 0);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, 2, i + 1);
    x[i] = nnL_check_tensor(L, -1);
    nnL_remember(L, -1, x[i]);
    lua_pop(L, 1);
  }
  lua_getfield(L, LUA_REGISTRYINDEX, "nn.gradcheck"); /* a check inside a check: put back below */
  lua_pushvalue(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, "nn.gradcheck");
  void *outer = s->ctx->host;
  s->ctx->host = L;
  nn_status st = nn_gradcheck(s->ctx, checked, &c, n, x, NULL, step, &r);
  s->ctx->host = outer;
  lua_setfield(L, LUA_REGISTRYINDEX, "nn.gradcheck");
  nnL_expect(L, st);
  lua_pushnumber(L, r.error);
  lua_pushinteger(L, r.input + 1);
  lua_pushinteger(L, r.element + 1);
  lua_pushnumber(L, r.analytic);
  lua_pushnumber(L, r.numeric);
  return 5;
}

static const luaL_Reg functions[] = {{"func", l_func}, {"gradcheck", l_gradcheck}, {NULL, NULL}};

void nnL_open_func(lua_State *L, nnL_state *s) {
  nnL_setfuncs(L, s, functions);
  nnL_closure(L, s, l_run_backward, NULL);
  s->backward = luaL_ref(L, LUA_REGISTRYINDEX);
  nnL_closure(L, s, l_run_checked, NULL);
  s->checked = luaL_ref(L, LUA_REGISTRYINDEX);
}
