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
  const double delta = ((const huber *)l)->delta;
  *out = NULL;
  NN_TRY(nn_loss_same_shape(l, prediction, target));
  return nn_loss_of_terms(ctx, l, &op, &delta, 2, (nn_tensor *const[]){prediction, target}, out);
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

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R delta = (R) * (const double *)attr, half = delta / 2;
  const R *x = p[1], *t = p[2];
  R *y = p[0];
  for (int64_t i = 0; i < n; i++) {
    R d = fabs(x[i] - t[i]);
    y[i] = d <= delta ? d * d / 2 : delta * (d - half);
  }
}

/* NaN stays NaN */
static inline R FN(slope)(R d, R delta) {
  return d > delta ? delta : d < -delta ? -delta : d;
}

NN_HOT static void FN(grad_p)(int64_t n, void *const *p, const void *attr) {
  const R delta = (R) * (const double *)attr;
  const R *gy = p[1], *x = p[2], *t = p[3];
  R *g = p[0];
  for (int64_t i = 0; i < n; i++) g[i] = gy[i] * FN(slope)(x[i] - t[i], delta);
}

NN_HOT static void FN(grad_t)(int64_t n, void *const *p, const void *attr) {
  const R delta = (R) * (const double *)attr;
  const R *gy = p[1], *x = p[2], *t = p[3];
  R *g = p[0];
  for (int64_t i = 0; i < n; i++) g[i] = gy[i] * FN(slope)(t[i] - x[i], delta);
}

#endif
