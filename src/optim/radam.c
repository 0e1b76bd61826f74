/*
 * optim/radam.c: RAdam (Liu et al. 2020): Adam whose adaptive rate waits until its variance can be
 * told. r = s - 2 t b2^t / (1 - b2^t) with s = 2 / (1 - b2) - 1; where r > 5
 *   w -= lr m / (1 - b1^t) c sqrt(1 - b2^t) / (sqrt(v) + eps),
 *   c^2 = (r - 4) (r - 2) s / ((s - 4) (s - 2) r),
 * before that w -= lr m / (1 - b1^t).
 */
#ifndef R
#include <math.h>

#include "kernel/names.h"
#include "optim/optim.h"

typedef struct radam {
  nn_hyper base;
  double betas[2], eps;
} radam;

extern const nn_optim_class nn_optim_radam;

enum { STEP, B1, B2, EPS, ADAPTS };

#define NN_SELF "optim/radam.c"
#include "kernel/each_real.h"

static void prepare(const void *hyper, int64_t t, double *number, double *coef) {
  const radam *h = hyper;
  const double power = pow(h->betas[1], (double)t), s = 2 / (1 - h->betas[1]) - 1;
  const double r = s - 2 * (double)t * power / (1 - power);
  (void)number;
  coef[STEP] = h->base.lr / (1 - pow(h->betas[0], (double)t));
  coef[ADAPTS] = r > 5;
  if (r > 5) coef[STEP] *= sqrt((r - 4) * (r - 2) * s / ((s - 4) * (s - 2) * r)) * sqrt(1 - power);
  coef[B1] = h->betas[0];
  coef[B2] = h->betas[1];
  coef[EPS] = nn_eps_f64(h->eps);
}

static double taken(const double *coef, double g, const double *slot) {
  (void)g;
  double step = -coef[STEP] * slot[0];
  return coef[ADAPTS] != 0 ? step / (sqrt(slot[1]) + coef[EPS]) : step;
}

static void formula(const void *hyper, nn_lines *to) {
  const radam *h = hyper;
  const double lr = h->base.lr, b1 = h->betas[0], b2 = h->betas[1], s = 2 / (1 - b2) - 1;
  nn_line(to, "m = %g m + %g g", b1, 1 - b1);
  nn_line(to, "v = %g v + %g g^2", b2, 1 - b2);
  nn_line(to, "r = %g - 2 t %g^t / (1 - %g^t)", s, b2, b2);
  nn_line(to, "c = sqrt((r - 4) (r - 2) %g / (%g r))", s, (s - 4) * (s - 2));
  nn_line(to, "w = w - %g m / (1 - %g^t) c sqrt(1 - %g^t) / (sqrt(v) + %g) where r > 5", lr, b1, b2,
          h->eps);
  nn_line(to, "w = w - %g m / (1 - %g^t) before that", lr, b1);
}

static const nn_param params[] = {NN_HYPER_PARAMS(radam, 1e-3),
                                  NN_P_PAIR(radam, betas, NN_P_BELOW_HI, 0.9, 0.999, 0, 1,
                                            "decay of the mean of gradients, and of their squares"),
                                  NN_P_REAL(radam, eps, 0, 1e-8, 0, 1, "added to the root"),
                                  NN_HYPER_DECOUPLED(radam), NN_P_END};

const nn_optim_class nn_optim_radam = {
  .name = "RAdam",
  .doc = "Adam that steps along m alone until the variance of its adaptive rate is small.",
  .size = sizeof(radam),
  .params = params,
  .slots = {"m", "v"},
  .prepare = prepare,
  .update = NN_BOTH(update),
  .taken = taken,
  .formula = formula,
};
#else

NN_HOT static void FN(radam)(int64_t n, R *restrict w, const R *restrict g, R *restrict m,
                             R *restrict v, const double *coef) {
  const R step = (R)coef[STEP], b1 = (R)coef[B1], b2 = (R)coef[B2], eps = FN(nn_eps)(coef[EPS]);
  const R a1 = (R)(1 - coef[B1]), a2 = (R)(1 - coef[B2]);
  const bool adapts = coef[ADAPTS] != 0;
  for (int64_t i = 0; i < n; i++) {
    m[i] = b1 * m[i] + a1 * g[i];
    v[i] = b2 * v[i] + a2 * (g[i] * g[i]);
    w[i] -= adapts ? step * m[i] / (sqrt(v[i]) + eps) : step * m[i];
  }
}

static void FN(update)(int64_t n, void *w, const void *g, void *const *slot, const void *hyper,
                       const double *coef) {
  (void)hyper;
  FN(radam)(n, w, g, slot[0], slot[1], coef);
}

#endif
