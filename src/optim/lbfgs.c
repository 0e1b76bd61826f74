/*
 * optim/lbfgs.c: L-BFGS (Nocedal 1980; Nocedal and Wright, chapters 3, 6 and 7), for whole batches and
 * smooth losses. A step makes up to max_iter iterations: from the last `history` pairs of steps s and
 * changes of the gradient y the two-loop recursion gives the direction d, a line search the length t.
 * The constants and stopping rules are PyTorch's, so are the first length, min(1, 1 / sum |g|) lr, and
 * which pairs are kept (y s > 1e-10). One rule is not: PyTorch gives up for good where the slope is
 * above -tolerance_change, in Rosenbrock's valley at a loss of 3e-10; here a step ends only where d
 * does not descend. The loss of a step is that of the weights before it.
 */
#include "optim/lbfgs.h"

#include <math.h>
#include <string.h>

typedef struct lbfgs {
  nn_hyper base;
  int64_t max_iter, max_eval, history;
  double tolerance_grad, tolerance_change;
  const char *line_search;
} lbfgs;

extern const nn_optim_class nn_optim_lbfgs;

enum { LENGTH, SCALE, PAIRS, ITERATIONS, EVALUATIONS }; /* globals */
enum { MOST = 1000 };                                   /* pairs */

static int slot_s(int pair) {
  return NN_LBFGS_PAIRS + 2 * pair;
}
static int slot_y(int pair) {
  return NN_LBFGS_PAIRS + 2 * pair + 1;
}

/* ---- memory ---- */

/* The oldest pair's buffers become the newest's. */
static void rotate(nn_optim *o, int pairs) {
  nn_storage **first = &o->slot[slot_s(0)], *s = first[0], *y = first[1];
  memmove(first, first + 2, (size_t)(2 * (pairs - 1)) * sizeof *first);
  first[2 * (pairs - 1)] = s;
  first[2 * (pairs - 1) + 1] = y;
}

/* The last step and what it did to the gradient, now in slot g, where that shows a curvature. */
static nn_status remember(nn_ctx *ctx, nn_optim *o, int64_t history, int g) {
  int pairs = (int)o->global[PAIRS];
  nn_flat_copy(o, g, NN_LBFGS_TRIAL); /* y */
  nn_flat_axpy(o, -1, NN_LBFGS_GRADIENT, NN_LBFGS_TRIAL);
  nn_flat_copy(o, NN_LBFGS_D, NN_LBFGS_START); /* s */
  nn_flat_scale(o, o->global[LENGTH], NN_LBFGS_START);
  double ys = nn_flat_dot(o, NN_LBFGS_TRIAL, NN_LBFGS_START);
  if (!(ys > 1e-10)) return NN_OK;
  for (; pairs >= history; pairs--) /* the oldest goes; more where `history` was lowered */
    rotate(o, pairs);
  NN_TRY(nn_optim_room(ctx, o, slot_s(pairs + 1)));
  nn_flat_copy(o, NN_LBFGS_START, slot_s(pairs));
  nn_flat_copy(o, NN_LBFGS_TRIAL, slot_y(pairs));
  o->global[PAIRS] = pairs + 1;
  o->global[SCALE] = ys / nn_flat_dot(o, NN_LBFGS_TRIAL, NN_LBFGS_TRIAL);
  return NN_OK;
}

/* d = -H g, by the two-loop recursion. */
static void direction(nn_optim *o, int g) {
  double curvature[MOST] = {0}, weight[MOST] = {0};
  const int pairs = (int)o->global[PAIRS], d = NN_LBFGS_D;
  nn_flat_copy(o, g, d);
  nn_flat_scale(o, -1, d);
  for (int i = pairs - 1; i >= 0; i--) {
    curvature[i] = nn_flat_dot(o, slot_y(i), slot_s(i));
    weight[i] = nn_flat_dot(o, slot_s(i), d) / curvature[i];
    nn_flat_axpy(o, -weight[i], slot_y(i), d);
  }
  nn_flat_scale(o, o->global[SCALE], d);
  for (int i = 0; i < pairs; i++)
    nn_flat_axpy(o, weight[i] - nn_flat_dot(o, slot_y(i), d) / curvature[i], slot_s(i), d);
}

/* No more pairs than there are, whatever a loaded state says. */
static void count_pairs(nn_optim *o) {
  int n = 0;
  while (n < MOST && slot_y(n) < o->nslots && o->slot[slot_s(n)] && o->slot[slot_y(n)]) n++;
  if (!(o->global[PAIRS] >= 0)) o->global[PAIRS] = 0;
  if (o->global[PAIRS] > n) o->global[PAIRS] = n;
}

static void forget(nn_optim *o) {
  o->global[PAIRS] = o->global[ITERATIONS] = o->global[LENGTH] = 0;
}

/* ---- a step ---- */

/* One iteration from `now`, which becomes the point that it reached; false: it did not move. */
static nn_status iterate(nn_search *s, const lbfgs *h, nn_point *now, bool last, bool *moved) {
  nn_optim *o = s->o;
  *moved = false;
  if (++o->global[ITERATIONS] == 1) {
    o->global[SCALE] = 1;
    nn_flat_copy(o, now->g, NN_LBFGS_D);
    nn_flat_scale(o, -1, NN_LBFGS_D);
    o->global[LENGTH] = fmin(1, 1 / nn_flat_sum_abs(o, now->g)) * h->base.lr;
  } else {
    NN_TRY(remember(s->ctx, o, h->history, now->g));
    direction(o, now->g);
    o->global[LENGTH] = h->base.lr;
  }
  nn_flat_copy(o, now->g, NN_LBFGS_GRADIENT);
  now->slope = nn_flat_dot(o, now->g, NN_LBFGS_D);
  now->t = 0;
  if (!(now->slope < 0)) {
    o->global[LENGTH] = 0;
    return NN_OK;
  }
  *moved = true;
  NN_TRY(nn_flat_load(s->ctx, o, NN_LBFGS_START));
  if (strcmp(h->line_search, "strong_wolfe") == 0) {
    NN_TRY(nn_strong_wolfe(s, o->global[LENGTH], now));
    o->global[LENGTH] = now->t;
    return nn_search_move(s, now->t);
  }
  if (last) return nn_search_move(s, o->global[LENGTH]);
  return nn_search_at(s, o->global[LENGTH], NN_LBFGS_A, now);
}

static nn_status steps(nn_search *s, const lbfgs *h, nn_point now) {
  const int64_t budget = h->max_eval ? h->max_eval : h->max_iter * 5 / 4;
  bool moved;
  if (nn_flat_max_abs(s->o, now.g) <= h->tolerance_grad) return NN_OK;
  for (int64_t k = 1; k <= h->max_iter; k++) {
    double before = now.f;
    NN_TRY(iterate(s, h, &now, k == h->max_iter, &moved));
    if (!moved || s->evaluations >= budget || !isfinite(now.f)) break;
    if (nn_flat_max_abs(s->o, now.g) <= h->tolerance_grad) break;
    double longest = nn_flat_max_abs(s->o, NN_LBFGS_D) * s->o->global[LENGTH];
    if (longest <= h->tolerance_change || fabs(now.f - before) < h->tolerance_change) break;
  }
  return NN_OK;
}

/* After a failure the weights stand as before, where the memory's last pair does not end: it goes. */
static nn_status drive(nn_ctx *ctx, nn_optim *o, const nn_closure *closure, double *loss) {
  const lbfgs *h = o->hyper[0];
  nn_search s = {.ctx = ctx, .o = o, .closure = closure, .tolerance = h->tolerance_change};
  nn_point now = {.g = NN_LBFGS_A};
  count_pairs(o);
  NN_TRY(nn_flat_load(ctx, o, NN_LBFGS_BEFORE));
  nn_status st = closure->call(closure->user, &now.f);
  s.evaluations++;
  *loss = now.f;
  if (st == NN_OK && isfinite(now.f)) {
    st = nn_flat_gradient(ctx, o, now.g);
    if (st == NN_OK) st = steps(&s, h, now);
    if (st == NN_OK)
      for (int i = 0; i < o->nparams; i++) o->param[i].steps++;
  }
  o->global[EVALUATIONS] += (double)s.evaluations;
  if (st != NN_OK) {
    nn_flat_store(ctx, o, NN_LBFGS_BEFORE);
    forget(o);
  }
  return st;
}

static void formula(const void *hyper, nn_lines *to) {
  const lbfgs *h = hyper;
  nn_line(to, "d = -H g, with H from the last %lld steps s and changes y of the gradient",
          (long long)h->history);
  if (strcmp(h->line_search, "none") == 0)
    nn_line(to, "w = w + %g d", h->base.lr);
  else
    nn_line(to, "w = w + t d, where t, tried from %g on, meets the strong Wolfe conditions",
            h->base.lr);
}

static const char *const searches[] = {"strong_wolfe", "none", NULL};

static const nn_param params[] = {
  NN_HYPER_REAL(lbfgs, lr, 1, "the first length that is tried; without line search the length"),
  NN_P_INT(lbfgs, max_iter, 20, 1, 1e6, "the most iterations in a step"),
  NN_P_INT(lbfgs, max_eval, 0, 0, 1e9, "the most evaluations in a step; 0: 5/4 max_iter"),
  NN_P_REAL(lbfgs, tolerance_grad, 0, 1e-7, 0, 1e6, "a step ends where no gradient is larger"),
  NN_P_REAL(lbfgs, tolerance_change, 0, 1e-9, 0, 1e6,
            "a step ends where the loss, or every weight, changes by less"),
  NN_P_INT(lbfgs, history, 100, 1, MOST, "pairs that are remembered"),
  NN_P_ENUM(lbfgs, line_search, "strong_wolfe", searches, "how the length of a step is found"),
  NN_P_END};

const nn_optim_class nn_optim_lbfgs = {
  .name = "LBFGS",
  .doc =
    "Quasi-Newton steps from the last gradients, with a strong Wolfe line search, on the whole "
    "batch; step needs a closure, which is called several times.",
  .size = sizeof(lbfgs),
  .params = params,
  .slots = {"direction", "gradient", "start", "trial", "before", "a", "b", "c"},
  .globals = {"length", "scale", "pairs", "iterations", "evaluations"},
  .scratch = 6,
  .one_group = true,
  .pairs = true,
  .formula = formula,
  .drive = drive,
};
