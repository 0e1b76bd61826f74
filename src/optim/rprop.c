/*
 * optim/rprop.c: resilient propagation (Riedmiller and Braun 1993), for whole batches: each weight
 * has a step size s of its own, which begins at lr, grows by etas[2] while its gradient keeps its
 * sign and shrinks by etas[1] when it changes; then the weight waits and the gradient is forgotten.
 * w -= sign(g) s. Torch7 has the same with a first step size of 0.1.
 */
#ifndef R
#include "kernel/names.h"
#include "optim/optim.h"

typedef struct rprop {
  nn_hyper base;
  double etas[2], step_sizes[2];
} rprop;

extern const nn_optim_class nn_optim_rprop;

/* FIRST: the first step size, at step 1, or 0 */
enum { FIRST, DOWN, UP, LEAST, MOST };

#define NN_SELF "optim/rprop.c"
#include "kernel/each_real.h"

static void prepare(const void *hyper, int64_t t, double *number, double *coef) {
  const rprop *h = hyper;
  (void)number;
  coef[FIRST] = t == 1 ? h->base.lr : 0;
  coef[DOWN] = h->etas[0];
  coef[UP] = h->etas[1];
  coef[LEAST] = h->step_sizes[0];
  coef[MOST] = h->step_sizes[1];
}

/* slot[0] is the gradient that was followed: 0 where the sign had changed. */
static double taken(const double *coef, double g, const double *slot) {
  (void)coef;
  (void)g;
  return slot[0] > 0 ? -slot[1] : slot[0] < 0 ? slot[1] : 0;
}

static nn_status check(nn_ctx *ctx, const void *hyper) {
  const rprop *h = hyper;
  if (!(h->etas[0] > 0 && h->etas[0] < 1 && h->etas[1] > 1))
    return nn_fail(ctx, NN_EVALUE,
                   "Rprop: 'etas' must be a factor below 1 and one above it, got {%g, %g}",
                   h->etas[0], h->etas[1]);
  if (h->step_sizes[0] > h->step_sizes[1])
    return nn_fail(ctx, NN_EVALUE,
                   "Rprop: 'step_sizes' must be the least and the most, got {%g, %g}",
                   h->step_sizes[0], h->step_sizes[1]);
  return NN_OK;
}

static void formula(const void *hyper, nn_lines *to) {
  const rprop *h = hyper;
  nn_line(to, "s = %g s where g and the gradient before have one sign (s begins at %g)", h->etas[1],
          h->base.lr);
  nn_line(to, "s = %g s and g = 0 where they have not", h->etas[0]);
  nn_line(to, "s = min(max(s, %g), %g)", h->step_sizes[0], h->step_sizes[1]);
  nn_line(to, "w = w - sign(g) s");
}

static const char *const names[] = {"pytorch", "torch7", NULL};

static const nn_param params[] = {
  NN_HYPER_PARAMS(rprop, 0.01),
  NN_P_PAIR(rprop, etas, 0, 0.5, 1.2, 0, 1e3,
            "factors of a step size that shrinks, and that grows"),
  NN_P_PAIR(rprop, step_sizes, 0, 1e-6, 50, 0, 1e6, "the least and the largest step size"),
  NN_HYPER_CONVENTION(rprop, names), NN_P_END};

static const nn_default defaults[] = {{"torch7", "lr", {0.1}}, {NULL, NULL, {0}}};

const nn_optim_class nn_optim_rprop = {
  .name = "Rprop",
  .doc = "w -= sign(g) s, with a step size s for each weight that grows while the sign stays.",
  .size = sizeof(rprop),
  .params = params,
  .defaults = defaults,
  .slots = {"prev", "step_size"},
  .check = check,
  .prepare = prepare,
  .update = NN_BOTH(update),
  .taken = taken,
  .formula = formula,
};
#else

NN_HOT static void FN(rprop)(int64_t n, R *restrict w, const R *restrict g, R *restrict prev,
                             R *restrict s, const double *coef) {
  const R down = (R)coef[DOWN], up = (R)coef[UP], least = (R)coef[LEAST], most = (R)coef[MOST];
  for (int64_t i = 0; i < n; i++) {
    R both = g[i] * prev[i], size = s[i] * (both > 0 ? up : both < 0 ? down : 1);
    size = size < least ? least : size;
    size = size > most ? most : size;
    R follow = both < 0 ? 0 : g[i];
    s[i] = size;
    prev[i] = follow;
    w[i] -= follow > 0 ? size : follow < 0 ? -size : 0;
  }
}

static void FN(update)(int64_t n, void *w, const void *g, void *const *slot, const void *hyper,
                       const double *coef) {
  R *s = slot[1];
  (void)hyper;
  for (int64_t i = 0; coef[FIRST] != 0 && i < n; i++) s[i] = (R)coef[FIRST];
  FN(rprop)(n, w, g, slot[0], s, coef);
}

#endif
