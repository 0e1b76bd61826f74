/*
 * layer/prelu.c: y = x where x > 0, w x elsewhere, w learnt: one for all, or one for each channel
 * (dimension 2). dx = dy or w dy, dw = sum of x dy over x <= 0. He et al.: "Delving deep into
 * rectifiers", 2015.
 */
#ifndef R
#include "kernel/names.h"
#include "layer/layer.h"

typedef struct prelu {
  nn_layer base;
  int64_t num_parameters;
  double init;
} prelu;

extern const nn_layer_class nn_layer_prelu;
extern const nn_op nn_op_reshape;

#define NN_SELF "layer/prelu.c"
#include "kernel/each_real.h"

static const nn_op op = {
  .name = "prelu",
  .nin = 2,
  .infer = nn_infer_broadcast,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad_x), .needs = NN_IN(0) | NN_IN(1)},
           {.row = NN_BOTH(grad_w), .needs = NN_IN(0)}},
};

static nn_status layer_forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  const nn_shape *s = &x->v.shape;
  int64_t n = ((const prelu *)l)->num_parameters;
  nn_tensor *in[2] = {x, l->slot[0].tensor}, *w = NULL;
  nn_text t;
  (void)last;
  *y = NULL;
  if (n > 1 && (s->ndim < 2 || s->dim[1] != n))
    return nn_layer_fail(l, NN_ESHAPE, "the input's dimension 2 must be %lld, got %s", (long long)n,
                         nn_shape_text(&t, s));
  if (x->v.dtype != in[1]->v.dtype)
    return nn_layer_fail(l, NN_ETYPE, "the weights are %s, the input is %s; convert one",
                         nn_dtype_name(in[1]->v.dtype), nn_dtype_name(x->v.dtype));
  if (n > 1 && s->ndim > 2) { /* C x 1 x 1, to stand under the channels */
    nn_ints under = {s->ndim - 1, {n}};
    for (int d = 1; d < s->ndim - 1; d++) under.v[d] = 1;
    NN_TRY(nn_apply(ctx, &nn_op_reshape, &under, 1, &in[1], &w));
    in[1] = w;
  }
  bool scalar = s->ndim == 0;
  nn_status st = NN_OK;
  if (scalar) st = nn_apply(ctx, &nn_op_reshape, &(nn_ints){0}, 1, &in[1], &w), in[1] = w;
  if (st == NN_OK) st = nn_apply(ctx, &op, NULL, 2, in, y);
  nn_tensor_release(w);
  return st;
}

static nn_status build(nn_ctx *ctx, nn_layer *l) {
  const prelu *k = (const prelu *)l;
  nn_shape s = nn_shape_1(k->num_parameters);
  nn_tensor *w;
  NN_TRY(nn_shape_check(ctx, "PReLU", &s, sizeof(double)));
  NN_TRY(nn_tensor_new(ctx, (nn_dtype)ctx->real, &s, &w));
  nn_status st = nn_fill_into(ctx, &w->v, k->init);
  if (st == NN_OK) return nn_layer_add(ctx, l, "weight", w, false);
  nn_tensor_release(w);
  return st;
}

static const nn_param params[] = {
  {.name = "num_parameters",
   .kind = NN_PARAM_INT,
   .offset = offsetof(prelu, num_parameters),
   .flags = NN_P_PLACE,
   .def = {1},
   .lo = 1,
   .hi = NN_DIM_MAX,
   .doc = "1, or the number of channels"},
  NN_P_REAL(prelu, init, 0, 0.25, -NN_REAL_MAX, NN_REAL_MAX, "the slope that it starts from"),
  NN_P_END};

const nn_layer_class nn_layer_prelu = {
  .name = "PReLU",
  .doc = "x where x > 0, weight x elsewhere, elementwise, the weight learnt: one for all of x, of "
         "any shape, or one for each channel (dimension 2). Field weight (num_parameters) starts "
         "at init, 0.25. Do not decay it: that would make it a ReLU. He et al. 2015.",
  .size = sizeof(prelu),
  .params = params,
  .build = build,
  .forward = layer_forward,
  .example = {{.inputs = "2x3"},
              {.inputs = "2x3", .args = "3"},
              {.inputs = "2x3x2x2", .args = "3, init = 0.1"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1], *w = p[2];
  R *y = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) y[i] = x[i] > 0 ? x[i] : w[i] * x[i];
}

NN_HOT static void FN(grad_x)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *x = p[2], *w = p[3];
  R *gx = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) gx[i] = x[i] > 0 ? gy[i] : w[i] * gy[i];
}

NN_HOT static void FN(grad_w)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *x = p[2];
  R *gw = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) gw[i] = x[i] > 0 ? 0 : gy[i] * x[i];
}

#endif
