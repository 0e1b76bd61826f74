/* bind/l_source_csv.c: source.csv(...), a reader of tables for lua/nn/data/csv.lua. Scripts never see
   the reader itself. */
#include <string.h>

#include "bind/l_file.h"
#include "bind/l_source.h"
#include "io/csv.h"

static const char *const KIND = "nn.csv";

static nn_csv *check_reader(lua_State *L) {
  nn_csv **box = luaL_checkudata(L, 1, KIND);
  if (!*box) nnL_error(L, "this reader of a table is closed");
  return *box;
}

static int l_close(lua_State *L) {
  nn_csv **box = luaL_checkudata(L, 1, KIND);
  if (*box) nn_csv_close(*box);
  *box = NULL;
  return 0;
}

static char check_char(lua_State *L, int index, const char *what) {
  size_t n;
  const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &n) : NULL;
  if (!text || n != 1 || strchr("\"\r\n+-0123456789", *text))
    nnL_error(L, "csv: option '%s' must be a single character that no number has, got %s", what,
              nnL_what(L, index));
  return *text;
}

/* (path, delimiter or nil, decimal, header: 0, 1, or -1) */
static int l_open(lua_State *L) {
  lua_settop(L, 4);
  nn_csv **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, KIND);
  const char *path = nnL_check_path(L, 1, "csv");
  nn_csv_options o = {.decimal = check_char(L, 3, "decimal")};
  if (!lua_isnil(L, 2)) o.delimiter = check_char(L, 2, "delimiter");
  o.header = (int)luaL_checkinteger(L, 4);
  return nnL_settle(L, nn_csv_open(nnL_ctx(L), path, &o, box));
}

/* A list: each column's name, or false */
static int l_names(lua_State *L) {
  const nn_csv *r = check_reader(L);
  lua_createtable(L, (int)r->ncol, 0);
  for (int64_t c = 0; c < r->ncol; c++) {
    char none[32];
    size_t n;
    const char *name = nn_csv_name(r, c, none, &n);
    if (r->column[c].name < 0)
      lua_pushboolean(L, 0);
    else
      lua_pushlstring(L, name, n);
    lua_rawseti(L, -2, c + 1);
  }
  return 1;
}

/* Marks the columns in the list at `index`, counted from 1. */
static void use_columns(lua_State *L, nn_csv *r, int index, nn_csv_use use) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, index);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, index, i);
    lua_Integer c = lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (c < 1 || c > r->ncol) luaL_argerror(L, index, "a column out of range");
    r->column[c - 1].use = use;
    r->column[c - 1].to = i - 1;
  }
}

/* (columns of x, columns of y, use of y, dtype, missing, value, codes, nonfinite): whether y is labels, and which
   columns of x are codes */
static int l_begin(lua_State *L) {
  static const char *const uses[] = {"numbers", "target", "labels", NULL};
  static const char *const missing[] = {"error", "mean", "drop", "value", NULL};
  static const nn_csv_use to[] = {NN_CSV_Y, NN_CSV_TARGET, NN_CSV_LABEL};
  nn_csv *r = check_reader(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TTABLE);
  const nn_csv_use use = to[luaL_checkoption(L, 4, NULL, uses)];
  r->plan = (nn_csv_plan){.dtype = nnL_check_dtype(L, 5),
                          .missing = (nn_csv_missing)luaL_checkoption(L, 6, NULL, missing),
                          .value = luaL_checknumber(L, 7),
                          .codes = lua_toboolean(L, 8),
                          .nonfinite = lua_toboolean(L, 9)};
  use_columns(L, r, 2, NN_CSV_X);
  use_columns(L, r, 3, use);
  nnL_expect(L, nn_csv_begin(r));
  lua_pushboolean(L, r->label);
  lua_newtable(L);
  for (int64_t c = 0, k = 0; c < r->ncol; c++) {
    if (r->column[c].use != NN_CSV_CODES) continue;
    lua_pushinteger(L, c + 1);
    lua_rawseti(L, -2, ++k);
  }
  return 2;
}

static int push_pair(lua_State *L, nn_status st, nn_tensor **y) {
  nnL_expect(L, st);
  if (*y) return 2;
  lua_pop(L, 1);
  lua_pushnil(L);
  return 2;
}

/* (): x and y, nil where there is none */
static int l_load(lua_State *L) {
  lua_settop(L, 1);
  nn_tensor **x = nnL_box_tensor(L), **y = nnL_box_tensor(L);
  nn_csv *r = check_reader(L);
  return push_pair(L, nn_csv_load(r, x, y), y);
}

/* (): the number of rows, and how many rows each block has */
static int l_scan(lua_State *L) {
  nn_csv *r = check_reader(L);
  nnL_expect(L, nn_csv_scan(r));
  lua_pushinteger(L, r->rows);
  lua_createtable(L, (int)r->nblock, 0);
  for (int64_t b = 0; b < r->nblock; b++) {
    lua_pushinteger(L, r->block[b].rows);
    lua_rawseti(L, -2, b + 1);
  }
  return 2;
}

/* (block): x and y of its rows */
static int l_block(lua_State *L) {
  lua_settop(L, 2);
  nn_tensor **x = nnL_box_tensor(L), **y = nnL_box_tensor(L);
  nn_csv *r = check_reader(L);
  lua_Integer b = luaL_checkinteger(L, 2);
  if (b < 1 || b > r->nblock) luaL_argerror(L, 2, "there is no such block");
  return push_pair(L, nn_csv_load_block(r, b - 1, x, y), y);
}

/* (column): its different texts, in the order in which they came */
static int l_texts(lua_State *L) {
  nn_csv *r = check_reader(L);
  lua_Integer c = luaL_checkinteger(L, 2);
  if (c < 1 || c > r->ncol) luaL_argerror(L, 2, "there is no such column");
  const nn_csv_texts *t = &r->column[c - 1].texts;
  lua_createtable(L, (int)t->n, 0);
  for (int64_t i = 0; i < t->n; i++) {
    size_t n;
    const char *text = nn_csv_text(t, i, &n);
    lua_pushlstring(L, text, n);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* (text): the number that it is in this table, or nil */
static int l_number(lua_State *L) {
  nn_csv *r = check_reader(L);
  nn_csv_cell cell = {0};
  double x;
  const char *end;
  cell.p = luaL_checklstring(L, 2, &cell.n);
  if (nn_csv_cell_number(r, &cell, &x, &end))
    lua_pushnumber(L, x);
  else
    lua_pushnil(L);
  return 1;
}

void nnL_open_source_csv(lua_State *L, nnL_state *s) {
  static const luaL_Reg methods[] = {{"names", l_names},   {"begin", l_begin}, {"load", l_load},
                                     {"scan", l_scan},     {"block", l_block}, {"texts", l_texts},
                                     {"number", l_number}, {"close", l_close}, {"__gc", l_close},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"csv", l_open}, {NULL, NULL}};
  luaL_newmetatable(L, KIND);
  nnL_setfuncs(L, s, methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pushliteral(L, "protected");
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
  nnL_setfuncs(L, s, functions);
}
