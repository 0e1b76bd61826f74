/*
 * loss/cross_entropy.c: softmax and cross-entropy in one, finite at any score. Scores x: rows of C.
 * Targets t: labels in 1..C, int64, or probabilities; w: the classes' weights, 1 unless given. With
 * q = softmax(x), e = label_smoothing, t' = (1 - e) t + e / C and u_c = w_c t'_c (of a label y: w_y
 * (1 - e) + w_y e / C at y, w_c e / C elsewhere): loss_n = -sum_c u_c log q_c, dx = (q sum(u) - u)
 * dy. "mean" divides by the sum of w_y over the labels that are not ignored, or by the rows.
 */
#ifndef R
#include <math.h>

#include "kernel/names.h"
#include "kernel/reduce.h"
#include "kernel/vmath.h"
#include "loss/classes.h"

typedef struct cross_entropy {
  nn_loss base;
  nn_reals weight;
  double label_smoothing;
  int64_t ignore_index;
} cross_entropy;

typedef struct ce_attr {
  nn_reduction reduction;
  double smoothing;
  int64_t ignore;
} ce_attr;

extern const nn_loss_class nn_loss_cross_entropy;

enum { PIECE = 64 }; /* rows at a time */

#define NN_SELF "loss/cross_entropy.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  const ce_attr *a = c->attr;
  nn_shape s = nn_shape_1(c->in[0]->shape.dim[0]);
  if (a->reduction != NN_REDUCE_NONE) s.ndim = 0;
  nn_value_set(c->out, c->in[0]->dtype, &s);
  nn_value_set(c->aux[0], c->in[0]->dtype, &c->in[0]->shape); /* q */
  return NN_OK;
}

/* of the scores, the target and, if given, the weights */
static const nn_op op = {
  .name = "CrossEntropyLoss",
  .nin = 3,
  .nout_aux = 1,
  .flags = NN_OP_MIXED,
  .saves = NN_IN(1) | NN_IN(2) | NN_AUX(0),
  .attr_size = sizeof(ce_attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

static nn_status loss_forward(nn_ctx *ctx, nn_loss *l, nn_tensor *prediction, nn_tensor *target,
                              nn_tensor **out) {
  const cross_entropy *k = (const cross_entropy *)l;
  ce_attr attr = {nn_loss_reduction(l), k->label_smoothing, k->ignore_index};
  bool labels = target->v.dtype == NN_I64, weighted = k->weight.n > 0;
  nn_tensor *in[3] = {NULL}, *losses = NULL;
  nn_status st;
  *out = NULL;
  NN_TRY(nn_classes_check(l, prediction, target, true));
  NN_TRY(nn_classes_weight(l, &k->weight, prediction->v.shape.dim[1]));
  NN_GO(nn_classes_rows(ctx, prediction, &in[0]));
  if (labels) /* in the order of the rows already */
    in[1] = nn_tensor_retain(target);
  else
    NN_GO(nn_classes_rows(ctx, target, &in[1]));
  if (weighted) NN_GO(nn_loss_numbers(ctx, &k->weight, prediction->v.dtype, &in[2]));
  NN_GO(nn_apply(ctx, &op, &attr, weighted ? 3 : 2, in, &losses));
  st = nn_classes_unfold(ctx, losses, prediction, out);
done:
  for (int i = 0; i < 3; i++) nn_tensor_release(in[i]);
  return st;
}

static const nn_param params[] = {
  NN_P_REALS(cross_entropy, weight, 0, NN_REAL_MAX, "how much each class counts"),
  NN_P_REAL(cross_entropy, label_smoothing, 0, 0, 0, 1,
            "part of the target spread evenly over all classes"),
  NN_P_INT(cross_entropy, ignore_index, -100, -NN_DIM_MAX, NN_DIM_MAX,
           "rows with this label do not count"),
  NN_P_REDUCTION(cross_entropy), NN_P_END};

const nn_loss_class nn_loss_cross_entropy = {
  .name = "CrossEntropyLoss",
  .doc =
    "-log softmax(scores) at the label, softmax and logarithm in one step, finite at any "
    "score. Scores N x C or N x C x ...; targets labels in 1..C (int64), N or N x ..., or "
    "probabilities of the scores' shape. With class weights \"mean\" divides by the sum of the "
    "labels' weights.",
  .size = sizeof(cross_entropy),
  .params = params,
  .forward = loss_forward,
  .pure = true,
  .example = {{.inputs = "4x3 4<3"},
              {.inputs = "4x3 4<3",
               .args = "weight = {1, 2.5, 0.5}, label_smoothing = 0.1, reduction = \"sum\""},
              {.inputs = "4x3 4x3", .args = "weight = {1, 2.5, 0.5}, label_smoothing = 0.2"},
              {.inputs = "4x3 4<3", .args = "ignore_index = 2, weight = {1, 2, 3}"},
              {.inputs = "4x3 4<3", .args = "reduction = \"none\""},
              {.inputs = "2x3x2x2 2x2x2<3", .args = "label_smoothing = 0.1, reduction = \"none\""}},
};
#else

/* What "mean" divides by. */
static double FN(divisor)(const nn_call *c, int64_t rows) {
  const ce_attr *a = c->attr;
  if (a->reduction != NN_REDUCE_MEAN) return 1;
  if (c->in[1]->dtype != NN_I64) return (double)rows;
  const int64_t *label = nn_data(c->in[1]);
  const R *w = c->nin > 2 ? nn_data(c->in[2]) : NULL;
  double sum = 0;
  for (int64_t r = 0; r < rows; r++)
    if (label[r] != a->ignore) sum += w ? (double)w[label[r] - 1] : 1;
  return sum;
}

/* What multiplies class i; without weights 1. */
static inline double FN(weight)(const R *w, int64_t i) {
  return w ? (double)w[i] : 1;
}

/* The loss of a row whose largest score and log(sum(exp(x - max))) are these. `t` NULL: a label (counted
   from 0) instead of probabilities. What has no weight costs nothing, however impossible its score. */
static double FN(row_loss)(int64_t n, const R *x, const R *t, const R *w, int64_t label, double e,
                           double max, double lse) {
  double loss = 0, share = e / (double)n;
  for (int64_t i = 0; (t || e > 0) && i < n; i++) {
    double u = FN(weight)(w, i) * ((t ? (1 - e) * (double)t[i] : 0) + share);
    loss += u != 0 ? u * (lse - ((double)x[i] - max)) : 0;
  }
  if (!t) {
    double u = FN(weight)(w, label) * (1 - e);
    loss += u != 0 ? u * (lse - ((double)x[label] - max)) : 0;
  }
  return loss;
}

/* The sum of the losses of `rows` rows from `from` on, at most PIECE; q becomes the softmax. */
static double FN(piece_loss)(const nn_call *c, int64_t from, int64_t rows, double sum) {
  const ce_attr *a = c->attr;
  int64_t n = c->in[0]->shape.dim[1];
  bool labels = c->in[1]->dtype == NN_I64;
  const R *x = (const R *)nn_data(c->in[0]) + from * n;
  const R *t = labels ? NULL : (const R *)nn_data(c->in[1]) + from * n;
  const R *w = c->nin > 2 ? nn_data(c->in[2]) : NULL;
  const int64_t *label = labels ? (const int64_t *)nn_data(c->in[1]) + from : NULL;
  R *y = nn_data(c->out);
  double max[PIECE], lse[PIECE];
  FN(nn_softmax_logsum_rows)(rows, n, x, (R *)nn_data(c->aux[0]) + from * n, max, lse);
  for (int64_t r = 0; r < rows; r++) {
    double loss = 0;
    if (!labels || label[r] != a->ignore)
      loss = FN(row_loss)(n, x + r * n, t ? t + r * n : NULL, w, labels ? label[r] - 1 : 0,
                          a->smoothing, max[r], lse[r]);
    if (a->reduction == NN_REDUCE_NONE) y[from + r] = (R)loss;
    sum += loss;
  }
  return sum;
}

static nn_status FN(forward)(const nn_call *c) {
  const ce_attr *a = c->attr;
  int64_t rows = c->in[0]->shape.dim[0], n = c->in[0]->shape.dim[1];
  R *y = nn_data(c->out);
  double sum = 0;
  if (c->in[1]->dtype == NN_I64)
    NN_TRY(nn_classes_labels(c->ctx, c->op->name, nn_data(c->in[1]), rows, n, a->ignore));
  for (int64_t from = 0; from < rows; from += PIECE)
    sum = FN(piece_loss)(c, from, rows - from < PIECE ? rows - from : PIECE, sum);
  if (a->reduction != NN_REDUCE_NONE) *y = (R)(sum / FN(divisor)(c, rows));
  return NN_OK;
}

/* gx (+)= g (q sum(u) - u) of probabilities t, or of a label and what is spread (t NULL) */
static void FN(row_back)(int64_t n, const R *q, const R *t, const R *w, int64_t label, double e,
                         R g, bool add, R *gx) {
  double mass = 0, share = e / (double)n;
  for (int64_t i = 0; i < n; i++) {
    double want = t ? (double)t[i] : i == label;
    mass += FN(weight)(w, i) * ((1 - e) * want + share);
  }
  for (int64_t i = 0; i < n; i++) {
    R want = t ? t[i] : i == label;
    R u = (R)FN(weight)(w, i) * ((R)(1 - e) * want + (R)share);
    gx[i] = (add ? gx[i] : 0) + g * (q[i] * (R)mass - u);
  }
}

/* The same of a label alone. */
static void FN(label_back)(int64_t n, const R *q, int64_t label, R g, bool add, R *gx) {
  R own = add ? gx[label] : 0;
  for (int64_t i = 0; i < n; i++) gx[i] = (add ? gx[i] : 0) + g * q[i];
  gx[label] = own + g * (q[label] - 1);
}

static nn_status FN(backward)(const nn_call *c) {
  const ce_attr *a = c->attr;
  int64_t rows = c->aux[0]->shape.dim[0], n = c->aux[0]->shape.dim[1];
  bool labels = c->in[1]->dtype == NN_I64, each = a->reduction == NN_REDUCE_NONE, add = c->add[0];
  const R *q = nn_data(c->aux[0]), *gy = nn_data(c->gout), *t = labels ? NULL : nn_data(c->in[1]);
  const R *w = c->nin > 2 ? nn_data(c->in[2]) : NULL;
  const int64_t *label = labels ? nn_data(c->in[1]) : NULL;
  const R scale = (R)(1 / FN(divisor)(c, rows));
  R *gx = c->gin[0] ? nn_data(c->gin[0]) : NULL;
  if (c->gin[1])
    return nn_fail(c->ctx, NN_ESTATE,
                   "CrossEntropyLoss: has no gradient by its target; detach() the target");
  for (int64_t r = 0; gx && r < rows; r++, gx += n, q += n) {
    R g = scale * gy[each ? r : 0];
    int64_t at = labels ? label[r] - 1 : 0;
    bool skip = labels && label[r] == a->ignore;
    for (int64_t i = 0; i < n && skip && !add; i++) gx[i] = 0;
    if (skip) continue;
    if (labels && a->smoothing == 0)
      FN(label_back)(n, q, at, g * (R)FN(weight)(w, at), add, gx);
    else
      FN(row_back)(n, q, t ? t + r * n : NULL, w, at, a->smoothing, g, add, gx);
  }
  return NN_OK;
}

#endif
