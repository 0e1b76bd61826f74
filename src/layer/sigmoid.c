/* layer/sigmoid.c: the operation of that name as a layer. */
#include "layer/layer.h"

extern const nn_op nn_op_sigmoid;
extern const nn_layer_class nn_layer_sigmoid;

const nn_layer_class nn_layer_sigmoid = {
  .name = "Sigmoid",
  .doc = "1 / (1 + e^-x), elementwise: in 0..1; any shape. The gradient y (1 - y) is at most 1/4 "
         "and vanishes far from 0. BCEWithLogitsLoss wants raw scores: do not put this before it.",
  .size = sizeof(nn_layer),
  .op = &nn_op_sigmoid,
  .example = {{.inputs = "2x3"}},
};
