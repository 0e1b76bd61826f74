/* op/transpose.c: two dimensions exchanged; a view. */
#include "grad/op.h"

typedef struct transpose_attr {
  int64_t a, b;
} transpose_attr;

extern const nn_op nn_op_transpose;

static nn_status exchange(const nn_call *c, const nn_value *from, nn_value *to) {
  const transpose_attr *t = c->attr;
  int a, b;
  NN_TRY(nn_shape_dim(c->ctx, "transpose", t->a, from->shape.ndim, &a));
  NN_TRY(nn_shape_dim(c->ctx, "transpose", t->b, from->shape.ndim, &b));
  nn_value_copy(to, from);
  to->shape.dim[a] = from->shape.dim[b];
  to->shape.dim[b] = from->shape.dim[a];
  to->stride[a] = from->stride[b];
  to->stride[b] = from->stride[a];
  nn_value_settle(to);
  return NN_OK;
}

static nn_status view(const nn_call *c) {
  return exchange(c, c->in[0], c->out);
}

static nn_status pull(const nn_call *c, nn_value *gin) {
  return exchange(c, c->gout, gin);
}

static const nn_param params[] = {{.name = "a",
                                   .kind = NN_PARAM_INT,
                                   .offset = offsetof(transpose_attr, a),
                                   .flags = NN_P_PLACE,
                                   .def = {-2},
                                   .lo = -NN_MAXDIM,
                                   .hi = NN_MAXDIM,
                                   .doc = "a dimension, from 1, negative from the end"},
                                  {.name = "b",
                                   .kind = NN_PARAM_INT,
                                   .offset = offsetof(transpose_attr, b),
                                   .flags = NN_P_PLACE,
                                   .def = {-1},
                                   .lo = -NN_MAXDIM,
                                   .hi = NN_MAXDIM,
                                   .doc = "the other one"},
                                  NN_P_END};

const nn_op nn_op_transpose = {
  .name = "transpose",
  .doc = "A view with two dimensions exchanged (the last two unless told).",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_STRIDED,
  .attr_size = sizeof(transpose_attr),
  .params = params,
  .view = view,
  .pull = pull,
  .example = {{.inputs = "2x3"}, {.inputs = "2x3x4", .args = "1, 3"}},
};
