/*
 * optim/adam.c: Adam (Kingma and Ba 2015, algorithm 1), as PyTorch has it: m = b1 m + (1 - b1) g, v
 * = b2 v + (1 - b2) g g, w -= lr m' / (sqrt(v') + eps), m' = m / (1 - b1^t), v' = v / (1 - b2^t).
 * With amsgrad the root is of the largest v so far.
 */
#ifndef R
#include <math.h>

#include "kernel/names.h"
#include "optim/optim.h"

typedef struct adam {
  nn_hyper base;
  double betas[2], eps;
  bool amsgrad;
} adam;

extern const nn_optim_class nn_optim_adam;

enum { STEP, B1, B2, ROOT, EPS };

#define NN_SELF "optim/adam.c"
#include "kernel/each_real.h"

static void prepare(const void *hyper, int64_t t, double *coef) {
  const adam *h = hyper;
  coef[STEP] = h->base.lr / (1 - pow(h->betas[0], (double)t));
  coef[B1] = h->betas[0];
  coef[B2] = h->betas[1];
  coef[ROOT] = 1 / sqrt(1 - pow(h->betas[1], (double)t));
  coef[EPS] = h->eps;
}

static const nn_param params[] = {
  NN_HYPER_PARAMS(adam, 1e-3),
  NN_P_PAIR(adam, betas, NN_P_BELOW_HI, 0.9, 0.999, 0, 1,
            "decay of the mean of gradients, and of their squares"),
  NN_P_REAL(adam, eps, 0, 1e-8, 0, 1, "added to the root"),
  NN_P_BOOL(adam, amsgrad, false, "use the largest mean of squares so far"), NN_P_END};

const nn_optim_class nn_optim_adam = {
  .name = "Adam",
  .doc = "m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, w -= lr m/(1 - b1^t) / (sqrt(v/(1 - "
         "b2^t)) + eps).",
  .size = sizeof(adam),
  .params = params,
  .slots = {"m", "v", "max_v"},
  .prepare = prepare,
  .update = NN_BOTH(update),
};
#else

NN_HOT static void FN(adam)(int64_t n, R *w, const R *g, R *m, R *v, const double *coef) {
  const R step = (R)coef[STEP], b1 = (R)coef[B1], b2 = (R)coef[B2], root = (R)coef[ROOT],
          eps = (R)coef[EPS];
  const R a1 = (R)(1 - coef[B1]), a2 = (R)(1 - coef[B2]);
  for (int64_t i = 0; i < n; i++) {
    m[i] = b1 * m[i] + a1 * g[i];
    v[i] = b2 * v[i] + a2 * (g[i] * g[i]);
    w[i] -= step * m[i] / (sqrt(v[i]) * root + eps);
  }
}

NN_HOT static void FN(amsgrad)(int64_t n, R *w, const R *g, R *m, R *v, R *max,
                               const double *coef) {
  const R step = (R)coef[STEP], b1 = (R)coef[B1], b2 = (R)coef[B2], root = (R)coef[ROOT],
          eps = (R)coef[EPS];
  const R a1 = (R)(1 - coef[B1]), a2 = (R)(1 - coef[B2]);
  for (int64_t i = 0; i < n; i++) {
    m[i] = b1 * m[i] + a1 * g[i];
    v[i] = b2 * v[i] + a2 * (g[i] * g[i]);
    max[i] = v[i] > max[i] ? v[i] : max[i];
    w[i] -= step * m[i] / (sqrt(max[i]) * root + eps);
  }
}

static void FN(update)(int64_t n, void *w, const void *g, void *const *slot, const void *hyper,
                       const double *coef) {
  if (((const adam *)hyper)->amsgrad)
    FN(amsgrad)(n, w, g, slot[0], slot[1], slot[2], coef);
  else
    FN(adam)(n, w, g, slot[0], slot[1], coef);
}

#endif
