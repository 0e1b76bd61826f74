/* layer/flatten.c: N x ... to N x features. */
#include "layer/layer.h"

extern const nn_op nn_op_reshape;
extern const nn_layer_class nn_layer_flatten;

static nn_status forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  nn_text t;
  (void)last;
  *y = NULL;
  if (x->v.shape.ndim < 1)
    return nn_layer_fail(l, NN_ESHAPE, "needs a batch, got %s", nn_value_text(&t, &x->v));
  int64_t n = x->v.shape.dim[0], rest = 1;
  for (int i = 1; i < x->v.shape.ndim; i++) rest *= x->v.shape.dim[i];
  nn_ints shape = {2, {n, rest}};
  return nn_apply(ctx, &nn_op_reshape, &shape, 1, &x, y);
}

const nn_layer_class nn_layer_flatten = {
  .name = "Flatten",
  .doc = "All dimensions but the first joined into one: N x C x H x W to N x (C H W), between "
         "convolutions and Linear. The elements stay in their order; nothing is copied where they "
         "lie in it.",
  .size = sizeof(nn_layer),
  .forward = forward,
  .pure = true,
  .example = {{.inputs = "2x3x2"}, {.inputs = "2"}},
};
