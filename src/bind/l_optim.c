/* bind/l_optim.c: optimizers: constructors in nn.optim, step, zero_grad, options as fields. */
#include "bind/l_optim.h"

#include <string.h>

/* ---- constructors ---- */

/* The convention that the table at `index` (0: none) names, into hyper. */
static void read_convention(lua_State *L, int index, const nn_optim_class *class, void *hyper) {
  const nn_param *p = nn_param_find(class->params, "convention");
  if (!p || !index) return;
  lua_getfield(L, index, "convention");
  nn_arg v;
  nnL_arg(L, -1, &v);
  if (v.kind != NN_ARG_NIL) nnL_expect(L, nn_param_set(nnL_ctx(L), class->name, p, hyper, &v));
  lua_pop(L, 1);
}

/* Options come over what all groups share, that over the defaults of the convention. */
static void read_options(lua_State *L, const nn_optim_class *class, int shared, int own,
                         void *hyper) {
  nn_param params[NN_MAXPARAMS];
  read_convention(L, shared, class, hyper);
  read_convention(L, own, class, hyper);
  nn_optim_params(class, ((nn_hyper *)hyper)->convention, params);
  nn_param_defaults(params, hyper);
  if (shared) nnL_options(L, shared, class->name, params, hyper, NULL);
  if (own) nnL_options(L, own, class->name, params, hyper, "params");
}

/* Adds the tensors of the list at `list` as a group. Its own options, in the table at `own` (0:
   none), come over those that all groups share, at `shared` (0: none). */
static void add_group(lua_State *L, nn_optim *o, int list, int shared, int own) {
  const nn_optim_class *class = o->class;
  int n = (int)lua_rawlen(L, list);
  void *hyper;
  nn_tensor **params = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *params,
                                         0); /* a temporary that cannot leak */
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, list, i + 1);
    params[i] = nnL_test(L, -1, NNL_TENSOR);
    if (!params[i])
      nnL_error(L, "%s: parameter %d must be a tensor, got %s", class->name, i + 1,
                nnL_what(L, -1));
    nnL_remember(L, -1, params[i]);
    lua_pop(L, 1);
  }
  nnL_expect(L, nn_optim_add_group(o->ctx, o, n, params, &hyper));
  read_options(L, class, shared, own, hyper);
}

static bool is_group(lua_State *L, int index) {
  if (!lua_istable(L, index)) return false;
  bool has = lua_getfield(L, index, "params") == LUA_TTABLE;
  lua_pop(L, 1);
  return has;
}

static int l_new(lua_State *L) {
  const nn_optim_class *class = nnL_pointer(L);
  lua_settop(L, 2);
  void **box = nnL_box(L, NNL_OPTIM, 0);
  nn_optim *o;
  if (!lua_istable(L, 1))
    nnL_error(L,
              "%s: wants a list of tensors, model:parameters(), or of groups {params = ..., lr = "
              "...}; got %s",
              class->name, nnL_what(L, 1));
  if (!lua_isnil(L, 2) && !lua_istable(L, 2))
    nnL_error(L, "%s: options come in a table, {lr = 0.01}; got %s", class->name, nnL_what(L, 2));
  nnL_expect(L, nn_optim_new(nnL_ctx(L), class, &o));
  *box = o;
  int shared = lua_istable(L, 2) ? 2 : 0;
  lua_rawgeti(L, 1, 1);
  if (!is_group(L, -1)) {
    add_group(L, o, 1, shared, 0);
  } else {
    for (int g = 1; g <= (int)lua_rawlen(L, 1); g++) {
      lua_rawgeti(L, 1, g);
      if (!is_group(L, -1))
        nnL_error(L, "%s: group %d must be {params = {...}, ...}", class->name, g);
      lua_getfield(L, -1, "params");
      add_group(L, o, lua_gettop(L), shared, lua_gettop(L) - 1);
      lua_settop(L, 4);
    }
  }
  lua_settop(L, 3);
  return nnL_settle(L, nn_optim_build(o->ctx, o));
}

/* ---- methods ---- */

/* Protected: calls the script's closure and returns its loss as a number. */
static int l_run_closure(lua_State *L) {
  lua_call(L, 0, 1);
  if (lua_type(L, 1) == LUA_TNUMBER) return 1;
  nn_tensor *t = nnL_test(L, 1, NNL_TENSOR);
  if (!t || t->v.numel != 1)
    return nnL_error(L, "step: the closure must return the loss, one number, got %s",
                     nnL_what(L, 1));
  lua_pushnumber(L, nn_value_real_at(&t->v, t->v.offset));
  return 1;
}

/* The core's callback: no Lua call here can raise. On the stack: 2 the closure, 3 l_run_closure. */
static nn_status call_closure(void *user, double *loss) {
  nnL_state *s = user;
  lua_State *L = s->ctx->host;
  if (!lua_checkstack(L, 4)) return nn_fail(s->ctx, NN_ENOMEM, "the Lua stack is full");
  lua_pushvalue(L, 3);
  lua_pushvalue(L, 2);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) {
    *loss = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return NN_OK;
  }
  lua_rawseti(L, LUA_REGISTRYINDEX, s->error);
  return nn_fail(s->ctx, NN_ECALLBACK, "the closure failed");
}

/* An optimizer that calls the closure itself. It is held meanwhile: the closure may release it. */
static int drive(lua_State *L, nn_optim *o) {
  nnL_state *s = nnL_here(L);
  const nn_closure closure = {.call = call_closure, .user = s};
  double loss;
  nnL_closure(L, s, l_run_closure, NULL);
  void *outer = s->ctx->host;
  s->ctx->host = L;
  nn_optim_retain(o);
  nn_status st = nn_optim_step_with(s->ctx, o, &closure, &loss);
  nn_optim_release(o);
  s->ctx->host = outer;
  nnL_expect(L, st);
  lua_pushnumber(L, loss);
  return 1;
}

/* opt:step(), opt:step(closure): the closure computes loss and gradients anew; its value is
   returned. */
static int l_step(lua_State *L) {
  lua_settop(L, 2);
  nn_optim *o = nnL_check_optim(L, 1);
  if (o->class->drive && !lua_isnil(L, 2)) return drive(L, o);
  if (!lua_isnil(L, 2)) lua_call(L, 0, 1);
  o = nnL_check_optim(L, 1); /* the closure may have released it */
  nnL_expect(L, nn_optim_step(o->ctx, o));
  return lua_gettop(L) > 1;
}

/* opt:needs_closure(): whether step has to be given one. */
static int l_needs_closure(lua_State *L) {
  lua_pushboolean(L, nnL_check_optim(L, 1)->class->drive != NULL);
  return 1;
}

static int l_zero_grad(lua_State *L) {
  nn_optim_zero_grad(nnL_check_optim(L, 1));
  return 0;
}

/* ---- fields ---- */

static int l_index(lua_State *L) {
  if (nnL_push_method(L) || lua_type(L, 2) != LUA_TSTRING) return 1;
  nn_optim *o = nnL_check_optim(L, 1);
  const nn_param *p = nn_param_find(o->class->params, lua_tostring(L, 2));
  if (!p) return 1;
  nn_arg v = nn_param_get(p, o->hyper[0]);
  nnL_push_arg(L, &v);
  return 1;
}

void nnL_set_option(lua_State *L, nn_optim *o, int first, int end, const char *name, int index) {
  const nn_optim_class *class = o->class;
  const nn_param *p = nn_param_find(class->params, name);
  nn_arg v;
  nnL_arg(L, index, &v);
  if (!p) nnL_expect(L, nn_param_unknown(o->ctx, class->name, class->params, name));
  double trial[NN_OPTIONS_SIZE / sizeof(double)];
  for (int g = first; g < end; g++) {
    memcpy(trial, o->hyper[g], class->size);
    nnL_expect(L, nn_param_set(o->ctx, class->name, p, trial, &v));
    if (class->check) nnL_expect(L, class->check(o->ctx, trial));
  }
  for (int g = first; g < end; g++)
    nnL_expect(L, nn_param_set(o->ctx, class->name, p, o->hyper[g], &v));
}

static int l_newindex(lua_State *L) {
  nn_optim *o = nnL_check_optim(L, 1);
  nnL_set_option(L, o, 0, o->ngroups, luaL_checkstring(L, 2), 3);
  return 0;
}

static int l_tostring(lua_State *L) {
  char text[1024];
  nn_optim *o = *(void **)lua_touserdata(L, 1);
  if (!o) return lua_pushliteral(L, "released optimizer"), 1;
  lua_pushstring(L, nn_optim_text(o, text, sizeof text));
  return 1;
}

static int l_close(lua_State *L) {
  nn_optim_release(nnL_empty(L));
  return 0;
}

static int l_gc(lua_State *L) {
  nn_optim_release(nnL_finalize(L));
  return 0;
}

static const luaL_Reg methods[] = {
  {"step", l_step}, {"needs_closure", l_needs_closure}, {"zero_grad", l_zero_grad}, {NULL, NULL}};
static const luaL_Reg events[] = {{"__newindex", l_newindex},
                                  {"__tostring", l_tostring},
                                  {"__gc", l_gc},
                                  {"__close", l_close},
                                  {NULL, NULL}};

void nnL_open_optim(lua_State *L, nnL_state *s) {
  nnL_open_fitting(L, s);
  nnL_open_train(L, s);
  nnL_open_checkpoint(L, s);
  lua_newtable(L);
  for (const nn_optim_class *const *class = nn_optims; *class; class ++) {
    nnL_closure(L, s, l_new, *class);
    lua_setfield(L, -2, (*class)->name);
  }
  lua_setfield(L, -2, "optim");
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->methods[NNL_OPTIM]);
  nnL_setfuncs(L, s, methods);
  nnL_open_optim_state(L, s);
  lua_pop(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->meta[NNL_OPTIM]);
  nnL_setfuncs(L, s, events);
  nnL_set_index(L, s, NNL_OPTIM, l_index);
  lua_pop(L, 1);
}
