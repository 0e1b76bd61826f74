/* layer/tanh.c: the operation of that name as a layer. */
#include "layer/layer.h"

extern const nn_op nn_op_tanh;
extern const nn_layer_class nn_layer_tanh;

const nn_layer_class nn_layer_tanh = {
  .name = "Tanh",
  .doc = "tanh x, elementwise: in -1..1.",
  .size = sizeof(nn_layer),
  .op = &nn_op_tanh,
  .example = {{.inputs = "2x3"}},
};
