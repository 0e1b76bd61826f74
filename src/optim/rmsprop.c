/*
 * optim/rmsprop.c: RMSprop (Hinton 2012): v = alpha v + (1 - alpha) g g, then
 *   pytorch, torch7    w -= lr g / (sqrt(v) + eps)
 *   keras, chapter     w -= lr g / sqrt(v + eps), alpha 0.9
 * centered: v - a a in the place of v, with a = alpha a + (1 - alpha) g. With momentum the step goes
 * through b = momentum b + g / root, w -= lr b; in keras lr is inside b, as in its SGD.
 */
#ifndef R
#include <math.h>

#include "kernel/names.h"
#include "optim/optim.h"

typedef struct rmsprop {
  nn_hyper base;
  double alpha, eps, momentum;
  bool centered;
} rmsprop;

extern const nn_optim_class nn_optim_rmsprop;

/* IN, OUT: eps inside and outside the root; SCALE: of g on the way in; RATE: of b on the way out */
enum { ALPHA, IN, OUT, SCALE, RATE, MOMENTUM, CENTERED };

#define NN_SELF "optim/rmsprop.c"
#include "kernel/each_real.h"

static bool inside(const void *hyper) {
  return nn_follows(hyper, "keras") || nn_follows(hyper, "chapter");
}

static void prepare(const void *hyper, int64_t t, double *number, double *coef) {
  const rmsprop *h = hyper;
  bool early = h->momentum == 0 || nn_follows(h, "keras");
  (void)t;
  (void)number;
  coef[ALPHA] = h->alpha;
  coef[IN] = inside(h) ? h->eps : 0;
  coef[OUT] = nn_eps_f64(inside(h) ? 0 : h->eps);
  coef[SCALE] = early ? h->base.lr : 1;
  coef[RATE] = early ? 1 : h->base.lr;
  coef[MOMENTUM] = h->momentum;
  coef[CENTERED] = h->centered;
}

static double taken(const double *coef, double g, const double *slot) {
  if (coef[MOMENTUM] != 0) return -coef[RATE] * slot[2];
  double v = coef[CENTERED] != 0 ? slot[0] - slot[1] * slot[1] : slot[0];
  return -coef[SCALE] * g / (sqrt((v < 0 ? 0 : v) + coef[IN]) + coef[OUT]);
}

static unsigned uses(const void *hyper) {
  const rmsprop *h = hyper;
  return 1u | (h->centered ? 2u : 0) | (h->momentum != 0 ? 4u : 0);
}

static void formula(const void *hyper, nn_lines *to) {
  const rmsprop *h = hyper;
  const char *v = h->centered ? "v - a^2" : "v";
  char root[64];
  nn_lines r = {.text = root, .size = sizeof root};
  nn_line(to, "v = %g v + %g g^2", h->alpha, 1 - h->alpha);
  if (h->centered) nn_line(to, "a = %g a + %g g", h->alpha, 1 - h->alpha);
  nn_line(&r, inside(h) ? "sqrt(%s + %g)" : "(sqrt(%s) + %g)", v, h->eps);
  if (h->momentum == 0) {
    nn_line(to, "w = w - %g g / %s", h->base.lr, root);
  } else if (nn_follows(h, "keras")) {
    nn_line(to, "b = %g b + %g g / %s", h->momentum, h->base.lr, root);
    nn_line(to, "w = w - b");
  } else {
    nn_line(to, "b = %g b + g / %s", h->momentum, root);
    nn_line(to, "w = w - %g b", h->base.lr);
  }
}

static const nn_param params[] = {
  NN_HYPER_PARAMS(rmsprop, 0.01),
  NN_P_REAL(rmsprop, alpha, NN_P_BELOW_HI, 0.99, 0, 1, "what is kept of the average of squares"),
  NN_P_REAL(rmsprop, eps, 0, 1e-8, 0, 1, "added to the root, or inside it"),
  NN_P_REAL(rmsprop, momentum, NN_P_BELOW_HI, 0, 0, 1, "what is kept of the last step's direction"),
  NN_P_BOOL(rmsprop, centered, false, "divide by the standard deviation of the gradient"),
  NN_HYPER_CONVENTION(rmsprop, nn_conventions),
  NN_P_END};

static const nn_default defaults[] = {{"keras", "lr", {1e-3}},
                                      {"keras", "alpha", {0.9}},
                                      {"keras", "eps", {1e-7}},
                                      {"chapter", "alpha", {0.9}},
                                      {NULL, NULL, {0}}};

const nn_optim_class nn_optim_rmsprop = {
  .name = "RMSprop",
  .doc = "v = alpha v + (1 - alpha) g^2, w -= lr g / (sqrt(v) + eps).",
  .size = sizeof(rmsprop),
  .params = params,
  .defaults = defaults,
  .slots = {"square_avg", "grad_avg", "momentum_buffer"},
  .uses = uses,
  .prepare = prepare,
  .update = NN_BOTH(update),
  .taken = taken,
  .formula = formula,
};
#else

NN_HOT static void FN(plain)(int64_t n, R *restrict w, const R *restrict g, R *restrict v,
                             const double *coef) {
  const R alpha = (R)coef[ALPHA], new = (R)(1 - coef[ALPHA]), in = (R)coef[IN],
          out = FN(nn_eps)(coef[OUT]), lr = (R)coef[SCALE];
  for (int64_t i = 0; i < n; i++) {
    v[i] = alpha * v[i] + new *(g[i] * g[i]);
    w[i] -= lr * g[i] / (sqrt(v[i] + in) + out);
  }
}

NN_HOT static void FN(moving)(int64_t n, R *restrict w, const R *restrict g, R *restrict v,
                              R *restrict b, const double *coef) {
  const R alpha = (R)coef[ALPHA], new = (R)(1 - coef[ALPHA]), in = (R)coef[IN],
          out = FN(nn_eps)(coef[OUT]), scale = (R)coef[SCALE], rate = (R)coef[RATE],
          m = (R)coef[MOMENTUM];
  for (int64_t i = 0; i < n; i++) {
    v[i] = alpha * v[i] + new *(g[i] * g[i]);
    b[i] = m * b[i] + scale * g[i] / (sqrt(v[i] + in) + out);
    w[i] -= rate * b[i];
  }
}

/* Rounding can make a variance of nearly 0 negative. */
NN_HOT static void FN(centered)(int64_t n, R *restrict w, const R *restrict g, R *restrict v,
                                R *restrict a, const double *coef) {
  const R alpha = (R)coef[ALPHA], new = (R)(1 - coef[ALPHA]), in = (R)coef[IN],
          out = FN(nn_eps)(coef[OUT]), lr = (R)coef[SCALE];
  for (int64_t i = 0; i < n; i++) {
    v[i] = alpha * v[i] + new *(g[i] * g[i]);
    a[i] = alpha * a[i] + new *g[i];
    R var = v[i] - a[i] * a[i];
    w[i] -= lr * g[i] / (sqrt((var < 0 ? 0 : var) + in) + out);
  }
}

NN_HOT static void FN(centered_moving)(int64_t n, R *restrict w, const R *restrict g, R *restrict v,
                                       R *restrict a, R *restrict b, const double *coef) {
  const R alpha = (R)coef[ALPHA], new = (R)(1 - coef[ALPHA]), in = (R)coef[IN],
          out = FN(nn_eps)(coef[OUT]), scale = (R)coef[SCALE], rate = (R)coef[RATE],
          m = (R)coef[MOMENTUM];
  for (int64_t i = 0; i < n; i++) {
    v[i] = alpha * v[i] + new *(g[i] * g[i]);
    a[i] = alpha * a[i] + new *g[i];
    R var = v[i] - a[i] * a[i];
    b[i] = m * b[i] + scale * g[i] / (sqrt((var < 0 ? 0 : var) + in) + out);
    w[i] -= rate * b[i];
  }
}

static void FN(update)(int64_t n, void *w, const void *g, void *const *slot, const void *hyper,
                       const double *coef) {
  const rmsprop *h = hyper;
  if (h->centered && h->momentum != 0)
    FN(centered_moving)(n, w, g, slot[0], slot[1], slot[2], coef);
  else if (h->centered)
    FN(centered)(n, w, g, slot[0], slot[1], coef);
  else if (h->momentum != 0)
    FN(moving)(n, w, g, slot[0], slot[2], coef);
  else
    FN(plain)(n, w, g, slot[0], coef);
}

#endif
