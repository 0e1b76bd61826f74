/* optim/train.c: see train.h. */
#include "optim/train.h"

#include <math.h>

#include "grad/graph.h"

typedef struct pass {
  nn_ctx *ctx;
  nn_layer *model;
  nn_loss *loss;
  nn_optim *optim;
  nn_tensor *x, *y;
} pass;

/* Forward, and backward where the loss is finite: the closure of a step. */
static nn_status run(void *user, double *value) {
  const pass *p = user;
  nn_tensor *prediction = NULL, *l = NULL;
  nn_status st = NN_OK;
  nn_optim_zero_grad(p->optim);
  NN_GO(nn_layer_forward(p->ctx, p->model, p->x, false, &prediction));
  NN_GO(nn_loss_forward(p->ctx, p->loss, prediction, p->y, &l));
  if (l->v.numel != 1) {
    st =
      nn_fail(p->ctx, NN_ESHAPE,
              "training needs one number from the loss: its reduction must be \"mean\" or \"sum\"");
    goto done;
  }
  *value = nn_value_real_at(&l->v, l->v.offset);
  if (isfinite(*value)) NN_GO(nn_backward(p->ctx, l, NULL, false));
done:
  nn_tensor_release(prediction);
  nn_tensor_release(l);
  return st;
}

nn_status nn_train_step(nn_ctx *ctx, nn_layer *model, nn_loss *loss, nn_optim *optim, nn_tensor *x,
                        nn_tensor *y, double *value) {
  pass p = {.ctx = ctx, .model = model, .loss = loss, .optim = optim, .x = x, .y = y};
  const nn_closure closure = {.call = run, .user = &p};
  return nn_optim_step_with(ctx, optim, &closure, value);
}
