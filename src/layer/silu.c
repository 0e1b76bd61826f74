/* layer/silu.c: the operation of that name as a layer. */
#include "layer/layer.h"

extern const nn_op nn_op_silu;
extern const nn_layer_class nn_layer_silu;

const nn_layer_class nn_layer_silu = {
  .name = "SiLU",
  .doc = "x sigmoid(x), elementwise; also called swish.",
  .size = sizeof(nn_layer),
  .op = &nn_op_silu,
  .example = {{.inputs = "2x3", .lo = -2, .hi = 2}},
};
