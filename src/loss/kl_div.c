/*
 * loss/kl_div.c: Kullback-Leibler divergence, of log-probabilities x and probabilities t, or their
 * logarithms: t (log t - x), 0 where t = 0; dx = -t dy, dt = (log t + 1 - x) dy; with log_target
 * e^t (t - x), dx = -e^t dy, dt = e^t (t - x + 1) dy. "mean" divides by the number of elements as
 * PyTorch does; "batchmean", by the rows, is the divergence's definition.
 */
#ifndef R
#include "kernel/names.h"
#include "kernel/vmath.h"
#include "loss/loss.h"

typedef struct kl_div {
  nn_loss base;
  bool log_target;
} kl_div;

extern const nn_loss_class nn_loss_kl_div;
extern const nn_op nn_op_mul;

enum { PIECE = 256 }; /* elements whose logarithms stay in the cache */

#define NN_SELF "loss/kl_div.c"
#include "kernel/each_real.h"

static const nn_op op = {
  .name = "KLDivLoss",
  .nin = 2,
  .attr_size = sizeof(bool),
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad_x), .needs = NN_IN(1)},
           {.row = NN_BOTH(grad_t), .needs = NN_IN(0) | NN_IN(1)}},
};

static bool is_positive(double x) {
  return !(x < 0);
}

/* "batchmean" is the sum, divided. */
static nn_status by_rows(nn_ctx *ctx, nn_tensor *sum, int64_t rows, nn_tensor **out) {
  nn_tensor *in[2] = {sum};
  nn_status st = nn_tensor_scalar(ctx, sum->v.dtype, 1 / (double)rows, &in[1]);
  if (st == NN_OK) st = nn_apply(ctx, &nn_op_mul, NULL, 2, in, out);
  nn_tensor_release(in[1]);
  nn_tensor_release(sum);
  return st;
}

static nn_status loss_forward(nn_ctx *ctx, nn_loss *l, nn_tensor *prediction, nn_tensor *target,
                              nn_tensor **out) {
  const bool logs = ((const kl_div *)l)->log_target, batch = l->reduction[0] == 'b';
  nn_tensor *in[2] = {prediction, target};
  *out = NULL;
  NN_TRY(nn_loss_same_shape(l, prediction, target));
  if (!logs)
    NN_TRY(nn_loss_each(l, "target", target, is_positive,
                        "a probability, not below 0 (for logarithms say log_target = true)"));
  if (!batch) return nn_loss_of_terms(ctx, l, &op, &logs, 2, in, out);
  nn_loss sum = *l;
  nn_tensor *total;
  sum.reduction = nn_reductions[NN_REDUCE_SUM];
  NN_TRY(nn_loss_of_terms(ctx, &sum, &op, &logs, 2, in, &total));
  const nn_shape *s = &prediction->v.shape;
  return by_rows(ctx, total, s->ndim ? s->dim[0] : 1, out);
}

static const char *const reductions[] = {"mean", "sum", "none", "batchmean", NULL};

static const nn_param params[] = {
  NN_P_BOOL(kl_div, log_target, false, "the target, too, is given as logarithms"),
  {.name = "reduction",
   .kind = NN_PARAM_ENUM,
   .offset = offsetof(kl_div, base.reduction),
   .choice = "mean",
   .choices = reductions,
   .doc = "what is made of the terms; \"batchmean\" divides their sum by the rows"},
  NN_P_END};

const nn_loss_class nn_loss_kl_div = {
  .name = "KLDivLoss",
  .doc = "Kullback-Leibler divergence t (log t - x): how far the distribution e^x is from t. The "
         "prediction x is logarithms of probabilities (LogSoftmax), the target t probabilities of "
         "the same shape; 0 log 0 is 0. reduction = \"batchmean\" is the divergence of a row, on "
         "average. Kullback, Leibler 1951.",
  .size = sizeof(kl_div),
  .params = params,
  .forward = loss_forward,
  .example =
    {{.inputs = "4x3 4x3", .lo = 0.1, .hi = 0.9},
     {.inputs = "4 4", .args = "reduction = \"sum\"", .lo = 0.1, .hi = 0.9},
     {.inputs = "2x2 2x2", .args = "log_target = true, reduction = \"none\"", .lo = -2, .hi = -0.1},
     {.inputs = "2x3 2x3", .args = "reduction = \"batchmean\"", .lo = 0.1, .hi = 0.9}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const bool logs = *(const bool *)attr;
  const R *x = p[1], *t = p[2];
  R *y = p[0], v[PIECE];
  for (int64_t m; n > 0; n -= m, x += m, t += m, y += m) {
    m = n < PIECE ? n : PIECE;
    if (logs) {
      FN(nn_v_exp)(m, t, v);
      for (int64_t i = 0; i < m; i++) y[i] = v[i] * (t[i] - x[i]);
    } else {
      FN(nn_v_log)(m, t, v);
      for (int64_t i = 0; i < m; i++) y[i] = t[i] == 0 ? 0 : t[i] * (v[i] - x[i]);
    }
  }
}

NN_HOT static void FN(grad_x)(int64_t n, void *const *p, const void *attr) {
  const bool logs = *(const bool *)attr;
  const R *gy = p[1], *t = p[2];
  R *g = p[0], v[PIECE];
  for (int64_t m; n > 0; n -= m, gy += m, t += m, g += m) {
    m = n < PIECE ? n : PIECE;
    if (logs) FN(nn_v_exp)(m, t, v);
    for (int64_t i = 0; i < m; i++) g[i] = -gy[i] * (logs ? v[i] : t[i]);
  }
}

NN_HOT static void FN(grad_t)(int64_t n, void *const *p, const void *attr) {
  const bool logs = *(const bool *)attr;
  const R *gy = p[1], *x = p[2], *t = p[3];
  R *g = p[0], v[PIECE];
  for (int64_t m; n > 0; n -= m, gy += m, x += m, t += m, g += m) {
    m = n < PIECE ? n : PIECE;
    if (logs)
      FN(nn_v_exp)(m, t, v);
    else
      FN(nn_v_log)(m, t, v);
    for (int64_t i = 0; i < m; i++)
      g[i] = gy[i] * (logs ? v[i] * (t[i] - x[i] + 1) : v[i] + 1 - x[i]);
  }
}

#endif
