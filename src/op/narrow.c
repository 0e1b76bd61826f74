/* op/narrow.c: a range of one dimension; a view. The gradient is zero outside it. */
#include "grad/op.h"
#include "kernel/places.h"

typedef struct narrow_attr {
  int64_t dim, first, n;
} narrow_attr;

extern const nn_op nn_op_narrow;

/* Dimension and first element, from 0. */
static nn_status place(const nn_call *c, const nn_value *from, int *d, int64_t *first) {
  const narrow_attr *a = c->attr;
  NN_TRY(nn_shape_dim(c->ctx, "narrow", a->dim, from->shape.ndim, d));
  int64_t size = from->shape.dim[*d];
  *first = a->first < 0 ? a->first + size : a->first - 1;
  if (a->first == 0 || *first < 0 || *first > size || a->n > size - *first)
    return nn_fail(c->ctx, NN_EINDEX,
                   "narrow: %lld elements from %lld on leave the range 1..%lld of dimension %d "
                   "(counting starts at 1)",
                   (long long)a->n, (long long)a->first, (long long)size, *d + 1);
  return NN_OK;
}

static nn_status view(const nn_call *c) {
  int d;
  int64_t first;
  NN_TRY(place(c, c->in[0], &d, &first));
  nn_value_part(c->out, c->in[0], d, first, ((const narrow_attr *)c->attr)->n);
  return NN_OK;
}

static nn_status backward(const nn_call *c) {
  const int64_t n = ((const narrow_attr *)c->attr)->n;
  int d;
  int64_t first;
  nn_value part;
  NN_TRY(place(c, c->gin[0], &d, &first));
  nn_value_part(&part, c->gin[0], d, first, n);
  if (!c->add[0]) NN_TRY(nn_fill_outside(c->ctx, c->gin[0], d, first, n));
  return nn_sum_to(c->ctx, &part, c->gout, c->add[0]);
}

static const nn_param params[] = {
  NN_P_AT(narrow_attr, dim, -NN_MAXDIM, NN_MAXDIM, "the dimension, from 1, negative from the end"),
  NN_P_AT(narrow_attr, first, -NN_DIM_MAX, NN_DIM_MAX,
          "the first element, from 1, negative from the end"),
  NN_P_AT(narrow_attr, n, 0, NN_DIM_MAX, "how many"), NN_P_END};

const nn_op nn_op_narrow = {
  .name = "narrow",
  .doc = "A view of n elements of a dimension, from `first` on.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_STRIDED,
  .attr_size = sizeof(narrow_attr),
  .params = params,
  .view = view,
  .backward = {backward, backward},
  .example = {{.inputs = "4x3", .args = "1, 2, 2"}, {.inputs = "2x5", .args = "-1, -3, 2"}},
};
