/* op/stack.c: tensors of one shape, side by side in a new dimension. */
#include "grad/op.h"

typedef struct stack_attr {
  int64_t dim;
} stack_attr;

extern const nn_op nn_op_stack;

static nn_status infer(const nn_call *c) {
  const nn_shape *first = &c->in[0]->shape;
  nn_shape s = {.ndim = first->ndim + 1};
  nn_text a, b;
  int dim;
  if (s.ndim > NN_MAXDIM)
    return nn_fail(c->ctx, NN_ESHAPE, "stack: a tensor has at most %d dimensions", NN_MAXDIM);
  NN_TRY(nn_shape_dim(c->ctx, "stack", ((const stack_attr *)c->attr)->dim, s.ndim, &dim));
  for (int k = 1; k < c->nin; k++)
    if (!nn_shape_equal(first, &c->in[k]->shape))
      return nn_fail(c->ctx, NN_ESHAPE, "stack: tensor %d is %s, and the first is %s", k + 1,
                     nn_shape_text(&a, &c->in[k]->shape), nn_shape_text(&b, first));
  for (int d = 0; d < s.ndim; d++) s.dim[d] = d == dim ? c->nin : first->dim[d < dim ? d : d - 1];
  nn_value_set(c->out, c->in[0]->dtype, &s);
  return NN_OK;
}

/* Where tensor k stands in the whole. */
static nn_status part(const nn_call *c, const nn_value *whole, int k, nn_value *to) {
  int dim;
  NN_TRY(
    nn_shape_dim(c->ctx, "stack", ((const stack_attr *)c->attr)->dim, whole->shape.ndim, &dim));
  nn_value_copy(to, whole);
  to->offset += k * whole->stride[dim];
  to->shape.ndim--;
  for (int d = dim; d < to->shape.ndim; d++) {
    to->shape.dim[d] = whole->shape.dim[d + 1];
    to->stride[d] = whole->stride[d + 1];
  }
  nn_value_settle(to);
  return NN_OK;
}

static nn_status forward(const nn_call *c) {
  nn_value to;
  for (int k = 0; k < c->nin; k++) {
    NN_TRY(part(c, c->out, k, &to));
    NN_TRY(nn_copy_into(c->ctx, &to, c->in[k]));
  }
  return NN_OK;
}

static nn_status backward(const nn_call *c) {
  nn_value from;
  for (int k = 0; k < c->nin; k++) {
    if (!c->gin[k]) continue;
    NN_TRY(part(c, c->gout, k, &from));
    NN_TRY(nn_sum_to(c->ctx, c->gin[k], &from, c->add[k]));
  }
  return NN_OK;
}

static const nn_param params[] = {{.name = "dim",
                                   .kind = NN_PARAM_INT,
                                   .offset = offsetof(stack_attr, dim),
                                   .flags = NN_P_PLACE,
                                   .def = {1},
                                   .lo = -NN_MAXDIM - 1,
                                   .hi = NN_MAXDIM + 1,
                                   .doc = "the new dimension, from 1, negative from the end"},
                                  NN_P_END};

const nn_op nn_op_stack = {
  .name = "stack",
  .doc = "A list of tensors of the same shape side by side in a new dimension (the first unless "
         "told), copied.",
  .args = "tensors",
  .nin = NN_LIST,
  .flags = NN_OP_PROMOTE | NN_OP_STRIDED,
  .attr_size = sizeof(stack_attr),
  .params = params,
  .infer = infer,
  .forward = {forward, forward, forward, forward},
  .backward = {backward, backward},
  .example = {{.inputs = "2 2 2 2 2 2"},
              {.inputs = "2x3 2x3"},
              {.inputs = "2x3 2x3 2x3", .args = "2"},
              {.inputs = "s s", .args = "-1"}},
};
