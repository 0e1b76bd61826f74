/* layer/softplus.c: the operation of that name as a layer. */
#include "layer/layer.h"

typedef struct softplus {
  nn_layer base;
  double beta;
  double threshold;
} softplus;

extern const nn_op nn_op_softplus;
extern const nn_layer_class nn_layer_softplus;

static const nn_param params[] = {NN_P_REAL(softplus, beta, NN_P_PLACE, 1, -NN_REAL_MAX,
                                            NN_REAL_MAX, "how sharp the bend is; large: ReLU"),
                                  NN_P_REAL(softplus, threshold, NN_P_PLACE, 20, -NN_REAL_MAX,
                                            NN_REAL_MAX, "beyond this beta x it is x"),
                                  NN_P_END};

const nn_layer_class nn_layer_softplus = {
  .name = "Softplus",
  .doc = "log(1 + e^(beta x)) / beta, elementwise; any shape: a smooth ReLU, x itself where beta x "
         "> threshold. The gradient is sigmoid(beta x). Dugas et al. 2001.",
  .size = sizeof(softplus),
  .params = params,
  .op = &nn_op_softplus,
  .attr_offset = offsetof(softplus, beta),
  .example = {{.inputs = "2x3", .lo = -2, .hi = 2},
              {.inputs = "2x3", .args = "beta = 2, threshold = 1"}},
};
