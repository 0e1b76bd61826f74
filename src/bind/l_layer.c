/*
 * bind/l_layer.c: layers. Constructors, m(x), fields, and the primitives from which
 * lua/nn/module.lua makes parameters(), state(), clone() and the rest, for these and for modules
 * written in Lua alike.
 *
 * Note [Children]: a container's box has one user value, the list of its children's Lua values. It
 * keeps them alive and gives model[i] back as what was put in. In C the container holds the same
 * children: layers by count, modules written in Lua through a foreign layer, which finds its module
 * in the state's weak table by its address.
 */
#include <string.h>

#include "bind/l_file.h"

static nn_layer *check_layer(lua_State *L, int index) {
  return nnL_check(L, index, NNL_LAYER);
}

/* ---- modules written in Lua ---- */

typedef struct module_call {
  nn_layer *layer;
  nn_tensor *x, *y;
} module_call;

/* Protected: runs the module of a foreign layer on a tensor. The layer stays at stack index 1, for
   l_path.c. */
int nnL_layer_module(lua_State *L) {
  nnL_state *s = nnL_here(L);
  module_call *c = lua_touserdata(L, 1);
  lua_pushlightuserdata(L, c->layer);
  lua_replace(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->modules);
  if (lua_rawgetp(L, -1, c->layer) == LUA_TNIL)
    return luaL_error(L, "the Lua module of a container is gone");
  *nnL_box_tensor(L) = nn_tensor_retain(c->x);
  lua_call(L, 1, 1);
  nn_tensor *y = nnL_test(L, -1, NNL_TENSOR);
  if (!y) nnL_error(L, "a module in a container must return a tensor, got %s", nnL_what(L, -1));
  c->y = nn_tensor_retain(y);
  return 0;
}

/* The core's callback: no Lua call here can raise. */
static nn_status call_foreign(nn_ctx *ctx, nn_layer *l, nn_tensor *x, nn_tensor **y) {
  lua_State *L = ctx->host;
  module_call c = {.layer = l, .x = x};
  *y = NULL;
  if (!lua_checkstack(L, 8)) return nn_fail(ctx, NN_ENOMEM, "the Lua stack is full");
  lua_rawgetp(L, LUA_REGISTRYINDEX, ctx);
  nnL_state *s = lua_touserdata(L, -1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->caller);
  lua_pushlightuserdata(L, &c);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) {
    lua_pop(L, 1);
    *y = c.y;
    return NN_OK;
  }
  lua_rawseti(L, LUA_REGISTRYINDEX, s->error);
  lua_pop(L, 1);
  nn_tensor_release(c.y);
  return nn_fail(ctx, NN_ECALLBACK, "a Lua module failed");
}

/* ---- containers ---- */

/* Whether the value can be called on a tensor: a function, or a table or userdata with __call. */
static bool callable(lua_State *L, int index) {
  if (lua_isfunction(L, index)) return true;
  if (!lua_istable(L, index) || luaL_getmetafield(L, index, "__call") == LUA_TNIL) return false;
  lua_pop(L, 1);
  return true;
}

/* What C holds for the child at `index`, one reference to be given on; a module gets a foreign
   layer. `box`: an empty box that owns it until then. */
static nn_layer *child_layer(lua_State *L, int index, void **box, const nn_layer *parent) {
  nnL_state *s = nnL_here(L);
  nn_layer *l = nnL_test(L, index, NNL_LAYER);
  const char *who = parent->class->name;
  index = lua_absindex(L, index);
  if (l && nn_layer_contains(l, parent)) nnL_error(L, "%s: cannot be put into itself", who);
  if (l) {
    nnL_remember(L, index, l);
    return *box = nn_layer_retain(l);
  }
  if (!callable(L, index))
    nnL_error(L, "%s: a child must be a layer, a module or a function, got %s", who,
              nnL_what(L, index));
  nn_layer *foreign;
  nnL_expect(L, nn_layer_foreign_new(s->ctx, call_foreign, &foreign));
  *box = foreign;
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->modules);
  lua_pushvalue(L, index);
  lua_rawsetp(L, -2, foreign);
  lua_pop(L, 1);
  return foreign;
}

/* Appends the value at `index` to the container in the box at `self`. */
static void add_child(lua_State *L, int self, int index) {
  nn_layer *l = check_layer(L, self), *child;
  index = lua_absindex(L, index);
  void **box = nnL_box(L, NNL_LAYER, 0);
  child = child_layer(L, index, box, l);
  lua_getiuservalue(L, self, 1);
  lua_pushvalue(L, index);
  lua_rawseti(L, -2, l->nchild + 1);
  nnL_expect(L, nn_layer_append(l->ctx, l, child));
  nn_layer_release(child); /* the box's reference */
  *box = NULL;
  lua_pop(L, 2);
}

static nn_layer *check_container(lua_State *L, const char *who) {
  nn_layer *l = check_layer(L, 1);
  if (!l->class->container)
    nnL_error(L, "%s: only a container has children, not %s", who, l->class->name);
  return l;
}

static int l_add(lua_State *L) {
  lua_settop(L, 2);
  check_container(L, "add");
  add_child(L, 1, 2);
  lua_settop(L, 1);
  return 1;
}

static int l_children(lua_State *L) {
  nn_layer *l = check_layer(L, 1);
  lua_createtable(L, l->nchild, 0);
  if (!l->class->container) return 1;
  lua_getiuservalue(L, 1, 1);
  for (int i = 1; i <= l->nchild; i++) {
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -3, i);
  }
  lua_pop(L, 1);
  return 1;
}

static int child_index(lua_State *L, const nn_layer *l, int at) {
  int whole;
  lua_Integer i = lua_tointegerx(L, at, &whole);
  if (!whole || i == 0 || i > l->nchild || i < -l->nchild)
    nnL_error(L, "%s has layers 1..%d, there is no [%s]", l->class->name, l->nchild,
              luaL_tolstring(L, at, NULL));
  return (int)(i < 0 ? l->nchild + i : i - 1);
}

static void set_child(lua_State *L, nn_layer *l) {
  int i = child_index(L, l, 2);
  void **box = nnL_box(L, NNL_LAYER, 0);
  nn_layer *child = child_layer(L, 3, box, l);
  lua_getiuservalue(L, 1, 1);
  lua_pushvalue(L, 3);
  lua_rawseti(L, -2, i + 1);
  *box = l->child[i]; /* the old one is released with the box */
  l->child[i] = child;
}

/* ---- constructors ---- */

void **nnL_new_layer(lua_State *L, const nn_layer_class *class) {
  void **box = nnL_box(L, NNL_LAYER, class->container ? 1 : 0);
  nn_layer *l;
  if (class->container) {
    lua_newtable(L);
    lua_setiuservalue(L, -2, 1);
  }
  nnL_expect(L, nn_layer_new(nnL_ctx(L), class, &l));
  *box = l;
  nnL_remember(L, -1, l);
  return box;
}

static int l_new(lua_State *L) {
  const nn_layer_class *class = nnL_pointer(L);
  int last = lua_gettop(L),
      list = class->container && last == 1 && lua_istable(L, 1) && !callable(L, 1);
  void **box = nnL_new_layer(L, class);
  int self = lua_gettop(L);
  if (class->container) {
    int n = list ? (int)lua_rawlen(L, 1) : last;
    for (int i = 1; i <= n; i++) {
      if (list)
        lua_rawgeti(L, 1, i);
      else
        lua_pushvalue(L, i);
      add_child(L, self, -1);
      lua_pop(L, 1);
    }
    return 1;
  }
  nnL_arguments(L, 1, last, class->name, class->params, *box);
  lua_settop(L, self);
  return nnL_settle(L, nn_layer_build(nnL_ctx(L), *box));
}

/* l:_new(): another one with the same arguments; containers come back empty. */
static int l_new_like(lua_State *L) {
  nn_layer *old = check_layer(L, 1);
  void **box = nnL_new_layer(L, old->class);
  for (const nn_param *p = old->class->params; p && p->kind != NN_PARAM_END; p++) {
    nn_arg v = nn_param_get(p, old);
    if (v.kind == NN_ARG_LIST && p->kind == NN_PARAM_INTS && v.n == 0) continue;
    nnL_expect(L, nn_param_set(old->ctx, old->class->name, p, *box, &v));
  }
  return nnL_settle(L, nn_layer_build(nnL_ctx(L), *box));
}

/* ---- running ---- */

static nn_tensor *check_input(lua_State *L, const nn_layer *l, int index) {
  nn_tensor *x = nnL_test(L, index, NNL_TENSOR);
  if (x) return x;
  lua_pushvalue(L, index);
  nnL_error(L, "%s: the input must be a tensor, got %s", l->class->name, nnL_what(L, -1));
}

/* Reads a state of several tensors; they stay on the stack, whatever becomes of the table. */
static void check_state(lua_State *L, const nn_layer *l, int index, int n, nn_tensor **in) {
  if (!lua_istable(L, index) || (int)lua_rawlen(L, index) != n)
    nnL_error(L, "%s: the state must be a list of %d tensors, as it was returned, got %s",
              l->class->name, n, nnL_what(L, index));
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, index, i + 1);
    in[i] = check_input(L, l, -1);
  }
}

/* The tensors among arguments 2..last; returns how many. */
static int check_inputs(lua_State *L, const nn_layer *l, int last, nn_tensor **in) {
  const nn_layer_class *k = l->class;
  int most = k->state > 1 ? k->most - k->state + 1 : k->most, n = 0;
  while (last > 1 + k->least && lua_isnil(L, last)) last--;
  if (last - 1 > most)
    nnL_error(L, "%s: takes at most %d arguments, got %d", k->name, most, last - 1);
  luaL_checkstack(L, NN_LAYER_MANY + 4, "layer");
  for (int i = 2; i <= last; i++) {
    bool bundle = k->state > 1 && i - 1 > k->least;
    if (bundle) check_state(L, l, i, k->state, in + n);
    if (!bundle) in[n] = check_input(L, l, i);
    n += bundle ? k->state : 1;
  }
  return n;
}

static void move_to_box(lua_State *L, int index, nn_tensor *t) {
  *(nn_tensor **)lua_touserdata(L, index) = t;
}

/* A layer of several tensors: its results, the state of several as one table. */
static int forward_many(lua_State *L, nn_layer *l) {
  nnL_state *s = nnL_here(L);
  const nn_layer_class *k = l->class;
  nn_tensor *in[NN_LAYER_MANY], *out[NN_LAYER_MANY];
  int last = lua_gettop(L), first = last + 1;
  luaL_checkstack(L, NN_LAYER_MANY + 4, "layer");
  for (int i = 0; i < k->nout; i++) nnL_box_tensor(L);
  check_layer(L, 1);
  int n = check_inputs(L, l, last, in);
  void *outer = s->ctx->host;
  s->ctx->host = L;
  nn_status st = nn_layer_forward_many(s->ctx, l, n, in, out);
  s->ctx->host = outer;
  nnL_expect(L, st);
  for (int i = 0; i < k->nout; i++) move_to_box(L, first + i, out[i]);
  lua_settop(L, last + k->nout);
  if (k->state < 2) return k->nout;
  lua_createtable(L, k->state, 0);
  for (int i = 1; i <= k->state; i++) {
    lua_pushvalue(L, last + k->nout - k->state + i);
    lua_rawseti(L, -2, i);
  }
  lua_replace(L, last + k->nout - k->state + 1);
  lua_settop(L, last + k->nout - k->state + 1);
  return k->nout - k->state + 1;
}

static int l_forward(lua_State *L) { /* the layer stays at stack index 1, for l_path.c */
  nnL_state *s = nnL_here(L);
  nn_layer *l = check_layer(L, 1);
  if (l->class->forward_many) return forward_many(L, l);
  if (lua_gettop(L) > 2)
    nnL_error(L, "forward: this layer takes one tensor, got %d arguments", lua_gettop(L) - 1);
  lua_settop(L, 2);
  nn_tensor **box = nnL_box_tensor(L);
  l = check_layer(L, 1); /* a finalizer may have released it meanwhile */
  nn_tensor *x = check_input(L, l, 2);
  void *outer = s->ctx->host;
  s->ctx->host = L;
  nn_status st = nn_layer_forward(s->ctx, l, x, false, box);
  s->ctx->host = outer;
  nnL_expect(L, st);
  if (*box == x) { /* nothing was done: the same tensor is the same Lua value */
    nn_tensor_release(*box);
    *box = NULL;
    lua_settop(L, 2);
  }
  return 1;
}

/* ---- fields and primitives ---- */

static int l_slots(lua_State *L) {
  nn_layer *l = check_layer(L, 1);
  lua_createtable(L, l->nslot, 0);
  for (int i = 0; i < l->nslot; i++) {
    lua_createtable(L, 0, 3);
    lua_pushstring(L, l->slot[i].name);
    lua_setfield(L, -2, "name");
    nnL_push(L, NNL_TENSOR, l->slot[i].tensor);
    lua_setfield(L, -2, "tensor");
    lua_pushboolean(L, l->slot[i].buffer);
    lua_setfield(L, -2, "buffer");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int slot_index(const nn_layer *l, const char *name) {
  for (int i = 0; i < l->nslot; i++)
    if (strcmp(l->slot[i].name, name) == 0) return i;
  return -1;
}

/* Replaces a tensor; to(dtype) changes the dtype, scripts may not. */
static void set_slot(lua_State *L, nn_layer *l, int i, int value, bool any_dtype) {
  nn_tensor *t = nnL_check_tensor(L, value), *old = l->slot[i].tensor;
  nn_text a, b;
  if (!nn_shape_equal(&t->v.shape, &old->v.shape) || !nn_is_real(t->v.dtype) ||
      (!any_dtype && t->v.dtype != old->v.dtype))
    nnL_error(L, "%s.%s must be a %s tensor of %s, got %s of %s", l->class->name, l->slot[i].name,
              nn_dtype_name(old->v.dtype), nn_value_text(&a, &old->v), nn_dtype_name(t->v.dtype),
              nn_value_text(&b, &t->v));
  if (t->node)
    nnL_error(L, "%s.%s must be a leaf, not the result of an operation; detach() it",
              l->class->name, l->slot[i].name);
  nnL_remember(L, value, t);
  nn_layer_replace(l, i, t);
  if (!l->slot[i].buffer && t != old) t->requires_grad = t->is_parameter = true;
}

static int l_set_slot(lua_State *L) {
  nn_layer *l = check_layer(L, 1);
  const char *name = luaL_checkstring(L, 2);
  int i = slot_index(l, name);
  if (i < 0) nnL_error(L, "%s has no tensor '%s'", l->class->name, name);
  set_slot(L, l, i, 3, true);
  return 0;
}

static int l_set_training(lua_State *L) {
  check_layer(L, 1)->training = lua_toboolean(L, 2);
  return 0;
}

static int l_class(lua_State *L) {
  lua_pushstring(L, check_layer(L, 1)->class->name);
  return 1;
}

/* Tensors called "out_proj.weight", "out_proj.bias" are read as m.out_proj.weight too: pushes the
   table, or nil. */
static void push_part(lua_State *L, const nn_layer *l, const char *name) {
  size_t n = strlen(name);
  lua_pushnil(L);
  for (int i = 0; i < l->nslot; i++) {
    const char *slot = l->slot[i].name;
    if (strncmp(slot, name, n) != 0 || slot[n] != '.') continue;
    if (lua_isnil(L, -1)) {
      lua_pop(L, 1);
      lua_newtable(L);
    }
    nnL_push(L, NNL_TENSOR, l->slot[i].tensor);
    lua_setfield(L, -2, slot + n + 1);
  }
}

static int l_index(lua_State *L) {
  if (lua_type(L, 2) == LUA_TNUMBER) {
    nn_layer *l = check_container(L, "model[i]");
    lua_Integer i = lua_tointeger(L, 2);
    lua_getiuservalue(L, 1, 1);
    if (i > 0) return lua_rawgeti(L, -1, i), 1; /* nil behind the last, so that ipairs works */
    lua_rawgeti(L, -1, child_index(L, l, 2) + 1);
    return 1;
  }
  if (nnL_push_method(L) || lua_type(L, 2) != LUA_TSTRING) return 1;
  nn_layer *l = check_layer(L, 1);
  const char *name = lua_tostring(L, 2);
  nn_tensor *t = nn_layer_find(l, name);
  const nn_param *p = nn_param_find(l->class->params, name);
  if (t) {
    nnL_push(L, NNL_TENSOR, t);
  } else if (p) {
    nn_arg v = nn_param_get(p, l);
    nnL_push_arg(L, &v);
  } else if (strcmp(name, "training") == 0) {
    lua_pushboolean(L, l->training);
  } else {
    push_part(L, l, name);
  }
  return 1;
}

static int l_newindex(lua_State *L) {
  nn_layer *l = check_layer(L, 1);
  if (lua_type(L, 2) == LUA_TNUMBER) {
    check_container(L, "model[i]");
    set_child(L, l);
    return 0;
  }
  const char *name = luaL_checkstring(L, 2);
  int i = slot_index(l, name);
  if (i < 0) nnL_error(L, "%s has no tensor '%s' to assign", l->class->name, name);
  set_slot(L, l, i, 3, false);
  return 0;
}

static int l_len(lua_State *L) {
  lua_pushinteger(L, check_container(L, "#model")->nchild);
  return 1;
}

static int l_tostring(lua_State *L) {
  char text[1024];
  void **box = lua_touserdata(L, 1);
  nn_layer *l = *box;
  if (!l) return lua_pushliteral(L, "released layer"), 1;
  lua_getfield(L, LUA_REGISTRYINDEX, "nn.hooks");
  lua_getfield(L, -1, "layer_tostring");
  if (!l->class->container || lua_isnil(L, -1)) {
    lua_pushstring(L, nn_layer_text(l, text, sizeof text));
    return 1;
  }
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

static int l_close(lua_State *L) {
  nn_layer_release(nnL_empty(L));
  return 0;
}

static int l_gc(lua_State *L) {
  nn_layer_release(nnL_finalize(L));
  return 0;
}

static const luaL_Reg methods[] = {{"forward", l_forward},
                                   {"add", l_add},
                                   {"_slots", l_slots},
                                   {"_children", l_children},
                                   {"_set_slot", l_set_slot},
                                   {"_set_training", l_set_training},
                                   {"_class", l_class},
                                   {"_new", l_new_like},
                                   {NULL, NULL}};

static const luaL_Reg events[] = {
  {"__call", l_forward}, {"__newindex", l_newindex}, {"__len", l_len}, {"__tostring", l_tostring},
  {"__gc", l_gc},        {"__close", l_close},       {NULL, NULL}};

void nnL_open_layer(lua_State *L, nnL_state *s) {
  for (const nn_layer_class *const *class = nn_layers; *class; class ++) {
    nnL_closure(L, s, l_new, *class);
    lua_setfield(L, -2, (*class)->name);
  }
  nnL_closure(L, s, nnL_layer_module, NULL);
  s->caller = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->methods[NNL_LAYER]);
  nnL_setfuncs(L, s, methods);
  lua_pop(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->meta[NNL_LAYER]);
  nnL_setfuncs(L, s, events);
  nnL_set_index(L, s, NNL_LAYER, l_index);
  lua_pop(L, 1);
}
