/*
 * bind/l_data.c: the table core.rows, what nn.data needs in C: rows gathered, dealt out and compared,
 * the numbers of each column, images changed at random. Our own Lua files call it, with arguments that
 * they have checked; the checks here are for the others.
 */
#include <math.h>
#include <string.h>

#include "bind/nnl.h"
#include "grad/op.h"
#include "kernel/augment.h"
#include "kernel/rows.h"

extern const nn_op nn_op_index_select, nn_op_clone;

/* The tensor at `index`: a dense list of int64. */
static nn_tensor *check_list(lua_State *L, int index, const char *who) {
  nn_tensor *t = nnL_test(L, index, NNL_TENSOR);
  if (!t || t->v.dtype != NN_I64 || t->v.shape.ndim != 1 || !t->v.dense)
    nnL_error(L, "%s: wants a list of int64, got %s", who, nnL_what(L, index));
  return t;
}

/* rows.gather(who, x, order or nil, first, count): rows order[first] ..., or first ..., copied. A
   gradient goes through where x wants one. */
static int l_gather(lua_State *L) {
  nn_ctx *ctx = nnL_ctx(L);
  lua_settop(L, 5);
  nn_tensor **list = nnL_box_tensor(L), **box = nnL_box_tensor(L);
  const char *who = luaL_checkstring(L, 1);
  nn_tensor *x = nnL_check_tensor(L, 2), *order = NULL;
  if (!lua_isnil(L, 3)) order = check_list(L, 3, who);
  int64_t first = luaL_optinteger(L, 4, 1), all = order ? order->v.numel : 0;
  if (!order && x->v.shape.ndim > 0) all = x->v.shape.dim[0];
  int64_t n = luaL_optinteger(L, 5, all);
  if (n < 0 || first < 1 || n > all - first + 1)
    nnL_error(L, "%s: rows %lld to %lld leave 1..%lld", who, (long long)first,
              (long long)(first + n - 1), (long long)all);
  const int64_t *index = order && n > 0 ? (const int64_t *)nn_data(&order->v) + first - 1 : NULL;
  nnL_expect(L, nn_rows_gather(ctx, who, &x->v, index, first, n, box));
  if (ctx->no_grad || !nn_needs_grad(x) || !order) return 1;
  int64_t dim = 1;
  nn_shape s = nn_shape_1(n);
  nn_tensor_release(*box);
  *box = NULL;
  nnL_expect(L, nn_tensor_new(ctx, NN_I64, &s, list));
  if (index) memcpy(nn_data(&(*list)->v), index, (size_t)n * sizeof *index);
  return nnL_settle(L, nn_apply(ctx, &nn_op_index_select, &dim, 2, (nn_tensor *[]){x, *list}, box));
}

/* rows.codes(labels, values): where the ascending `values` hold each label. */
static int l_codes(lua_State *L) {
  lua_settop(L, 2);
  nn_tensor **box = nnL_box_tensor(L);
  const nn_tensor *x = check_list(L, 1, "codes"), *values = check_list(L, 2, "codes");
  nnL_expect(L, nn_tensor_new(nnL_ctx(L), NN_I64, &x->v.shape, box));
  nn_rows_codes(x->v.numel, nn_data(&x->v), values->v.numel, nn_data(&values->v),
                nn_data(&(*box)->v));
  return 1;
}

/* rows.deal(order, codes or nil, counts): the rows of part 1, then of part 2, ...; counts is int64
   (groups, parts). */
static int l_deal(lua_State *L) {
  nn_ctx *ctx = nnL_ctx(L);
  lua_settop(L, 3);
  nn_tensor **used = nnL_box_tensor(L), **box = nnL_box_tensor(L);
  const nn_tensor *order = check_list(L, 1, "deal"), *codes = NULL;
  nn_tensor *counts = nnL_check_tensor(L, 3);
  const nn_shape *s = &counts->v.shape;
  if (!lua_isnil(L, 2)) codes = check_list(L, 2, "deal");
  if ((codes && codes->v.numel != order->v.numel) || counts->v.dtype != NN_I64 || s->ndim != 2 ||
      (!codes && s->dim[0] != 1))
    nnL_error(L, "deal: wants an order, as many codes, and int64 counts of groups x parts");
  nnL_expect(L, nn_apply(ctx, &nn_op_clone, NULL, 1, &counts, used));
  nnL_expect(L, nn_tensor_new(ctx, NN_I64, &order->v.shape, box));
  return nnL_settle(L, nn_rows_deal(ctx, order->v.numel, nn_data(&order->v),
                                    codes ? nn_data(&codes->v) : NULL, s->dim[0], s->dim[1],
                                    nn_data(&(*used)->v), nn_data(&(*box)->v)));
}

static nn_tensor *check_dense_rows(lua_State *L, int index, const char *who) {
  nn_tensor *t = nnL_check_tensor(L, index);
  if (t->v.shape.ndim == 0 || !t->v.dense)
    nnL_error(L, "%s: wants dense rows, got %s", who, nnL_what(L, index));
  return t;
}

static bool same_rows(const nn_value *a, const nn_value *b) {
  bool same = a->dtype == b->dtype && a->shape.ndim == b->shape.ndim;
  for (int d = 1; same && d < a->shape.ndim; d++) same = a->shape.dim[d] == b->shape.dim[d];
  return same;
}

/* rows.match(x, other or nil): for each row of x the first equal one of `other`, or 0. */
static int l_match(lua_State *L) {
  nn_ctx *ctx = nnL_ctx(L);
  lua_settop(L, 2);
  nn_tensor **box = nnL_box_tensor(L);
  const nn_tensor *x = check_dense_rows(L, 1, "match"), *other = NULL;
  if (!lua_isnil(L, 2)) other = check_dense_rows(L, 2, "match");
  if (other && !same_rows(&x->v, &other->v)) nnL_error(L, "match: rows of different kinds");
  nn_shape s = nn_shape_1(x->v.shape.dim[0]);
  nnL_expect(L, nn_tensor_new(ctx, NN_I64, &s, box));
  return nnL_settle(L, nn_rows_match(ctx, &x->v, other ? &other->v : NULL, nn_data(&(*box)->v)));
}

/* rows.columns(x): float64, 6 x columns: how many numbers, how many infinite, the least, the largest,
   the mean, the variance. */
static int l_columns(lua_State *L) {
  nn_ctx *ctx = nnL_ctx(L);
  lua_settop(L, 1);
  nn_tensor **box = nnL_box_tensor(L);
  const nn_tensor *x = check_dense_rows(L, 1, "columns");
  int64_t n = 1;
  for (int d = 1; d < x->v.shape.ndim; d++) n *= x->v.shape.dim[d];
  nn_shape s = nn_shape_2(NN_COL_N, n);
  nnL_expect(L, nn_shape_check(ctx, "columns", &s, sizeof(double)));
  nnL_expect(L, nn_tensor_new(ctx, NN_F64, &s, box));
  return nnL_settle(L, nn_columns(ctx, &x->v, nn_data(&(*box)->v)));
}

enum { MOST_PIXELS = 1 << 20 };

static const nn_param augment_params[] = {
  NN_P_REAL(nn_augment, shift_x, 0, 0, 0, MOST_PIXELS, "the most pixels to each side"),
  NN_P_REAL(nn_augment, shift_y, 0, 0, 0, MOST_PIXELS, "the most pixels up and down"),
  NN_P_BOOL(nn_augment, flip_x, false, "mirrored left to right"),
  NN_P_BOOL(nn_augment, flip_y, false, "mirrored top to bottom"),
  NN_P_REAL(nn_augment, rotate, 0, 0, 0, 180, "the most degrees to each side"),
  NN_P_REAL(nn_augment, scale_lo, 0, 1, 1e-3, 1e3, "the least factor"),
  NN_P_REAL(nn_augment, scale_hi, 0, 1, 1e-3, 1e3, "the largest factor"),
  NN_P_REAL(nn_augment, noise, 0, 0, 0, NN_REAL_MAX, "standard deviation"),
  NN_P_INT(nn_augment, cutout, 0, 0, MOST_PIXELS, "side of the square"),
  NN_P_REAL(nn_augment, fill, 0, 0, -NN_REAL_MAX, NN_REAL_MAX, "outside the image"),
  NN_P_END};

/* rows.augment(x, settings): a batch of images changed in place. */
static int l_augment(lua_State *L) {
  nn_ctx *ctx = nnL_ctx(L);
  nn_augment a;
  lua_settop(L, 2);
  luaL_checktype(L, 2, LUA_TTABLE);
  nn_tensor *x = nnL_check_tensor(L, 1);
  nn_param_defaults(augment_params, &a);
  nnL_options(L, 2, "augment", augment_params, &a, NULL);
  if (x->v.shape.ndim != 4 || !x->v.dense || !nn_is_real(x->v.dtype))
    nnL_error(L, "augment: wants floating images, N x channels x height x width, got %s",
              nnL_what(L, 1));
  nnL_expect(L, nn_check_writable(ctx, "augment", x));
  nn_touch(&x->v);
  nnL_expect(L, nn_augment_images(ctx, &a, &x->v));
  lua_settop(L, 1);
  return 1;
}

void nnL_open_data(lua_State *L, nnL_state *s) {
  static const luaL_Reg functions[] = {{"augment", l_augment},
                                       {"codes", l_codes},
                                       {"columns", l_columns},
                                       {"deal", l_deal},
                                       {"gather", l_gather},
                                       {"match", l_match},
                                       {NULL, NULL}};
  lua_newtable(L);
  nnL_setfuncs(L, s, functions);
  lua_setfield(L, -2, "rows");
}
