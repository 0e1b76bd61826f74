/* layer/gelu.c: the operation of that name as a layer. */
#include "layer/layer.h"

typedef struct gelu {
  nn_layer base;
  const char *approximate;
} gelu;

extern const nn_op nn_op_gelu;
extern const nn_layer_class nn_layer_gelu;

static const char *const ways[] = {"none", "tanh", NULL};

static const nn_param params[] = {
  NN_P_ENUM(gelu, approximate, "none", ways, "\"tanh\": the faster formula of GPT-2, within 0.001"),
  NN_P_END};

const nn_layer_class nn_layer_gelu = {
  .name = "GELU",
  .doc =
    "x P(x) with P(x) = (1 + erf(x / sqrt(2))) / 2, the probability that a standard normal number "
    "is below x; elementwise, any shape. The activation of transformers. Hendrycks, Gimpel 2016.",
  .size = sizeof(gelu),
  .params = params,
  .op = &nn_op_gelu,
  .attr_offset = offsetof(gelu, approximate),
  .example = {{.inputs = "2x3", .lo = -2, .hi = 2},
              {.inputs = "2x3", .args = "approximate = \"tanh\"", .lo = -2, .hi = 2}},
};
