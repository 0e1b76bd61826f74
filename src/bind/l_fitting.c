/* bind/l_fitting.c: nn.clip_grad_norm, nn.clip_grad_value, nn.ols. */
#include <math.h>
#include <string.h>

#include "bind/l_optim.h"
#include "optim/clip.h"
#include "optim/ols.h"

/* The tensor or list of tensors at 1 as an array, each once; it lives in a userdata on the stack. */
static nn_tensor **tensors(lua_State *L, const char *who, int *n) {
  bool one = !lua_istable(L, 1), seen;
  int given = one ? 1 : (int)lua_rawlen(L, 1);
  nn_tensor **list = lua_newuserdatauv(L, ((size_t)given + 1) * sizeof *list, 0);
  *n = 0;
  for (int i = 0; i < given; i++) {
    if (one)
      lua_pushvalue(L, 1);
    else
      lua_rawgeti(L, 1, i + 1);
    nn_tensor *t = nnL_test(L, -1, NNL_TENSOR);
    if (!t)
      nnL_error(L, "%s: wants a tensor or a list of tensors, model:parameters(); got %s%s", who,
                nnL_what(L, -1), one ? "" : " in it");
    seen = false;
    for (int j = 0; j < *n; j++) seen = seen || list[j] == t;
    if (!seen) list[(*n)++] = t;
    lua_pop(L, 1);
  }
  return list;
}

static double threshold(lua_State *L, const char *who) {
  double max = lua_tonumber(L, 2);
  if (lua_type(L, 2) != LUA_TNUMBER || !(max > 0))
    nnL_error(L, "%s: the threshold must be a number above 0, got %s", who, nnL_what(L, 2));
  return max;
}

typedef struct norm_options {
  double norm_type;
  bool error_if_nonfinite;
} norm_options;

/* nn.clip_grad_norm(params, max, {norm_type = 2, error_if_nonfinite = false}): the norm before */
static int l_clip_norm(lua_State *L) {
  static const nn_param params[] = {
    NN_P_BOOL(norm_options, error_if_nonfinite, false, "an error where the norm is not finite"),
    NN_P_END};
  static const char who[] = "clip_grad_norm";
  norm_options o = {.norm_type = 2};
  double norm;
  int n;
  lua_settop(L, 3);
  double max = threshold(L, who);
  if (lua_istable(L, 3)) {
    if (lua_getfield(L, 3, "norm_type") != LUA_TNIL) o.norm_type = lua_tonumber(L, -1);
    if (!(o.norm_type > 0))
      nnL_error(L, "%s: 'norm_type' must be a number above 0 (math.huge: the largest), got %s", who,
                nnL_what(L, -1));
    nnL_options(L, 3, who, params, &o, "norm_type");
  } else if (!lua_isnil(L, 3)) {
    nnL_error(L, "%s: options come in a table, {norm_type = 2}; got %s", who, nnL_what(L, 3));
  }
  nn_tensor **list = tensors(L, who, &n);
  nn_clip_norm(n, list, max, o.norm_type, &norm);
  if (o.error_if_nonfinite && !isfinite(norm))
    nnL_error(L, "%s: the norm of the gradients is %s; they are unchanged", who,
              isnan(norm) ? "nan" : "inf");
  lua_pushnumber(L, norm);
  return 1;
}

/* nn.clip_grad_value(params, max) */
static int l_clip_value(lua_State *L) {
  int n;
  double max = threshold(L, "clip_grad_value");
  nn_tensor **list = tensors(L, "clip_grad_value", &n);
  nn_clip_value(n, list, max);
  return 0;
}

typedef struct ols_options {
  bool intercept;
} ols_options;

/* nn.ols(X, y, {intercept = true}): w, b */
static int l_ols(lua_State *L) {
  static const nn_param params[] = {
    NN_P_BOOL(ols_options, intercept, true, "fit b too; without it only w is returned"), NN_P_END};
  ols_options o = {.intercept = true};
  lua_settop(L, 3);
  nn_tensor **w = nnL_box_tensor(L), **b = nnL_box_tensor(L);
  for (int i = 1; i <= 2; i++)
    if (!nnL_test(L, i, NNL_TENSOR))
      nnL_error(L, "ols: %s must be a tensor, got %s", i == 1 ? "X" : "y", nnL_what(L, i));
  if (lua_istable(L, 3))
    nnL_options(L, 3, "ols", params, &o, NULL);
  else if (!lua_isnil(L, 3))
    nnL_error(L, "ols: options come in a table, {intercept = true}; got %s", nnL_what(L, 3));
  nnL_expect(L,
             nn_ols(nnL_ctx(L), nnL_check_tensor(L, 1), nnL_check_tensor(L, 2), o.intercept, w, b));
  if (!o.intercept) lua_pop(L, 1);
  return o.intercept ? 2 : 1;
}

static const luaL_Reg functions[] = {
  {"clip_grad_norm", l_clip_norm}, {"clip_grad_value", l_clip_value}, {"ols", l_ols}, {NULL, NULL}};

void nnL_open_fitting(lua_State *L, nnL_state *s) {
  nnL_setfuncs(L, s, functions);
}
