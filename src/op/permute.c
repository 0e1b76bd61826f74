/* op/permute.c: the dimensions in another order; a view. */
#include "grad/op.h"

typedef struct permute_attr {
  nn_ints dims;
} permute_attr;

extern const nn_op nn_op_permute;

/* from[d]: which dimension of the input becomes dimension d. */
static nn_status order(const nn_call *c, int *from) {
  const nn_ints *dims = &((const permute_attr *)c->attr)->dims;
  int ndim = c->in[0]->shape.ndim;
  unsigned seen = 0;
  if (dims->n != ndim)
    return nn_fail(c->ctx, NN_ESHAPE, "permute: wants each of the %d dimensions once, got %d", ndim,
                   (int)dims->n);
  for (int d = 0; d < ndim; d++) {
    NN_TRY(nn_shape_dim(c->ctx, "permute", dims->v[d], ndim, &from[d]));
    if (seen & 1u << from[d])
      return nn_fail(c->ctx, NN_EVALUE, "permute: dimension %d is named twice", from[d] + 1);
    seen |= 1u << from[d];
  }
  return NN_OK;
}

static nn_status view(const nn_call *c) {
  const nn_value *x = c->in[0];
  int from[NN_MAXDIM] = {0};
  NN_TRY(order(c, from));
  nn_value_copy(c->out, x);
  for (int d = 0; d < x->shape.ndim; d++) {
    c->out->shape.dim[d] = x->shape.dim[from[d]];
    c->out->stride[d] = x->stride[from[d]];
  }
  nn_value_settle(c->out);
  return NN_OK;
}

static nn_status pull(const nn_call *c, nn_value *gin) {
  const nn_value *g = c->gout;
  int from[NN_MAXDIM] = {0};
  NN_TRY(order(c, from));
  nn_value_copy(gin, g);
  for (int d = 0; d < g->shape.ndim; d++) {
    gin->shape.dim[from[d]] = g->shape.dim[d];
    gin->stride[from[d]] = g->stride[d];
  }
  nn_value_settle(gin);
  return NN_OK;
}

static const nn_param params[] = {
  NN_P_INTS(permute_attr, dims, NN_P_NEEDED, 0, -NN_MAXDIM, NN_MAXDIM,
            "every dimension once, from 1, negative from the end, in the new order"),
  NN_P_END};

const nn_op nn_op_permute = {
  .name = "permute",
  .doc = "A view with the dimensions in the order that is given.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_STRIDED,
  .attr_size = sizeof(permute_attr),
  .params = params,
  .view = view,
  .pull = pull,
  .example = {{.inputs = "2x3", .args = "{2, 1}"},
              {.inputs = "2x3x4", .args = "{3, 1, 2}"},
              {.inputs = "2x3x4", .args = "{-1, 2, 1}"}},
};
