/* bind/l_plot.c: nn.core.draw, what lua/nn/plot has done in C: pictures through Cairo, lines of equal
   height, pixels and bytes as text. */
#include <string.h>

#include "bind/nnl.h"
#include "plot/base64.h"
#include "plot/cairo.h"
#include "plot/contour.h"

/* Turns the uint8 list in the box at `index` into a string on the top. */
static int push_bytes(lua_State *L, nn_tensor *const *box) {
  const nn_value *v = &(*box)->v;
  lua_pushlstring(L, nn_data(v), (size_t)v->numel);
  return 1;
}

typedef nn_status writer(nn_ctx *, const void *, size_t, const nn_page *, nn_tensor **);

static int written(lua_State *L, writer *write) {
  size_t n;
  lua_settop(L, 5);
  nn_tensor **box = nnL_box_tensor(L);
  const char *list = luaL_checklstring(L, 1, &n);
  const nn_page page = {luaL_checknumber(L, 2), luaL_checknumber(L, 3), luaL_checknumber(L, 4),
                        luaL_optstring(L, 5, NULL)};
  nnL_expect(L, write(nnL_ctx(L), list, n, &page, box));
  return push_bytes(L, box);
}

/* draw.png(list, width, height, scale): the bytes of a file; pdf likewise, with a title */
static int l_png(lua_State *L) {
  return written(L, nn_plot_png);
}
static int l_pdf(lua_State *L) {
  return written(L, nn_plot_pdf);
}

/* draw.encode(pixels): a PNG file of just these */
static int l_encode(lua_State *L) {
  lua_settop(L, 1);
  nn_tensor **box = nnL_box_tensor(L);
  nnL_expect(L, nn_plot_encode(nnL_ctx(L), nnL_check_tensor(L, 1), box));
  return push_bytes(L, box);
}

/* draw.bytes(t): a contiguous uint8 tensor's elements as a string */
static int l_bytes(lua_State *L) {
  nn_tensor *t = nnL_check_tensor(L, 1);
  if (t->v.dtype != NN_U8 || !t->v.dense)
    nnL_error(L, "bytes: wants a contiguous uint8 tensor, got %s", nnL_what(L, 1));
  if (t->v.numel == 0) return lua_pushliteral(L, ""), 1;
  return push_bytes(L, &t);
}

/* draw.base64(text) */
static int l_base64(lua_State *L) {
  size_t n;
  luaL_Buffer b;
  const char *text = luaL_checklstring(L, 1, &n);
  const size_t size = nn_base64_size(n);
  nn_base64((const unsigned char *)text, n, luaL_buffinitsize(L, &b, size));
  luaL_pushresultsize(&b, size);
  return 1;
}

/* draw.contour(z, level, filled): points, lengths */
static int l_contour(lua_State *L) {
  lua_settop(L, 3);
  nn_tensor **points = nnL_box_tensor(L), **lengths = nnL_box_tensor(L);
  const nn_tensor *z = nnL_check_tensor(L, 1);
  nnL_expect(
    L, nn_contour(nnL_ctx(L), z, luaL_checknumber(L, 2), lua_toboolean(L, 3), points, lengths));
  return 2;
}

static const luaL_Reg functions[] = {
  {"png", l_png},       {"pdf", l_pdf},         {"encode", l_encode}, {"bytes", l_bytes},
  {"base64", l_base64}, {"contour", l_contour}, {NULL, NULL}};

void nnL_open_plot(lua_State *L, nnL_state *s) {
  lua_newtable(L);
  nnL_setfuncs(L, s, functions);
  lua_setfield(L, -2, "draw");
}
