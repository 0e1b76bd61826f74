/*
 * bind/l_train.c: core.trainer, by which lua/nn/fit takes steps, in stretches where all is in C. Its
 * methods are for those files alone; they check what they hand over.
 *
 *   t = core.trainer{params =, buffers =, model =, loss =, optimizer =, x =, y =, weight =,
 *     batch_size =, accumulate =, l1 =, l2 =, clip_norm =, clip_value =, gather =, yields =}
 *   t:begin(order, row, batch, total, penalty, outputs)   an epoch, or the rest of one
 *   row, batch, total, penalty, value, fault, first, failed = t:run(most)   value: the last loss
 *   row, batch, total, penalty = t:place()
 *   value, fault, first, failed = t:epochs(most)          the rest of the epoch, then whole ones
 *   list, spent = t:ended()   of these: {total, penalty, seconds, total, ...}; seconds in an open one
 *   order = t:order()   of the epoch in which it stands, or nil
 *   t:mark()  t:rewind()  penalty, finite = t:settle()    for batches that Lua runs
 */
#include <string.h>

#include "bind/l_optim.h"
#include "optim/train.h"

static const char TYPE[] = "nn.Trainer";

static nn_trainer *check_trainer(lua_State *L) {
  nn_trainer **box = luaL_checkudata(L, 1, TYPE);
  if (!*box) nnL_error(L, "trainer: was released");
  return *box;
}

/* ---- making one ---- */

static lua_Integer list_length(lua_State *L, const char *field) {
  lua_getfield(L, 1, field);
  luaL_checktype(L, -1, LUA_TTABLE);
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  lua_pop(L, 1);
  return n;
}

static void read_list(lua_State *L, const char *field, int n, nn_tensor **to) {
  lua_getfield(L, 1, field);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, -1, i + 1);
    to[i] = nn_tensor_retain(nnL_check_tensor(L, -1));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static double number_field(lua_State *L, const char *field) {
  lua_getfield(L, 1, field);
  double v = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return v;
}

/* The object in a field, or NULL. */
static void *object_field(lua_State *L, const char *field, nnL_kind kind) {
  lua_getfield(L, 1, field);
  void *object = lua_isnil(L, -1) ? NULL : nnL_check(L, -1, kind);
  lua_pop(L, 1);
  return object;
}

static nn_tensor *tensor_field(lua_State *L, const char *field) {
  nn_tensor *t = object_field(L, field, NNL_TENSOR);
  return t ? nn_tensor_retain(t) : NULL;
}

static int l_new(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  int nparams = (int)list_length(L, "params"), nbuffers = (int)list_length(L, "buffers");
  nn_trainer **box = lua_newuserdatauv(L, sizeof *box, 0), *t;
  *box = NULL;
  luaL_setmetatable(L, TYPE);
  nnL_expect(L, nn_trainer_new(nnL_ctx(L), nparams, nbuffers, box));
  t = *box;
  read_list(L, "params", nparams, t->param);
  read_list(L, "buffers", nbuffers, t->buffer);
  void *model = object_field(L, "model", NNL_LAYER), *loss = object_field(L, "loss", NNL_LOSS);
  void *optim = object_field(L, "optimizer", NNL_OPTIM);
  if (model) t->model = nn_layer_retain(model);
  if (loss) t->loss = nn_loss_retain(loss);
  if (optim) t->optim = nn_optim_retain(optim);
  t->x = tensor_field(L, "x");
  t->y = tensor_field(L, "y");
  t->weight = tensor_field(L, "weight");
  t->l1 = number_field(L, "l1");
  t->l2 = number_field(L, "l2");
  t->clip_norm = number_field(L, "clip_norm");
  t->clip_value = number_field(L, "clip_value");
  t->size = (int64_t)number_field(L, "batch_size");
  t->accumulate = (int64_t)number_field(L, "accumulate");
  lua_getfield(L, 1, "gather");
  t->gather = lua_toboolean(L, -1);
  lua_getfield(L, 1, "yields");
  t->yields = lua_toboolean(L, -1) && t->optim && !t->optim->class->drive;
  nnL_expect(L, nn_trainer_build(t));
  lua_settop(L, 2);
  return 1;
}

static int l_gc(lua_State *L) {
  nn_trainer **box = luaL_checkudata(L, 1, TYPE);
  nn_trainer_free(*box);
  *box = NULL;
  return 0;
}

/* ---- an epoch ---- */

static void replace(nn_tensor **place, nn_tensor *t) {
  if (t) nn_tensor_retain(t);
  nn_tensor_release(*place);
  *place = t;
}

static nn_tensor *optional(lua_State *L, int index) {
  return lua_isnoneornil(L, index) ? NULL : nnL_check_tensor(L, index);
}

static int l_begin(lua_State *L) {
  nn_trainer *t = check_trainer(L);
  nn_tensor *order = optional(L, 2), *outputs = optional(L, 7);
  if (order && (order->v.dtype != NN_I64 || !order->v.dense))
    nnL_error(L, "trainer: the order must be a dense list of int64");
  replace(&t->order, order);
  replace(&t->outputs, outputs);
  t->row = luaL_optinteger(L, 3, 0);
  t->batch = luaL_optinteger(L, 4, 0);
  t->total = luaL_optnumber(L, 5, 0);
  t->penalty = luaL_optnumber(L, 6, 0);
  t->fault = NN_FAULT_NONE;
  return 0;
}

/* t:place(): row, batch, total, penalty */
static int l_place(lua_State *L) {
  const nn_trainer *t = check_trainer(L);
  lua_pushinteger(L, t->row);
  lua_pushinteger(L, t->batch);
  lua_pushnumber(L, t->total);
  lua_pushnumber(L, t->penalty);
  return 4;
}

/* Runs for `most` batches, or epochs. */
static void run(lua_State *L, nn_trainer *t, nn_status (*how)(nn_trainer *t, int64_t most)) {
  double most = luaL_checknumber(L, 2);
  void *outer = t->ctx->host;
  nnL_push(L, NNL_LAYER, t->model); /* for l_path.c, as in a layer's forward */
  lua_insert(L, 1);
  t->ctx->host = L;
  nn_status st = how(t, most < 9e15 ? (int64_t)most : INT64_MAX);
  t->ctx->host = outer;
  nnL_expect(L, st);
  lua_remove(L, 1);
}

/* value, and if a step could not be made: fault, first, failed */
static int push_end(lua_State *L, const nn_trainer *t) {
  static const char *const faults[] = {NULL, "loss", "gradient"};
  lua_pushnumber(L, t->value);
  if (t->fault == NN_FAULT_NONE) return 1;
  lua_pushstring(L, faults[t->fault]);
  lua_pushinteger(L, t->at);
  lua_pushinteger(L, t->fault_batch);
  return 4;
}

static int l_run(lua_State *L) {
  nn_trainer *t = check_trainer(L);
  run(L, t, nn_trainer_run);
  l_place(L);
  return 4 + push_end(L, t);
}

static int l_epochs(lua_State *L) {
  nn_trainer *t = check_trainer(L);
  run(L, t, nn_trainer_epochs);
  return push_end(L, t);
}

static int l_ended(lua_State *L) {
  const nn_trainer *t = check_trainer(L);
  lua_createtable(L, (int)(3 * t->nended), 0);
  for (int64_t i = 0; i < t->nended; i++) {
    lua_pushnumber(L, t->ended[i].total);
    lua_rawseti(L, -2, 3 * i + 1);
    lua_pushnumber(L, t->ended[i].penalty);
    lua_rawseti(L, -2, 3 * i + 2);
    lua_pushnumber(L, t->ended[i].seconds);
    lua_rawseti(L, -2, 3 * i + 3);
  }
  lua_pushnumber(L, t->row < t->x->v.shape.dim[0] ? t->spent : 0);
  return 2;
}

static int l_order(lua_State *L) {
  const nn_trainer *t = check_trainer(L);
  if (t->order)
    nnL_push(L, NNL_TENSOR, t->order);
  else
    lua_pushnil(L);
  return 1;
}

/* t:outputs(): the predictions of the epoch, or nil */
static int l_outputs(lua_State *L) {
  nn_trainer *t = check_trainer(L);
  if (t->outputs)
    nnL_push(L, NNL_TENSOR, t->outputs);
  else
    lua_pushnil(L);
  return 1;
}

/* ---- for Lua's own batches ---- */

static int l_mark(lua_State *L) {
  nnL_expect(L, nn_trainer_mark(check_trainer(L)));
  return 0;
}

static int l_rewind(lua_State *L) {
  nn_trainer_rewind(check_trainer(L));
  return 0;
}

static int l_settle(lua_State *L) {
  double penalty;
  bool finite;
  nnL_expect(L, nn_trainer_settle(check_trainer(L), &penalty, &finite));
  lua_pushnumber(L, penalty);
  lua_pushboolean(L, finite);
  return 2;
}

/* core.yields(flag): whether Ctrl-C may end what runs in C now, though a fit holds it back */
static int l_yields(lua_State *L) {
  nn_batch_yields = lua_toboolean(L, 1) ? NN_YIELDS_AT_ONCE : 0;
  return 0;
}

/* core.weighted_loss(loss, prediction, target, weight) */
static int l_weighted_loss(lua_State *L) {
  lua_settop(L, 4);
  nn_tensor **box = nnL_box_tensor(L);
  nn_loss *loss = nnL_check(L, 1, NNL_LOSS);
  return nnL_settle(L, nn_loss_weighted(nnL_ctx(L), loss, nnL_check_tensor(L, 2),
                                        nnL_check_tensor(L, 3), nnL_check_tensor(L, 4), box));
}

static const luaL_Reg methods[] = {{"begin", l_begin},   {"run", l_run},     {"outputs", l_outputs},
                                   {"place", l_place},   {"mark", l_mark},   {"rewind", l_rewind},
                                   {"settle", l_settle}, {"release", l_gc},  {"epochs", l_epochs},
                                   {"ended", l_ended},   {"order", l_order}, {NULL, NULL}};
static const luaL_Reg events[] = {{"__gc", l_gc}, {"__close", l_gc}, {NULL, NULL}};
static const luaL_Reg functions[] = {
  {"trainer", l_new}, {"weighted_loss", l_weighted_loss}, {"yields", l_yields}, {NULL, NULL}};

void nnL_open_train(lua_State *L, nnL_state *s) {
  nnL_setfuncs(L, s, functions);
  luaL_newmetatable(L, TYPE);
  nnL_setfuncs(L, s, events);
  lua_pushliteral(L, "protected");
  lua_setfield(L, -2, "__metatable");
  lua_newtable(L);
  nnL_setfuncs(L, s, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
