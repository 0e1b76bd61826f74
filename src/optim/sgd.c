/*
 * optim/sgd.c: stochastic gradient descent, w -= lr d, with momentum as PyTorch has it: z =
 * momentum z + (1 - dampening) g (at the first step z = g), d = z, or with nesterov d = g +
 * momentum z. Without momentum d = g.
 */
#ifndef R
#include "kernel/names.h"
#include "optim/optim.h"

typedef struct sgd {
  nn_hyper base;
  double momentum, dampening;
  bool nesterov;
} sgd;

extern const nn_optim_class nn_optim_sgd;

enum { LR, MOMENTUM, GAIN, LOOK };

#define NN_SELF "optim/sgd.c"
#include "kernel/each_real.h"

static void prepare(const void *hyper, int64_t t, double *coef) {
  const sgd *h = hyper;
  coef[LR] = h->base.lr;
  coef[MOMENTUM] = h->momentum;
  coef[GAIN] = t == 1 ? 1 : 1 - h->dampening;
  coef[LOOK] = h->nesterov;
}

static nn_status check(nn_ctx *ctx, const void *hyper) {
  const sgd *h = hyper;
  if (h->nesterov && (h->momentum <= 0 || h->dampening != 0))
    return nn_fail(ctx, NN_EVALUE,
                   "SGD: nesterov needs a momentum above 0 and dampening 0, got momentum = %g, "
                   "dampening = %g",
                   h->momentum, h->dampening);
  return NN_OK;
}

static const nn_param params[] = {
  NN_HYPER_PARAMS(sgd, 1e-3),
  NN_P_REAL(sgd, momentum, NN_P_BELOW_HI, 0, 0, 1, "what is kept of the last step's direction"),
  NN_P_REAL(sgd, dampening, 0, 0, 0, 1,
            "1 - dampening multiplies the gradient that enters the momentum"),
  NN_P_BOOL(sgd, nesterov, false, "look ahead along the momentum"), NN_P_END};

const nn_optim_class nn_optim_sgd = {
  .name = "SGD",
  .doc = "w -= lr d with d = g, or with momentum z = momentum z + (1 - dampening) g and d = z "
         "(nesterov: g + momentum z).",
  .size = sizeof(sgd),
  .params = params,
  .slots = {"momentum"},
  .check = check,
  .prepare = prepare,
  .update = NN_BOTH(update),
};
#else

NN_HOT static void FN(plain)(int64_t n, R *w, const R *g, R lr) {
  for (int64_t i = 0; i < n; i++) w[i] -= lr * g[i];
}

NN_HOT static void FN(heavy)(int64_t n, R *w, const R *g, R *z, R lr, R m, R gain) {
  for (int64_t i = 0; i < n; i++) {
    z[i] = m * z[i] + gain * g[i];
    w[i] -= lr * z[i];
  }
}

NN_HOT static void FN(nesterov)(int64_t n, R *w, const R *g, R *z, R lr, R m, R gain) {
  for (int64_t i = 0; i < n; i++) {
    z[i] = m * z[i] + gain * g[i];
    w[i] -= lr * (g[i] + m * z[i]);
  }
}

static void FN(update)(int64_t n, void *w, const void *g, void *const *slot, const void *hyper,
                       const double *coef) {
  const R lr = (R)coef[LR], m = (R)coef[MOMENTUM], gain = (R)coef[GAIN];
  (void)hyper;
  if (m == 0)
    FN(plain)(n, w, g, lr);
  else if (coef[LOOK] != 0)
    FN(nesterov)(n, w, g, slot[0], lr, m, gain);
  else
    FN(heavy)(n, w, g, slot[0], lr, m, gain);
}

#endif
