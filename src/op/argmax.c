/* op/argmax.c: where the largest element stands, along a dimension or in everything, counted
   from 1. */
#include <math.h>

#include "grad/axis.h"

extern const nn_op nn_op_argmax;

static nn_status infer(const nn_call *c) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  if (a.n == 0) return nn_fail(c->ctx, NN_ESHAPE, "argmax: there is no largest element of none");
  return nn_infer_axis(c, NN_I64);
}

/* The first of equal ones; NaN counts as the largest, so that it is noticed. */
static nn_status forward(const nn_call *c) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  const nn_value *x = c->in[0];
  int64_t *y = nn_data(c->out);
  for (int64_t o = 0; o < a.outer; o++)
    for (int64_t r = 0; r < a.inner; r++) {
      int64_t at = x->offset + o * a.n * a.inner + r, best = 0;
      double top = nn_value_real_at(x, at);
      for (int64_t i = 1; i < a.n && !isnan(top); i++) {
        double v = nn_value_real_at(x, at + i * a.inner);
        if (v > top || isnan(v)) top = v, best = i;
      }
      y[o * a.inner + r] = best + 1;
    }
  return NN_OK;
}

const nn_op nn_op_argmax = {
  .name = "argmax",
  .doc = "Where the largest element stands along a dimension, counted from 1 (int64); of "
         "everything: its row-major place.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_PLAIN,
  .attr_size = sizeof(nn_axis_attr),
  .params = nn_axis_params,
  .infer = infer,
  .forward = {forward, forward, forward, forward},
  .no_grad = true,
  .example = {{.inputs = "2x3"}, {.inputs = "2x3x4", .args = "2"}},
};
