/* layer/conv_layer.c: see conv.h. Options, checks and parameters of the layers. */
#include "layer/conv.h"

#include <math.h>

#include "layer/init.h"

nn_status nn_conv_pair(const nn_layer *l, const char *name, const nn_ints *v, int dims,
                       int64_t idle, int64_t pair[2]) {
  if (v->n > dims)
    return nn_layer_fail(l, NN_EVALUE, "'%s' must be a number%s, got %lld of them", name,
                         dims > 1 ? " or two, for height and width" : "", (long long)v->n);
  pair[0] = dims > 1 ? v->v[0] : idle;
  pair[1] = v->v[v->n - 1];
  return NN_OK;
}

nn_status nn_conv_check(const nn_layer *l, const nn_tensor *x, int64_t channels, int dims) {
  const nn_shape *s = &x->v.shape;
  nn_text t;
  NN_TRY(nn_layer_check_dtype(l, x));
  if (s->ndim != 2 + dims)
    return nn_layer_fail(l, NN_ESHAPE, "the input must be %s, got %s%s",
                         dims > 1 ? "N x C x H x W" : "N x C x length", nn_shape_text(&t, s),
                         s->ndim == 1 + dims ? "; x:unsqueeze() gives it the dimension it lacks"
                                             : "");
  if (channels && s->dim[1] != channels)
    return nn_layer_fail(l, NN_ESHAPE, "the input must have %lld channels (dimension 2), got %s",
                         (long long)channels, nn_shape_text(&t, s));
  return NN_OK;
}

nn_status nn_conv_options(nn_layer *l, int dims) {
  nn_conv_layer *k = (nn_conv_layer *)l;
  nn_conv_attr *a = &k->attr;
  NN_TRY(nn_conv_pair(l, "kernel_size", &k->kernel_size, dims, 1, a->k));
  NN_TRY(nn_conv_pair(l, "stride", &k->stride, dims, 1, a->stride));
  NN_TRY(nn_conv_pair(l, "padding", &k->padding, dims, 0, a->padding));
  NN_TRY(nn_conv_pair(l, "dilation", &k->dilation, dims, 1, a->dilation));
  k->dims = dims;
  a->groups = k->groups;
  if (k->in_channels % k->groups || k->out_channels % k->groups)
    return nn_layer_fail(l, NN_EVALUE, "in_channels and out_channels must be multiples of groups");
  return NN_OK;
}

nn_status nn_conv_parameters(nn_ctx *ctx, nn_layer *l, int64_t first, int64_t second) {
  const nn_conv_layer *k = (const nn_conv_layer *)l;
  const int64_t *size = k->attr.k;
  nn_shape w = {3, {first, second / k->groups, size[1]}}, b = nn_shape_1(k->out_channels);
  int64_t fan_in = 1;
  if (k->dims == 2) w = (nn_shape){4, {first, second / k->groups, size[0], size[1]}};
  NN_TRY(nn_shape_check(ctx, l->class->name, &w, sizeof(double)));
  for (int i = 1; i < w.ndim; i++) fan_in *= w.dim[i];
  const double bound = 1 / sqrt((double)fan_in);
  NN_TRY(nn_layer_add_uniform(ctx, l, "weight", &w, bound));
  return k->bias ? nn_layer_add_uniform(ctx, l, "bias", &b, bound) : NN_OK;
}

nn_status nn_conv_apply(nn_layer *l, const nn_op *op, nn_tensor *x, nn_tensor **y) {
  const nn_conv_layer *k = (const nn_conv_layer *)l;
  nn_tensor *in[3] = {x, l->slot[0].tensor, k->bias ? l->slot[1].tensor : NULL};
  *y = NULL;
  NN_TRY(nn_conv_check(l, x, k->in_channels, k->dims));
  return nn_layer_apply(l, op, &k->attr, k->bias ? 3 : 2, in, y);
}

static nn_status build(nn_ctx *ctx, nn_layer *l, int dims) {
  const nn_conv_layer *k = (const nn_conv_layer *)l;
  NN_TRY(nn_conv_options(l, dims));
  return nn_conv_parameters(ctx, l, k->out_channels, k->in_channels);
}

nn_status nn_conv_build1d(nn_ctx *ctx, nn_layer *l) {
  return build(ctx, l, 1);
}

nn_status nn_conv_build2d(nn_ctx *ctx, nn_layer *l) {
  return build(ctx, l, 2);
}

nn_status nn_conv_forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  (void)ctx, (void)last;
  return nn_conv_apply(l, &nn_op_conv, x, y);
}
