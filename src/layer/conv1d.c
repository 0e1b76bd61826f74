/* layer/conv1d.c: convolution of sequences; the products are in conv.c. */
#include "layer/conv.h"

typedef struct conv1d {
  nn_layer base;
  int64_t in_channels, out_channels, groups;
  nn_ints kernel_size, stride, padding, dilation;
  bool bias;
  nn_conv_attr attr;
} conv1d;

extern const nn_layer_class nn_layer_conv1d;

enum { DIMS = 1 };

static nn_status build(nn_ctx *ctx, nn_layer *l) {
  conv1d *k = (conv1d *)l;
  nn_conv_attr *a = &k->attr;
  NN_TRY(nn_conv_pair(l, "kernel_size", &k->kernel_size, DIMS, 1, a->k));
  NN_TRY(nn_conv_pair(l, "stride", &k->stride, DIMS, 1, a->stride));
  NN_TRY(nn_conv_pair(l, "padding", &k->padding, DIMS, 0, a->padding));
  NN_TRY(nn_conv_pair(l, "dilation", &k->dilation, DIMS, 1, a->dilation));
  a->groups = k->groups;
  if (k->in_channels % k->groups || k->out_channels % k->groups)
    return nn_layer_fail(l, NN_EVALUE, "in_channels and out_channels must be multiples of groups");
  nn_shape w = {.ndim = 3, .dim = {k->out_channels, k->in_channels / k->groups, k->attr.k[1]}};
  return nn_conv_tensors(ctx, l, &w, k->bias ? k->out_channels : 0);
}

static nn_status forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  const conv1d *k = (const conv1d *)l;
  nn_tensor *in[3] = {x, l->slot[0].tensor, k->bias ? l->slot[1].tensor : NULL};
  (void)ctx, (void)last;
  *y = NULL;
  NN_TRY(nn_conv_check(l, x, k->in_channels, DIMS));
  return nn_layer_apply(l, &nn_op_conv, &k->attr, k->bias ? 3 : 2, in, y);
}

static const nn_param params[] = {
  NN_P_SIZE(conv1d, in_channels, "channels of the input"),
  NN_P_SIZE(conv1d, out_channels, "channels of the output"),
  NN_P_INTS(conv1d, kernel_size, NN_P_NEEDED, 1, 1, NN_CONV_MAX, "size of the kernel"),
  NN_P_INTS(conv1d, stride, 0, 1, 1, NN_CONV_MAX, "step between two places"),
  NN_P_INTS(conv1d, padding, 0, 0, 0, NN_CONV_MAX, "zeros put around the input"),
  NN_P_INTS(conv1d, dilation, 0, 1, 1, NN_CONV_MAX, "step between the kernel's elements"),
  NN_P_INT(conv1d, groups, 1, 1, NN_CONV_MAX,
           "channels are cut into so many groups, each with its own kernels"),
  NN_P_BOOL(conv1d, bias, true, "add a bias vector"),
  NN_P_END};

const nn_layer_class nn_layer_conv1d = {
  .name = "Conv1d",
  .doc =
    "Cross-correlation of sequences: y[n, o, i] = bias[o] + sum over c, k of weight[o, c, k] x[n, "
    "c, i stride - padding + k dilation], zeros outside x. x: N x in_channels x length; y: N x "
    "out_channels x floor((length + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1. "
    "Fields weight (out_channels, in_channels / groups, kernel_size) and bias (out_channels), both "
    "from U(-1/sqrt(n), 1/sqrt(n)) with n the inputs of a sum. Waibel et al. 1989.",
  .size = sizeof(conv1d),
  .params = params,
  .build = build,
  .forward = forward,
  .example = {{.inputs = "2x3x6", .args = "3, 4, 3"},
              {.inputs = "2x4x9",
               .args = "4, 6, 3, stride = 2, padding = 2, dilation = 2, groups = 2"},
              {.inputs = "2x3x4", .args = "3, 2, 1, bias = false"}},
};
