/* layer/init.c: see init.h. */
#include "layer/init.h"

#include <math.h>
#include <string.h>

#include "kernel/random.h"
#include "kernel/walk.h"

const char *const nn_init_names[] = {
  "pytorch",        "xavier_uniform", "xavier_normal", "kaiming_uniform",
  "kaiming_normal", "normal",         "zeros",         NULL};

void nn_init_uniform(nn_ctx *ctx, double bound, const nn_value *v) {
  if (ctx->undrawn) return;
  if (v->dtype == NN_F32)
    nn_random_uniform_f32(&ctx->rng, NN_RNG_INIT, v->numel, -bound, bound, nn_data(v));
  else
    nn_random_uniform_f64(&ctx->rng, NN_RNG_INIT, v->numel, -bound, bound, nn_data(v));
}

void nn_init_normal(nn_ctx *ctx, double std, const nn_value *v) {
  if (ctx->undrawn) return;
  if (v->dtype == NN_F32)
    nn_random_normal_f32(&ctx->rng, NN_RNG_INIT, v->numel, 0, std, nn_data(v));
  else
    nn_random_normal_f64(&ctx->rng, NN_RNG_INIT, v->numel, 0, std, nn_data(v));
}

nn_status nn_init_fill(nn_ctx *ctx, const char *name, int64_t fan_in, int64_t fan_out,
                       const nn_value *v) {
  double in = (double)fan_in, both = (double)fan_in + (double)fan_out;
  if (strcmp(name, "pytorch") == 0)
    nn_init_uniform(ctx, 1 / sqrt(in), v);
  else if (strcmp(name, "xavier_uniform") == 0)
    nn_init_uniform(ctx, sqrt(6 / both), v);
  else if (strcmp(name, "xavier_normal") == 0)
    nn_init_normal(ctx, sqrt(2 / both), v);
  else if (strcmp(name, "kaiming_uniform") == 0)
    nn_init_uniform(ctx, sqrt(6 / in), v);
  else if (strcmp(name, "kaiming_normal") == 0)
    nn_init_normal(ctx, sqrt(2 / in), v);
  else if (strcmp(name, "normal") == 0)
    nn_init_normal(ctx, 1, v);
  else if (strcmp(name, "zeros") == 0)
    return nn_fill_into(ctx, v, 0);
  else
    return nn_fail(ctx, NN_EVALUE, "there is no way to initialise called '%s'", name);
  return NN_OK;
}
