/* layer/max_pool1d.c: the largest number of each window of a sequence; see pool_max.c. */
#include "layer/pool.h"

extern const nn_layer_class nn_layer_max_pool1d;

const nn_layer_class nn_layer_max_pool1d = {
  .name = "MaxPool1d",
  .doc = "The largest number of each window: y[n, c, i] = max over k of x[n, c, i stride - padding "
         "+ k dilation]. x: N x C x length; the size becomes floor((size + 2 padding - dilation "
         "(kernel_size - 1) - 1) / stride) + 1; stride is kernel_size unless told. Padding never "
         "wins, NaN does; of equal numbers the first gets the gradient.",
  .size = sizeof(nn_pool_layer),
  .params = nn_pool_max_params,
  .build = nn_pool_build1d,
  .forward = nn_pool_max_forward,
  .example = {{.inputs = "2x3x6", .args = "2"},
              {.inputs = "2x2x7",
               .args = "3, stride = 2, padding = 1, dilation = 2, ceil_mode = true"}},
};
