/* op/index_select.c: the listed elements of a dimension, copied; the gradient is added back
   where they came from. */
#ifndef R
#include <string.h>

#include "grad/op.h"
#include "kernel/names.h"
#include "kernel/places.h"

typedef struct index_attr {
  int64_t dim;
} index_attr;

extern const nn_op nn_op_index_select;

static nn_status axis_of(const nn_call *c, const nn_value *x, nn_axis *a, int *dim) {
  NN_TRY(
    nn_shape_dim(c->ctx, "index_select", ((const index_attr *)c->attr)->dim, x->shape.ndim, dim));
  *a = nn_shape_axis(&x->shape, *dim);
  return NN_OK;
}

#define NN_SELF "op/index_select.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  const nn_value *x = c->in[0], *index = c->in[1];
  nn_axis a;
  nn_text t;
  int dim;
  NN_TRY(axis_of(c, x, &a, &dim));
  if (index->dtype != NN_I64 || index->shape.ndim != 1)
    return nn_fail(c->ctx, NN_ETYPE, "index_select: the indices must be a list of int64, got %s %s",
                   nn_value_text(&t, index), nn_dtype_name(index->dtype));
  nn_shape s = x->shape;
  s.dim[dim] = index->numel;
  nn_value_set(c->out, x->dtype, &s);
  return NN_OK;
}

/* Any dtype: whole runs of `inner` elements are moved. */
static nn_status forward(const nn_call *c) {
  nn_axis a;
  int dim;
  NN_TRY(axis_of(c, c->in[0], &a, &dim));
  const int64_t *index = nn_data(c->in[1]);
  int64_t n = c->in[1]->numel;
  for (int64_t i = 0; i < n; i++)
    if (nn_index_from_zero(index[i], a.n) < 0)
      return nn_fail(c->ctx, NN_EINDEX,
                     "index_select: index %lld (at place %lld) is out of range 1..%lld (counting "
                     "starts at 1)",
                     (long long)index[i], (long long)i + 1, (long long)a.n);
  size_t run = (size_t)a.inner * nn_dtype_size(c->out->dtype);
  const char *x = nn_data(c->in[0]);
  char *y = nn_data(c->out);
  for (int64_t o = 0; o < a.outer; o++)
    for (int64_t i = 0; i < n; i++)
      memcpy(y + (size_t)(o * n + i) * run,
             x + (size_t)(o * a.n + nn_index_from_zero(index[i], a.n)) * run, run);
  return NN_OK;
}

static const nn_param params[] = {
  NN_P_AT(index_attr, dim, -NN_MAXDIM, NN_MAXDIM, "the dimension, from 1, negative from the end"),
  NN_P_END};

const nn_op nn_op_index_select = {
  .name = "index_select",
  .doc = "The elements of a dimension that `indices` (int64, from 1, negative from the end) lists, "
         "in that order, copied.",
  .args = "x, indices",
  .nin = 2,
  .flags = NN_OP_MIXED,
  .saves = NN_IN(1),
  .attr_size = sizeof(index_attr),
  .params = params,
  .infer = infer,
  .forward = {forward, forward, forward, forward},
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "4x3 5<4", .args = "1"}, {.inputs = "2x3x2 4<3", .args = "2"}},
};
#else

static nn_status FN(backward)(const nn_call *c) {
  nn_axis a;
  int dim;
  NN_TRY(axis_of(c, c->gin[0], &a, &dim));
  if (!c->add[0]) NN_TRY(nn_fill_into(c->ctx, c->gin[0], 0));
  const int64_t *index = nn_data(c->in[1]);
  const R *gy = nn_data(c->gout);
  R *gx = nn_data(c->gin[0]);
  int64_t n = c->in[1]->numel;
  for (int64_t o = 0; o < a.outer; o++)
    for (int64_t i = 0; i < n; i++) {
      const R *from = gy + (o * n + i) * a.inner;
      R *to = gx + (o * a.n + nn_index_from_zero(index[i], a.n)) * a.inner;
      for (int64_t r = 0; r < a.inner; r++) to[r] += from[r];
    }
  return NN_OK;
}

#endif
