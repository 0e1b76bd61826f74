/*
 * optim/nesterov.c: Nesterov's accelerated gradient in the form with a look ahead: the gradient is
 * taken where the momentum is about to carry the weights.
 *   pytorch          z = momentum z + g(w - lr momentum z), w -= lr z
 *   keras, torch7    v = momentum v - lr g(w + momentum v), w += v: the same while lr is constant
 *                    (Sutskever et al. 2013, torch7's nag)
 *   chapter          z = momentum z + g(w - momentum z), w -= lr z, to the letter. Along a direction
 *                    of curvature L its iteration has the determinant momentum (1 - L), so it
 *                    diverges, whatever lr is, where L > 1 + 1 / momentum: above 2.11 at 0.9.
 * The gradient can only come from a closure. Its loss is that of the point ahead.
 */
#ifndef R
#include <math.h>

#include "kernel/names.h"
#include "optim/flat.h"

typedef struct nesterov {
  nn_hyper base;
  double momentum;
} nesterov;

extern const nn_optim_class nn_optim_nesterov;

enum { MOMENTUM, SCALE, RATE }; /* coefficients: z = MOMENTUM z + SCALE g, w -= RATE z */
enum { Z, BEFORE, AHEAD };      /* slots */

#define NN_SELF "optim/nesterov.c"
#include "kernel/each_real.h"

/* Whether lr is inside what is gathered; our v has the sign of z. */
static bool gathers_rate(const nesterov *h) {
  return nn_follows(h, "keras") || nn_follows(h, "torch7");
}

/* How far ahead, in units of -z. */
static double reach(const nesterov *h) {
  bool whole = gathers_rate(h) || nn_follows(h, "chapter");
  return whole ? h->momentum : h->base.lr * h->momentum;
}

static void prepare(const void *hyper, int64_t t, double *number, double *coef) {
  const nesterov *h = hyper;
  (void)t;
  (void)number;
  coef[MOMENTUM] = h->momentum;
  coef[SCALE] = gathers_rate(h) ? h->base.lr : 1;
  coef[RATE] = gathers_rate(h) ? 1 : h->base.lr;
}

static double taken(const double *coef, double g, const double *slot) {
  (void)g;
  return -coef[RATE] * slot[Z];
}

static nn_status drive(nn_ctx *ctx, nn_optim *o, const nn_closure *closure, double *loss) {
  NN_TRY(nn_flat_load(ctx, o, BEFORE));
  nn_flat_copy(o, BEFORE, AHEAD);
  for (int i = 0; i < o->nparams; i++)
    if (nn_flat_has(o, i)) nn_flat_axpy_at(o, i, -reach(o->hyper[o->param[i].group]), Z, AHEAD);
  nn_status st = nn_flat_store(ctx, o, AHEAD);
  if (st == NN_OK) st = closure->call(closure->user, loss);
  nn_status back = nn_flat_store(ctx, o, BEFORE);
  if (st == NN_OK) st = back;
  return st == NN_OK && isfinite(*loss) ? nn_optim_update(ctx, o) : st;
}

static void formula(const void *hyper, nn_lines *to) {
  const nesterov *h = hyper;
  const double lr = h->base.lr, m = h->momentum;
  if (gathers_rate(h)) {
    nn_line(to, "v = %g v + %g g, where g is the gradient at w - %g v", m, lr, m);
    nn_line(to, "w = w - v");
  } else if (nn_follows(h, "chapter")) {
    nn_line(to, "z = %g z + g, where g is the gradient at w - %g z", m, m);
    nn_line(to, "w = w - %g z", lr);
    if (m > 0) nn_line(to, "(diverges along curvatures above %g, whatever the rate)", 1 + 1 / m);
  } else {
    nn_line(to, "z = %g z + g, where g is the gradient at w - %g z", m, lr * m);
    nn_line(to, "w = w - %g z", lr);
  }
}

static const nn_param params[] = {NN_HYPER_PARAMS(nesterov, 1e-3),
                                  NN_P_REAL(nesterov, momentum, NN_P_BELOW_HI, 0.9, 0, 1,
                                            "what is kept of the last step's direction"),
                                  NN_HYPER_CONVENTION(nesterov, nn_conventions), NN_P_END};

static const nn_default defaults[] = {{"keras", "lr", {0.01}}, {NULL, NULL, {0}}};

const nn_optim_class nn_optim_nesterov = {
  .name = "Nesterov",
  .doc = "z = momentum z + g at w - lr momentum z, w -= lr z; step needs a closure. convention = "
         "\"chapter\" looks ahead by momentum z without lr, which diverges along every curvature "
         "above 1 + 1 / momentum.",
  .size = sizeof(nesterov),
  .params = params,
  .defaults = defaults,
  .slots = {"momentum", "before", "ahead"},
  .scratch = 2,
  .prepare = prepare,
  .update = NN_BOTH(update),
  .taken = taken,
  .formula = formula,
  .drive = drive,
};
#else

NN_HOT static void FN(heavy)(int64_t n, R *restrict w, const R *restrict g, R *restrict z,
                             const double *coef) {
  const R m = (R)coef[MOMENTUM], scale = (R)coef[SCALE], rate = (R)coef[RATE];
  for (int64_t i = 0; i < n; i++) {
    z[i] = m * z[i] + scale * g[i];
    w[i] -= rate * z[i];
  }
}

static void FN(update)(int64_t n, void *w, const void *g, void *const *slot, const void *hyper,
                       const double *coef) {
  (void)hyper;
  FN(heavy)(n, w, g, slot[Z], coef);
}

#endif
