/* optim/penalty.c: see penalty.h. One pass over weights and gradients; sums are taken in double over
   fixed lanes. */
#ifndef R
#include "optim/penalty.h"

#include <math.h>

#include "kernel/names.h"
#include "kernel/walk.h"

enum { LANES = 16 };

#define NN_SELF "optim/penalty.c"
#include "kernel/each_real.h"

static double (*const penalise[])(int64_t, const void *, void *, double,
                                  double) = NN_BOTH(penalise);

/* One tensor's share. */
static nn_status of_tensor(nn_ctx *ctx, nn_tensor *t, double l1, double l2, double *value) {
  nn_tensor *grad, *dense = NULL;
  NN_TRY(nn_tensor_grad(ctx, t, &grad));
  if (!t->has_grad) NN_TRY(nn_fill_into(ctx, &grad->v, 0));
  if (!t->v.dense) { /* a strided view */
    NN_TRY(nn_tensor_new(ctx, t->v.dtype, &t->v.shape, &dense));
    nn_status st = nn_copy_into(ctx, &dense->v, &t->v);
    if (st != NN_OK) return nn_tensor_release(dense), st;
  }
  t->has_grad = true;
  *value += penalise[t->v.dtype](t->v.numel, nn_data(dense ? &dense->v : &t->v), nn_data(&grad->v),
                                 l1, l2);
  nn_touch(&grad->v);
  nn_tensor_release(dense);
  return NN_OK;
}

nn_status nn_penalise(nn_ctx *ctx, int n, nn_tensor *const *t, double l1, double l2,
                      double *value) {
  *value = 0;
  for (int i = 0; i < n; i++)
    if (t[i]->requires_grad && nn_is_real(t[i]->v.dtype) && t[i]->v.shape.ndim > 1 && t[i]->v.numel)
      NN_TRY(of_tensor(ctx, t[i], l1, l2, value));
  return NN_OK;
}

#else

/* The order of the terms is that of an optimizer's decay (optim/step.c); sign(0) is 0. */
NN_HOT static double FN(penalise)(int64_t n, const void *weight, void *grad, double l1, double l2) {
  const R a = (R)l2, b = (R)l1, *w = weight;
  R *g = grad;
  double square[LANES] = {0}, size[LANES] = {0}, s = 0, m = 0;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) {
      R x = w[i + l];
      g[i + l] = g[i + l] + a * x + (x > 0 ? b : x < 0 ? -b : (R)0);
      square[l] += (double)x * (double)x;
      size[l] += (double)fabs(x);
    }
  for (int l = 0; i < n; i++, l++) {
    R x = w[i];
    g[i] = g[i] + a * x + (x > 0 ? b : x < 0 ? -b : (R)0);
    square[l] += (double)x * (double)x;
    size[l] += (double)fabs(x);
  }
  for (int l = 0; l < LANES; l++) {
    s += square[l];
    m += size[l];
  }
  return (l2 != 0 ? l2 / 2 * s : 0) + (l1 != 0 ? l1 * m : 0);
}

#endif
