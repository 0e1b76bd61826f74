/* layer/elu.c: the operation of that name as a layer. */
#include "layer/layer.h"

typedef struct elu {
  nn_layer base;
  double alpha;
} elu;

extern const nn_op nn_op_elu;
extern const nn_layer_class nn_layer_elu;

static const nn_param params[] = {NN_P_REAL(elu, alpha, NN_P_PLACE, 1, -NN_REAL_MAX, NN_REAL_MAX,
                                            "-alpha is the value far below 0"),
                                  NN_P_END};

const nn_layer_class nn_layer_elu = {
  .name = "ELU",
  .doc =
    "x where x > 0, alpha (e^x - 1) elsewhere, elementwise; any shape. Smooth where alpha is 1, "
    "with outputs around 0. The gradient is 1 or alpha e^x. Clevert, Unterthiner, Hochreiter 2015.",
  .size = sizeof(elu),
  .params = params,
  .op = &nn_op_elu,
  .attr_offset = offsetof(elu, alpha),
  .example = {{.inputs = "2x3", .lo = -2, .hi = 2}, {.inputs = "2x3", .args = "0.5"}},
};
