/*
 * optim/adadelta.c: Adadelta (Zeiler 2012): v = rho v + (1 - rho) g g, d = g sqrt(a + eps) /
 * sqrt(v + eps), a = rho a + (1 - rho) d d, w -= lr d. The libraries agree on this and not on the
 * defaults: Keras's rate of 0.001 makes it a thousand times slower than the paper's 1.
 */
#ifndef R
#include <math.h>

#include "kernel/names.h"
#include "optim/optim.h"

typedef struct adadelta {
  nn_hyper base;
  double rho, eps;
} adadelta;

extern const nn_optim_class nn_optim_adadelta;

enum { LR, RHO, EPS };

#define NN_SELF "optim/adadelta.c"
#include "kernel/each_real.h"

static void prepare(const void *hyper, int64_t t, double *number, double *coef) {
  const adadelta *h = hyper;
  (void)t;
  (void)number;
  coef[LR] = h->base.lr;
  coef[RHO] = h->rho;
  coef[EPS] = nn_eps_f64(h->eps);
}

/* slot[1] already has d in it: its value before is solved for. */
static double taken(const double *coef, double g, const double *slot) {
  const double rho = coef[RHO], eps = coef[EPS], q = g * g / (slot[0] + eps);
  double a = (slot[1] - (1 - rho) * eps * q) / (rho + (1 - rho) * q);
  return -coef[LR] * g * sqrt((a > 0 ? a : 0) + eps) / sqrt(slot[0] + eps);
}

static void formula(const void *hyper, nn_lines *to) {
  const adadelta *h = hyper;
  nn_line(to, "v = %g v + %g g^2", h->rho, 1 - h->rho);
  nn_line(to, "d = g sqrt(a + %g) / sqrt(v + %g)", h->eps, h->eps);
  nn_line(to, "a = %g a + %g d^2", h->rho, 1 - h->rho);
  nn_line(to, "w = w - %g d", h->base.lr);
}

static const nn_param params[] = {
  NN_HYPER_PARAMS(adadelta, 1),
  NN_P_REAL(adadelta, rho, NN_P_BELOW_HI, 0.9, 0, 1, "what is kept of both averages of squares"),
  NN_P_REAL(adadelta, eps, 0, 1e-6, 0, 1, "added inside both roots"),
  NN_HYPER_CONVENTION(adadelta, nn_conventions), NN_P_END};

static const nn_default defaults[] = {
  {"keras", "lr", {1e-3}}, {"keras", "rho", {0.95}}, {"keras", "eps", {1e-7}}, {NULL, NULL, {0}}};

const nn_optim_class nn_optim_adadelta = {
  .name = "Adadelta",
  .doc =
    "v = rho v + (1 - rho) g^2, d = g sqrt(a + eps) / sqrt(v + eps), a = rho a + (1 - rho) d^2, "
    "w -= lr d.",
  .size = sizeof(adadelta),
  .params = params,
  .defaults = defaults,
  .slots = {"square_avg", "acc_delta"},
  .prepare = prepare,
  .update = NN_BOTH(update),
  .taken = taken,
  .formula = formula,
};
#else

NN_HOT static void FN(adadelta)(int64_t n, R *restrict w, const R *restrict g, R *restrict v,
                                R *restrict a, const double *coef) {
  const R lr = (R)coef[LR], rho = (R)coef[RHO], new = (R)(1 - coef[RHO]),
          eps = FN(nn_eps)(coef[EPS]);
  for (int64_t i = 0; i < n; i++) {
    v[i] = rho * v[i] + new *(g[i] * g[i]);
    R d = sqrt(a[i] + eps) / sqrt(v[i] + eps) * g[i];
    a[i] = rho * a[i] + new *(d * d);
    w[i] -= lr * d;
  }
}

static void FN(update)(int64_t n, void *w, const void *g, void *const *slot, const void *hyper,
                       const double *coef) {
  (void)hyper;
  FN(adadelta)(n, w, g, slot[0], slot[1], coef);
}

#endif
