/* layer/avg_pool2d.c: the mean of each window of an image; see pool_avg.c. */
#include "layer/pool.h"

extern const nn_layer_class nn_layer_avg_pool2d;

const nn_layer_class nn_layer_avg_pool2d = {
  .name = "AvgPool2d",
  .doc = "The mean of each window: y[n, c, i, j] = sum over u, v of x[n, c, i stride - padding + "
         "u, j stride - padding + v] / (kh kw). x: N x C x H x W; each size becomes floor((size + "
         "2 padding - kernel_size) / stride) + 1; stride is kernel_size unless told. The gradient "
         "is spread evenly over each window. LeCun et al. 1989.",
  .size = sizeof(nn_pool_layer),
  .params = nn_pool_avg_params,
  .build = nn_pool_build2d,
  .forward = nn_pool_avg_forward,
  .example = {{.inputs = "2x3x4x6", .args = "2"},
              {.inputs = "2x2x5x5", .args = "3, stride = 2, padding = 1"},
              {.inputs = "1x2x6x5",
               .args = "{2, 3}, stride = {2, 1}, padding = {1, 0}, ceil_mode = true, "
                       "count_include_pad = false"}},
};
