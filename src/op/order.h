/*
 * op/order.h: what sort and topk share. The lines along a dimension are sorted, stably; the output is
 * the first elements of each, as many as infer gives that dimension, aux[0] the places where they
 * stood, counted from 1. A tensor without dimensions is a line of one.
 */
#ifndef NN_OP_ORDER_H
#define NN_OP_ORDER_H

#include "grad/op.h"

typedef struct nn_order_attr {
  int64_t k; /* topk alone */
  int64_t dim;
  bool falling; /* the largest first */
} nn_order_attr;

#define NN_P_ORDER_DIM                                                           \
  {                                                                              \
    .name = "dim", .kind = NN_PARAM_INT, .offset = offsetof(nn_order_attr, dim), \
    .flags = NN_P_PLACE, .def = {-1}, .lo = -NN_MAXDIM, .hi = NN_MAXDIM,         \
    .doc = "the dimension, from 1, negative from the end"                        \
  }

/* The lines of a shape, and their dimension; -1 where there are no dimensions. */
nn_status nn_order_axis(const nn_call *c, const nn_shape *s, nn_axis *axis, int *dim);

nn_status nn_order_forward_f32(const nn_call *c);
nn_status nn_order_forward_f64(const nn_call *c);
nn_status nn_order_forward_i64(const nn_call *c);
nn_status nn_order_forward_u8(const nn_call *c);
/* The gradient goes back to the places. */
nn_status nn_order_backward_f32(const nn_call *c);
nn_status nn_order_backward_f64(const nn_call *c);

#endif
