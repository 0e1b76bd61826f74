/*
 * optim/lion.c: Lion (Chen et al. 2023): w -= lr sign(b1 m + (1 - b1) g), then m = b2 m + (1 - b2) g.
 * Every weight moves by lr, so lr is 3 to 10 times smaller than Adam's. weight_decay is decoupled.
 * Keras has the same with lr 1e-3.
 */
#ifndef R
#include "kernel/names.h"
#include "optim/optim.h"

typedef struct lion {
  nn_hyper base;
  double betas[2];
} lion;

extern const nn_optim_class nn_optim_lion;

enum { LR, B1, B2 };

#define NN_SELF "optim/lion.c"
#include "kernel/each_real.h"

static void prepare(const void *hyper, int64_t t, double *number, double *coef) {
  const lion *h = hyper;
  (void)t;
  (void)number;
  coef[LR] = h->base.lr;
  coef[B1] = h->betas[0];
  coef[B2] = h->betas[1];
}

/* m before the step is solved for; where nothing of it was kept (b2 = 0) it is taken for 0. */
static double taken(const double *coef, double g, const double *slot) {
  const double b1 = coef[B1], b2 = coef[B2];
  const double m = b2 > 0 ? (slot[0] - (1 - b2) * g) / b2 : 0, c = b1 * m + (1 - b1) * g;
  return c > 0 ? -coef[LR] : c < 0 ? coef[LR] : 0;
}

static void formula(const void *hyper, nn_lines *to) {
  const lion *h = hyper;
  nn_line(to, "w = w - %g sign(%g m + %g g)", h->base.lr, h->betas[0], 1 - h->betas[0]);
  nn_line(to, "m = %g m + %g g", h->betas[1], 1 - h->betas[1]);
}

static const char *const names[] = {"pytorch", "keras", NULL};

static const nn_param params[] = {
  NN_HYPER_DECAY(lion, 1e-4, 0, "weights shrink by lr weight_decay w at each step"),
  NN_P_PAIR(lion, betas, NN_P_BELOW_HI, 0.9, 0.99, 0, 1,
            "what the step and what the memory keep of the mean of gradients"),
  NN_HYPER_CONVENTION(lion, names), NN_P_END};

static const nn_default defaults[] = {{"keras", "lr", {1e-3}}, {NULL, NULL, {0}}};

const nn_optim_class nn_optim_lion = {
  .name = "Lion",
  .doc = "w -= lr sign(b1 m + (1 - b1) g), m = b2 m + (1 - b2) g.",
  .size = sizeof(lion),
  .params = params,
  .defaults = defaults,
  .slots = {"m"},
  .decoupled = true,
  .prepare = prepare,
  .update = NN_BOTH(update),
  .taken = taken,
  .formula = formula,
};
#else

NN_HOT static void FN(lion)(int64_t n, R *restrict w, const R *restrict g, R *restrict m,
                            const double *coef) {
  const R lr = (R)coef[LR], b1 = (R)coef[B1], b2 = (R)coef[B2];
  const R a1 = (R)(1 - coef[B1]), a2 = (R)(1 - coef[B2]);
  for (int64_t i = 0; i < n; i++) {
    R c = b1 * m[i] + a1 * g[i];
    w[i] -= c > 0 ? lr : c < 0 ? -lr : 0;
    m[i] = b2 * m[i] + a2 * g[i];
  }
}

static void FN(update)(int64_t n, void *w, const void *g, void *const *slot, const void *hyper,
                       const double *coef) {
  (void)hyper;
  FN(lion)(n, w, g, slot[0], coef);
}

#endif
