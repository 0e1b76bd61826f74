/*
 * loss/hinge.c: max(0, margin - t p) with targets -1 and 1; dp = -t dy, dt = -p dy, where that is
 * positive. The loss of support vector machines: Cortes and Vapnik 1995; Torch7's MarginCriterion.
 */
#ifndef R
#include "kernel/names.h"
#include "loss/loss.h"

typedef struct hinge {
  nn_loss base;
  double margin;
} hinge;

extern const nn_loss_class nn_loss_hinge;

#define NN_SELF "loss/hinge.c"
#include "kernel/each_real.h"

static const nn_op op = {
  .name = "HingeLoss",
  .nin = 2,
  .attr_size = sizeof(double),
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad), .needs = NN_IN(0) | NN_IN(1)},
           {.row = NN_BOTH(grad_t), .needs = NN_IN(0) | NN_IN(1)}},
};

/* What lies between is a soft target; a 0 takes no side and comes from labels 0 and 1. */
static bool has_side(double x) {
  return !(x == 0 || x < -1 || x > 1);
}

static nn_status loss_forward(nn_ctx *ctx, nn_loss *l, nn_tensor *prediction, nn_tensor *target,
                              nn_tensor **out) {
  const double margin = ((const hinge *)l)->margin;
  *out = NULL;
  NN_TRY(nn_loss_same_shape(l, prediction, target));
  NN_TRY(nn_loss_each(l, "target", target, has_side,
                      "-1 or 1 (of targets 0 and 1, 2 * target - 1 makes them)"));
  return nn_loss_of_terms(ctx, l, &op, &margin, 2, (nn_tensor *const[]){prediction, target}, out);
}

static const nn_param params[] = {NN_P_REAL(hinge, margin, 0, 1, -NN_REAL_MAX, NN_REAL_MAX,
                                            "how far on the right side costs nothing"),
                                  NN_P_REDUCTION(hinge), NN_P_END};

const nn_loss_class nn_loss_hinge = {
  .name = "HingeLoss",
  .doc = "max(0, margin - t x), with predictions x and targets t of one shape, t -1 or 1: the loss "
         "of support vector machines (Cortes, Vapnik 1995). Nothing is gained beyond the margin; "
         "the gradient is -t before it, 0 beyond.",
  .size = sizeof(hinge),
  .params = params,
  .forward = loss_forward,
  .example = {{.inputs = "4x3 4x3"},
              {.inputs = "4 4", .args = "margin = 0.1, reduction = \"sum\""},
              {.inputs = "3x4 3x4", .args = "margin = 0.2, reduction = \"none\""}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R margin = (R) * (const double *)attr;
  const R *x = p[1], *t = p[2];
  R *y = p[0];
  for (int64_t i = 0; i < n; i++) {
    R v = margin - t[i] * x[i];
    y[i] = v < 0 ? 0 : v;
  }
}

NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const R margin = (R) * (const double *)attr;
  const R *gy = p[1], *x = p[2], *t = p[3];
  R *g = p[0];
  for (int64_t i = 0; i < n; i++) g[i] = margin - t[i] * x[i] > 0 ? -t[i] * gy[i] : 0;
}

NN_HOT static void FN(grad_t)(int64_t n, void *const *p, const void *attr) {
  const R margin = (R) * (const double *)attr;
  const R *gy = p[1], *x = p[2], *t = p[3];
  R *g = p[0];
  for (int64_t i = 0; i < n; i++) g[i] = margin - t[i] * x[i] > 0 ? -x[i] * gy[i] : 0;
}

#endif
