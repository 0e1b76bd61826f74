/* layer/silu.c: the operation of that name as a layer. */
#include "layer/layer.h"

extern const nn_op nn_op_silu;
extern const nn_layer_class nn_layer_silu;

const nn_layer_class nn_layer_silu = {
  .name = "SiLU",
  .doc = "x sigmoid(x), elementwise; any shape; also called swish. Smooth, not monotonic, with its "
         "least value -0.278 at x = -1.278. Elfwing et al. 2017; Ramachandran et al. 2017.",
  .size = sizeof(nn_layer),
  .op = &nn_op_silu,
  .example = {{.inputs = "2x3", .lo = -2, .hi = 2}},
};
