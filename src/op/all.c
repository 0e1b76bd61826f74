/* op/all.c: whether every element of x is other than 0, along a dimension or in everything. */
#ifndef R
#include <stdint.h>

#include "grad/axis.h"
#include "kernel/fold.h"
#include "kernel/names.h"

extern const nn_op nn_op_all;

static void join(void *into, int64_t m, const void *from, int64_t n) {
  (void)m, (void)n;
  *(uint8_t *)into &= *(const uint8_t *)from;
}

static void end(const void *state, int64_t n, int64_t line, const void *out) {
  uint8_t *const *y = out;
  (void)n;
  (*y)[line] = *(const uint8_t *)state;
}

#define NN_SELF "op/all.c"
#include "kernel/each_type.h"

static nn_status infer(const nn_call *c) {
  return nn_infer_axis(c, NN_U8);
}

const nn_op nn_op_all = {
  .name = "all",
  .doc = "Whether every element of x is other than 0 (NaN is): true or false of everything, a "
         "uint8 mask along "
         "a dimension. Of nothing: true.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_PLAIN,
  .attr_size = sizeof(nn_axis_attr),
  .params = nn_axis_params,
  .infer = infer,
  .forward = NN_ALL(forward),
  .no_grad = true,
  .example = {{.inputs = "2x3"}, {.inputs = "2x3x4", .args = "2"}, {.inputs = "2x3?", .args = "1"}},
};
#else

NN_HOT static void FN(piece)(int64_t n, const void *from, const void *arg, void *state) {
  const R *x = from;
  int found = 1;
  (void)arg;
  for (int64_t i = 0; i < n; i++) found &= x[i] != 0;
  *(uint8_t *)state = (uint8_t)found;
}

static nn_status FN(forward)(const nn_call *c) {
  static const nn_fold fold = {sizeof(R), FN(piece), join, end};
  uint8_t *y = nn_data(c->out);
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  return nn_fold_along(c->ctx, &fold, &a, nn_data(c->in[0]), NULL, &y);
}

#endif
