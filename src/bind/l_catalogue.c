/* l_catalogue.c: the descriptors as Lua tables, for help, completion and the reference manual:
 *
 *   core.catalogue() -> {operations = {entry, ...}, layers = ..., losses = ..., optimizers = ...}
 *   entry = {name =, doc =, args = "x, y", params = {param, ...}}
 *   param = {name =, kind =, default = text, needed =, place =, low =, high =, choices =, doc =}
 *   core.embedded() -> {"nn/init.lua", ...};  core.embedded(name) -> the file's text, or nil */
#include <string.h>

#include "bind/embed.h"
#include "bind/nnl.h"
#include "grad/op.h"

static const char *const kinds[] = {
  [NN_PARAM_INT] = "whole number", [NN_PARAM_REAL] = "number", [NN_PARAM_BOOL] = "boolean",
  [NN_PARAM_ENUM] = "name",        [NN_PARAM_PAIR] = "pair",   [NN_PARAM_INTS] = "whole numbers",
  [NN_PARAM_REALS] = "numbers",
};

static void set_text(lua_State *L, const char *field, const char *text) {
  if (text == NULL) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, field);
}

static void push_number(lua_State *L, const nn_param *p, double v) {
  const bool whole = p->kind == NN_PARAM_INT || p->kind == NN_PARAM_INTS;
  if (whole && v > -9e15 && v < 9e15)
    lua_pushinteger(L, (lua_Integer)v);
  else
    lua_pushnumber(L, (lua_Number)v);
}

/* Sets the default as a script would write it; nothing where there is none. */
static void set_default(lua_State *L, const nn_param *p) {
  if ((p->flags & NN_P_NEEDED) || p->kind == NN_PARAM_REALS) return;
  if (p->kind == NN_PARAM_ENUM) {
    if (p->choice == NULL) return;
    lua_pushfstring(L, "\"%s\"", p->choice);
  } else if (p->kind == NN_PARAM_BOOL) {
    lua_pushstring(L, p->def[0] != 0 ? "true" : "false");
  } else if (p->kind == NN_PARAM_PAIR) {
    lua_pushfstring(L, "{%f, %f}", (LUAI_UACNUMBER)p->def[0], (LUAI_UACNUMBER)p->def[1]);
  } else {
    push_number(L, p, p->def[0]);
    luaL_tolstring(L, -1, NULL);
    lua_remove(L, -2);
  }
  lua_setfield(L, -2, "default");
}

static void push_param(lua_State *L, const nn_param *p) {
  lua_createtable(L, 0, 8);
  set_text(L, "name", p->name);
  set_text(L, "kind", kinds[p->kind]);
  set_text(L, "doc", p->doc);
  set_default(L, p);
  lua_pushboolean(L, (p->flags & NN_P_NEEDED) != 0);
  lua_setfield(L, -2, "needed");
  lua_pushboolean(L, (p->flags & (NN_P_NEEDED | NN_P_PLACE)) != 0);
  lua_setfield(L, -2, "place");
  if (p->kind != NN_PARAM_BOOL && p->kind != NN_PARAM_ENUM) {
    push_number(L, p, p->lo);
    lua_setfield(L, -2, "low");
    push_number(L, p, p->hi);
    lua_setfield(L, -2, "high");
  }
  if (p->kind != NN_PARAM_ENUM || p->choices == NULL) return;
  lua_newtable(L);
  for (int i = 0; p->choices[i]; i++) {
    lua_pushstring(L, p->choices[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "choices");
}

/* How the tests call it (grad/op.h), from which help makes a line that runs. */
static void set_example(lua_State *L, const nn_example *example) {
  if (example == NULL || example->inputs == NULL) return;
  set_text(L, "inputs", example->inputs);
  set_text(L, "input_args", example->args);
  lua_pushnumber(L, example->lo);
  lua_setfield(L, -2, "input_low");
  lua_pushnumber(L, example->hi);
  lua_setfield(L, -2, "input_high");
}

/* Pushes an entry and appends it to the list below it. */
static void add_entry(lua_State *L, const char *name, const char *doc, const char *args,
                      const nn_param *params, const nn_example *example) {
  luaL_checkstack(L, 8, "catalogue");
  lua_createtable(L, 0, 4);
  set_text(L, "name", name);
  set_text(L, "doc", doc);
  set_text(L, "args", args);
  set_example(L, example);
  lua_newtable(L);
  for (int i = 0; params && params[i].kind != NN_PARAM_END; i++) {
    push_param(L, &params[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "params");
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

/* What a loss compares: "prediction, target" unless its class says otherwise. */
static void add_loss(lua_State *L, const nn_loss_class *class) {
  char text[128] = "prediction, target";
  size_t at = 0;
  for (int i = 0; class->args[i]; i++) {
    at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? ", " : "", class->args[i]);
    if (at >= sizeof text) break;
  }
  add_entry(L, class->name, class->doc, text, class->params, class->example);
}

static int l_catalogue(lua_State *L) {
  lua_settop(L, 0);
  lua_createtable(L, 0, 4);
  lua_newtable(L);
  for (int i = 0; nn_ops[i]; i++)
    add_entry(L, nn_ops[i]->name, nn_ops[i]->doc, nn_ops[i]->args, nn_ops[i]->params,
              nn_ops[i]->example);
  lua_setfield(L, 1, "operations");
  lua_newtable(L);
  for (int i = 0; nn_layers[i]; i++)
    add_entry(L, nn_layers[i]->name, nn_layers[i]->doc, NULL, nn_layers[i]->params,
              nn_layers[i]->example);
  lua_setfield(L, 1, "layers");
  lua_newtable(L);
  for (int i = 0; nn_losses[i]; i++) add_loss(L, nn_losses[i]);
  lua_setfield(L, 1, "losses");
  lua_newtable(L);
  for (int i = 0; nn_optims[i]; i++)
    add_entry(L, nn_optims[i]->name, nn_optims[i]->doc, "params", nn_optims[i]->params, NULL);
  lua_setfield(L, 1, "optimizers");
  return 1;
}

static int l_embedded(lua_State *L) {
  if (!lua_isnoneornil(L, 1)) {
    const nn_embedded *file = nn_embedded_find(luaL_checkstring(L, 1));
    if (file) lua_pushlstring(L, (const char *)file->data, file->size);
    return file ? 1 : 0;
  }
  lua_newtable(L);
  for (int i = 0; nn_embedded_files[i].name; i++) {
    lua_pushstring(L, nn_embedded_files[i].name);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

void nnL_open_catalogue(lua_State *L, nnL_state *s) {
  static const luaL_Reg functions[] = {
    {"catalogue", l_catalogue}, {"embedded", l_embedded}, {NULL, NULL}};
  nnL_setfuncs(L, s, functions);
}
