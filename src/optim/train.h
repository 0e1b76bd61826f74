/* optim/train.h: a training step, whole. */
#ifndef NN_OPTIM_TRAIN_H
#define NN_OPTIM_TRAIN_H

#include "layer/layer.h"
#include "loss/loss.h"
#include "optim/optim.h"

/* Forgets old gradients, runs model and loss on a batch, goes backward, takes a step. *value is
   the loss. Where it is not finite nothing else happens: no gradient, no step. nn.fit drives
   this, so its bits are those of the loop in Lua. An optimizer that drives a closure (L-BFGS) gets
   one that does this, as often as it asks. */
nn_status nn_train_step(nn_ctx *ctx, nn_layer *model, nn_loss *loss, nn_optim *optim, nn_tensor *x,
                        nn_tensor *y, double *value);

#endif
