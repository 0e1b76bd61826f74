/* op/argmax.c: where the largest element stands, along a dimension or in everything, counted
   from 1. */
#include "op/extreme.h"

extern const nn_op nn_op_argmax;

static nn_status infer(const nn_call *c) {
  return nn_extreme_place_infer(c, false);
}

static nn_status forward(const nn_call *c) {
  return nn_extreme_place_forward(c, false);
}

const nn_op nn_op_argmax = {
  .name = "argmax",
  .doc = "Where the largest element stands along a dimension, counted from 1 (int64); of "
         "everything: its row-major place. The first of equal ones; a NaN comes before them.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_PLAIN,
  .attr_size = sizeof(nn_axis_attr),
  .params = nn_axis_params,
  .infer = infer,
  .forward = {forward, forward, forward, forward},
  .no_grad = true,
  .example = {{.inputs = "2x3"}, {.inputs = "2x3x4", .args = "2"}, {.inputs = "s"}},
};
