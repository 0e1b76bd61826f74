/* optim/lbfgs.h: what L-BFGS (lbfgs.c) and its line search (wolfe.c) share. */
#ifndef NN_OPTIM_LBFGS_H
#define NN_OPTIM_LBFGS_H

#include "optim/flat.h"

/* Slots: the direction, the gradient at the start of the line; scratch: the start, the point tried,
   the weights before the step, three gradients along the line; then the pairs. */
enum {
  NN_LBFGS_D,
  NN_LBFGS_GRADIENT,
  NN_LBFGS_START,
  NN_LBFGS_TRIAL,
  NN_LBFGS_BEFORE,
  NN_LBFGS_A,
  NN_LBFGS_B,
  NN_LBFGS_C,
  NN_LBFGS_PAIRS
};

/* A line: start + t d. */
typedef struct nn_search {
  nn_ctx *ctx;
  nn_optim *o;
  const nn_closure *closure;
  double tolerance;
  int64_t evaluations;
} nn_search;

/* A point on it: loss, slope along d, and the slot that holds the gradient. */
typedef struct nn_point {
  double t, f, slope;
  int g;
} nn_point;

/* Moves the weights to t. */
nn_status nn_search_move(nn_search *s, double t);
/* Moves there and evaluates; the gradient goes to slot g. */
nn_status nn_search_at(nn_search *s, double t, int g, nn_point *out);
/* Finds a point with the strong Wolfe conditions, trying t first. *p: the start; then the point. The
   weights stand where the last trial left them. */
nn_status nn_strong_wolfe(nn_search *s, double t, nn_point *p);

#endif
