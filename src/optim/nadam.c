/*
 * optim/nadam.c: NAdam (Dozat 2016), Adam with Nesterov's momentum: m and v as Adam, mu(t) = b1 (1 -
 * 0.96^(t momentum_decay) / 2), P = mu(1) ... mu(t),
 *   w -= lr ((1 - mu(t)) / (1 - P) g + mu(t+1) / (1 - P mu(t+1)) m) / (sqrt(v / (1 - b2^t)) + eps).
 * Keras has the same with momentum_decay = 1: its mu rises 250 times sooner.
 */
#ifndef R
#include <math.h>

#include "kernel/names.h"
#include "optim/optim.h"

typedef struct nadam {
  nn_hyper base;
  double betas[2], eps, momentum_decay;
} nadam;

extern const nn_optim_class nn_optim_nadam;

enum { OF_G, OF_M, B1, B2, ROOT, EPS };

#define NN_SELF "optim/nadam.c"
#include "kernel/each_real.h"

static double mu(const nadam *h, double t) {
  return h->betas[0] * (1 - 0.5 * pow(0.96, t * h->momentum_decay));
}

/* The product is kept, not computed from t: it remembers betas and momentum_decay of earlier steps. */
static void prepare(const void *hyper, int64_t t, double *number, double *coef) {
  const nadam *h = hyper;
  const double now = mu(h, (double)t), next = mu(h, (double)t + 1);
  number[0] = (t == 1 ? 1 : number[0]) * now;
  coef[OF_G] = h->base.lr * (1 - now) / (1 - number[0]);
  coef[OF_M] = h->base.lr * next / (1 - number[0] * next);
  coef[B1] = h->betas[0];
  coef[B2] = h->betas[1];
  coef[ROOT] = 1 / sqrt(1 - pow(h->betas[1], (double)t));
  coef[EPS] = nn_eps_f64(h->eps);
}

static double taken(const double *coef, double g, const double *slot) {
  return -(coef[OF_G] * g + coef[OF_M] * slot[0]) / (sqrt(slot[1]) * coef[ROOT] + coef[EPS]);
}

static void formula(const void *hyper, nn_lines *to) {
  const nadam *h = hyper;
  const double lr = h->base.lr, b1 = h->betas[0], b2 = h->betas[1];
  nn_line(to, "mu(t) = %g (1 - 0.96^(%g t) / 2), P = mu(1) ... mu(t)", b1, h->momentum_decay);
  nn_line(to, "m = %g m + %g g", b1, 1 - b1);
  nn_line(to, "v = %g v + %g g^2", b2, 1 - b2);
  nn_line(to, "d = (1 - mu(t)) / (1 - P) g + mu(t+1) / (1 - P mu(t+1)) m");
  nn_line(to, "w = w - %g d / (sqrt(v / (1 - %g^t)) + %g)", lr, b2, h->eps);
}

static const char *const names[] = {"pytorch", "keras", NULL};

static const nn_param params[] = {
  NN_HYPER_PARAMS(nadam, 2e-3),
  NN_P_PAIR(nadam, betas, NN_P_BELOW_HI, 0.9, 0.999, 0, 1,
            "decay of the mean of gradients, and of their squares"),
  NN_P_REAL(nadam, eps, 0, 1e-8, 0, 1, "added to the root"),
  NN_P_REAL(nadam, momentum_decay, 0, 4e-3, 0, 1e3, "how soon the momentum rises to betas[1]"),
  NN_HYPER_DECOUPLED(nadam),
  NN_HYPER_CONVENTION(nadam, names),
  NN_P_END};

static const nn_default defaults[] = {{"keras", "lr", {1e-3}},
                                      {"keras", "eps", {1e-7}},
                                      {"keras", "momentum_decay", {1}},
                                      {NULL, NULL, {0}}};

const nn_optim_class nn_optim_nadam = {
  .name = "NAdam",
  .doc =
    "Adam with Nesterov's momentum: the step mixes g with the mean that the next step will have.",
  .size = sizeof(nadam),
  .params = params,
  .defaults = defaults,
  .slots = {"m", "v"},
  .numbers = {"mu_product"},
  .prepare = prepare,
  .update = NN_BOTH(update),
  .taken = taken,
  .formula = formula,
};
#else

NN_HOT static void FN(nadam)(int64_t n, R *restrict w, const R *restrict g, R *restrict m,
                             R *restrict v, const double *coef) {
  const R of_g = (R)coef[OF_G], of_m = (R)coef[OF_M], b1 = (R)coef[B1], b2 = (R)coef[B2],
          root = (R)coef[ROOT], eps = FN(nn_eps)(coef[EPS]);
  const R a1 = (R)(1 - coef[B1]), a2 = (R)(1 - coef[B2]);
  for (int64_t i = 0; i < n; i++) {
    m[i] = b1 * m[i] + a1 * g[i];
    v[i] = b2 * v[i] + a2 * (g[i] * g[i]);
    w[i] -= (of_g * g[i] + of_m * m[i]) / (sqrt(v[i]) * root + eps);
  }
}

static void FN(update)(int64_t n, void *w, const void *g, void *const *slot, const void *hyper,
                       const double *coef) {
  (void)hyper;
  FN(nadam)(n, w, g, slot[0], slot[1], coef);
}

#endif
