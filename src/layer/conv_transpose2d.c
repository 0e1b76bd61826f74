/*
 * layer/conv_transpose2d.c: transposed convolution: what a convolution with these weights does to
 * gradients on its way back. x is that convolution's result, y its input.
 */
#ifndef R
#include "kernel/blas.h"
#include "kernel/names.h"
#include "layer/conv.h"

typedef struct conv_transpose2d {
  nn_conv_layer conv;
  nn_ints output_padding;
} conv_transpose2d;

extern const nn_layer_class nn_layer_conv_transpose2d;

/* The convolution whose transpose this is. x (n, in, h, w), w (in, out / groups, kh, kw). */
static nn_conv geometry(const nn_shape *x, const nn_shape *w, const nn_conv_attr *a) {
  nn_conv g = {.n = x->dim[0], .o = x->dim[1], .oh = x->dim[2], .ow = x->dim[3]};
  g.groups = a->groups;
  g.c = w->dim[1] * g.groups;
  g.kh = a->k[0], g.kw = a->k[1];
  g.sh = a->stride[0], g.sw = a->stride[1];
  g.ph = a->padding[0], g.pw = a->padding[1];
  g.dh = a->dilation[0], g.dw = a->dilation[1];
  g.h = (g.oh - 1) * g.sh - 2 * g.ph + g.dh * (g.kh - 1) + a->extra[0] + 1;
  g.w = (g.ow - 1) * g.sw - 2 * g.pw + g.dw * (g.kw - 1) + a->extra[1] + 1;
  return g;
}

static nn_status infer(const nn_call *c) {
  nn_conv g = geometry(&c->in[0]->shape, &c->in[1]->shape, c->attr);
  nn_shape s = {.ndim = 4, .dim = {g.n, g.c, g.h, g.w}};
  nn_text t;
  if (g.h <= 0 || g.w <= 0 || g.oh <= 0 || g.ow <= 0)
    return nn_fail(c->ctx, NN_ESHAPE, "nothing is left of %s with padding %lldx%lld",
                   nn_shape_text(&t, &c->in[0]->shape), (long long)g.ph, (long long)g.pw);
  nn_value_set(c->out, c->in[0]->dtype, &s);
  NN_TRY(nn_shape_check(c->ctx, "transposed convolution", &s, sizeof(double)));
  return nn_blas_check(c->ctx, "transposed convolution", g.c / g.groups * g.kh * g.kw, g.oh * g.ow,
                       g.o / g.groups);
}

#define NN_SELF "layer/conv_transpose2d.c"
#include "kernel/each_real.h"

static const nn_op op = {
  .name = "conv_transpose",
  .nin = 3,
  .saves = NN_IN(0) | NN_IN(1),
  .attr_size = sizeof(nn_conv_attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

static nn_status build(nn_ctx *ctx, nn_layer *l) {
  conv_transpose2d *t = (conv_transpose2d *)l;
  nn_conv_attr *a = &t->conv.attr;
  NN_TRY(nn_conv_options(l, 2));
  NN_TRY(nn_conv_pair(l, "output_padding", &t->output_padding, 2, 0, a->extra));
  for (int i = 0; i < 2; i++)
    if (a->extra[i] >= a->stride[i] && a->extra[i] >= a->dilation[i])
      return nn_layer_fail(l, NN_EVALUE, "output_padding must be below stride or dilation");
  return nn_conv_parameters(ctx, l, t->conv.in_channels, t->conv.out_channels);
}

static nn_status layer_forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  (void)ctx, (void)last;
  return nn_conv_apply(l, &op, x, y);
}

static const nn_param params[] = {
  NN_P_SIZE(nn_conv_layer, in_channels, "channels of the input"),
  NN_P_SIZE(nn_conv_layer, out_channels, "channels of the output"),
  NN_P_INTS(nn_conv_layer, kernel_size, NN_P_NEEDED, 1, 1, NN_CONV_MAX,
            "size of the kernel or {height, width}"),
  NN_P_INTS(nn_conv_layer, stride, 0, 1, 1, NN_CONV_MAX, "step between two places of the output"),
  NN_P_INTS(nn_conv_layer, padding, 0, 0, 0, NN_CONV_MAX, "cut off around the output"),
  NN_P_INTS(conv_transpose2d, output_padding, 0, 0, 0, NN_CONV_MAX,
            "added to the output at the bottom and on the right"),
  NN_P_INT(nn_conv_layer, groups, 1, 1, NN_CONV_MAX,
           "channels are cut into so many groups, each with its own kernels"),
  NN_P_BOOL(nn_conv_layer, bias, true, "add a bias vector"),
  NN_P_INTS(nn_conv_layer, dilation, 0, 1, 1, NN_CONV_MAX, "step between the kernel's elements"),
  NN_P_END};

const nn_layer_class nn_layer_conv_transpose2d = {
  .name = "ConvTranspose2d",
  .doc = "Transposed convolution, which enlarges images: the gradient of Conv2d by its input, so "
         "each x[n, c, i, j] adds weight[c, o, u, v] times itself to y[n, o, i stride - padding + "
         "u dilation, j stride - padding + v dilation]. x: N x in_channels x H x W; y: N x "
         "out_channels x OH x OW with OH = (H - 1) stride - 2 padding + dilation (kernel_size - 1) "
         "+ output_padding + 1. Fields weight (in_channels, out_channels / groups, kh, kw) and "
         "bias (out_channels), both from U(-1/sqrt(n), 1/sqrt(n)) with n = out_channels / groups "
         "kh kw, as in PyTorch. Zeiler et al. 2010.",
  .size = sizeof(conv_transpose2d),
  .params = params,
  .build = build,
  .forward = layer_forward,
  .example = {{.inputs = "2x3x3x4", .args = "3, 2, 3"},
              {.inputs = "2x4x3x3",
               .args = "4, 6, {3, 2}, stride = 2, padding = 1, "
                       "output_padding = 1, groups = 2"},
              {.inputs = "2x3x2x3", .args = "3, 2, 2, dilation = 2, bias = false"}},
};
#else

static nn_status FN(forward)(const nn_call *c) {
  nn_conv g = geometry(&c->in[0]->shape, &c->in[1]->shape, c->attr);
  int64_t planes = g.n * g.c, places = g.h * g.w;
  R *y = nn_data(c->out);
  const R *b = c->nin > 2 ? nn_data(c->in[2]) : NULL;
  for (int64_t p = 0; p < planes && b; p++)
    for (int64_t i = 0; i < places; i++) y[p * places + i] = b[p % g.c];
  return FN(nn_conv_to_x)(c->ctx, &g, nn_data(c->in[1]), nn_data(c->in[0]), b != NULL, y);
}

static nn_status FN(backward)(const nn_call *c) {
  nn_conv g = geometry(&c->in[0]->shape, &c->in[1]->shape, c->attr);
  const R *gy = nn_data(c->gout);
  if (c->gin[0])
    NN_TRY(FN(nn_conv_run)(c->ctx, &g, gy, nn_data(c->in[1]), NULL, c->add[0], nn_data(c->gin[0])));
  if (c->gin[1])
    NN_TRY(FN(nn_conv_to_w)(c->ctx, &g, gy, nn_data(c->in[0]), c->add[1], nn_data(c->gin[1])));
  if (c->nin > 2 && c->gin[2])
    NN_TRY(FN(nn_conv_to_b)(c->ctx, g.n, g.c, g.h * g.w, gy, c->add[2], nn_data(c->gin[2])));
  return NN_OK;
}

#endif
