/* layer/conv2d.c: convolution of images; the products are in conv.c, the rest in conv_layer.c. */
#include "layer/conv.h"

extern const nn_layer_class nn_layer_conv2d;

static const nn_param params[] = {NN_P_CONV("size of the kernel or {height, width}"), NN_P_END};

const nn_layer_class nn_layer_conv2d = {
  .name = "Conv2d",
  .doc = "Cross-correlation of images: y[n, o] = bias[o] + sum over c of weight[o, c] * x[n, "
         "c]. x: N x in_channels x H x W; y: N x out_channels x OH x OW with OH = floor((H + 2 "
         "padding - dilation (kernel_size - 1) - 1) / stride) + 1. Fields weight "
         "(out_channels, in_channels / groups, kh, kw) and bias (out_channels), both from "
         "U(-1/sqrt(n), 1/sqrt(n)) with n the inputs of a sum. LeCun et al. 1989.",
  .size = sizeof(nn_conv_layer),
  .params = params,
  .build = nn_conv_build2d,
  .forward = nn_conv_forward,
  .example = {{.inputs = "2x3x5x6", .args = "3, 4, 3"},
              {.inputs = "2x4x7x6",
               .args = "4, 6, {3, 2}, stride = {2, 1}, padding = {1, 2}, groups = 2"},
              {.inputs = "1x2x7x7", .args = "2, 2, 2, dilation = {2, 3}, stride = 2, bias = false"},
              {.inputs = "2x3x3x2", .args = "3, 5, 1"},
              {.inputs = "2x3x4x4", .args = "3, 3, 3, padding = 3, groups = 3, stride = 3"}},
};
