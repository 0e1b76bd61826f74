/*
 * loss/huber.c: d = p - t; d^2 / 2 where |d| <= delta, delta (|d| - delta / 2) beyond; dp = d clamped
 * to -delta..delta, times dy; dt = -dp. Huber: "Robust estimation of a location parameter", 1964.
 */
#ifndef R
#include "kernel/names.h"
#include "loss/loss.h"

typedef struct huber {
  nn_loss base;
  double delta;
} huber;

extern const nn_loss_class nn_loss_huber;

#define NN_SELF "loss/huber.c"
#include "kernel/each_real.h"

static const nn_op op = {
  .name = "HuberLoss",
  .nin = 2,
  .attr_size = sizeof(double),
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad_p), .needs = NN_IN(0) | NN_IN(1)},
           {.row = NN_BOTH(grad_t), .needs = NN_IN(0) | NN_IN(1)}},
};

static nn_status loss_forward(nn_ctx *ctx, nn_loss *l, nn_tensor *prediction, nn_tensor *target,
                              nn_tensor **out) {
  return nn_loss_of_pair(ctx, l, &op, &((const huber *)l)->delta, prediction, target, out);
}

static const nn_param params[] = {NN_P_REAL(huber, delta, NN_P_ABOVE_LO, 1, 0, NN_REAL_MAX,
                                            "where the parabola goes over into a line"),
                                  NN_P_REDUCTION(huber), NN_P_END};

const nn_loss_class nn_loss_huber = {
  .name = "HuberLoss",
  .doc = "With d = prediction - target, of one shape: d^2 / 2 where |d| <= delta, delta (|d| - "
         "delta / 2) beyond. Smooth near 0 like MSELoss, calm about outliers like L1Loss: the "
         "gradient is d, at most delta. Huber 1964.",
  .size = sizeof(huber),
  .params = params,
  .forward = loss_forward,
  .example = {{.inputs = "4x3 4x3", .args = "delta = 0.5"},
              {.inputs = "4 4", .args = "reduction = \"sum\""},
              {.inputs = "3x4 3x4", .args = "delta = 0.3, reduction = \"none\""}},
};
#else

static inline R FN(option)(const void *attr) {
  return (R) * (const double *)attr;
}

static inline R FN(term)(R d, R delta) {
  const R size = fabs(d);
  return size <= delta ? size * size / 2 : delta * (size - delta / 2);
}

/* NaN stays NaN */
static inline R FN(slope)(R d, R delta) {
  return d > delta ? delta : d < -delta ? -delta : d;
}
#include "loss/difference_body.h"

#endif
