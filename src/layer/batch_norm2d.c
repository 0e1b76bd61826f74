/* layer/batch_norm2d.c: batch normalisation of N x C x H x W; see batch_norm.c. */
#include "layer/batch_norm.h"

extern const nn_layer_class nn_layer_batch_norm2d;

static nn_status forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  (void)last;
  return nn_batch_norm_forward(ctx, l, 2, 2, x, y);
}

static const nn_param params[] = {NN_P_BATCH_NORM, NN_P_END};

const nn_layer_class nn_layer_batch_norm2d = {
  .name = "BatchNorm2d",
  .doc =
    "y = (x - mean) / sqrt(variance + eps) * weight + bias, each channel of x, N x C x H x W, by "
    "itself; y like x. Training uses the batch's mean and (biased) variance and moves running_mean "
    "and running_var (the unbiased one) by momentum towards them; eval mode uses those. Fields "
    "weight (C), from 1, bias (C), from 0, running_mean (C), from 0, running_var (C), from 1. A "
    "bias in the layer before it is lost in the mean. Ioffe and Szegedy 2015.",
  .size = sizeof(nn_batch_norm),
  .params = params,
  .build = nn_batch_norm_build,
  .forward = forward,
  .example = {{.inputs = "2x3x2x4", .args = "3"},
              {.inputs = "2x2x5x5", .args = "2, affine = false, momentum = 0.5"}},
};
