/* optim/train.c: see train.h. */
#include "optim/train.h"

#include <math.h>

#include "grad/graph.h"

nn_status nn_train_step(nn_ctx *ctx, nn_layer *model, nn_loss *loss, nn_optim *optim, nn_tensor *x,
                        nn_tensor *y, double *value) {
  nn_tensor *prediction = NULL, *l = NULL;
  nn_status st = NN_OK;
  nn_optim_zero_grad(optim);
  NN_GO(nn_layer_forward(ctx, model, x, false, &prediction));
  NN_GO(nn_loss_forward(ctx, loss, prediction, y, &l));
  if (l->v.numel != 1) {
    st =
      nn_fail(ctx, NN_ESHAPE,
              "training needs one number from the loss: its reduction must be \"mean\" or \"sum\"");
    goto done;
  }
  *value = nn_value_real_at(&l->v, l->v.offset);
  if (!isfinite(*value)) goto done;
  NN_GO(nn_backward(ctx, l, NULL, false));
  NN_GO(nn_optim_step(ctx, optim));
done:
  nn_tensor_release(prediction);
  nn_tensor_release(l);
  return st;
}
