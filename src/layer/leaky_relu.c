/* layer/leaky_relu.c: the operation of that name as a layer. */
#include "layer/layer.h"

typedef struct leaky_relu {
  nn_layer base;
  double negative_slope;
} leaky_relu;

extern const nn_op nn_op_leaky_relu;
extern const nn_layer_class nn_layer_leaky_relu;

static const nn_param params[] = {NN_P_REAL(leaky_relu, negative_slope, NN_P_PLACE, 0.01,
                                            -NN_REAL_MAX, NN_REAL_MAX, "what multiplies x below 0"),
                                  NN_P_END};

const nn_layer_class nn_layer_leaky_relu = {
  .name = "LeakyReLU",
  .doc = "x where x > 0, negative_slope x elsewhere, elementwise; any shape: what is off still "
         "learns. The gradient at 0 is the slope. Maas, Hannun, Ng 2013.",
  .size = sizeof(leaky_relu),
  .params = params,
  .op = &nn_op_leaky_relu,
  .attr_offset = offsetof(leaky_relu, negative_slope),
  .example = {{.inputs = "2x3"}, {.inputs = "2x3", .args = "negative_slope = 0.2"}},
};
