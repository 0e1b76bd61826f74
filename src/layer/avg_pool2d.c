/* layer/avg_pool2d.c: the mean of each window of an image; see pool_avg.c. */
#include "layer/pool.h"

extern const nn_layer_class nn_layer_avg_pool2d;

enum { DIMS = 2 };

static nn_status build(nn_ctx *ctx, nn_layer *l) {
  (void)ctx;
  return nn_pool_build(l, DIMS);
}

static nn_status forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  (void)ctx, (void)last;
  return nn_pool_forward(l, &nn_op_pool_avg, &((nn_pool_layer *)l)->attr, DIMS, x, y);
}

static const nn_param params[] = {
  NN_P_POOL, NN_P_CEIL,
  NN_P_BOOL(nn_pool_layer, count_include_pad, true, "padding counts, as zeros, in the mean"),
  NN_P_END};

const nn_layer_class nn_layer_avg_pool2d = {
  .name = "AvgPool2d",
  .doc = "The mean of each window: y[n, c, i, j] = sum over u, v of x[n, c, i stride - padding + "
         "u, j stride - padding + v] / (kh kw). x: N x C x H x W; each size becomes floor((size + "
         "2 padding - kernel_size) / stride) + 1; stride is kernel_size unless told. The gradient "
         "is spread evenly over each window. LeCun et al. 1989.",
  .size = sizeof(nn_pool_layer),
  .params = params,
  .build = build,
  .forward = forward,
  .example = {{.inputs = "2x3x4x6", .args = "2"},
              {.inputs = "2x2x5x5", .args = "3, stride = 2, padding = 1"},
              {.inputs = "1x2x6x5",
               .args = "{2, 3}, stride = {2, 1}, padding = {1, 0}, ceil_mode = true, "
                       "count_include_pad = false"}},
};
