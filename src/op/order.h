/* op/order.h: what sort and topk share: lines along a dimension, and where the gradient goes. */
#ifndef NN_OP_ORDER_H
#define NN_OP_ORDER_H

#include "grad/op.h"
#include "kernel/sort.h"

/* A tensor without dimensions is a line of one. */
static inline nn_status nn_order_axis(const nn_call *c, const nn_shape *s, int64_t given,
                                      nn_axis *axis, int *dim) {
  *axis = (nn_axis){1, 1, 1};
  *dim = -1;
  if (s->ndim == 0 && (given == -1 || given == 1)) return NN_OK;
  NN_TRY(nn_shape_dim(c->ctx, c->op->name, given, s->ndim, dim));
  *axis = nn_shape_axis(s, *dim);
  return NN_OK;
}

#endif
