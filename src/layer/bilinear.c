/*
 * layer/bilinear.c: y[n, o] = x1[n] W[o] x2[n]^T + b[o]; W: (out, in1, in2). With g = dy[:, o]:
 * dW[o] = (g x1)^T x2, dx1 += g x2 W[o]^T, dx2 += g x1 W[o], one matrix product each.
 */
#ifndef R
#include <math.h>

#include "kernel/blas.h"
#include "kernel/names.h"
#include "kernel/reduce.h"
#include "layer/layer.h"

typedef struct bilinear {
  nn_layer base;
  int64_t in1_features, in2_features, out_features;
  bool bias;
} bilinear;

extern const nn_layer_class nn_layer_bilinear;

static nn_status infer(const nn_call *c) {
  nn_shape s = c->in[0]->shape;
  s.dim[s.ndim - 1] = c->in[2]->shape.dim[0];
  nn_value_set(c->out, c->in[0]->dtype, &s);
  return NN_OK;
}

#define NN_SELF "layer/bilinear.c"
#include "kernel/each_real.h"

/* Inputs x1, x2, weight, then bias. */
static const nn_op op = {
  .name = "bilinear",
  .nin = 4,
  .saves = NN_IN(0) | NN_IN(1) | NN_IN(2),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

static nn_status forward_many(nn_ctx *ctx, nn_layer *l, int nin, nn_tensor *const *in,
                              nn_tensor **out) {
  const bilinear *k = (const bilinear *)l;
  nn_tensor *all[4] = {in[0], in[1], l->slot[0].tensor, k->bias ? l->slot[1].tensor : NULL};
  const nn_shape *a = &in[0]->v.shape, *b = &in[1]->v.shape;
  nn_text s, t;
  (void)nin;
  NN_TRY(nn_layer_check_dtype(l, in[0]));
  NN_TRY(nn_layer_check_dtype(l, in[1]));
  bool fits = a->ndim > 0 && a->ndim == b->ndim && a->dim[a->ndim - 1] == k->in1_features &&
              b->dim[b->ndim - 1] == k->in2_features;
  for (int i = 0; i < a->ndim - 1 && fits; i++) fits = a->dim[i] == b->dim[i];
  if (!fits)
    return nn_layer_fail(l, NN_ESHAPE,
                         "the inputs' last dimensions must be %lld and %lld and the others equal, "
                         "got %s and %s",
                         (long long)k->in1_features, (long long)k->in2_features,
                         nn_shape_text(&s, a), nn_shape_text(&t, b));
  NN_TRY(nn_blas_check(ctx, "Bilinear", in[0]->v.numel / k->in1_features, k->in1_features,
                       k->in2_features));
  return nn_layer_apply(l, &op, NULL, k->bias ? 4 : 3, all, out);
}

static nn_status build(nn_ctx *ctx, nn_layer *l) {
  const bilinear *k = (const bilinear *)l;
  nn_shape w = {3, {k->out_features, k->in1_features, k->in2_features}};
  nn_shape b = nn_shape_1(k->out_features);
  const double bound = 1 / sqrt((double)k->in1_features);
  NN_TRY(nn_layer_add_uniform(ctx, l, "weight", &w, bound));
  return k->bias ? nn_layer_add_uniform(ctx, l, "bias", &b, bound) : NN_OK;
}

static const nn_param params[] = {
  NN_P_SIZE(bilinear, in1_features, "size of the first input's last dimension"),
  NN_P_SIZE(bilinear, in2_features, "size of the second input's last dimension"),
  NN_P_SIZE(bilinear, out_features, "output features"),
  NN_P_BOOL(bilinear, bias, true, "add a bias vector"), NN_P_END};

const nn_layer_class nn_layer_bilinear = {
  .name = "Bilinear",
  .doc =
    "m(x1, x2): y[..., o] = x1 weight[o] x2^T + bias[o]. x1: (..., in1_features), x2: (..., "
    "in2_features), y: (..., out_features). Fields weight (out, in1, in2) and bias (out), from "
    "U(-1/sqrt(in1), 1/sqrt(in1)).",
  .size = sizeof(bilinear),
  .params = params,
  .build = build,
  .forward = nn_layer_forward_one,
  .forward_many = forward_many,
  .least = 2,
  .most = 2,
  .nout = 1,
  .example = {{.inputs = "5x3 5x2", .args = "3, 2, 4"},
              {.inputs = "2x2x3 2x2x4", .args = "3, 4, 1, bias = false"},
              {.inputs = "3 2", .args = "3, 2, 2"}},
};
#else

/* out[r] = x[r] g[r * step] */
static void FN(weigh)(int64_t rows, int64_t n, const R *x, const R *g, int64_t step, R *out) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < n; i++) out[r * n + i] = x[r * n + i] * g[r * step];
}

static nn_status FN(forward)(const nn_call *c) {
  const int64_t *d = c->in[2]->shape.dim, out = d[0], m = d[1], n = d[2],
                rows = c->in[0]->numel / m;
  const R *x1 = nn_data(c->in[0]), *x2 = nn_data(c->in[1]), *w = nn_data(c->in[2]);
  const R *b = c->nin > 3 ? nn_data(c->in[3]) : NULL;
  R *y = nn_data(c->out), *p = nn_mem_take(c->ctx, (size_t)(rows * n) * sizeof(R)); /* (rows, n) */
  if (!p) return NN_ENOMEM;
  for (int64_t o = 0; o < out; o++) {
    FN(nn_gemm)(false, false, rows, n, m, 1, x1, m, w + o * m * n, n, 0, p, n);
    for (int64_t r = 0; r < rows; r++) {
      R sum = b ? b[o] : 0;
      for (int64_t i = 0; i < n; i++) sum += p[r * n + i] * x2[r * n + i];
      y[r * out + o] = sum;
    }
  }
  nn_mem_give(c->ctx, p, (size_t)(rows * n) * sizeof(R));
  return nn_poll(c->ctx);
}

static nn_status FN(backward)(const nn_call *c) {
  const int64_t *d = c->in[2]->shape.dim, out = d[0], m = d[1], n = d[2],
                rows = c->gout->numel / out;
  const R *x1 = nn_data(c->in[0]), *x2 = nn_data(c->in[1]), *w = nn_data(c->in[2]);
  const R *gy = nn_data(c->gout);
  size_t bytes = (size_t)(rows * (m > n ? m : n)) * sizeof(R);
  R *p = nn_mem_take(c->ctx, bytes); /* (rows, m) or (rows, n) */
  nn_status st = NN_OK;
  if (!p) return NN_ENOMEM;
  for (int k = 0; k < c->nin && rows == 0; k++)
    if (c->gin[k] && !c->add[k]) NN_GO(nn_fill_into(c->ctx, c->gin[k], 0));
  for (int64_t o = 0; o < out && rows > 0; o++) {
    const R *wo = w + o * m * n;
    if (c->gin[0]) {
      FN(weigh)(rows, n, x2, gy + o, out, p);
      FN(nn_gemm)
      (false, true, rows, m, n, 1, p, n, wo, n, o || c->add[0], nn_data(c->gin[0]), m);
    }
    if (!c->gin[1] && !c->gin[2]) continue;
    FN(weigh)(rows, m, x1, gy + o, out, p);
    if (c->gin[1]) FN(nn_gemm)
    (false, false, rows, n, m, 1, p, m, wo, n, o || c->add[1], nn_data(c->gin[1]), n);
    if (c->gin[2]) FN(nn_gemm)
    (true, false, m, n, rows, 1, p, m, x2, n, c->add[2], (R *)nn_data(c->gin[2]) + o * m * n, n);
  }
  if (c->nin > 3 && c->gin[3] && rows > 0)
    FN(nn_sum_cols)(c->ctx, rows, out, gy, 1, c->add[3], nn_data(c->gin[3]));
done:
  nn_mem_give(c->ctx, p, bytes);
  return st;
}

#endif
