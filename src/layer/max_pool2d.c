/* layer/max_pool2d.c: the largest number of each window of an image; see pool_max.c. */
#include "layer/pool.h"

extern const nn_layer_class nn_layer_max_pool2d;

const nn_layer_class nn_layer_max_pool2d = {
  .name = "MaxPool2d",
  .doc = "The largest number of each window: y[n, c, i, j] = max over u, v of x[n, c, i stride - "
         "padding + u dilation, j stride - padding + v dilation]. x: N x C x H x W; each size "
         "becomes floor((size + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1; stride "
         "is kernel_size unless told. Padding never wins, NaN does; of equal numbers the first "
         "gets the gradient. Ranzato et al. 2007.",
  .size = sizeof(nn_pool_layer),
  .params = nn_pool_max_params,
  .build = nn_pool_build2d,
  .forward = nn_pool_max_forward,
  .example = {{.inputs = "2x3x4x6", .args = "2"},
              {.inputs = "2x2x5x5", .args = "3, stride = 2, padding = 1"},
              {.inputs = "1x2x6x5",
               .args = "{2, 3}, stride = {1, 2}, dilation = {3, 1}, ceil_mode = true"}},
};
