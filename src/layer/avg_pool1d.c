/* layer/avg_pool1d.c: the mean of each window of a sequence; see pool_avg.c. */
#include "layer/pool.h"

extern const nn_layer_class nn_layer_avg_pool1d;

const nn_layer_class nn_layer_avg_pool1d = {
  .name = "AvgPool1d",
  .doc = "The mean of each window: y[n, c, i] = sum over k of x[n, c, i stride - padding + k] / "
         "kernel_size. x: N x C x length; the size becomes floor((size + 2 padding - kernel_size) "
         "/ stride) + 1; stride is kernel_size unless told. The gradient is spread evenly over "
         "each window.",
  .size = sizeof(nn_pool_layer),
  .params = nn_pool_avg_params,
  .build = nn_pool_build1d,
  .forward = nn_pool_avg_forward,
  .example = {{.inputs = "2x3x6", .args = "2"},
              {.inputs = "2x2x6", .args = "3, stride = 2, padding = 1, ceil_mode = true"},
              {.inputs = "2x2x6", .args = "3, stride = 2, padding = 1, count_include_pad = false"}},
};
