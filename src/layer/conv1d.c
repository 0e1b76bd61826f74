/* layer/conv1d.c: convolution of sequences; the products are in conv.c, the rest in conv_layer.c. */
#include "layer/conv.h"

extern const nn_layer_class nn_layer_conv1d;

static const nn_param params[] = {NN_P_CONV("size of the kernel"), NN_P_END};

const nn_layer_class nn_layer_conv1d = {
  .name = "Conv1d",
  .doc =
    "Cross-correlation of sequences: y[n, o, i] = bias[o] + sum over c, k of weight[o, c, k] x[n, "
    "c, i stride - padding + k dilation], zeros outside x. x: N x in_channels x length; y: N x "
    "out_channels x floor((length + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1. "
    "Fields weight (out_channels, in_channels / groups, kernel_size) and bias (out_channels), both "
    "from U(-1/sqrt(n), 1/sqrt(n)) with n the inputs of a sum. Waibel et al. 1989.",
  .size = sizeof(nn_conv_layer),
  .params = params,
  .build = nn_conv_build1d,
  .forward = nn_conv_forward,
  .example = {{.inputs = "2x3x6", .args = "3, 4, 3"},
              {.inputs = "2x4x9",
               .args = "4, 6, 3, stride = 2, padding = 2, dilation = 2, groups = 2"},
              {.inputs = "2x3x4", .args = "3, 2, 1, bias = false"}},
};
