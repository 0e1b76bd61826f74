/* layer/batch_norm.h: what BatchNorm1d and BatchNorm2d share. */
#ifndef NN_LAYER_BATCH_NORM_H
#define NN_LAYER_BATCH_NORM_H

#include "layer/layer.h"

typedef struct nn_batch_norm {
  nn_layer base;
  int64_t num_features;
  double eps, momentum;
  bool affine, track_running_stats;
} nn_batch_norm;

#define NN_P_BATCH_NORM                                                                    \
  NN_P_SIZE(nn_batch_norm, num_features, "channels: the size of the input's dimension 2"), \
    NN_P_REAL(nn_batch_norm, eps, 0, 1e-5, 0, 1e6, "added to the variance"),               \
    NN_P_REAL(nn_batch_norm, momentum, 0, 0.1, 0, 1,                                       \
              "the share of the running statistics that each batch replaces"),             \
    NN_P_BOOL(nn_batch_norm, affine, true, "learn a weight and a bias a channel"),         \
    NN_P_BOOL(nn_batch_norm, track_running_stats, true,                                    \
              "keep running_mean and running_var, for eval mode")

nn_status nn_batch_norm_build(nn_ctx *ctx, nn_layer *l);
/* x of 2 + least .. 2 + most dimensions. */
nn_status nn_batch_norm_forward(nn_ctx *ctx, nn_layer *l, int least, int most, nn_tensor *x,
                                nn_tensor **y);

#endif
