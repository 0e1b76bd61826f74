/* op/variance.h: what var and std share: squares around the mean, summed, over n - 1 or over n, along a
   dimension or of everything; aux[0] is the mean, in double. */
#ifndef NN_OP_VARIANCE_H
#define NN_OP_VARIANCE_H

#include "grad/lines.h"

typedef struct nn_variance_attr {
  nn_axis_attr axis;
  bool unbiased;
} nn_variance_attr;

extern const nn_param nn_variance_params[];

nn_status nn_variance_infer(const nn_call *c);
/* The variance, or its root. */
nn_status nn_variance_forward(const nn_call *c, bool root);
/* What the sum is divided by. */
nn_status nn_variance_divisor(const nn_call *c, double *n);

#endif
