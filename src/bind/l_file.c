/*
 * bind/l_file.c: what nn.save and nn.load stand on: whole files of text, the container of .nn files,
 * and units (layers, losses) made from their class's name and a table of arguments. lua/nn/files/ does
 * the rest.
 */
#include <string.h>

#include "bind/l_file.h"
#include "io/file.h"
#include "io/nnfile.h"

/* A path is a text without a NUL, which would cut it short. */
const char *nnL_check_path(lua_State *L, int index, const char *who) {
  size_t n = 0;
  const char *path = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &n) : NULL;
  if (!path) nnL_error(L, "%s: the path must be a string, got %s", who, nnL_what(L, index));
  if (strlen(path) != n) nnL_error(L, "%s: the path has a NUL byte in it", who);
  return path;
}

nn_tensor **nnL_check_tensors(lua_State *L, int index, int *n) {
  luaL_checktype(L, index, LUA_TTABLE);
  *n = (int)lua_rawlen(L, index);
  nn_tensor **list = lua_newuserdatauv(L, ((size_t)*n + 1) * sizeof *list, 0);
  for (int i = 0; i < *n; i++) {
    lua_rawgeti(L, index, i + 1);
    list[i] = nnL_check_tensor(L, -1);
    lua_pop(L, 1);
  }
  return list;
}

void *nnL_temporary(lua_State *L, size_t size, lua_CFunction drop) {
  void *p = memset(lua_newuserdatauv(L, size, 0), 0, size);
  lua_createtable(L, 0, 1);
  nnL_closure(L, nnL_here(L), drop, NULL);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return p;
}

/* files.write(path, text) */
static int l_write(lua_State *L) {
  size_t n;
  const char *path = nnL_check_path(L, 1, "save"), *text = luaL_checklstring(L, 2, &n);
  nnL_expect(L, nn_file_write(nnL_ctx(L), path, text, n));
  return 0;
}

/* ---- the container of .nn files ---- */

/* files.write_nn(path, tree, tensors) */
static int l_write_nn(lua_State *L) {
  size_t bytes;
  int n;
  const char *path = nnL_check_path(L, 1, "save"), *tree = luaL_checklstring(L, 2, &bytes);
  nn_tensor **tensor = nnL_check_tensors(L, 3, &n);
  nnL_expect(L, nn_nnfile_write(nnL_ctx(L), path, tree, bytes, n, tensor));
  return 0;
}

static int l_drop_nn(lua_State *L) {
  nn_nnfile *f = lua_touserdata(L, 1);
  nn_nnfile_drop(nnL_ctx(L), f);
  return 0;
}

/* files.read_nn(path): tree, list of tensors, the tree's place in the file */
static int l_read_nn(lua_State *L) {
  nnL_state *s = nnL_here(L);
  const char *path = nnL_check_path(L, 1, "load");
  nn_nnfile *f = nnL_temporary(L, sizeof *f, l_drop_nn);
  nnL_expect(L, nn_nnfile_read(s->ctx, path, f));
  lua_pushlstring(L, f->tree, f->tree_bytes);
  lua_newtable(L);
  for (int64_t i = 0; i < f->n; i++) {
    nn_tensor **box = nnL_box_tensor(L);
    *box = f->tensor[i];
    f->tensor[i] = NULL;
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushinteger(L, (lua_Integer)f->tree_at);
  nn_nnfile_drop(s->ctx, f);
  return 3;
}

/* ---- units ---- */

/* files.arguments(unit): a layer's or loss's class and its arguments by name */
static int l_arguments(lua_State *L) {
  nn_layer *layer = nnL_test(L, 1, NNL_LAYER);
  nn_loss *loss = layer ? NULL : nnL_check(L, 1, NNL_LOSS);
  const nn_param *p = layer ? layer->class->params : loss->class->params;
  lua_pushstring(L, layer ? layer->class->name : loss->class->name);
  lua_newtable(L);
  for (; p && p->kind != NN_PARAM_END; p++) {
    nn_arg v = nn_param_get(p, layer ? (void *)layer : (void *)loss);
    if (v.kind == NN_ARG_LIST && v.n == 0) continue; /* not given */
    nnL_push_arg(L, &v);
    lua_setfield(L, -2, p->name);
  }
  return 2;
}

/* Reads the table of arguments at 2 into a unit; those without a default must be there. */
static void read_arguments(lua_State *L, const char *owner, const nn_param *params, void *unit) {
  luaL_checktype(L, 2, LUA_TTABLE);
  nnL_options(L, 2, owner, params, unit, NULL);
  for (const nn_param *p = params; p && p->kind != NN_PARAM_END; p++) {
    if ((p->flags & NN_P_NEEDED) && lua_getfield(L, 2, p->name) == LUA_TNIL)
      nnL_error(L, "%s: '%s' is missing", owner, p->name);
    lua_settop(L, 4);
  }
}

/* Builds a layer whose tensors a file has brought: nothing is drawn for them, and it may not ask for
   more memory than they need. */
static nn_status build_like(nn_ctx *ctx, nn_layer *l, size_t bytes) {
  const size_t limit = ctx->mem.limit, most = ctx->mem.live + 4 * bytes + ((size_t)1 << 20);
  if (most < limit) ctx->mem.limit = most;
  ctx->undrawn = true;
  nn_status st = nn_layer_build(ctx, l);
  ctx->undrawn = false;
  ctx->mem.limit = limit;
  if (st == NN_ENOMEM && most < limit)
    return nn_layer_fail(l, NN_EVALUE, "its tensors are not in the file");
  return st;
}

/* files.layer(class, arguments, bytes): a layer; its tensors, of so many bytes, are yet to be set */
static int l_layer(lua_State *L) {
  lua_settop(L, 3);
  const nn_layer_class *class = nn_layer_class_find(luaL_checkstring(L, 1));
  size_t bytes = (size_t)luaL_checkinteger(L, 3);
  if (!class) nnL_error(L, "there is no layer '%s'", lua_tostring(L, 1));
  void **box = nnL_new_layer(L, class);
  read_arguments(L, class->name, class->params, *box);
  return nnL_settle(L, build_like(nnL_ctx(L), *box, bytes));
}

/* files.loss(class, arguments) */
static int l_loss(lua_State *L) {
  lua_settop(L, 3);
  const nn_loss_class *class = nn_loss_class_find(luaL_checkstring(L, 1));
  if (!class) nnL_error(L, "there is no loss '%s'", lua_tostring(L, 1));
  void **box = nnL_box(L, NNL_LOSS, 0);
  nn_loss *l;
  nnL_expect(L, nn_loss_new(nnL_ctx(L), class, &l));
  *box = l;
  read_arguments(L, class->name, class->params, l);
  return 1;
}

static const luaL_Reg functions[] = {{"write", l_write},
                                     {"write_nn", l_write_nn},
                                     {"read_nn", l_read_nn},
                                     {"arguments", l_arguments},
                                     {"layer", l_layer},
                                     {"loss", l_loss},
                                     {NULL, NULL}};

void nnL_open_file(lua_State *L, nnL_state *s) {
  lua_newtable(L);
  nnL_setfuncs(L, s, functions);
  nnL_open_file_formats(L, s);
  lua_setfield(L, -2, "files");
}
