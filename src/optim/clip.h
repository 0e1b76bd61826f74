/* optim/clip.h: gradients kept in bounds between backward and step. */
#ifndef NN_OPTIM_CLIP_H
#define NN_OPTIM_CLIP_H

#include "tensor/tensor.h"

/* The norm of all gradients as one vector (power 2, 1, ... or INFINITY); tensors without one count
   as nothing. Where it is above `max` all are scaled so that it is `max`. A norm that is not finite
   leaves them as they are. *norm: before. */
void nn_clip_norm(int n, nn_tensor *const *t, double max, double power, double *norm);
/* Every element of every gradient to -max..max. NaN stays. */
void nn_clip_value(int n, nn_tensor *const *t, double max);
/* The largest absolute value of any gradient: NaN when one is, infinite when one is. */
double nn_clip_largest(int n, nn_tensor *const *t);

#endif
