/*
 * loss/bce.c: binary cross-entropy of probabilities p in 0..1: -w (t log p + (1 - t) log(1 - p)),
 * each logarithm at least -100, as PyTorch has it; dp = w (p - t) / (p (1 - p)) dy, the denominator
 * at least 1e-12; dt = w (log(1 - p) - log p) dy.
 */
#ifndef R
#include "kernel/names.h"
#include "kernel/vmath.h"
#include "loss/loss.h"

typedef struct bce {
  nn_loss base;
  nn_reals weight;
} bce;

extern const nn_loss_class nn_loss_bce;

enum { PIECE = 256 }; /* elements whose logarithms stay in the cache */

#define NN_SELF "loss/bce.c"
#include "kernel/each_real.h"

/* of the prediction, the target and the weights */
static const nn_op op = {
  .name = "BCELoss",
  .nin = 3,
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad_p), .needs = NN_IN(0) | NN_IN(1) | NN_IN(2)},
           {.row = NN_BOTH(grad_t), .needs = NN_IN(0) | NN_IN(2)}},
};

static nn_status loss_forward(nn_ctx *ctx, nn_loss *l, nn_tensor *prediction, nn_tensor *target,
                              nn_tensor **out) {
  const nn_reals *weight = &((const bce *)l)->weight;
  nn_tensor *in[3] = {prediction, target};
  *out = NULL;
  NN_TRY(nn_loss_same_shape(l, prediction, target));
  NN_TRY(nn_loss_fits_last(l, "weight", weight, prediction));
  NN_TRY(nn_loss_each(l, "prediction", prediction, nn_loss_is_part,
                      "in 0..1 (put a Sigmoid before it, or better, give the raw scores to "
                      "BCEWithLogitsLoss)"));
  NN_TRY(nn_loss_each(l, "target", target, nn_loss_is_part, "in 0..1"));
  NN_TRY(nn_loss_numbers(ctx, weight, prediction->v.dtype, &in[2]));
  nn_status st = nn_loss_of_terms(ctx, l, &op, NULL, 3, in, out);
  nn_tensor_release(in[2]);
  return st;
}

static const nn_param params[] = {
  NN_P_REALS(bce, weight, 0, NN_REAL_MAX, "what each column's terms are multiplied by"),
  NN_P_REDUCTION(bce), NN_P_END};

const nn_loss_class nn_loss_bce = {
  .name = "BCELoss",
  .doc = "Binary cross-entropy of probabilities: -(t log p + (1 - t) log(1 - p)), prediction p and "
         "target t of one shape, in 0..1; logarithms stop at -100, as in PyTorch. "
         "BCEWithLogitsLoss takes raw scores and is exact at any of them.",
  .size = sizeof(bce),
  .params = params,
  .forward = loss_forward,
  .example = {{.inputs = "4x3 4x3", .lo = 0.1, .hi = 0.9},
              {.inputs = "4 4", .args = "reduction = \"sum\"", .lo = 0.1, .hi = 0.9},
              {.inputs = "3x2 3x2",
               .args = "weight = {2, 0.5}, reduction = \"none\"",
               .lo = 0.1,
               .hi = 0.9}},
};
#else

/* a = log p, b = log(1 - p), at least -100; at most PIECE of them */
static void FN(logs)(int64_t n, const R *x, R *a, R *b) {
  const R least = -100;
  for (int64_t i = 0; i < n; i++) b[i] = -x[i];
  FN(nn_v_log)(n, x, a);
  FN(nn_v_log1p)(n, b, b);
  for (int64_t i = 0; i < n; i++) {
    a[i] = a[i] < least ? least : a[i];
    b[i] = b[i] < least ? least : b[i];
  }
}

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1], *t = p[2], *w = p[3];
  R *y = p[0], a[PIECE], b[PIECE];
  (void)attr;
  for (int64_t m; n > 0; n -= m, x += m, t += m, w += m, y += m) {
    m = n < PIECE ? n : PIECE;
    FN(logs)(m, x, a, b);
    for (int64_t i = 0; i < m; i++) y[i] = -w[i] * (t[i] * a[i] + (1 - t[i]) * b[i]);
  }
}

NN_HOT static void FN(grad_p)(int64_t n, void *const *p, const void *attr) {
  const R least = (R)1e-12;
  const R *gy = p[1], *x = p[2], *t = p[3], *w = p[4];
  R *g = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) {
    R v = x[i] * (1 - x[i]);
    g[i] = gy[i] * w[i] * (x[i] - t[i]) / (v < least ? least : v);
  }
}

NN_HOT static void FN(grad_t)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *x = p[2], *w = p[3];
  R *g = p[0], a[PIECE], b[PIECE];
  (void)attr;
  for (int64_t m; n > 0; n -= m, x += m, gy += m, w += m, g += m) {
    m = n < PIECE ? n : PIECE;
    FN(logs)(m, x, a, b);
    for (int64_t i = 0; i < m; i++) g[i] = gy[i] * w[i] * (b[i] - a[i]);
  }
}

#endif
