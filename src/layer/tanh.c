/* layer/tanh.c: the operation of that name as a layer. */
#include "layer/layer.h"

extern const nn_op nn_op_tanh;
extern const nn_layer_class nn_layer_tanh;

const nn_layer_class nn_layer_tanh = {
  .name = "Tanh",
  .doc = "tanh x = (e^x - e^-x) / (e^x + e^-x), elementwise: in -1..1, with outputs around 0; any "
         "shape. The gradient is 1 - y^2.",
  .size = sizeof(nn_layer),
  .op = &nn_op_tanh,
  .example = {{.inputs = "2x3"}},
};
