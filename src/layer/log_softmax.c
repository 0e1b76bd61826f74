/* layer/log_softmax.c: the logarithm of softmax along a dimension. NLLLoss goes behind it. */
#include "grad/axis.h"
#include "layer/layer.h"

typedef struct log_softmax {
  nn_layer base;
  nn_axis_attr attr;
} log_softmax;

extern const nn_op nn_op_log_softmax;
extern const nn_layer_class nn_layer_log_softmax;

static const nn_param params[] = {{.name = "dim",
                                   .kind = NN_PARAM_INT,
                                   .offset = offsetof(log_softmax, attr.dim),
                                   .def = {-1},
                                   .lo = -NN_MAXDIM,
                                   .hi = NN_MAXDIM,
                                   .doc = "the dimension whose probabilities sum to 1"},
                                  NN_P_END};

const nn_layer_class nn_layer_log_softmax = {
  .name = "LogSoftmax",
  .doc = "x - log(sum(e^x)) along a dimension (the last unless told), finite where x is; any "
         "shape. dx = dy - e^y sum(dy). NLLLoss goes behind it; CrossEntropyLoss is both in one "
         "and wants raw scores.",
  .size = sizeof(log_softmax),
  .params = params,
  .op = &nn_op_log_softmax,
  .attr_offset = offsetof(log_softmax, attr),
  .example = {{.inputs = "2x3"}, {.inputs = "2x3x2", .args = "dim = 2"}},
};
