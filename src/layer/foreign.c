/* layer/foreign.c: a module of the host's as a child of a container; see layer.h. Not in the
   registry. */
#include "layer/layer.h"

typedef struct foreign {
  nn_layer base;
  nn_foreign_call call;
} foreign;

static nn_status forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  (void)last;
  return ((foreign *)l)->call(ctx, l, x, y);
}

static const nn_layer_class class = {
  .name = "Module",
  .doc = "A module written in Lua.",
  .size = sizeof(foreign),
  .forward = forward,
};

nn_status nn_layer_foreign_new(nn_ctx *ctx, nn_foreign_call call, nn_layer **out) {
  NN_TRY(nn_layer_new(ctx, &class, out));
  ((foreign *)*out)->call = call;
  return NN_OK;
}
