/*
 * optim/adam.c: Adam (Kingma and Ba 2015): m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g g, then
 *   pytorch, chapter   w -= lr m' / (sqrt(v') + eps), m' = m / (1 - b1^t), v' = v / (1 - b2^t):
 *                      the paper's algorithm 1
 *   keras, torch7      w -= lr m' sqrt(1 - b2^t) / (sqrt(v) + eps): the paper's "epsilon hat"; an
 *                      early step feels 1 / sqrt(1 - b2^t) times as much of eps
 * With amsgrad (Reddi, Kale, Kumar 2018) the root is of the largest v so far.
 */
#ifndef R
#include "optim/adam.h"

#include <math.h>

#include "kernel/names.h"

extern const nn_optim_class nn_optim_adam;

enum { STEP, B1, B2, ROOT, EPS, MAX };

#define NN_SELF "optim/adam.c"
#include "kernel/each_real.h"

static bool hat(const void *hyper) {
  return nn_follows(hyper, "keras") || nn_follows(hyper, "torch7");
}

void nn_adam_prepare(const void *hyper, int64_t t, double *number, double *coef) {
  const nn_adam *h = hyper;
  const double c1 = 1 - pow(h->betas[0], (double)t), c2 = sqrt(1 - pow(h->betas[1], (double)t));
  (void)number;
  coef[STEP] = hat(h) ? h->base.lr * c2 / c1 : h->base.lr / c1;
  coef[B1] = h->betas[0];
  coef[B2] = h->betas[1];
  coef[ROOT] = hat(h) ? 1 : 1 / c2;
  coef[EPS] = nn_eps_f64(h->eps);
  coef[MAX] = h->amsgrad;
}

double nn_adam_taken(const double *coef, double g, const double *slot) {
  (void)g;
  double v = coef[MAX] != 0 ? slot[2] : slot[1];
  return -coef[STEP] * slot[0] / (sqrt(v) * coef[ROOT] + coef[EPS]);
}

unsigned nn_adam_uses(const void *hyper) {
  return ((const nn_adam *)hyper)->amsgrad ? 7u : 3u;
}

void nn_adam_formula(const void *hyper, nn_lines *to) {
  const nn_adam *h = hyper;
  const double lr = h->base.lr, b1 = h->betas[0], b2 = h->betas[1];
  const char *v = h->amsgrad ? "max_v" : "v";
  nn_line(to, "m = %g m + %g g", b1, 1 - b1);
  nn_line(to, "v = %g v + %g g^2", b2, 1 - b2);
  if (h->amsgrad) nn_line(to, "max_v = max(max_v, v)");
  if (hat(h))
    nn_line(to, "w = w - %g sqrt(1 - %g^t) / (1 - %g^t) m / (sqrt(%s) + %g)", lr, b2, b1, v,
            h->eps);
  else
    nn_line(to, "w = w - %g m / (1 - %g^t) / (sqrt(%s / (1 - %g^t)) + %g)", lr, b1, v, b2, h->eps);
}

static const nn_param params[] = {NN_HYPER_PARAMS(nn_adam, 1e-3), NN_ADAM_PARAMS,
                                  NN_HYPER_CONVENTION(nn_adam, nn_conventions), NN_P_END};

static const nn_default defaults[] = {{"keras", "eps", {1e-7}}, {NULL, NULL, {0}}};

const nn_optim_class nn_optim_adam = {
  .name = "Adam",
  .doc = "m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, w -= lr m/(1 - b1^t) / (sqrt(v/(1 - "
         "b2^t)) + eps).",
  .size = sizeof(nn_adam),
  .params = params,
  .defaults = defaults,
  .slots = {"m", "v", "max_v"},
  .uses = nn_adam_uses,
  .prepare = nn_adam_prepare,
  .update = NN_BOTH(nn_adam_update),
  .taken = nn_adam_taken,
  .formula = nn_adam_formula,
};
#else

NN_HOT static void FN(adam)(int64_t n, R *restrict w, const R *restrict g, R *restrict m,
                            R *restrict v, const double *coef) {
  const R step = (R)coef[STEP], b1 = (R)coef[B1], b2 = (R)coef[B2], root = (R)coef[ROOT],
          eps = FN(nn_eps)(coef[EPS]);
  const R a1 = (R)(1 - coef[B1]), a2 = (R)(1 - coef[B2]);
  for (int64_t i = 0; i < n; i++) {
    m[i] = b1 * m[i] + a1 * g[i];
    v[i] = b2 * v[i] + a2 * (g[i] * g[i]);
    w[i] -= step * m[i] / (sqrt(v[i]) * root + eps);
  }
}

NN_HOT static void FN(amsgrad)(int64_t n, R *restrict w, const R *restrict g, R *restrict m,
                               R *restrict v, R *restrict max, const double *coef) {
  const R step = (R)coef[STEP], b1 = (R)coef[B1], b2 = (R)coef[B2], root = (R)coef[ROOT],
          eps = FN(nn_eps)(coef[EPS]);
  const R a1 = (R)(1 - coef[B1]), a2 = (R)(1 - coef[B2]);
  for (int64_t i = 0; i < n; i++) {
    m[i] = b1 * m[i] + a1 * g[i];
    v[i] = b2 * v[i] + a2 * (g[i] * g[i]);
    max[i] = v[i] > max[i] ? v[i] : max[i];
    w[i] -= step * m[i] / (sqrt(max[i]) * root + eps);
  }
}

void FN(nn_adam_update)(int64_t n, void *w, const void *g, void *const *slot, const void *hyper,
                        const double *coef) {
  if (((const nn_adam *)hyper)->amsgrad)
    FN(amsgrad)(n, w, g, slot[0], slot[1], slot[2], coef);
  else
    FN(adam)(n, w, g, slot[0], slot[1], coef);
}

#endif
