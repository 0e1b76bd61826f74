/*
 * optim/adamax.c: Adamax (Kingma and Ba 2015, section 7): m = b1 m + (1 - b1) g, u the largest of b2 u
 * and |g|, w -= lr / (1 - b1^t) m / u.
 *   pytorch, torch7    u = max(b2 u, |g| + eps)
 *   keras              u = max(b2 u, |g|), and u + eps divides
 */
#ifndef R
#include <math.h>

#include "kernel/names.h"
#include "optim/optim.h"

typedef struct adamax {
  nn_hyper base;
  double betas[2], eps;
} adamax;

extern const nn_optim_class nn_optim_adamax;

enum { STEP, B1, B2, IN, OUT };

#define NN_SELF "optim/adamax.c"
#include "kernel/each_real.h"

static void prepare(const void *hyper, int64_t t, double *number, double *coef) {
  const adamax *h = hyper;
  const bool late = nn_follows(h, "keras");
  (void)number;
  coef[STEP] = h->base.lr / (1 - pow(h->betas[0], (double)t));
  coef[B1] = h->betas[0];
  coef[B2] = h->betas[1];
  coef[IN] = late ? 0 : h->eps;
  coef[OUT] = nn_eps_f64(late ? h->eps : 0);
}

static double taken(const double *coef, double g, const double *slot) {
  (void)g;
  return -coef[STEP] * slot[0] / (slot[1] + coef[OUT]);
}

static void formula(const void *hyper, nn_lines *to) {
  const adamax *h = hyper;
  const double lr = h->base.lr, b1 = h->betas[0], b2 = h->betas[1];
  nn_line(to, "m = %g m + %g g", b1, 1 - b1);
  if (nn_follows(h, "keras")) {
    nn_line(to, "u = max(%g u, |g|)", b2);
    nn_line(to, "w = w - %g / (1 - %g^t) m / (u + %g)", lr, b1, h->eps);
  } else {
    nn_line(to, "u = max(%g u, |g| + %g)", b2, h->eps);
    nn_line(to, "w = w - %g / (1 - %g^t) m / u", lr, b1);
  }
}

static const char *const names[] = {"pytorch", "keras", "torch7", NULL};

static const nn_param params[] = {
  NN_HYPER_PARAMS(adamax, 2e-3),
  NN_P_PAIR(adamax, betas, NN_P_BELOW_HI, 0.9, 0.999, 0, 1,
            "decay of the mean of gradients, and of their largest size"),
  NN_P_REAL(adamax, eps, 0, 1e-8, 0, 1, "keeps the divisor from 0"),
  NN_HYPER_CONVENTION(adamax, names), NN_P_END};

static const nn_default defaults[] = {
  {"keras", "lr", {1e-3}}, {"keras", "eps", {1e-7}}, {"torch7", "eps", {1e-38}}, {NULL, NULL, {0}}};

const nn_optim_class nn_optim_adamax = {
  .name = "Adamax",
  .doc = "m = b1 m + (1 - b1) g, u = max(b2 u, |g| + eps), w -= lr / (1 - b1^t) m / u.",
  .size = sizeof(adamax),
  .params = params,
  .defaults = defaults,
  .slots = {"m", "u"},
  .prepare = prepare,
  .update = NN_BOTH(update),
  .taken = taken,
  .formula = formula,
};
#else

NN_HOT static void FN(adamax)(int64_t n, R *restrict w, const R *restrict g, R *restrict m,
                              R *restrict u, const double *coef) {
  const R step = (R)coef[STEP], b1 = (R)coef[B1], b2 = (R)coef[B2], in = (R)coef[IN],
          out = FN(nn_eps)(coef[OUT]), new = (R)(1 - coef[B1]);
  for (int64_t i = 0; i < n; i++) {
    m[i] = b1 * m[i] + new *g[i];
    R old = b2 * u[i], size = fabs(g[i]) + in;
    u[i] = old > size ? old : size;
    w[i] -= step * m[i] / (u[i] + out);
  }
}

static void FN(update)(int64_t n, void *w, const void *g, void *const *slot, const void *hyper,
                       const double *coef) {
  (void)hyper;
  FN(adamax)(n, w, g, slot[0], slot[1], coef);
}

#endif
