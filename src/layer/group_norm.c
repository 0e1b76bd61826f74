/* layer/group_norm.c: groups of channels of each sample normalised (Wu, He 2018). */
#include "layer/row_norm.h"

typedef struct group_norm {
  nn_layer base;
  int64_t num_groups, num_channels;
  double eps;
  bool affine;
} group_norm;

extern const nn_layer_class nn_layer_group_norm;

static nn_status build(nn_ctx *ctx, nn_layer *l) {
  const group_norm *k = (const group_norm *)l;
  nn_shape s = nn_shape_1(k->num_channels);
  if (k->num_channels % k->num_groups)
    return nn_layer_fail(l, NN_EVALUE, "num_channels must be a multiple of num_groups");
  if (!k->affine) return NN_OK;
  NN_TRY(nn_layer_add_full(ctx, l, "weight", &s, 1, false));
  return nn_layer_add_full(ctx, l, "bias", &s, 0, false);
}

static nn_status forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  const group_norm *k = (const group_norm *)l;
  const nn_shape *s = &x->v.shape;
  nn_tensor *in[3] = {x, k->affine ? l->slot[0].tensor : NULL,
                      k->affine ? l->slot[1].tensor : NULL};
  nn_row_norm_attr a = {k->eps, k->num_groups, k->num_channels / k->num_groups, 1};
  nn_text t;
  (void)ctx, (void)last;
  *y = NULL;
  NN_TRY(nn_layer_check_dtype(l, x));
  if (s->ndim < 2 || s->dim[1] != k->num_channels)
    return nn_layer_fail(l, NN_ESHAPE, "the input must be N x %lld, with or without places, got %s",
                         (long long)k->num_channels, nn_shape_text(&t, s));
  for (int i = 2; i < s->ndim; i++) a.inner *= s->dim[i];
  if (a.inner == 0)
    return nn_layer_fail(l, NN_ESHAPE, "there is nothing to normalise in %s", nn_shape_text(&t, s));
  return nn_layer_apply(l, &nn_op_row_norm, &a, k->affine ? 3 : 1, in, y);
}

static const nn_param params[] = {
  NN_P_SIZE(group_norm, num_groups, "how many groups the channels are cut into"),
  NN_P_SIZE(group_norm, num_channels, "channels: the size of the input's dimension 2"),
  NN_P_REAL(group_norm, eps, 0, 1e-5, 0, 1e6, "added to the variance"),
  NN_P_BOOL(group_norm, affine, true, "learn a weight and a bias a channel"), NN_P_END};

const nn_layer_class nn_layer_group_norm = {
  .name = "GroupNorm",
  .doc = "y = (x - mean) / sqrt(variance + eps) * weight + bias, where mean and (biased) variance "
         "are of each of num_groups groups of channels of one sample: independent of the batch, in "
         "training as in eval mode. x, y: N x C x ...; fields weight (C), from 1, and bias (C), "
         "from 0. Wu and He 2018.",
  .size = sizeof(group_norm),
  .params = params,
  .build = build,
  .forward = forward,
  .example = {{.inputs = "2x4x3", .args = "2, 4"},
              {.inputs = "2x6x3x2", .args = "3, 6, eps = 0.01"},
              {.inputs = "3x6", .args = "2, 6"},
              {.inputs = "2x4x5", .args = "1, 4, affine = false"}},
};
