/* op/sum.c: y = sum of x along a dimension, or of everything; dx = dy spread out. */
#ifndef R
#include <stdint.h>

#include "kernel/along.h"
#include "kernel/names.h"
#include "op/reduction.h"

extern const nn_op nn_op_sum;

#define NN_SELF "op/sum.c"
#include "kernel/each_type.h"

const nn_op nn_op_sum = {
  .name = "sum",
  .doc = "The sum along a dimension, or of everything (then 0-d); 0 of nothing. Floating sums "
         "accumulate in double; integer sums are int64 and wrap around.",
  .args = "x",
  .nin = 1,
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
/* exact; beyond 64 bits it wraps around */
NN_HOT static void FN(piece)(int64_t n, const void *from, const void *arg, void *state) {
  const R *x = from;
  uint64_t s = 0;
  (void)arg;
  for (int64_t i = 0; i < n; i++) s += (uint64_t)x[i];
  *(uint64_t *)state = s;
}

static void FN(join)(void *into, int64_t m, const void *from, int64_t n) {
  (void)m, (void)n;
  *(uint64_t *)into += *(const uint64_t *)from;
}

static void FN(end)(const void *state, int64_t n, int64_t line, const void *out) {
  int64_t *y = nn_reduced(out);
  (void)n;
  y[line] = *(const int64_t *)state;
}

static nn_status FN(forward)(const nn_call *c) {
  static const nn_fold fold = {sizeof(R), FN(piece), FN(join), FN(end)};
  return nn_reduce(c, &fold);
}
#else
static nn_status FN(forward)(const nn_call *c) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  FN(nn_sum_along)(c->ctx, &a, nn_data(c->in[0]), 1, nn_data(c->out));
  return NN_OK;
}

static nn_status FN(backward)(const nn_call *c) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  FN(nn_spread_along)(&a, nn_data(c->gout), 1, c->add[0], nn_data(c->gin[0]));
  return NN_OK;
}
#endif

#endif
