/* layer/conv2d.c: convolution of images; the products are in conv.c. */
#include "layer/conv.h"

typedef struct conv2d {
  nn_layer base;
  int64_t in_channels, out_channels, groups;
  nn_ints kernel_size, stride, padding, dilation;
  bool bias;
  nn_conv_attr attr;
} conv2d;

extern const nn_layer_class nn_layer_conv2d;

enum { DIMS = 2 };

static nn_status build(nn_ctx *ctx, nn_layer *l) {
  conv2d *k = (conv2d *)l;
  nn_conv_attr *a = &k->attr;
  NN_TRY(nn_conv_pair(l, "kernel_size", &k->kernel_size, DIMS, 1, a->k));
  NN_TRY(nn_conv_pair(l, "stride", &k->stride, DIMS, 1, a->stride));
  NN_TRY(nn_conv_pair(l, "padding", &k->padding, DIMS, 0, a->padding));
  NN_TRY(nn_conv_pair(l, "dilation", &k->dilation, DIMS, 1, a->dilation));
  a->groups = k->groups;
  if (k->in_channels % k->groups || k->out_channels % k->groups)
    return nn_layer_fail(l, NN_EVALUE, "in_channels and out_channels must be multiples of groups");
  nn_shape w = {.ndim = 4,
                .dim = {k->out_channels, k->in_channels / k->groups, k->attr.k[0], k->attr.k[1]}};
  return nn_conv_tensors(ctx, l, &w, k->bias ? k->out_channels : 0);
}

static nn_status forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  const conv2d *k = (const conv2d *)l;
  nn_tensor *in[3] = {x, l->slot[0].tensor, k->bias ? l->slot[1].tensor : NULL};
  (void)ctx, (void)last;
  *y = NULL;
  NN_TRY(nn_conv_check(l, x, k->in_channels, DIMS));
  return nn_layer_apply(l, &nn_op_conv, &k->attr, k->bias ? 3 : 2, in, y);
}

static const nn_param params[] = {
  NN_P_SIZE(conv2d, in_channels, "channels of the input"),
  NN_P_SIZE(conv2d, out_channels, "channels of the output"),
  NN_P_INTS(conv2d, kernel_size, NN_P_NEEDED, 1, 1, NN_CONV_MAX,
            "size of the kernel or {height, width}"),
  NN_P_INTS(conv2d, stride, 0, 1, 1, NN_CONV_MAX, "step between two places"),
  NN_P_INTS(conv2d, padding, 0, 0, 0, NN_CONV_MAX, "zeros put around the input"),
  NN_P_INTS(conv2d, dilation, 0, 1, 1, NN_CONV_MAX, "step between the kernel's elements"),
  NN_P_INT(conv2d, groups, 1, 1, NN_CONV_MAX,
           "channels are cut into so many groups, each with its own kernels"),
  NN_P_BOOL(conv2d, bias, true, "add a bias vector"),
  NN_P_END};

const nn_layer_class nn_layer_conv2d = {
  .name = "Conv2d",
  .doc = "Cross-correlation of images: y[n, o] = bias[o] + sum over c of weight[o, c] * x[n, "
         "c]. x: N x in_channels x H x W; y: N x out_channels x OH x OW with OH = floor((H + 2 "
         "padding - dilation (kernel_size - 1) - 1) / stride) + 1. Fields weight "
         "(out_channels, in_channels / groups, kh, kw) and bias (out_channels), both from "
         "U(-1/sqrt(n), 1/sqrt(n)) with n the inputs of a sum. LeCun et al. 1989.",
  .size = sizeof(conv2d),
  .params = params,
  .build = build,
  .forward = forward,
  .example = {{.inputs = "2x3x5x6", .args = "3, 4, 3"},
              {.inputs = "2x4x7x6",
               .args = "4, 6, {3, 2}, stride = {2, 1}, padding = {1, 2}, groups = 2"},
              {.inputs = "1x2x7x7", .args = "2, 2, 2, dilation = {2, 3}, stride = 2, bias = false"},
              {.inputs = "2x3x3x2", .args = "3, 5, 1"},
              {.inputs = "2x3x4x4", .args = "3, 3, 3, padding = 3, groups = 3, stride = 3"}},
};
