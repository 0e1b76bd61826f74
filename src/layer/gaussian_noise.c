/*
 * layer/gaussian_noise.c: in training y = x + std times a normal number, each element its own, from
 * the stream "noise"; in eval mode y = x. dx = dy.
 */
#include "kernel/random.h"
#include "layer/layer.h"

typedef struct noise {
  nn_layer base;
  double std;
} noise;

extern const nn_op nn_op_add;
extern const nn_layer_class nn_layer_gaussian_noise;

static nn_status layer_forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  const double std = ((const noise *)l)->std;
  nn_tensor *in[2] = {x, NULL};
  nn_value *v;
  (void)last;
  *y = NULL;
  if (!l->training || std == 0) {
    *y = nn_tensor_retain(x);
    return NN_OK;
  }
  if (!nn_is_real(x->v.dtype))
    return nn_layer_fail(l, NN_ETYPE, "the input must be float32 or float64, got %s",
                         nn_dtype_name(x->v.dtype));
  NN_TRY(nn_tensor_new(ctx, x->v.dtype, &x->v.shape, &in[1]));
  v = &in[1]->v;
  if (v->dtype == NN_F32)
    nn_random_normal_f32(&ctx->rng, NN_RNG_NOISE, v->numel, 0, std, nn_data(v));
  else
    nn_random_normal_f64(&ctx->rng, NN_RNG_NOISE, v->numel, 0, std, nn_data(v));
  nn_status st = nn_apply(ctx, &nn_op_add, NULL, 2, in, y);
  nn_tensor_release(in[1]);
  return st;
}

static const nn_param params[] = {
  NN_P_REAL(noise, std, NN_P_PLACE, 0.1, 0, NN_REAL_MAX, "the noise's standard deviation"),
  NN_P_END};

const nn_layer_class nn_layer_gaussian_noise = {
  .name = "GaussianNoise",
  .doc = "In training y = x + std e with e from N(0, 1), drawn anew for each element; in eval mode "
         "gives back x. Any shape; the gradient passes unchanged. Noise on the inputs acts like a "
         "penalty on large weights (Bishop 1995). It comes from the stream \"noise\" of the seed.",
  .size = sizeof(noise),
  .params = params,
  .forward = layer_forward,
  .example = {{.inputs = "4x5", .args = "0.5"}, {.inputs = "4x5", .args = "0"}},
};
