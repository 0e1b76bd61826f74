/* op/sort.c: the elements of each line in order, and where they stood; the gradient goes back to
   those places. */
#include "kernel/names.h"
#include "op/order.h"

extern const nn_op nn_op_sort;

static nn_status infer(const nn_call *c) {
  nn_axis axis;
  int dim;
  NN_TRY(nn_order_axis(c, &c->in[0]->shape, &axis, &dim));
  nn_value_set(c->aux[0], NN_I64, &c->in[0]->shape);
  return nn_infer_same(c);
}

static const nn_param params[] = {NN_P_ORDER_DIM,
                                  {.name = "descending",
                                   .kind = NN_PARAM_BOOL,
                                   .offset = offsetof(nn_order_attr, falling),
                                   .flags = NN_P_PLACE,
                                   .hi = 1,
                                   .doc = "the largest first"},
                                  NN_P_END};

const nn_op nn_op_sort = {
  .name = "sort",
  .doc = "The elements along a dimension (the last unless told) in order, and the indices (int64, "
         "from 1) where they stood. Equal ones keep their order; NaN counts as the largest.",
  .args = "x",
  .nin = 1,
  .nout_aux = 1,
  .results = 1,
  .saves = NN_AUX(0),
  .attr_size = sizeof(nn_order_attr),
  .params = params,
  .infer = infer,
  .forward = NN_ALL(nn_order_forward),
  .backward = NN_BOTH(nn_order_backward),
  .example = {{.inputs = "3x5"},
              {.inputs = "4x3x2", .args = "1, true"},
              {.inputs = "2x40"},
              {.inputs = "s"}},
};
