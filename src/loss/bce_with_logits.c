/*
 * loss/bce_with_logits.c: sigmoid and binary cross-entropy in one, finite at any score x. With
 * s = sigmoid(x), w the weight and v pos_weight: -w (v t log s + (1 - t) log(1 - s))
 *   = w ((1 - t) x + (1 - t + v t) softplus(-x)), softplus(-x) = log(1 + e^-|x|) + max(-x, 0);
 * dx = w ((1 - t) s - v t (1 - s)) dy, where 1 - s = sigmoid(-x) is computed as such, so that no
 * digits cancel; dt = w ((v - 1) softplus(-x) - x) dy.
 */
#ifndef R
#include "kernel/names.h"
#include "kernel/vmath.h"
#include "loss/loss.h"

typedef struct bce_with_logits {
  nn_loss base;
  nn_reals weight, pos_weight;
} bce_with_logits;

extern const nn_loss_class nn_loss_bce_with_logits;

enum { PIECE = 256 }; /* elements whose exponentials stay in the cache */

#define NN_SELF "loss/bce_with_logits.c"
#include "kernel/each_real.h"

/* of the scores, the target, the weights and the positive targets' weights */
static const nn_op op = {
  .name = "BCEWithLogitsLoss",
  .nin = 4,
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad_x), .needs = NN_IN(0) | NN_IN(1) | NN_IN(2) | NN_IN(3)},
           {.row = NN_BOTH(grad_t), .needs = NN_IN(0) | NN_IN(2) | NN_IN(3)}},
};

static nn_status loss_forward(nn_ctx *ctx, nn_loss *l, nn_tensor *prediction, nn_tensor *target,
                              nn_tensor **out) {
  const bce_with_logits *k = (const bce_with_logits *)l;
  nn_tensor *in[4] = {prediction, target};
  nn_status st;
  *out = NULL;
  NN_TRY(nn_loss_same_shape(l, prediction, target));
  NN_TRY(nn_loss_fits_last(l, "weight", &k->weight, prediction));
  NN_TRY(nn_loss_fits_last(l, "pos_weight", &k->pos_weight, prediction));
  NN_TRY(nn_loss_each(l, "target", target, nn_loss_is_part, "in 0..1"));
  NN_GO(nn_loss_numbers(ctx, &k->weight, prediction->v.dtype, &in[2]));
  NN_GO(nn_loss_numbers(ctx, &k->pos_weight, prediction->v.dtype, &in[3]));
  st = nn_loss_of_terms(ctx, l, &op, NULL, 4, in, out);
done:
  nn_tensor_release(in[2]);
  nn_tensor_release(in[3]);
  return st;
}

static const nn_param params[] = {
  NN_P_REALS(bce_with_logits, weight, 0, NN_REAL_MAX, "what each column's terms are multiplied by"),
  NN_P_REALS(bce_with_logits, pos_weight, 0, NN_REAL_MAX,
             "what each column's positive targets weigh; above 1 for rare ones"),
  NN_P_REDUCTION(bce_with_logits), NN_P_END};

const nn_loss_class nn_loss_bce_with_logits = {
  .name = "BCEWithLogitsLoss",
  .doc = "Sigmoid and binary cross-entropy in one, of raw scores x and targets t in 0..1, of one "
         "shape, finite at any score: -(pos_weight t log s + (1 - t) log(1 - s)), s = sigmoid(x), "
         "computed as max(x, 0) - t x + log(1 + e^-|x|). Each column is a question of its own, yes "
         "or no. The gradient is s - t.",
  .size = sizeof(bce_with_logits),
  .params = params,
  .forward = loss_forward,
  .example =
    {{.inputs = "4x3 4x3", .lo = 0.05, .hi = 0.95},
     {.inputs = "4 4", .args = "reduction = \"sum\"", .lo = 0.05, .hi = 0.95},
     {.inputs = "3x2 3x2",
      .args = "pos_weight = {3, 0.5}, reduction = \"none\"",
      .lo = 0.05,
      .hi = 0.95},
     {.inputs = "3x2 3x2", .args = "weight = {2, 1.5}, pos_weight = 4", .lo = 0.05, .hi = 0.95}},
};
#else

/* s = softplus(-x); at most PIECE of them */
static void FN(softplus)(int64_t n, const R *x, R *s) {
  for (int64_t i = 0; i < n; i++) s[i] = -fabs(x[i]);
  FN(nn_v_exp)(n, s, s);
  FN(nn_v_log1p)(n, s, s);
  for (int64_t i = 0; i < n; i++) s[i] += x[i] < 0 ? -x[i] : 0;
}

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1], *t = p[2], *w = p[3], *v = p[4];
  R *y = p[0], s[PIECE];
  (void)attr;
  for (int64_t m; n > 0; n -= m, x += m, t += m, w += m, v += m, y += m) {
    m = n < PIECE ? n : PIECE;
    FN(softplus)(m, x, s);
    for (int64_t i = 0; i < m; i++)
      y[i] = w[i] * ((1 - t[i]) * x[i] + (1 - t[i] + v[i] * t[i]) * s[i]);
  }
}

NN_HOT static void FN(grad_x)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *x = p[2], *t = p[3], *w = p[4], *v = p[5];
  R *g = p[0], e[PIECE];
  (void)attr;
  for (int64_t m; n > 0; n -= m, gy += m, x += m, t += m, w += m, v += m, g += m) {
    m = n < PIECE ? n : PIECE;
    for (int64_t i = 0; i < m; i++) e[i] = -fabs(x[i]);
    FN(nn_v_exp)(m, e, e);
    for (int64_t i = 0; i < m; i++) {
      R large = 1 / (1 + e[i]), small = e[i] / (1 + e[i]);
      R yes = x[i] < 0 ? small : large, no = x[i] < 0 ? large : small;
      g[i] = gy[i] * w[i] * ((1 - t[i]) * yes - v[i] * t[i] * no);
    }
  }
}

NN_HOT static void FN(grad_t)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *x = p[2], *w = p[3], *v = p[4];
  R *g = p[0], s[PIECE];
  (void)attr;
  for (int64_t m; n > 0; n -= m, gy += m, x += m, w += m, v += m, g += m) {
    m = n < PIECE ? n : PIECE;
    FN(softplus)(m, x, s);
    for (int64_t i = 0; i < m; i++) g[i] = gy[i] * w[i] * ((v[i] - 1) * s[i] - x[i]);
  }
}

#endif
