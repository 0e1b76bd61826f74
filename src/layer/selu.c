/* layer/selu.c: the operation of that name as a layer. */
#include "layer/layer.h"

extern const nn_op nn_op_selu;
extern const nn_layer_class nn_layer_selu;

const nn_layer_class nn_layer_selu = {
  .name = "SELU",
  .doc = "1.0507 x where x > 0, 1.0507 * 1.6733 (e^x - 1) elsewhere, elementwise; any shape. With "
         "weights of variance 1 / inputs it keeps mean 0 and variance 1 from layer to layer. "
         "Klambauer et al. 2017.",
  .size = sizeof(nn_layer),
  .op = &nn_op_selu,
  .example = {{.inputs = "2x3", .lo = -2, .hi = 2}},
};
