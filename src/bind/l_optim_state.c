/*
 * bind/l_optim_state.c: what an optimizer is made of, for scripts to look at and for lua/nn/optim.lua
 * to save and load: groups, slots, numbers, formulas. The methods with an underscore are for that file
 * alone; it checks what it hands over.
 */
#include <math.h>
#include <string.h>

#include "bind/l_optim.h"

static nn_optim *check_idle(lua_State *L, const char *who) {
  nn_optim *o = nnL_check_optim(L, 1);
  if (o->busy) nnL_error(L, "%s: not inside the closure of a step", who);
  return o;
}

static int check_group(lua_State *L, const nn_optim *o) {
  lua_Integer g = luaL_checkinteger(L, 2);
  if (g < 1 || g > o->ngroups)
    nnL_error(L, "%s: there is no group %d, only 1..%d", o->class->name, (int)g, o->ngroups);
  return (int)g - 1;
}

static nn_optim_param *check_param(lua_State *L, nn_optim *o) {
  lua_Integer i = luaL_checkinteger(L, 2);
  if (i < 1 || i > o->nparams)
    nnL_error(L, "%s: there is no parameter %d, only 1..%d", o->class->name, (int)i, o->nparams);
  return &o->param[i - 1];
}

static int l_class(lua_State *L) {
  lua_pushstring(L, nnL_check_optim(L, 1)->class->name);
  return 1;
}

/* ---- groups ---- */

static void push_options(lua_State *L, const nn_optim *o, int g) {
  for (const nn_param *p = o->class->params; p->kind != NN_PARAM_END; p++) {
    nn_arg v = nn_param_get(p, o->hyper[g]);
    nnL_push_arg(L, &v);
    lua_setfield(L, -2, p->name);
  }
}

/* opt:groups(): a list of {params =, lr =, ...}, to look at. */
static int l_groups(lua_State *L) {
  nn_optim *o = nnL_check_optim(L, 1);
  lua_createtable(L, o->ngroups, 0);
  for (int g = 0; g < o->ngroups; g++) {
    int n = 0;
    lua_newtable(L);
    push_options(L, o, g);
    lua_newtable(L);
    for (int i = 0; i < o->nparams; i++) {
      if (o->param[i].group != g) continue;
      nnL_push(L, NNL_TENSOR, o->param[i].t);
      lua_rawseti(L, -2, ++n);
    }
    lua_setfield(L, -2, "params");
    lua_rawseti(L, -2, g + 1);
  }
  return 1;
}

/* opt:_get(g, name) */
static int l_get(lua_State *L) {
  nn_optim *o = nnL_check_optim(L, 1);
  int g = check_group(L, o);
  const char *name = luaL_checkstring(L, 3);
  const nn_param *p = nn_param_find(o->class->params, name);
  if (!p) return lua_pushnil(L), 1;
  nn_arg v = nn_param_get(p, o->hyper[g]);
  nnL_push_arg(L, &v);
  return 1;
}

/* opt:_set(g, name, value) */
static int l_set(lua_State *L) {
  nn_optim *o = nnL_check_optim(L, 1);
  int g = check_group(L, o);
  nnL_set_option(L, o, g, g + 1, luaL_checkstring(L, 3), 4);
  return 0;
}

/* opt:_options(g, table, apply): sets all of them together, or only tries to. Returns the names of
   the slots that they need. */
static int l_options(lua_State *L) {
  nn_optim *o = check_idle(L, "load_state");
  int g = check_group(L, o), n = 0;
  const nn_optim_class *class = o->class;
  luaL_checktype(L, 3, LUA_TTABLE);
  void *trial = lua_newuserdatauv(L, class->size, 0);
  memcpy(trial, o->hyper[g], class->size);
  nnL_options(L, 3, class->name, class->params, trial, "params");
  if (class->check) nnL_expect(L, class->check(o->ctx, trial));
  unsigned mask = class->uses ? class->uses(trial) : ~0u;
  lua_newtable(L);
  for (int k = 0; k < NN_MAXSLOTS && class->slots[k]; k++) {
    char room[16];
    const char *name = nn_optim_slot_name(o, k, room, sizeof room);
    if (!name || !(mask >> k & 1)) continue;
    lua_pushstring(L, name);
    lua_rawseti(L, -2, ++n);
  }
  if (lua_toboolean(L, 4)) memcpy(o->hyper[g], trial, class->size);
  return 1;
}

/* ---- slots and numbers ---- */

static void push_numbers(lua_State *L, const char *const *names, const double *values) {
  for (int k = 0; names[k]; k++) {
    nn_arg v = {.kind = NN_ARG_REAL, .r = values[k]};
    if (values[k] == floor(values[k]) && fabs(values[k]) < 9e15)
      v = (nn_arg){.kind = NN_ARG_INT, .i = (int64_t)values[k]};
    nnL_push_arg(L, &v);
    lua_setfield(L, -2, names[k]);
  }
}

/* opt:_slots(): for each parameter {steps =, m = view, v = view}, what a state is made of. */
static int l_slots(lua_State *L) {
  nn_optim *o = nnL_check_optim(L, 1);
  lua_createtable(L, o->nparams, 0);
  for (int i = 0; i < o->nparams; i++) {
    lua_newtable(L);
    lua_pushinteger(L, o->param[i].steps);
    lua_setfield(L, -2, "steps");
    push_numbers(L, o->class->numbers, o->param[i].number);
    for (int k = 0; k < o->nslots; k++) {
      char room[16];
      const char *name = nn_optim_slot_name(o, k, room, sizeof room);
      if (!name || !o->slot[k]) continue;
      nn_tensor **box = nnL_box_tensor(L);
      nnL_expect(L, nn_optim_slot(o->ctx, o, k, i, box));
      lua_setfield(L, -2, name);
    }
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* opt:_slot_names(): a set of those that are state */
static int l_slot_names(lua_State *L) {
  nn_optim *o = nnL_check_optim(L, 1);
  lua_newtable(L);
  for (int k = 0; k < NN_MAXSLOTS && o->class->slots[k]; k++) {
    char room[16];
    const char *name = nn_optim_slot_name(o, k, room, sizeof room);
    if (!name) continue;
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, name);
  }
  return 1;
}

/* opt:_globals(): what is kept once, by name */
static int l_globals(lua_State *L) {
  nn_optim *o = nnL_check_optim(L, 1);
  lua_newtable(L);
  push_numbers(L, o->class->globals, o->global);
  return 1;
}

/* opt:_make_slot(name): room for it */
static int l_make_slot(lua_State *L) {
  nn_optim *o = check_idle(L, "load_state");
  int k;
  nnL_expect(L, nn_optim_slot_make(o->ctx, o, luaL_checkstring(L, 2), &k));
  return 0;
}

static int place_of(const char *const *names, const char *name) {
  for (int k = 0; names[k]; k++)
    if (strcmp(names[k], name) == 0) return k;
  return -1;
}

/* opt:_set_number(i, name, value): "steps" or a number of parameter i */
static int l_set_number(lua_State *L) {
  nn_optim *o = check_idle(L, "load_state");
  nn_optim_param *p = check_param(L, o);
  const char *name = luaL_checkstring(L, 3);
  int k = place_of(o->class->numbers, name);
  if (k >= 0)
    p->number[k] = luaL_checknumber(L, 4);
  else
    p->steps = luaL_checkinteger(L, 4);
  return 0;
}

/* opt:_set_global(name, value) */
static int l_set_global(lua_State *L) {
  nn_optim *o = check_idle(L, "load_state");
  int k = place_of(o->class->globals, luaL_checkstring(L, 2));
  if (k >= 0) o->global[k] = luaL_checknumber(L, 3);
  return 0;
}

/* ---- in words ---- */

/* opt:_formula(g) */
static int l_formula(lua_State *L) {
  char text[2048];
  nn_optim *o = nnL_check_optim(L, 1);
  lua_pushstring(L, nn_optim_formula(o, check_group(L, o), text, sizeof text));
  return 1;
}

/* opt:_explain(i, at): the last step of element `at`, from 0, of parameter i */
static int l_explain(lua_State *L) {
  nn_optim *o = nnL_check_optim(L, 1);
  nn_optim_param *p = check_param(L, o);
  lua_Integer at = luaL_checkinteger(L, 3);
  nn_optim_story story;
  if (at < 0 || at >= p->t->v.numel) nnL_error(L, "explain: there is no such element");
  nnL_expect(L, nn_optim_explain(o->ctx, o, (int)(p - o->param), at, &story));
  lua_newtable(L);
  push_numbers(L, (const char *const[]){"steps", NULL}, (double[]){(double)p->steps});
  static const char *const names[] = {"weight", "before", "step", "gradient", "entered"};
  const double values[] = {story.weight, story.before, story.step, story.gradient, story.entered};
  for (int k = 0; k < 5; k++) {
    lua_pushnumber(L, values[k]);
    lua_setfield(L, -2, names[k]);
  }
  lua_newtable(L);
  for (int k = 0; k < NN_MAXSLOTS && o->class->slots[k]; k++) {
    char room[16];
    const char *name = nn_optim_slot_name(o, k, room, sizeof room);
    if (!name || !o->slot[k]) continue;
    lua_pushnumber(L, story.slot[k]);
    lua_setfield(L, -2, name);
  }
  lua_setfield(L, -2, "slots");
  return 1;
}

static const luaL_Reg methods[] = {{"groups", l_groups},
                                   {"_class", l_class},
                                   {"_get", l_get},
                                   {"_set", l_set},
                                   {"_options", l_options},
                                   {"_slots", l_slots},
                                   {"_slot_names", l_slot_names},
                                   {"_globals", l_globals},
                                   {"_make_slot", l_make_slot},
                                   {"_set_number", l_set_number},
                                   {"_set_global", l_set_global},
                                   {"_formula", l_formula},
                                   {"_explain", l_explain},
                                   {NULL, NULL}};

void nnL_open_optim_state(lua_State *L, nnL_state *s) {
  nnL_setfuncs(L, s, methods);
}
