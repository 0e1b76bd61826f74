/* layer/softmax.c: softmax along a dimension. For training a classifier CrossEntropyLoss takes
   raw scores instead. */
#include "grad/axis.h"
#include "layer/layer.h"

typedef struct softmax {
  nn_layer base;
  nn_axis_attr attr;
} softmax;

extern const nn_op nn_op_softmax;
extern const nn_layer_class nn_layer_softmax;

static const nn_param params[] = {{.name = "dim",
                                   .kind = NN_PARAM_INT,
                                   .offset = offsetof(softmax, attr.dim),
                                   .def = {-1},
                                   .lo = -NN_MAXDIM,
                                   .hi = NN_MAXDIM,
                                   .doc = "the dimension whose elements sum to 1"},
                                  NN_P_END};

const nn_layer_class nn_layer_softmax = {
  .name = "Softmax",
  .doc =
    "e^x / sum(e^x) along a dimension (the last unless told): positive, sums to 1, finite at any "
    "score; any shape. CrossEntropyLoss wants raw scores: do not put this before it. Bridle 1990.",
  .size = sizeof(softmax),
  .params = params,
  .op = &nn_op_softmax,
  .attr_offset = offsetof(softmax, attr),
  .example = {{.inputs = "2x3"}, {.inputs = "2x3x2", .args = "dim = 2"}},
};
