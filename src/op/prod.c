/*
 * op/prod.c: y = product of x along a dimension, or of everything; dx_i = dy times the product of
 * the others, taken from before and from behind, so that zeros are no division.
 */
#ifndef R
#include <stdint.h>

#include "kernel/names.h"
#include "op/reduction.h"

enum { LANES = 16 };

extern const nn_op nn_op_prod;

#define NN_SELF "op/prod.c"
#include "kernel/each_type.h"

const nn_op nn_op_prod = {
  .name = "prod",
  .doc =
    "The product along a dimension, or of everything (then 0-d); 1 of nothing. Floating products "
    "are computed in double; integer ones are int64 and wrap around.",
  .args = "x",
  .nin = 1,
  .saves = NN_IN(0),
  .attr_size = sizeof(nn_axis_attr),
  .params = nn_axis_params,
  .infer = nn_infer_total,
  .forward = NN_ALL(forward),
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "2x3"},
              {.inputs = "2x3x4", .args = "2"},
              {.inputs = "2x3", .args = "-1, true"},
              {.inputs = "s"}},
};
#else

#ifdef NN_INTEGER
#define WIDE uint64_t
#define OUT int64_t
#else
#define WIDE double
#define OUT R
#endif

NN_HOT static void FN(piece)(int64_t n, const void *from, const void *arg, void *state) {
  const R *x = from;
  WIDE lane[LANES], y = 1;
  (void)arg;
  for (int k = 0; k < LANES; k++) lane[k] = 1;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int k = 0; k < LANES; k++) lane[k] *= (WIDE)x[i + k];
  for (; i < n; i++) y *= (WIDE)x[i];
  for (int k = 0; k < LANES; k++) y *= lane[k];
  *(WIDE *)state = y;
}

static void FN(join)(void *into, int64_t m, const void *from, int64_t n) {
  (void)m, (void)n;
  *(WIDE *)into *= *(const WIDE *)from;
}

static void FN(end)(const void *state, int64_t n, int64_t line, const void *out) {
  OUT *y = nn_reduced(out);
  (void)n;
  y[line] = (OUT) * (const WIDE *)state;
}

static nn_status FN(forward)(const nn_call *c) {
  static const nn_fold fold = {sizeof(R), FN(piece), FN(join), FN(end)};
  return nn_reduce(c, &fold);
}

#ifndef NN_INTEGER
/* One line: behind[i] is the product of what follows element i. */
static void FN(others)(int64_t n, int64_t step, const R *x, double g, bool add, double *behind,
                       R *gx) {
  double p = 1;
  for (int64_t i = n - 1; i >= 0; i--) {
    behind[i] = p;
    p *= (double)x[i * step];
  }
  p = g;
  for (int64_t i = 0; i < n; i++) {
    R d = (R)(p * behind[i]);
    gx[i * step] = add ? gx[i * step] + d : d;
    p *= (double)x[i * step];
  }
}

static nn_status FN(backward)(const nn_call *c) {
  nn_axis a = {1, 1, 1};
  NN_TRY(nn_call_axis(c, &a));
  const R *x = nn_data(c->in[0]), *g = nn_data(c->gout);
  R *gx = nn_data(c->gin[0]);
  double *behind = nn_mem_take(c->ctx, (size_t)a.n * sizeof *behind);
  if (!behind) return NN_ENOMEM;
  for (int64_t o = 0; o < a.outer; o++)
    for (int64_t r = 0; r < a.inner; r++) {
      int64_t at = o * a.n * a.inner + r;
      FN(others)(a.n, a.inner, x + at, (double)g[o * a.inner + r], c->add[0], behind, gx + at);
    }
  nn_mem_give(c->ctx, behind, (size_t)a.n * sizeof *behind);
  return NN_OK;
}
#endif

#undef WIDE
#undef OUT
#endif
