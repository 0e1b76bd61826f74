/*
 * optim/wolfe.c: a line search for the strong Wolfe conditions (Nocedal and Wright, algorithms 3.5 and
 * 3.6): f(t) <= f(0) + c1 t f'(0) and |f'(t)| <= c2 |f'(0)|. The length grows until two points enclose
 * such a t; then cubic interpolation narrows them, kept away from their ends. A loss that is not
 * finite counts as too high.
 */
#include <math.h>

#include "optim/lbfgs.h"

enum { TRIES = 25 };
static const double C1 = 1e-4, C2 = 0.9;

nn_status nn_search_move(nn_search *s, double t) {
  nn_flat_copy(s->o, NN_LBFGS_START, NN_LBFGS_TRIAL);
  nn_flat_axpy(s->o, t, NN_LBFGS_D, NN_LBFGS_TRIAL);
  return nn_flat_store(s->ctx, s->o, NN_LBFGS_TRIAL);
}

nn_status nn_search_at(nn_search *s, double t, int g, nn_point *out) {
  *out = (nn_point){.t = t, .g = g};
  NN_TRY(nn_search_move(s, t));
  s->evaluations++;
  NN_TRY(s->closure->call(s->closure->user, &out->f));
  NN_TRY(nn_flat_gradient(s->ctx, s->o, g));
  out->slope = nn_flat_dot(s->o, g, NN_LBFGS_D);
  return NN_OK;
}

/* Of the three gradient slots one that neither point holds. */
static int unused(const nn_point *a, const nn_point *b) {
  int g = NN_LBFGS_A;
  while (g == a->g || g == b->g) g++;
  return g;
}

static bool usable(const nn_point *p) {
  return isfinite(p->f) && isfinite(p->slope);
}

/* The minimum within low..high of the cubic through both points with their slopes. */
static double cubic(const nn_point *p, const nn_point *q, double low, double high) {
  const nn_point *a = p->t <= q->t ? p : q, *b = a == p ? q : p;
  double middle = (low + high) / 2;
  if (!usable(a) || !usable(b)) return middle;
  double k = a->slope + b->slope - 3 * (a->f - b->f) / (a->t - b->t);
  double square = k * k - a->slope * b->slope;
  if (!(square >= 0)) return middle;
  double root = sqrt(square);
  double best = b->t - (b->t - a->t) * ((b->slope + root - k) / (b->slope - a->slope + 2 * root));
  return isnan(best) ? middle : fmin(fmax(best, low), high);
}

static bool falls_enough(const nn_point *p, const nn_point *start) {
  return p->f <= start->f + C1 * p->t * start->slope;
}
static bool flat_enough(const nn_point *p, const nn_point *start) {
  return fabs(p->slope) <= -C2 * start->slope;
}

/* Lengthens until `lo` and `hi` enclose a good point, or until *hi is one (*done). */
static nn_status enclose(nn_search *s, double t, const nn_point *start, nn_point *lo, nn_point *hi,
                         int *tries, bool *done) {
  nn_point old = *start, now;
  NN_TRY(nn_search_at(s, t, unused(&old, &old), &now));
  for (*tries = 0; *tries < TRIES; ++*tries) {
    bool high = !falls_enough(&now, start) || (*tries > 0 && now.f >= old.f);
    *done = !high && flat_enough(&now, start);
    if (high || *done || now.slope >= 0) break;
    double next = cubic(&old, &now, now.t + 0.01 * (now.t - old.t), 10 * now.t);
    old = now;
    NN_TRY(nn_search_at(s, next, unused(&old, start), &now));
  }
  *lo = *tries < TRIES ? old : *start;
  *hi = now;
  return NN_OK;
}

/* The next length between both points; twice in a row near an end is not allowed. */
static double inside(const nn_point *lo, const nn_point *hi, bool *stuck) {
  double left = fmin(lo->t, hi->t), right = fmax(lo->t, hi->t), margin = 0.1 * (right - left);
  double t = cubic(lo, hi, left, right);
  if (fmin(right - t, t - left) >= margin) {
    *stuck = false;
  } else if (*stuck || t >= right || t <= left) {
    t = fabs(t - right) < fabs(t - left) ? right - margin : left + margin;
    *stuck = false;
  } else {
    *stuck = true;
  }
  return t;
}

static void order(nn_point *lo, nn_point *hi) { /* lo: the lower loss */
  if (!(hi->f < lo->f)) return;
  nn_point p = *lo;
  *lo = *hi;
  *hi = p;
}

nn_status nn_strong_wolfe(nn_search *s, double t, nn_point *p) {
  const nn_point start = {.t = 0, .f = p->f, .slope = p->slope, .g = NN_LBFGS_GRADIENT};
  const double longest = nn_flat_max_abs(s->o, NN_LBFGS_D);
  nn_point lo, hi, now;
  bool done = false, stuck = false;
  int tries = 0;
  NN_TRY(enclose(s, t, &start, &lo, &hi, &tries, &done));
  if (done) {
    *p = hi;
    return NN_OK;
  }
  for (order(&lo, &hi); !done && tries < TRIES; tries++) {
    if (fabs(hi.t - lo.t) * longest < s->tolerance) break;
    NN_TRY(nn_search_at(s, inside(&lo, &hi, &stuck), unused(&lo, &hi), &now));
    if (!falls_enough(&now, &start) || !(now.f < lo.f)) {
      hi = now;
      order(&lo, &hi);
      continue;
    }
    done = flat_enough(&now, &start);
    if (!done && now.slope * (hi.t - lo.t) >= 0) hi = lo;
    lo = now;
  }
  *p = lo;
  return NN_OK;
}
