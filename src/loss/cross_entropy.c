/*
 * loss/cross_entropy.c: softmax and cross-entropy in one, finite at any score. Scores x: (N, C).
 * Targets t: labels (N) in 1..C, int64, or probabilities (N, C). With q = softmax(x), e =
 * label_smoothing and t' = (1 - e) t + e / C: loss_n = -sum_c t'_c log q_c, dx = (q sum(t') - t')
 * dy. "mean" divides by the number of labels that are not ignored.
 */
#ifndef R
#include <math.h>

#include "kernel/names.h"
#include "kernel/reduce.h"
#include "kernel/vmath.h"
#include "loss/loss.h"

typedef struct cross_entropy {
  nn_loss base;
  double label_smoothing;
  int64_t ignore_index;
} cross_entropy;

typedef struct ce_attr {
  nn_reduction reduction;
  double smoothing;
  int64_t ignore;
} ce_attr;

extern const nn_loss_class nn_loss_cross_entropy;

/* Rows that count: all, or those whose label is not ignored. */
static int64_t counted(const nn_call *c, int64_t rows) {
  const ce_attr *a = c->attr;
  if (c->in[1]->dtype != NN_I64) return rows;
  const int64_t *label = nn_data(c->in[1]);
  int64_t n = 0;
  for (int64_t r = 0; r < rows; r++) n += label[r] != a->ignore;
  return n;
}

static double row_weight(const nn_call *c, int64_t rows) {
  const ce_attr *a = c->attr;
  return a->reduction == NN_REDUCE_MEAN ? 1 / (double)counted(c, rows) : 1;
}

static nn_status check_labels(const nn_call *c, int64_t rows, int64_t classes) {
  const ce_attr *a = c->attr;
  const int64_t *label = nn_data(c->in[1]);
  int64_t least = INT64_MAX, most = INT64_MIN, bad = -1;
  for (int64_t r = 0; r < rows; r++) {
    if (label[r] == a->ignore) continue;
    least = label[r] < least ? label[r] : least;
    most = label[r] > most ? label[r] : most;
    if (bad < 0 && (label[r] < 1 || label[r] > classes)) bad = r;
  }
  if (bad < 0) return NN_OK;
  bool from_0 = least == 0 && most < classes;
  return nn_fail(c->ctx, NN_EVALUE,
                 "CrossEntropyLoss: the label of row %lld is %lld, but %lld scores a row mean "
                 "labels in 1..%lld; the labels "
                 "here run from %lld to %lld%s",
                 (long long)bad + 1, (long long)label[bad], (long long)classes, (long long)classes,
                 (long long)least, (long long)most,
                 from_0 ? ": make them start at 1, labels = labels:add(1)" : "");
}

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

static const nn_op op = {
  .name = "CrossEntropyLoss",
  .nin = 2,
  .nout_aux = 1,
  .flags = NN_OP_MIXED,
  .saves = NN_IN(1) | NN_AUX(0),
  .attr_size = sizeof(ce_attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

static nn_status check(nn_ctx *ctx, const nn_tensor *scores, const nn_tensor *target) {
  const nn_shape *s = &scores->v.shape, *t = &target->v.shape;
  nn_text a, b;
  if (s->ndim != 2)
    return nn_fail(ctx, NN_ESHAPE,
                   "CrossEntropyLoss: the prediction must be N x C raw scores, got %s",
                   nn_shape_text(&a, s));
  if (s->dim[1] == 1)
    return nn_fail(ctx, NN_ESHAPE,
                   "CrossEntropyLoss: one score a row leaves nothing to choose; two classes need "
                   "two scores, got %s",
                   nn_shape_text(&a, s));
  bool labels = t->ndim == 1 && t->dim[0] == s->dim[0], same = nn_shape_equal(s, t);
  if (labels && target->v.dtype != NN_I64)
    return nn_fail(
      ctx, NN_ETYPE,
      "CrossEntropyLoss: labels must be int64, got %s; convert them, labels:to(\"int64\")",
      nn_dtype_name(target->v.dtype));
  if (same && target->v.dtype != scores->v.dtype)
    return nn_fail(ctx, NN_ETYPE,
                   "CrossEntropyLoss: probabilities must be %s like the scores, got %s",
                   nn_dtype_name(scores->v.dtype), nn_dtype_name(target->v.dtype));
  if (labels || same) return NN_OK;
  return nn_fail(ctx, NN_ESHAPE,
                 "CrossEntropyLoss: the prediction is %s, so the target must be %lld labels or %s "
                 "probabilities, got %s%s",
                 nn_shape_text(&a, s), (long long)s->dim[0], a.s, nn_shape_text(&b, t),
                 target->v.numel == s->dim[0] ? "; perhaps you mean labels:view{-1}" : "");
}

static nn_status loss_forward(nn_ctx *ctx, nn_loss *l, nn_tensor *prediction, nn_tensor *target,
                              nn_tensor **out) {
  const cross_entropy *k = (const cross_entropy *)l;
  ce_attr attr = {nn_loss_reduction(l), k->label_smoothing, k->ignore_index};
  nn_tensor *in[2] = {prediction, target};
  *out = NULL;
  NN_TRY(check(ctx, prediction, target));
  return nn_apply(ctx, &op, &attr, 2, in, out);
}

static const nn_param params[] = {NN_P_REAL(cross_entropy, label_smoothing, 0, 0, 0, 1,
                                            "part of the target spread evenly over all classes"),
                                  NN_P_INT(cross_entropy, ignore_index, -100, -NN_DIM_MAX,
                                           NN_DIM_MAX, "rows with this label do not count"),
                                  NN_P_REDUCTION(cross_entropy), NN_P_END};

const nn_loss_class nn_loss_cross_entropy = {
  .name = "CrossEntropyLoss",
  .doc = "-log softmax(scores) at the label, softmax and logarithm in one step, finite at any "
         "score. Scores N x C; targets "
         "labels in 1..C (int64) or N x C probabilities.",
  .size = sizeof(cross_entropy),
  .params = params,
  .forward = loss_forward,
  .example = {{.inputs = "4x3 4<3"},
              {.inputs = "4x3 4<3", .args = "label_smoothing = 0.1, reduction = \"sum\""},
              {.inputs = "4x3 4x3"},
              {.inputs = "4x3 4<3", .args = "ignore_index = 2"},
              {.inputs = "4x3 4<3", .args = "reduction = \"none\""}},
};
#else

/* One row: its loss; q becomes the softmax. `t` NULL: a label (counted from 0) instead of
   probabilities. */
static double FN(row_loss)(int64_t n, const R *x, const R *t, int64_t label, double smoothing,
                           R *q) {
  double max, lse, loss = 0, mean = 0, mass = 0;
  FN(nn_softmax_logsum_row)(n, x, q, &max, &lse);
  for (int64_t i = 0; t && i < n;
       i++) { /* a class of probability 0 costs nothing, however impossible its score */
    loss += t[i] != 0 ? (double)t[i] * (lse - ((double)x[i] - max)) : 0;
    mass += (double)t[i];
  }
  if (!t) loss = lse - ((double)x[label] - max), mass = 1;
  for (int64_t i = 0; smoothing > 0 && i < n; i++) mean += lse - ((double)x[i] - max);
  return (1 - smoothing) * loss + smoothing * mass * mean / (double)n;
}

static nn_status FN(forward)(const nn_call *c) {
  const ce_attr *a = c->attr;
  int64_t rows = c->in[0]->shape.dim[0], n = c->in[0]->shape.dim[1];
  bool labels = c->in[1]->dtype == NN_I64;
  const R *x = nn_data(c->in[0]), *t = labels ? NULL : nn_data(c->in[1]);
  const int64_t *label = labels ? nn_data(c->in[1]) : NULL;
  R *q = nn_data(c->aux[0]), *y = nn_data(c->out);
  double sum = 0;
  if (labels) NN_TRY(check_labels(c, rows, n));
  for (int64_t r = 0; r < rows; r++) {
    bool skip = labels && label[r] == a->ignore;
    double loss = skip ? 0
                       : FN(row_loss)(n, x + r * n, t ? t + r * n : NULL, labels ? label[r] - 1 : 0,
                                      a->smoothing, q + r * n);
    if (a->reduction == NN_REDUCE_NONE) y[r] = (R)loss;
    sum += loss;
  }
  if (a->reduction != NN_REDUCE_NONE) *y = (R)(sum * row_weight(c, rows));
  return NN_OK;
}

static nn_status FN(backward)(const nn_call *c) {
  const ce_attr *a = c->attr;
  int64_t rows = c->aux[0]->shape.dim[0], n = c->aux[0]->shape.dim[1];
  bool labels = c->in[1]->dtype == NN_I64, each = a->reduction == NN_REDUCE_NONE;
  const R *q = nn_data(c->aux[0]), *gy = nn_data(c->gout), *t = labels ? NULL : nn_data(c->in[1]);
  const int64_t *label = labels ? nn_data(c->in[1]) : NULL;
  const R keep = (R)(1 - a->smoothing), share = (R)(a->smoothing / (double)n),
          w = (R)row_weight(c, rows);
  R *gx = c->gin[0] ? nn_data(c->gin[0]) : NULL;
  if (c->gin[1])
    return nn_fail(c->ctx, NN_ESTATE,
                   "CrossEntropyLoss: has no gradient by its target; detach() the target");
  for (int64_t r = 0; gx && r < rows; r++, gx += n, q += n) {
    R g = w * gy[each ? r : 0], mass = 1;
    bool skip = labels && label[r] == a->ignore;
    for (int64_t i = 0; i < n && skip && !c->add[0]; i++) gx[i] = 0;
    if (skip) continue;
    const R *tr = t ? t + r * n : NULL;
    if (tr) mass = (R)FN(nn_total)(c->ctx, n, tr);
    for (int64_t i = 0; i < n; i++) {
      R want = keep * (tr ? tr[i] : (R)(i == label[r] - 1)) + share * mass;
      gx[i] = (c->add[0] ? gx[i] : 0) + g * (q[i] * mass - want);
    }
  }
  return NN_OK;
}

#endif
