/*
 * loss/nll.c: minus the log-probability of the label. x: rows of C log-probabilities (LogSoftmax),
 * labels y in 1..C: loss_n = -w_y x_y, dx_y = -w_y dy. "mean" divides by the sum of w_y over the
 * labels that are not ignored.
 */
#ifndef R
#include "kernel/names.h"
#include "loss/classes.h"

typedef struct nll {
  nn_loss base;
  nn_reals weight;
  int64_t ignore_index;
} nll;

typedef struct nll_attr {
  nn_reduction reduction;
  int64_t ignore;
} nll_attr;

extern const nn_loss_class nn_loss_nll;

#define NN_SELF "loss/nll.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  const nll_attr *a = c->attr;
  nn_shape s = nn_shape_1(c->in[0]->shape.dim[0]);
  if (a->reduction != NN_REDUCE_NONE) s.ndim = 0;
  nn_value_set(c->out, c->in[0]->dtype, &s);
  return NN_OK;
}

/* of the log-probabilities, the labels and, if given, the weights */
static const nn_op op = {
  .name = "NLLLoss",
  .nin = 3,
  .flags = NN_OP_MIXED,
  .saves = NN_IN(1) | NN_IN(2),
  .attr_size = sizeof(nll_attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

static nn_status loss_forward(nn_ctx *ctx, nn_loss *l, nn_tensor *prediction, nn_tensor *target,
                              nn_tensor **out) {
  const nll *k = (const nll *)l;
  nll_attr attr = {nn_loss_reduction(l), k->ignore_index};
  bool weighted = k->weight.n > 0;
  nn_tensor *in[3] = {NULL, target}, *losses = NULL;
  nn_status st;
  *out = NULL;
  NN_TRY(nn_classes_check(l, prediction, target, false));
  NN_TRY(nn_classes_weight(l, &k->weight, prediction->v.shape.dim[1]));
  NN_GO(nn_classes_rows(ctx, prediction, &in[0]));
  if (weighted) NN_GO(nn_loss_numbers(ctx, &k->weight, prediction->v.dtype, &in[2]));
  NN_GO(nn_apply(ctx, &op, &attr, weighted ? 3 : 2, in, &losses));
  st = nn_classes_unfold(ctx, losses, prediction, out);
done:
  nn_tensor_release(in[0]);
  nn_tensor_release(in[2]);
  return st;
}

static const nn_param params[] = {
  NN_P_REALS(nll, weight, 0, NN_REAL_MAX, "how much each class counts"),
  NN_P_INT(nll, ignore_index, -100, -NN_DIM_MAX, NN_DIM_MAX, "rows with this label do not count"),
  NN_P_REDUCTION(nll), NN_P_END};

const nn_loss_class nn_loss_nll = {
  .name = "NLLLoss",
  .doc =
    "Minus the log-probability of the label: behind a LogSoftmax it is CrossEntropyLoss. "
    "Prediction N x C or N x C x ..., labels in 1..C (int64), N or N x .... With class weights "
    "\"mean\" divides by the sum of the labels' weights.",
  .size = sizeof(nll),
  .params = params,
  .forward = loss_forward,
  .example = {{.inputs = "4x3 4<3"},
              {.inputs = "4x3 4<3", .args = "weight = {1, 2.5, 0.5}"},
              {.inputs = "4x3 4<3", .args = "ignore_index = 2, reduction = \"sum\""},
              {.inputs = "2x3x4 2x4<3", .args = "weight = {1, 2, 3}, reduction = \"none\""}},
};
#else

static double FN(divisor)(const nn_call *c, int64_t rows) {
  const nll_attr *a = c->attr;
  const int64_t *label = nn_data(c->in[1]);
  const R *w = c->nin > 2 ? nn_data(c->in[2]) : NULL;
  double sum = 0;
  if (a->reduction != NN_REDUCE_MEAN) return 1;
  for (int64_t r = 0; r < rows; r++)
    if (label[r] != a->ignore) sum += w ? (double)w[label[r] - 1] : 1;
  return sum;
}

static nn_status FN(forward)(const nn_call *c) {
  const nll_attr *a = c->attr;
  int64_t rows = c->in[0]->shape.dim[0], n = c->in[0]->shape.dim[1];
  const R *x = nn_data(c->in[0]), *w = c->nin > 2 ? nn_data(c->in[2]) : NULL;
  const int64_t *label = nn_data(c->in[1]);
  R *y = nn_data(c->out);
  double sum = 0;
  NN_TRY(nn_classes_labels(c->ctx, c->op->name, label, rows, n, a->ignore));
  for (int64_t r = 0; r < rows; r++) {
    int64_t at = label[r] - 1;
    R loss = label[r] == a->ignore ? 0 : -x[r * n + at] * (w ? w[at] : 1);
    if (a->reduction == NN_REDUCE_NONE) y[r] = loss;
    sum += (double)loss;
  }
  if (a->reduction != NN_REDUCE_NONE) *y = (R)(sum / FN(divisor)(c, rows));
  return NN_OK;
}

static nn_status FN(backward)(const nn_call *c) {
  const nll_attr *a = c->attr;
  int64_t rows = c->in[0]->shape.dim[0], n = c->in[0]->shape.dim[1];
  const R *gy = nn_data(c->gout), *w = c->nin > 2 ? nn_data(c->in[2]) : NULL;
  const int64_t *label = nn_data(c->in[1]);
  const R scale = (R)(1 / FN(divisor)(c, rows));
  R *gx = nn_data(c->gin[0]);
  for (int64_t i = 0; i < rows * n && !c->add[0]; i++) gx[i] = 0;
  for (int64_t r = 0; r < rows; r++) {
    int64_t at = label[r] - 1;
    if (label[r] == a->ignore) continue;
    gx[r * n + at] -= scale * gy[a->reduction == NN_REDUCE_NONE ? r : 0] * (w ? w[at] : 1);
  }
  return NN_OK;
}

#endif
