/* op/all.c: whether every element of x is other than 0, along a dimension or in everything. */
#ifndef R
#include "kernel/names.h"
#include "op/reduction.h"

extern const nn_op nn_op_all;

enum { NONE = 1 };

static inline int joined(int a, int b) {
  return a & b;
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
#include "op/truth_body.h"
#endif
