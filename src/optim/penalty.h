/* optim/penalty.h: what is added to a loss so that weights stay small. */
#ifndef NN_OPTIM_PENALTY_H
#define NN_OPTIM_PENALTY_H

#include "tensor/tensor.h"

/* Adds l2 w + l1 sign(w) to the gradient of every weight: of the tensors that require a gradient and
   have more than one dimension, so not of biases; one without a gradient gets one. *value becomes
   (l2/2) sum w^2 + l1 sum |w|. */
nn_status nn_penalise(nn_ctx *ctx, int n, nn_tensor *const *t, double l1, double l2, double *value);

#endif
