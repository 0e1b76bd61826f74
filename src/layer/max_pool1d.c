/* layer/max_pool1d.c: the largest number of each window of a sequence; see pool_max.c. */
#include "layer/pool.h"

extern const nn_layer_class nn_layer_max_pool1d;

enum { DIMS = 1 };

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

const nn_layer_class nn_layer_max_pool1d = {
  .name = "MaxPool1d",
  .doc = "The largest number of each window: y[n, c, i] = max over k of x[n, c, i stride - padding "
         "+ k dilation]. x: N x C x length; the size becomes floor((size + 2 padding - dilation "
         "(kernel_size - 1) - 1) / stride) + 1; stride is kernel_size unless told. Padding never "
         "wins, NaN does; of equal numbers the first gets the gradient.",
  .size = sizeof(nn_pool_layer),
  .params = params,
  .build = build,
  .forward = forward,
  .example = {{.inputs = "2x3x6", .args = "2"},
              {.inputs = "2x2x7",
               .args = "3, stride = 2, padding = 1, dilation = 2, ceil_mode = true"}},
};
