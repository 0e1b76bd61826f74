/*
 * loss/smooth_l1.c: d = p - t; d^2 / (2 beta) where |d| < beta, |d| - beta / 2 beyond; dp = d / beta
 * clamped to -1..1, times dy; dt = -dp. beta = 0 is L1Loss. Girshick: "Fast R-CNN", 2015.
 */
#ifndef R
#include "kernel/names.h"
#include "loss/loss.h"

typedef struct smooth_l1 {
  nn_loss base;
  double beta;
} smooth_l1;

extern const nn_loss_class nn_loss_smooth_l1;

#define NN_SELF "loss/smooth_l1.c"
#include "kernel/each_real.h"

static const nn_op op = {
  .name = "SmoothL1Loss",
  .nin = 2,
  .attr_size = sizeof(double),
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad_p), .needs = NN_IN(0) | NN_IN(1)},
           {.row = NN_BOTH(grad_t), .needs = NN_IN(0) | NN_IN(1)}},
};

static nn_status loss_forward(nn_ctx *ctx, nn_loss *l, nn_tensor *prediction, nn_tensor *target,
                              nn_tensor **out) {
  return nn_loss_of_pair(ctx, l, &op, &((const smooth_l1 *)l)->beta, prediction, target, out);
}

static const nn_param params[] = {
  NN_P_REAL(smooth_l1, beta, 0, 1, 0, NN_REAL_MAX, "where the parabola goes over into a line"),
  NN_P_REDUCTION(smooth_l1), NN_P_END};

const nn_loss_class nn_loss_smooth_l1 = {
  .name = "SmoothL1Loss",
  .doc = "With d = prediction - target, of one shape: d^2 / (2 beta) where |d| < beta, |d| - beta "
         "/ 2 beyond: HuberLoss divided by beta. beta = 0 is L1Loss. Girshick 2015.",
  .size = sizeof(smooth_l1),
  .params = params,
  .forward = loss_forward,
  .example = {{.inputs = "4x3 4x3", .args = "beta = 0.5"},
              {.inputs = "4 4", .args = "reduction = \"sum\""},
              {.inputs = "3x4 3x4", .args = "beta = 0, reduction = \"none\""}},
};
#else

static inline R FN(option)(const void *attr) {
  return (R) * (const double *)attr;
}

static inline R FN(term)(R d, R beta) {
  const R size = fabs(d);
  return size < beta ? size * size / (2 * beta) : size - beta / 2;
}

/* NaN stays NaN; with beta = 0 the sign */
static inline R FN(slope)(R d, R beta) {
  return d >= beta && d > 0 ? 1 : d <= -beta && d < 0 ? -1 : beta > 0 ? d / beta : d;
}
#include "loss/difference_body.h"

#endif
