/*
 * optim/random_search.c: the chapter's blind guess. A step draws every weight anew, uniformly from
 * low..high, asks the closure for the loss, and keeps the guess if it is the best so far, the weights
 * that stand if not. With N weights and a grid of ten values each there are 10^N to try: the point of
 * it is how soon that is hopeless. The loss of a step is the best so far, so the closure should see
 * the same data each time.
 */
#include <math.h>

#include "kernel/random.h"
#include "optim/flat.h"

typedef struct random_search {
  nn_hyper base; /* no rate and no decay: nothing follows a gradient */
  double low, high;
} random_search;

extern const nn_optim_class nn_optim_random_search;

enum { BEST, GUESS };
enum { LEAST };

static void draw(nn_ctx *ctx, nn_optim *o) {
  for (int i = 0; i < o->nparams; i++) {
    const random_search *h = o->hyper[o->param[i].group];
    const nn_value *v = &o->param[i].t->v;
    if (!nn_flat_has(o, i)) continue;
    void *to = nn_flat_at(o, i, GUESS);
    if (v->dtype == NN_F32)
      nn_random_uniform_f32(&ctx->rng, NN_RNG_INIT, v->numel, h->low, h->high, to);
    else
      nn_random_uniform_f64(&ctx->rng, NN_RNG_INIT, v->numel, h->low, h->high, to);
  }
}

static nn_status drive(nn_ctx *ctx, nn_optim *o, const nn_closure *closure, double *loss) {
  if (o->param[0].steps == 0) o->global[LEAST] = INFINITY;
  NN_TRY(nn_flat_load(ctx, o, BEST));
  draw(ctx, o);
  nn_status st = nn_flat_store(ctx, o, GUESS);
  if (st == NN_OK) st = closure->call(closure->user, loss);
  if (st == NN_OK && *loss < o->global[LEAST]) {
    o->global[LEAST] = *loss;
  } else {
    nn_status back = nn_flat_store(ctx, o, BEST);
    if (st == NN_OK) st = back;
  }
  if (st != NN_OK) return st;
  for (int i = 0; i < o->nparams; i++) o->param[i].steps++;
  *loss = o->global[LEAST];
  return NN_OK;
}

static nn_status check(nn_ctx *ctx, const void *hyper) {
  const random_search *h = hyper;
  if (h->low >= h->high)
    return nn_fail(ctx, NN_EVALUE, "RandomSearch: 'low' must be below 'high', got %g and %g",
                   h->low, h->high);
  return NN_OK;
}

static void formula(const void *hyper, nn_lines *to) {
  const random_search *h = hyper;
  nn_line(to, "u = any number in %g..%g, drawn for each weight", h->low, h->high);
  nn_line(to, "w = u where the loss at u is the lowest so far");
}

static const nn_param params[] = {
  NN_P_REAL(random_search, low, 0, -1, -1e6, 1e6, "the least that a weight can be"),
  NN_P_REAL(random_search, high, 0, 1, -1e6, 1e6, "the most that a weight can be"), NN_P_END};

const nn_optim_class nn_optim_random_search = {
  .name = "RandomSearch",
  .doc = "Each step draws all weights from low..high and keeps them if the closure's loss is the "
         "lowest so far, which is also what step returns.",
  .size = sizeof(random_search),
  .params = params,
  .slots = {"best", "guess"},
  .globals = {"best_loss"},
  .scratch = 2,
  .check = check,
  .formula = formula,
  .drive = drive,
};
