/* op/max.c: the largest element along a dimension, or of everything, and where it stands; dx = dy
   there, else 0. */
#include "kernel/names.h"
#include "op/extreme.h"

extern const nn_op nn_op_max;

static nn_status infer(const nn_call *c) {
  return nn_extreme_infer(c, false);
}

static nn_status forward(const nn_call *c) {
  return nn_extreme_forward(c, false);
}

const nn_op nn_op_max = {
  .name = "max",
  .doc =
    "The largest element of everything (0-d); with a dimension, the largest along it, and where "
    "they stand (int64, counted from 1). NaN wins. The gradient goes to that element, the first "
    "of equal ones.",
  .args = "x",
  .nin = 1,
  .nout_aux = 1,
  .results = 1,
  .flags = NN_OP_WHOLE,
  .saves = NN_AUX(0),
  .attr_size = sizeof(nn_axis_attr),
  .params = nn_axis_params,
  .infer = infer,
  .forward = {forward, forward, forward, forward},
  .backward = NN_BOTH(nn_extreme_backward),
  .example = {{.inputs = "2x3"},
              {.inputs = "2x3x4", .args = "2"},
              {.inputs = "2x3", .args = "-1, true"},
              {.inputs = "s"}},
};
