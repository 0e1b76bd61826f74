/* bind/l_loss.c: losses: constructors, loss(prediction, target) or of more tensors, fields. */
#include "bind/nnl.h"

static nn_loss *check_loss(lua_State *L, int index) {
  return nnL_check(L, index, NNL_LOSS);
}

static int l_new(lua_State *L) {
  const nn_loss_class *class = nnL_pointer(L);
  int last = lua_gettop(L);
  void **box = nnL_box(L, NNL_LOSS, 0);
  nn_loss *l;
  nnL_expect(L, nn_loss_new(nnL_ctx(L), class, &l));
  *box = l;
  nnL_arguments(L, 1, last, class->name, class->params, l);
  lua_settop(L, last + 1);
  return 1;
}

static int l_forward(lua_State *L) {
  lua_settop(L, 1 + NN_MAXIN);
  nn_tensor **box = nnL_box_tensor(L), *t[NN_MAXIN];
  nn_loss *l = check_loss(L, 1);
  const char *const *args = nn_loss_args(l);
  int n = 0;
  for (; n < NN_MAXIN && args[n]; n++)
    if (!(t[n] = nnL_test(L, n + 2, NNL_TENSOR)))
      nnL_error(L, "%s: the %s must be a tensor, got %s", l->class->name, args[n],
                nnL_what(L, n + 2));
  return nnL_settle(L, nn_loss_forward_all(nnL_ctx(L), l, n, t, box));
}

static int l_index(lua_State *L) {
  if (nnL_push_method(L) || lua_type(L, 2) != LUA_TSTRING) return 1;
  nn_loss *l = check_loss(L, 1);
  const nn_param *p = nn_param_find(l->class->params, lua_tostring(L, 2));
  if (!p) return 1;
  nn_arg v = nn_param_get(p, l);
  nnL_push_arg(L, &v);
  return 1;
}

static int l_class(lua_State *L) {
  lua_pushstring(L, check_loss(L, 1)->class->name);
  return 1;
}

static int l_tostring(lua_State *L) {
  char text[640];
  nn_loss *l = *(void **)lua_touserdata(L, 1);
  if (!l) return lua_pushliteral(L, "released loss"), 1;
  lua_pushstring(L, nn_param_call(l->class->name, l->class->params, l, text, sizeof text));
  return 1;
}

static int l_close(lua_State *L) {
  nn_loss_release(nnL_empty(L));
  return 0;
}

static int l_gc(lua_State *L) {
  nn_loss_release(nnL_finalize(L));
  return 0;
}

static const luaL_Reg methods[] = {{"forward", l_forward}, {"_class", l_class}, {NULL, NULL}};
static const luaL_Reg events[] = {{"__call", l_forward},
                                  {"__tostring", l_tostring},
                                  {"__gc", l_gc},
                                  {"__close", l_close},
                                  {NULL, NULL}};

void nnL_open_loss(lua_State *L, nnL_state *s) {
  for (const nn_loss_class *const *class = nn_losses; *class; class ++) {
    nnL_closure(L, s, l_new, *class);
    lua_setfield(L, -2, (*class)->name);
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->methods[NNL_LOSS]);
  nnL_setfuncs(L, s, methods);
  lua_pop(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->meta[NNL_LOSS]);
  nnL_setfuncs(L, s, events);
  nnL_set_index(L, s, NNL_LOSS, l_index);
  lua_pop(L, 1);
}
