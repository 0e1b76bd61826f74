/* op/select.c: one element of a dimension, which disappears; a view. The gradient is zero
   elsewhere. */
#include "grad/op.h"

typedef struct select_attr {
  int64_t dim, index;
} select_attr;

extern const nn_op nn_op_select;

/* Dimension and element, from 0. */
static nn_status place(const nn_call *c, const nn_value *from, int *d, int64_t *i) {
  const select_attr *a = c->attr;
  NN_TRY(nn_shape_dim(c->ctx, "select", a->dim, from->shape.ndim, d));
  int64_t size = from->shape.dim[*d];
  *i = a->index < 0 ? a->index + size : a->index - 1;
  if (a->index == 0 || *i < 0 || *i >= size)
    return nn_fail(c->ctx, NN_EINDEX,
                   "index %lld is out of range 1..%lld of dimension %d (counting starts at 1)",
                   (long long)a->index, (long long)size, *d + 1);
  return NN_OK;
}

static void pick(const nn_value *from, int d, int64_t i, nn_value *to) {
  *to = (nn_value){
    .storage = from->storage, .offset = from->offset + i * from->stride[d], .dtype = from->dtype};
  for (int k = 0; k < from->shape.ndim; k++) {
    if (k == d) continue;
    to->shape.dim[to->shape.ndim] = from->shape.dim[k];
    to->stride[to->shape.ndim++] = from->stride[k];
  }
  nn_value_settle(to);
}

static nn_status view(const nn_call *c) {
  int d;
  int64_t i;
  NN_TRY(place(c, c->in[0], &d, &i));
  pick(c->in[0], d, i, c->out);
  return NN_OK;
}

static nn_status backward(const nn_call *c) {
  int d;
  int64_t i;
  nn_value part;
  NN_TRY(place(c, c->gin[0], &d, &i));
  pick(c->gin[0], d, i, &part);
  if (!c->add[0]) NN_TRY(nn_fill_outside(c->ctx, c->gin[0], d, i, 1));
  return nn_sum_to(c->ctx, &part, c->gout, c->add[0]);
}

static const nn_param params[] = {
  NN_P_AT(select_attr, dim, -NN_MAXDIM, NN_MAXDIM, "the dimension, from 1, negative from the end"),
  NN_P_AT(select_attr, index, -NN_DIM_MAX, NN_DIM_MAX,
          "which element, from 1, negative from the end"),
  NN_P_END};

const nn_op nn_op_select = {
  .name = "select",
  .doc = "A view of element `index` of a dimension, which disappears.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_STRIDED,
  .attr_size = sizeof(select_attr),
  .params = params,
  .view = view,
  .backward = {backward, backward},
  .example = {{.inputs = "4x3", .args = "1, 2"}, {.inputs = "2x5", .args = "2, -1"}},
};
