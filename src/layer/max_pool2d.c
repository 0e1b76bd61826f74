/* layer/max_pool2d.c: the largest number of each window of an image; see pool_max.c. */
#include "layer/pool.h"

extern const nn_layer_class nn_layer_max_pool2d;

enum { DIMS = 2 };

static nn_status build(nn_ctx *ctx, nn_layer *l) {
  (void)ctx;
  return nn_pool_build(l, DIMS);
}

static nn_status forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  (void)ctx, (void)last;
  return nn_pool_forward(l, &nn_op_pool_max, &((nn_pool_layer *)l)->attr, DIMS, x, y);
}

static const nn_param params[] = {
  NN_P_POOL,
  NN_P_INTS(nn_pool_layer, dilation, 0, 1, 1, NN_CONV_MAX, "step between the window's elements"),
  NN_P_CEIL, NN_P_END};

const nn_layer_class nn_layer_max_pool2d = {
  .name = "MaxPool2d",
  .doc = "The largest number of each window: y[n, c, i, j] = max over u, v of x[n, c, i stride - "
         "padding + u dilation, j stride - padding + v dilation]. x: N x C x H x W; each size "
         "becomes floor((size + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1; stride "
         "is kernel_size unless told. Padding never wins, NaN does; of equal numbers the first "
         "gets the gradient. Ranzato et al. 2007.",
  .size = sizeof(nn_pool_layer),
  .params = params,
  .build = build,
  .forward = forward,
  .example = {{.inputs = "2x3x4x6", .args = "2"},
              {.inputs = "2x2x5x5", .args = "3, stride = 2, padding = 1"},
              {.inputs = "1x2x6x5",
               .args = "{2, 3}, stride = {1, 2}, dilation = {3, 1}, ceil_mode = true"}},
};
