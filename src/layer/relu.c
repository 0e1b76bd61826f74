/* layer/relu.c: the operation of that name as a layer. */
#include "layer/layer.h"

extern const nn_op nn_op_relu;
extern const nn_layer_class nn_layer_relu;

const nn_layer_class nn_layer_relu = {
  .name = "ReLU",
  .doc = "max(x, 0), elementwise. The gradient at 0 is 0.",
  .size = sizeof(nn_layer),
  .op = &nn_op_relu,
  .example = {{.inputs = "2x3"}},
};
