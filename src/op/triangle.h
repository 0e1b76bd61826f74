/* op/triangle.h: what tril and triu share: matrices (the last two dimensions) of which a triangle is
   kept and the rest is 0. */
#ifndef NN_OP_TRIANGLE_H
#define NN_OP_TRIANGLE_H

#include "grad/op.h"

typedef struct nn_triangle_attr {
  int64_t diagonal;
} nn_triangle_attr;

extern const nn_param nn_triangle_params[];

nn_status nn_triangle_infer(const nn_call *c);
nn_status nn_triangle_forward(const nn_call *c);
nn_status nn_triangle_backward_f32(const nn_call *c);
nn_status nn_triangle_backward_f64(const nn_call *c);

#endif
