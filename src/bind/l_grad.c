/* bind/l_grad.c: requires_grad_, backward, zero_grad, detach, nn.grad, nn.no_grad. */
#include "bind/nnl.h"
#include "grad/graph.h"

static int l_requires_grad(lua_State *L) {
  nn_tensor *x = nnL_check_tensor(L, 1);
  bool flag = lua_isnoneornil(L, 2) || lua_toboolean(L, 2);
  if (flag && !nn_is_real(x->v.dtype))
    nnL_error(L, "requires_grad_: only floating tensors can require a gradient, not %s",
              nn_dtype_name(x->v.dtype));
  if (x->node)
    nnL_error(
      L, "requires_grad_: the tensor is the result of an operation, not a leaf; detach() it first");
  x->requires_grad = flag;
  lua_settop(L, 1);
  return 1;
}

/* y:backward(seed, {retain = true}) */
static int l_backward(lua_State *L) {
  bool retain = false;
  lua_settop(L, 3);
  nn_tensor *y = nnL_check_tensor(L, 1),
            *seed = lua_isnil(L, 2) ? NULL : nnL_test(L, 2, NNL_TENSOR);
  if (!seed && !lua_isnil(L, 2))
    nnL_error(L, "backward: the seed must be a tensor, got %s (options come after it)",
              nnL_what(L, 2));
  if (!lua_isnil(L, 3)) {
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_getfield(L, 3, "retain");
    retain = lua_toboolean(L, -1);
  }
  nnL_state *s = nnL_here(L);
  void *outer = s->ctx->host;
  s->ctx->host = L;
  nn_status st = nn_backward(s->ctx, y, seed, retain);
  s->ctx->host = outer;
  nnL_expect(L, st);
  return 0;
}

static int l_zero_grad(lua_State *L) {
  nnL_check_tensor(L, 1)->has_grad = false;
  lua_settop(L, 1);
  return 1;
}

static int l_detach(lua_State *L) {
  lua_settop(L, 1);
  nn_tensor **box = nnL_box_tensor(L), *x = nnL_check_tensor(L, 1);
  return nnL_settle(L, nn_tensor_view(nnL_ctx(L), &x->v, box));
}

/* nn.no_grad(f, ...): the flag comes back on every way out, and the error is f's own. */
static int l_no_grad(lua_State *L) {
  nn_ctx *ctx = nnL_ctx(L);
  luaL_checkany(L, 1);
  ctx->no_grad++;
  int st = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  ctx->no_grad--;
  return st == LUA_OK ? lua_gettop(L) : lua_error(L);
}

/* nn.grad(y, {x, ...}): a list of gradients, not accumulated. */
static int l_grad(lua_State *L) {
  nnL_state *s = nnL_here(L);
  lua_settop(L, 2);
  luaL_checktype(L, 2, LUA_TTABLE);
  int n = (int)lua_rawlen(L, 2);
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) { /* boxes first */
    nnL_box_tensor(L);
    lua_rawseti(L, 3, i + 1);
  }
  nn_tensor **target = lua_newuserdatauv(L, (2 * (size_t)n + 1) * sizeof *target, 0);
  nn_tensor **grads = target + n, *y = nnL_check_tensor(L, 1);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, 2, i + 1);
    target[i] = nnL_check_tensor(L, -1);
    lua_pop(L, 1);
    if (!nn_needs_grad(target[i]))
      nnL_error(L, "grad: tensor %d of the list does not require a gradient", i + 1);
  }
  void *outer = s->ctx->host;
  s->ctx->host = L;
  nn_status st = nn_gradients(s->ctx, y, NULL, false, n, target, grads);
  s->ctx->host = outer;
  int missing = 0;
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, 3, i + 1);
    *(nn_tensor **)lua_touserdata(L, -1) = grads[i];
    lua_pop(L, 1);
    if (!grads[i]) missing = i + 1;
  }
  nnL_expect(L, st);
  if (missing) nnL_error(L, "grad: the value does not depend on tensor %d of the list", missing);
  lua_settop(L, 3);
  return 1;
}

static const luaL_Reg methods[] = {{"requires_grad_", l_requires_grad},
                                   {"backward", l_backward},
                                   {"zero_grad", l_zero_grad},
                                   {"detach", l_detach},
                                   {NULL, NULL}};

static const luaL_Reg functions[] = {{"no_grad", l_no_grad}, {"grad", l_grad}, {NULL, NULL}};

void nnL_open_grad(lua_State *L, nnL_state *s) {
  nnL_setfuncs(L, s, functions);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->methods[NNL_TENSOR]);
  nnL_setfuncs(L, s, methods);
  lua_pop(L, 1);
}
