/*
 * optim/adagrad.c: Adagrad (Duchi, Hazan, Singer 2011): G += g g, then
 *   pytorch, torch7    w -= rate g / (sqrt(G) + eps), rate = lr / (1 + (t - 1) lr_decay)
 *   keras, chapter     w -= rate g / sqrt(G + eps); in keras G begins at 0.1
 */
#ifndef R
#include <math.h>

#include "kernel/names.h"
#include "optim/optim.h"

typedef struct adagrad {
  nn_hyper base;
  double lr_decay, initial_accumulator_value, eps;
} adagrad;

extern const nn_optim_class nn_optim_adagrad;

/* IN: the eps inside the root, or 0; OUT: the one outside; FIRST: what G begins with, at step 1 */
enum { RATE, IN, OUT, FIRST };

#define NN_SELF "optim/adagrad.c"
#include "kernel/each_real.h"

static bool inside(const void *hyper) {
  return nn_follows(hyper, "keras") || nn_follows(hyper, "chapter");
}

static void prepare(const void *hyper, int64_t t, double *number, double *coef) {
  const adagrad *h = hyper;
  (void)number;
  coef[RATE] = h->base.lr / (1 + (double)(t - 1) * h->lr_decay);
  coef[IN] = inside(h) ? h->eps : 0;
  coef[OUT] = nn_eps_f64(inside(h) ? 0 : h->eps);
  coef[FIRST] = t == 1 ? h->initial_accumulator_value : 0;
}

static double taken(const double *coef, double g, const double *slot) {
  return -coef[RATE] * g / (sqrt(slot[0] + coef[IN]) + coef[OUT]);
}

static void formula(const void *hyper, nn_lines *to) {
  const adagrad *h = hyper;
  char rate[80];
  nn_lines r = {.text = rate, .size = sizeof rate};
  if (h->lr_decay == 0)
    nn_line(&r, "%g", h->base.lr);
  else
    nn_line(&r, "%g / (1 + %g (t - 1))", h->base.lr, h->lr_decay);
  if (h->initial_accumulator_value != 0)
    nn_line(to, "G = G + g^2 (G begins at %g)", h->initial_accumulator_value);
  else
    nn_line(to, "G = G + g^2");
  nn_line(to, inside(h) ? "w = w - %s g / sqrt(G + %g)" : "w = w - %s g / (sqrt(G) + %g)", rate,
          h->eps);
}

static const nn_param params[] = {
  NN_HYPER_PARAMS(adagrad, 0.01),
  NN_P_REAL(adagrad, lr_decay, 0, 0, 0, 1e6, "the rate is lr / (1 + (t - 1) lr_decay)"),
  NN_P_REAL(adagrad, initial_accumulator_value, 0, 0, 0, 1e6, "what the sum of squares begins at"),
  NN_P_REAL(adagrad, eps, 0, 1e-10, 0, 1, "added to the root, or inside it"),
  NN_HYPER_CONVENTION(adagrad, nn_conventions),
  NN_P_END};

static const nn_default defaults[] = {
  {"keras", "lr", {1e-3}},    {"keras", "initial_accumulator_value", {0.1}},
  {"keras", "eps", {1e-7}},   {"torch7", "lr", {1e-3}},
  {"chapter", "eps", {1e-8}}, {NULL, NULL, {0}}};

const nn_optim_class nn_optim_adagrad = {
  .name = "Adagrad",
  .doc = "G += g^2, w -= lr g / (sqrt(G) + eps): weights that moved much move less.",
  .size = sizeof(adagrad),
  .params = params,
  .defaults = defaults,
  .slots = {"sum"},
  .prepare = prepare,
  .update = NN_BOTH(update),
  .taken = taken,
  .formula = formula,
};
#else

NN_HOT static void FN(adagrad)(int64_t n, R *restrict w, const R *restrict g, R *restrict s,
                               const double *coef) {
  const R rate = (R)coef[RATE], in = (R)coef[IN], out = FN(nn_eps)(coef[OUT]),
          first = (R)coef[FIRST];
  for (int64_t i = 0; i < n; i++) {
    s[i] = (s[i] + first) + g[i] * g[i];
    w[i] -= rate * g[i] / (sqrt(s[i] + in) + out);
  }
}

static void FN(update)(int64_t n, void *w, const void *g, void *const *slot, const void *hyper,
                       const double *coef) {
  (void)hyper;
  FN(adagrad)(n, w, g, slot[0], coef);
}

#endif
