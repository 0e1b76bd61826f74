/* layer/pool.c: see pool.h. */
#include "layer/pool.h"

#define WINDOW                                                          \
  NN_P_INTS(nn_pool_layer, kernel_size, NN_P_NEEDED, 1, 1, NN_CONV_MAX, \
            "size of the window, or {height, width}"),                  \
    NN_P_INTS(nn_pool_layer, stride, 0, 0, 0, NN_CONV_MAX,              \
              "step between two windows; 0: as large as the window"),   \
    NN_P_INTS(nn_pool_layer, padding, 0, 0, 0, NN_CONV_MAX,             \
              "places added around the input, at most half the window")
#define ROUNDING                             \
  NN_P_BOOL(nn_pool_layer, ceil_mode, false, \
            "windows that begin inside may end outside: sizes are rounded up")

const nn_param nn_pool_max_params[] = {
  WINDOW,
  NN_P_INTS(nn_pool_layer, dilation, 0, 1, 1, NN_CONV_MAX, "step between the window's elements"),
  ROUNDING, NN_P_END};

const nn_param nn_pool_avg_params[] = {
  WINDOW, ROUNDING,
  NN_P_BOOL(nn_pool_layer, count_include_pad, true, "padding counts, as zeros, in the mean"),
  NN_P_END};

static nn_status build(nn_layer *l, int dims) {
  nn_pool_layer *p = (nn_pool_layer *)l;
  nn_pool_attr *a = &p->attr;
  NN_TRY(nn_conv_pair(l, "kernel_size", &p->kernel_size, dims, 1, a->k));
  NN_TRY(nn_conv_pair(l, "stride", &p->stride, dims, 1, a->stride));
  NN_TRY(nn_conv_pair(l, "padding", &p->padding, dims, 0, a->padding));
  a->dilation[0] = a->dilation[1] = 1;
  if (p->dilation.n) NN_TRY(nn_conv_pair(l, "dilation", &p->dilation, dims, 1, a->dilation));
  for (int i = 0; i < 2; i++) {
    if (a->stride[i] == 0) a->stride[i] = a->k[i];
    if (2 * a->padding[i] > a->k[i])
      return nn_layer_fail(l, NN_EVALUE, "'padding' must be at most half of kernel_size");
  }
  p->dims = dims;
  a->ceil_mode = p->ceil_mode;
  a->count_include_pad = p->count_include_pad;
  return NN_OK;
}

nn_status nn_pool_build1d(nn_ctx *ctx, nn_layer *l) {
  (void)ctx;
  return build(l, 1);
}

nn_status nn_pool_build2d(nn_ctx *ctx, nn_layer *l) {
  (void)ctx;
  return build(l, 2);
}

nn_status nn_pool_forward(nn_layer *l, const nn_op *op, const nn_pool_attr *attr, int dims,
                          nn_tensor *x, nn_tensor **y) {
  *y = NULL;
  NN_TRY(nn_conv_check(l, x, 0, dims));
  return nn_layer_apply(l, op, attr, 1, &x, y);
}

nn_status nn_pool_max_forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  const nn_pool_layer *p = (const nn_pool_layer *)l;
  (void)ctx, (void)last;
  return nn_pool_forward(l, &nn_op_pool_max, &p->attr, p->dims, x, y);
}

nn_status nn_pool_avg_forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  const nn_pool_layer *p = (const nn_pool_layer *)l;
  (void)ctx, (void)last;
  return nn_pool_forward(l, &nn_op_pool_avg, &p->attr, p->dims, x, y);
}

static int64_t windows(int64_t size, const nn_pool_attr *a, int i) {
  if (a->out[i]) return a->out[i];
  int64_t reach = a->dilation[i] * (a->k[i] - 1) + 1, left = size + 2 * a->padding[i] - reach;
  if (left < 0 || size == 0) return 0;
  if (!a->ceil_mode) return left / a->stride[i] + 1;
  int64_t n = (left + a->stride[i] - 1) / a->stride[i] + 1;
  /* the last window must begin inside the input or the padding before it */
  return (n - 1) * a->stride[i] >= size + a->padding[i] ? n - 1 : n;
}

nn_pool nn_pool_geometry(const nn_shape *x, const nn_pool_attr *a) {
  bool flat = x->ndim < 4;
  nn_pool g = {.planes = x->dim[0] * x->dim[1]};
  g.h = flat ? 1 : x->dim[2];
  g.w = flat ? x->dim[2] : x->dim[3];
  g.oh = windows(g.h, a, 0);
  g.ow = windows(g.w, a, 1);
  return g;
}

nn_status nn_pool_infer(const nn_call *c) {
  const nn_pool_attr *a = c->attr;
  nn_shape s = c->in[0]->shape;
  nn_pool g = nn_pool_geometry(&s, a);
  nn_text t;
  if (g.oh <= 0 || g.ow <= 0 || g.h <= 0 || g.w <= 0)
    return nn_fail(c->ctx, NN_ESHAPE, "the window of %lldx%lld does not fit into %s",
                   (long long)a->k[0], (long long)a->k[1], nn_shape_text(&t, &s));
  if (s.ndim == 4) s.dim[2] = g.oh;
  s.dim[s.ndim - 1] = g.ow;
  nn_value_set(c->out, c->in[0]->dtype, &s);
  return nn_shape_check(c->ctx, "pooling", &s, sizeof(double));
}
