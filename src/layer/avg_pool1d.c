/* layer/avg_pool1d.c: the mean of each window of a sequence; see pool_avg.c. */
#include "layer/pool.h"

extern const nn_layer_class nn_layer_avg_pool1d;

enum { DIMS = 1 };

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

const nn_layer_class nn_layer_avg_pool1d = {
  .name = "AvgPool1d",
  .doc = "The mean of each window: y[n, c, i] = sum over k of x[n, c, i stride - padding + k] / "
         "kernel_size. x: N x C x length; the size becomes floor((size + 2 padding - kernel_size) "
         "/ stride) + 1; stride is kernel_size unless told. The gradient is spread evenly over "
         "each window.",
  .size = sizeof(nn_pool_layer),
  .params = params,
  .build = build,
  .forward = forward,
  .example = {{.inputs = "2x3x6", .args = "2"},
              {.inputs = "2x2x6", .args = "3, stride = 2, padding = 1, ceil_mode = true"},
              {.inputs = "2x2x6", .args = "3, stride = 2, padding = 1, count_include_pad = false"}},
};
