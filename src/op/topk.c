/* op/topk.c: the k largest elements of each line, the largest first, and where they stood. */
#include "kernel/names.h"
#include "op/order.h"

extern const nn_op nn_op_topk;

static nn_status infer(const nn_call *c) {
  const nn_order_attr *t = c->attr;
  nn_shape s = c->in[0]->shape;
  nn_axis axis;
  int dim;
  NN_TRY(nn_order_axis(c, &s, &axis, &dim));
  if (t->k > axis.n)
    return nn_fail(c->ctx, NN_EVALUE,
                   "topk: wants the first %lld of %lld elements (dimension %lld)", (long long)t->k,
                   (long long)axis.n, (long long)t->dim);
  if (dim < 0 && t->k == 0) return nn_fail(c->ctx, NN_EVALUE, "topk: wants at least 1 of a scalar");
  if (dim >= 0) s.dim[dim] = t->k;
  nn_value_set(c->aux[0], NN_I64, &s);
  nn_value_set(c->out, c->in[0]->dtype, &s);
  return NN_OK;
}

static const nn_param params[] = {NN_P_AT(nn_order_attr, k, 0, NN_DIM_MAX, "how many"),
                                  NN_P_ORDER_DIM,
                                  {.name = "largest",
                                   .kind = NN_PARAM_BOOL,
                                   .offset = offsetof(nn_order_attr, falling),
                                   .flags = NN_P_PLACE,
                                   .def = {1},
                                   .hi = 1,
                                   .doc = "false: the smallest instead, the smallest first"},
                                  NN_P_END};

const nn_op nn_op_topk = {
  .name = "topk",
  .doc = "The k largest elements along a dimension (the last unless told), the largest first, and "
         "the indices (int64, from 1) where they stood. Of equal ones the first come first.",
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
  .example = {{.inputs = "3x5", .args = "2"},
              {.inputs = "4x3x2", .args = "3, 1, false"},
              {.inputs = "2x50", .args = "40"},
              {.inputs = "s", .args = "1"}},
};
