/*
 * optim/sgd.c: stochastic gradient descent, w -= lr g, and with momentum
 *   pytorch, chapter   z = momentum z + (1 - dampening) g (at the first step z = g),
 *                      w -= lr z; nesterov: w -= lr (g + momentum z)
 *   torch7             the same; dampening is momentum unless given, so steps are 1 / (1 - momentum)
 *                      times shorter
 *   keras              v = momentum v + lr g, w -= v; nesterov: w -= momentum v + lr g (Keras
 *                      writes it with -v): what was gathered keeps the rate of its time
 */
#ifndef R
#include <math.h>

#include "kernel/names.h"
#include "optim/optim.h"

typedef struct sgd {
  nn_hyper base;
  double momentum, dampening;
  bool nesterov;
} sgd;

extern const nn_optim_class nn_optim_sgd;

/* SCALE: what the momentum takes of g; RATE: what the weight takes of the momentum; NOW: and of g */
enum { MOMENTUM, SCALE, RATE, NOW };

#define NN_SELF "optim/sgd.c"
#include "kernel/each_real.h"

static void prepare(const void *hyper, int64_t t, double *number, double *coef) {
  const sgd *h = hyper;
  (void)number;
  coef[MOMENTUM] = h->momentum;
  coef[NOW] = h->base.lr;
  if (h->momentum == 0) return;
  const bool keras = nn_follows(h, "keras");
  coef[SCALE] = keras ? h->base.lr : t == 1 ? 1 : 1 - h->dampening;
  coef[RATE] = keras ? 1 : h->base.lr;
  if (h->nesterov)
    coef[RATE] *= h->momentum;
  else
    coef[NOW] = 0;
}

static double taken(const double *coef, double g, const double *slot) {
  return coef[MOMENTUM] == 0 ? -coef[NOW] * g : -(coef[NOW] * g + coef[RATE] * slot[0]);
}

static unsigned uses(const void *hyper) {
  return ((const sgd *)hyper)->momentum != 0;
}

static bool descends(const void *hyper) {
  return ((const sgd *)hyper)->momentum == 0;
}

static void settle(void *hyper) {
  sgd *h = hyper;
  if (isnan(h->dampening)) h->dampening = h->momentum;
}

static nn_status check(nn_ctx *ctx, const void *hyper) {
  const sgd *h = hyper;
  if (h->nesterov && (h->momentum <= 0 || h->dampening != 0))
    return nn_fail(ctx, NN_EVALUE,
                   "SGD: nesterov needs a momentum above 0 and dampening 0, got momentum = %g, "
                   "dampening = %g",
                   h->momentum, h->dampening);
  if (h->dampening != 0 && nn_follows(h, "keras"))
    return nn_fail(ctx, NN_EVALUE, "SGD: convention \"keras\" knows no dampening, got %g",
                   h->dampening);
  return NN_OK;
}

static void formula(const void *hyper, nn_lines *to) {
  const sgd *h = hyper;
  const double lr = h->base.lr, m = h->momentum;
  if (m == 0) {
    nn_line(to, "w = w - %g g", lr);
  } else if (nn_follows(h, "keras")) {
    nn_line(to, "v = %g v + %g g", m, lr);
    if (h->nesterov)
      nn_line(to, "w = w - (%g v + %g g)", m, lr);
    else
      nn_line(to, "w = w - v");
  } else {
    if (h->dampening != 0)
      nn_line(to, "z = %g z + %g g (at the first step z = g)", m, 1 - h->dampening);
    else
      nn_line(to, "z = %g z + g", m);
    if (h->nesterov)
      nn_line(to, "w = w - %g (g + %g z)", lr, m);
    else
      nn_line(to, "w = w - %g z", lr);
  }
}

static const nn_param params[] = {
  NN_HYPER_PARAMS(sgd, 1e-3),
  NN_P_REAL(sgd, momentum, NN_P_BELOW_HI, 0, 0, 1, "what is kept of the last step's direction"),
  NN_P_REAL(sgd, dampening, 0, 0, 0, 1,
            "1 - dampening multiplies the gradient that enters the momentum"),
  NN_P_BOOL(sgd, nesterov, false, "look ahead along the momentum"),
  NN_HYPER_CONVENTION(sgd, nn_conventions),
  NN_P_END};

static const nn_default defaults[] = {
  {"keras", "lr", {0.01}}, {"torch7", "dampening", {NAN}}, {NULL, NULL, {0}}};

const nn_optim_class nn_optim_sgd = {
  .name = "SGD",
  .doc = "w -= lr d with d = g, or with momentum z = momentum z + (1 - dampening) g and d = z "
         "(nesterov: g + momentum z).",
  .size = sizeof(sgd),
  .params = params,
  .defaults = defaults,
  .slots = {"momentum"},
  .uses = uses,
  .settle = settle,
  .check = check,
  .prepare = prepare,
  .update = NN_BOTH(update),
  .taken = taken,
  .descends = descends,
  .formula = formula,
};
#else

NN_HOT static void FN(plain)(int64_t n, R *restrict w, const R *restrict g, R lr) {
  for (int64_t i = 0; i < n; i++) w[i] -= lr * g[i];
}

NN_HOT static void FN(heavy)(int64_t n, R *restrict w, const R *restrict g, R *restrict z, R m,
                             R scale, R rate) {
  for (int64_t i = 0; i < n; i++) {
    z[i] = m * z[i] + scale * g[i];
    w[i] -= rate * z[i];
  }
}

NN_HOT static void FN(nesterov)(int64_t n, R *restrict w, const R *restrict g, R *restrict z, R m,
                                R scale, R rate, R now) {
  for (int64_t i = 0; i < n; i++) {
    z[i] = m * z[i] + scale * g[i];
    w[i] -= now * g[i] + rate * z[i];
  }
}

static void FN(update)(int64_t n, void *w, const void *g, void *const *slot, const void *hyper,
                       const double *coef) {
  const R m = (R)coef[MOMENTUM], scale = (R)coef[SCALE], rate = (R)coef[RATE], now = (R)coef[NOW];
  (void)hyper;
  if (m == 0)
    FN(plain)(n, w, g, now);
  else if (now != 0)
    FN(nesterov)(n, w, g, slot[0], m, scale, rate, now);
  else
    FN(heavy)(n, w, g, slot[0], m, scale, rate);
}

#endif
