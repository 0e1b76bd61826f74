/* loss/loss.c: see loss.h. */
#include "loss/loss.h"

#include <string.h>

const char *const nn_reductions[] = {"mean", "sum", "none", NULL};

nn_reduction nn_loss_reduction(const nn_loss *l) {
  return l->reduction[0] == 'm'   ? NN_REDUCE_MEAN
         : l->reduction[0] == 's' ? NN_REDUCE_SUM
                                  : NN_REDUCE_NONE;
}

nn_status nn_loss_new(nn_ctx *ctx, const nn_loss_class *class, nn_loss **out) {
  *out = NULL;
  nn_loss *l = nn_mem_take_zero(ctx, class->size);
  if (!l) return NN_ENOMEM;
  l->ctx = ctx;
  l->class = class;
  l->refs = 1;
  nn_param_defaults(class->params, l);
  *out = l;
  return NN_OK;
}

nn_loss *nn_loss_retain(nn_loss *l) {
  l->refs++;
  return l;
}

void nn_loss_release(nn_loss *l) {
  if (!l || --l->refs > 0) return;
  nn_mem_give(l->ctx, l, l->class->size);
}

nn_status nn_loss_forward(nn_ctx *ctx, nn_loss *l, nn_tensor *prediction, nn_tensor *target,
                          nn_tensor **out) {
  return l->class->forward(ctx, l, prediction, target, out);
}

nn_status nn_loss_same_shape(nn_loss *l, const nn_tensor *prediction, const nn_tensor *target) {
  const nn_shape *p = &prediction->v.shape, *t = &target->v.shape;
  nn_text a, b;
  if (nn_shape_equal(p, t)) return NN_OK;
  bool view = prediction->v.numel == target->v.numel;
  return nn_fail(l->ctx, NN_ESHAPE,
                 "%s: the prediction is %s and the target %s; a loss never broadcasts%s%s%s",
                 l->class->name, nn_shape_text(&a, p), nn_shape_text(&b, t),
                 view ? "; perhaps you mean target:view_as(prediction), or target:view{" : "",
                 view && p->ndim == 2 && p->dim[1] == 1 ? "-1, 1"
                 : view                                 ? "..."
                                                        : "",
                 view ? "}" : "");
}
