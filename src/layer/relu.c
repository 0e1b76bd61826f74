/* layer/relu.c: the operation of that name as a layer. */
#include "layer/layer.h"

extern const nn_op nn_op_relu;
extern const nn_layer_class nn_layer_relu;

const nn_layer_class nn_layer_relu = {
  .name = "ReLU",
  .doc = "max(x, 0), elementwise; any shape. The gradient is 1 where x > 0, else 0, at 0 too: a "
         "unit below 0 for every sample learns no more (LeakyReLU does). Nair and Hinton 2010.",
  .size = sizeof(nn_layer),
  .op = &nn_op_relu,
  .example = {{.inputs = "2x3"}},
};
