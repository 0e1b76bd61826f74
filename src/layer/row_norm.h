/* layer/row_norm.h: what LayerNorm and GroupNorm share: rows of numbers that are normalised, each by
   its own mean and variance, then scaled and shifted channel by channel. */
#ifndef NN_LAYER_ROW_NORM_H
#define NN_LAYER_ROW_NORM_H

#include "layer/layer.h"

/* Row r holds `channels` runs of `inner` numbers; run i has weight (r % groups) * channels + i. */
typedef struct nn_row_norm_attr {
  double eps;
  int64_t groups, channels, inner;
} nn_row_norm_attr;

/* Inputs x, then weight and bias. */
extern const nn_op nn_op_row_norm;

#endif
