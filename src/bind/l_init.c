/*
 * bind/l_init.c: core.init_random(t, "uniform" or "normal", a, b): fills a tensor from the stream
 * "init". lua/nn/initialise.lua makes nn.init of it.
 */
#include <string.h>

#include "bind/nnl.h"
#include "kernel/random.h"
#include "kernel/walk.h"

static nn_status fill(nn_ctx *ctx, const nn_value *v, bool normal, double a, double b) {
  if (v->dtype == NN_F32 && normal)
    nn_random_normal_f32(&ctx->rng, NN_RNG_INIT, v->numel, a, b, nn_data(v));
  else if (v->dtype == NN_F32)
    nn_random_uniform_f32(&ctx->rng, NN_RNG_INIT, v->numel, a, b, nn_data(v));
  else if (normal)
    nn_random_normal_f64(&ctx->rng, NN_RNG_INIT, v->numel, a, b, nn_data(v));
  else
    nn_random_uniform_f64(&ctx->rng, NN_RNG_INIT, v->numel, a, b, nn_data(v));
  return nn_poll(ctx);
}

static int l_init_random(lua_State *L) {
  nn_ctx *ctx = nnL_ctx(L);
  lua_settop(L, 4);
  nn_tensor **box = nnL_box_tensor(L), *t = nnL_check_tensor(L, 1);
  bool normal = strcmp(luaL_checkstring(L, 2), "normal") == 0;
  double a = luaL_checknumber(L, 3), b = luaL_checknumber(L, 4);
  if (!nn_is_real(t->v.dtype)) nnL_bad_arg(L, 1, "a floating tensor");
  nnL_expect(L, nn_tensor_new(ctx, t->v.dtype, &t->v.shape, box));
  nnL_expect(L, fill(ctx, &(*box)->v, normal, a, b));
  nnL_expect(L, nn_copy_into(ctx, &t->v, &(*box)->v));
  nn_touch(&t->v);
  lua_settop(L, 1);
  return 1;
}

void nnL_open_init(lua_State *L, nnL_state *s) {
  static const luaL_Reg functions[] = {{"init_random", l_init_random}, {NULL, NULL}};
  nnL_setfuncs(L, s, functions);
}
