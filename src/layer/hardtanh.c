/* layer/hardtanh.c: the operation of that name as a layer. */
#include "layer/layer.h"

typedef struct hardtanh {
  nn_layer base;
  double min_val;
  double max_val;
} hardtanh;

extern const nn_op nn_op_hardtanh;
extern const nn_layer_class nn_layer_hardtanh;

static const nn_param params[] = {
  NN_P_REAL(hardtanh, min_val, NN_P_PLACE, -1, -NN_REAL_MAX, NN_REAL_MAX, "the least value"),
  NN_P_REAL(hardtanh, max_val, NN_P_PLACE, 1, -NN_REAL_MAX, NN_REAL_MAX, "the greatest value"),
  NN_P_END};

const nn_layer_class nn_layer_hardtanh = {
  .name = "Hardtanh",
  .doc = "min(max(x, min_val), max_val), elementwise; any shape. The gradient is 1 between the "
         "two, 0 at them and beyond. Collobert 2004.",
  .size = sizeof(hardtanh),
  .params = params,
  .op = &nn_op_hardtanh,
  .attr_offset = offsetof(hardtanh, min_val),
  .example = {{.inputs = "2x3", .lo = -2, .hi = 2}, {.inputs = "2x3", .args = "-0.5, 0.25"}},
};
