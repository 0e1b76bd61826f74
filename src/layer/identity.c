/* layer/identity.c: y = x, for a place in a model that may hold something else. */
#include "layer/layer.h"

extern const nn_layer_class nn_layer_identity;

static nn_status forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  (void)ctx, (void)l, (void)last;
  *y = nn_tensor_retain(x);
  return NN_OK;
}

const nn_layer_class nn_layer_identity = {
  .name = "Identity",
  .doc = "y = x, of any shape: for a place in a model that may hold something else.",
  .size = sizeof(nn_layer),
  .forward = forward,
  .example = {{.inputs = "2x3"}},
};
