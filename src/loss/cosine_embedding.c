/*
 * loss/cosine_embedding.c: rows x1, x2 (N, D) that should point the same way (target 1) or not
 * (target -1). With a = x1.x1 + eps, b = x2.x2 + eps, eps = 1e-12 as PyTorch, and
 * cos = x1.x2 / sqrt(a b): 1 - cos, or max(0, cos - margin). dcos/dx1 = x2 / sqrt(a b) - cos x1 / a.
 */
#ifndef R
#include <math.h>

#include "kernel/names.h"
#include "loss/loss.h"

typedef struct cosine {
  nn_loss base;
  double margin;
} cosine;

extern const nn_loss_class nn_loss_cosine_embedding;

#define EPS 1e-12

#define NN_SELF "loss/cosine_embedding.c"
#include "kernel/each_real.h"

/* (N), or a scalar of two vectors */
static nn_status infer(const nn_call *c) {
  nn_value_set(c->out, c->in[0]->dtype, &c->in[2]->shape);
  return NN_OK;
}

static const nn_op op = {
  .name = "CosineEmbeddingLoss",
  .nin = 3,
  .flags = NN_OP_MIXED,
  .saves = NN_IN(0) | NN_IN(1) | NN_IN(2),
  .attr_size = sizeof(double),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

static bool is_side(double x) {
  return x == 1 || x == -1;
}

static nn_status check(nn_loss *l, nn_tensor *const *in) {
  const nn_shape *s = &in[0]->v.shape, *other = &in[1]->v.shape, *t = &in[2]->v.shape;
  const char *who = l->class->name;
  nn_text a, b;
  if (!nn_shape_equal(s, other) || s->ndim < 1 || s->ndim > 2)
    return nn_fail(l->ctx, NN_ESHAPE,
                   "%s: x1 and x2 must be N x D, both the same, got %s and %s; a loss never "
                   "broadcasts",
                   who, nn_shape_text(&a, s), nn_shape_text(&b, other));
  if (in[1]->v.dtype != in[0]->v.dtype)
    return nn_fail(l->ctx, NN_ETYPE, "%s: x1 is %s and x2 %s; convert one, x2:to(\"%s\")", who,
                   nn_dtype_name(in[0]->v.dtype), nn_dtype_name(in[1]->v.dtype),
                   nn_dtype_name(in[0]->v.dtype));
  if (t->ndim != s->ndim - 1 || (t->ndim == 1 && t->dim[0] != s->dim[0]))
    return nn_fail(l->ctx, NN_ESHAPE,
                   "%s: x1 is %s, so the target must be a number for each row, got %s", who,
                   nn_shape_text(&a, s), nn_shape_text(&b, t));
  return nn_loss_each(l, "target", in[2], is_side,
                      "1 (alike) or -1 (not; of targets 0 and 1, 2 * target - 1 makes them)");
}

static nn_status loss_forward(nn_ctx *ctx, nn_loss *l, nn_tensor *const *in, nn_tensor **out) {
  const double margin = ((const cosine *)l)->margin;
  *out = NULL;
  NN_TRY(check(l, in));
  return nn_loss_of_terms(ctx, l, &op, &margin, 3, in, out);
}

static const nn_param params[] = {
  NN_P_REAL(cosine, margin, 0, 0, -1, 1, "what is unlike may have a cosine up to here"),
  NN_P_REDUCTION(cosine), NN_P_END};

const nn_loss_class nn_loss_cosine_embedding = {
  .name = "CosineEmbeddingLoss",
  .doc = "loss(x1, x2, target) of rows x1 and x2, N x D, and N targets: 1 - cos(x1, x2) where the "
         "target is 1 (they should be alike), max(0, cos(x1, x2) - margin) where it is -1; cos(x1, "
         "x2) = x1 x2 / (|x1| |x2|). The mean is over the N rows.",
  .size = sizeof(cosine),
  .params = params,
  .forward_all = loss_forward,
  .args = {"x1", "x2", "target"},
  .example = {{.inputs = "4x3 4x3 4<1"},
              {.inputs = "4x3 4x3 4<1", .args = "margin = 0.2, reduction = \"sum\""},
              {.inputs = "2x5 2x5 2<1", .args = "reduction = \"none\""}},
};
#else

/* The cosine of two rows; a, b: their squared lengths. */
static double FN(cosine)(int64_t n, const R *x, const R *z, double *a, double *b) {
  double dot = 0, xx = EPS, zz = EPS;
  for (int64_t i = 0; i < n; i++) {
    dot += (double)x[i] * (double)z[i];
    xx += (double)x[i] * (double)x[i];
    zz += (double)z[i] * (double)z[i];
  }
  *a = xx, *b = zz;
  return dot / sqrt(xx * zz);
}

static nn_status FN(forward)(const nn_call *c) {
  const double margin = *(const double *)c->attr;
  const nn_value *t = c->in[2];
  int64_t rows = c->out->numel, n = rows ? c->in[0]->numel / rows : 0;
  const R *x = nn_data(c->in[0]), *z = nn_data(c->in[1]);
  R *y = nn_data(c->out);
  for (int64_t r = 0; r < rows; r++, x += n, z += n) {
    double a, b, cos = FN(cosine)(n, x, z, &a, &b);
    bool alike = nn_value_real_at(t, t->offset + r) > 0;
    double loss = alike ? 1 - cos : cos - margin;
    y[r] = (R)(!alike && loss < 0 ? 0 : loss);
  }
  return NN_OK;
}

/* gx (+)= g (z / sqrt(a b) - cos x / a) */
static void FN(back)(int64_t n, const R *x, const R *z, double g, double cos, double a, double b,
                     bool add, R *gx) {
  double with = g / sqrt(a * b), against = g * cos / a;
  for (int64_t i = 0; i < n; i++)
    gx[i] = (add ? gx[i] : 0) + (R)(with * (double)z[i] - against * (double)x[i]);
}

static nn_status FN(backward)(const nn_call *c) {
  const double margin = *(const double *)c->attr;
  const nn_value *t = c->in[2];
  int64_t rows = c->gout->numel, n = rows ? c->in[0]->numel / rows : 0;
  const R *x = nn_data(c->in[0]), *z = nn_data(c->in[1]), *gy = nn_data(c->gout);
  R *gx = c->gin[0] ? nn_data(c->gin[0]) : NULL, *gz = c->gin[1] ? nn_data(c->gin[1]) : NULL;
  if (c->gin[2])
    return nn_fail(c->ctx, NN_ESTATE,
                   "CosineEmbeddingLoss: has no gradient by its target; detach() the target");
  for (int64_t r = 0; r < rows; r++, x += n, z += n) {
    double a, b, cos = FN(cosine)(n, x, z, &a, &b);
    bool alike = nn_value_real_at(t, t->offset + r) > 0;
    double g = alike ? -(double)gy[r] : cos > margin ? (double)gy[r] : 0;
    if (gx) FN(back)(n, x, z, g, cos, a, b, c->add[0], gx + r * n);
    if (gz) FN(back)(n, z, x, g, cos, b, a, c->add[1], gz + r * n);
  }
  return NN_OK;
}

#endif
