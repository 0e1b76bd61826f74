/* layer/batch_norm1d.c: batch normalisation of N x C or N x C x length; see batch_norm.c. */
#include "layer/batch_norm.h"

extern const nn_layer_class nn_layer_batch_norm1d;

static nn_status forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  (void)last;
  return nn_batch_norm_forward(ctx, l, 0, 1, x, y);
}

static const nn_param params[] = {NN_P_BATCH_NORM, NN_P_END};

const nn_layer_class nn_layer_batch_norm1d = {
  .name = "BatchNorm1d",
  .doc =
    "y = (x - mean) / sqrt(variance + eps) * weight + bias, each channel of x, N x C or N x C x "
    "length, by itself; y like x. Training uses the batch's mean and (biased) variance and moves "
    "running_mean and running_var (the unbiased one) by momentum towards them; eval mode uses "
    "those. Fields weight (C), from 1, bias (C), from 0, running_mean (C), from 0, running_var "
    "(C), from 1. A bias in the layer before it is lost in the mean. Ioffe and Szegedy 2015.",
  .size = sizeof(nn_batch_norm),
  .params = params,
  .build = nn_batch_norm_build,
  .forward = forward,
  .example = {{.inputs = "5x3", .args = "3"},
              {.inputs = "3x2x4", .args = "2, eps = 0.001"},
              {.inputs = "4x3", .args = "3, affine = false, track_running_stats = false"},
              {.inputs = "3x70", .args = "70"}},
};
