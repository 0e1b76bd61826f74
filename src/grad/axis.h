/* grad/axis.h: the arguments `dim` and `keepdim` of operations along one dimension, or over
   everything. */
#ifndef NN_GRAD_AXIS_H
#define NN_GRAD_AXIS_H

#include "grad/op.h"

typedef struct nn_axis_attr {
  int64_t dim; /* counted from 1, negative from the end; 0: everything */
  bool keepdim;
} nn_axis_attr;

extern const nn_param nn_axis_params[]; /* dim (by position, default 0), keepdim */
extern const nn_param
  nn_axis_dim_params[]; /* dim (by position, default -1): a dimension is always meant */

/* The axis of in[0] that the call speaks of. */
nn_status nn_call_axis(const nn_call *c, nn_axis *axis);
/* Sets out to in[0] without that dimension (or with size 1 there), of the given dtype. */
nn_status nn_infer_axis(const nn_call *c, nn_dtype dtype);

#endif
