/* kernel/along.c: see along.h. */
#ifndef R
#include "kernel/along.h"

#include "kernel/names.h"
#include "kernel/reduce.h"

#define NN_SELF "kernel/along.c"
#include "kernel/each_real.h"
#else

void FN(nn_sum_along)(const nn_ctx *ctx, const nn_axis *a, const R *x, double scale, R *y) {
  if (a->inner == 1) {
    FN(nn_sum_rows)(ctx, a->outer, a->n, x, scale, false, y);
    return;
  }
  for (int64_t o = 0; o < a->outer; o++)
    FN(nn_sum_cols)(ctx, a->n, a->inner, x + o * a->n * a->inner, scale, false, y + o * a->inner);
}

NN_HOT static void FN(line)(int64_t n, const R *g, int64_t step, R scale, bool add, R *x) {
  if (add)
    for (int64_t i = 0; i < n; i++) x[i] += scale * g[i * step];
  else
    for (int64_t i = 0; i < n; i++) x[i] = scale * g[i * step];
}

void FN(nn_spread_along)(const nn_axis *a, const R *g, double scale, bool add, R *x) {
  for (int64_t o = 0; o < a->outer; o++) {
    R *to = x + o * a->n * a->inner;
    const R *from = g + o * a->inner;
    if (a->inner == 1)
      FN(line)(a->n, from, 0, (R)scale, add, to);
    else
      for (int64_t i = 0; i < a->n; i++)
        FN(line)(a->inner, from, 1, (R)scale, add, to + i * a->inner);
  }
}

#endif
