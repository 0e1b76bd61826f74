/* op/gather.c: y[i][j] = x[index[i][j]][j] along dimension 1, and so on for the others; the gradient
   is added back where the element came from. */
#ifndef R
#include "grad/op.h"
#include "kernel/names.h"
#include "kernel/places.h"

typedef struct gather_attr {
  int64_t dim;
} gather_attr;

extern const nn_op nn_op_gather;

/* x as the output walks over it: it stands still along the dimension, whose steps `index` tells. */
static nn_status base_of(const nn_call *c, const nn_value *x, nn_value *base, int *dim) {
  NN_TRY(nn_shape_dim(c->ctx, "gather", ((const gather_attr *)c->attr)->dim, x->shape.ndim, dim));
  nn_value_copy(base, x);
  base->shape = c->in[1]->shape;
  base->stride[*dim] = 0;
  nn_value_settle(base);
  return NN_OK;
}

#define NN_SELF "op/gather.c"
#include "kernel/each_type.h"

static nn_status infer(const nn_call *c) {
  const nn_value *x = c->in[0], *index = c->in[1];
  nn_text a, b;
  int dim;
  NN_TRY(nn_shape_dim(c->ctx, "gather", ((const gather_attr *)c->attr)->dim, x->shape.ndim, &dim));
  if (index->dtype != NN_I64)
    return nn_fail(c->ctx, NN_ETYPE, "gather: the indices must be int64, got %s",
                   nn_dtype_name(index->dtype));
  bool fits = index->shape.ndim == x->shape.ndim;
  for (int d = 0; d < x->shape.ndim && fits; d++)
    fits = d == dim || index->shape.dim[d] <= x->shape.dim[d];
  if (!fits)
    return nn_fail(
      c->ctx, NN_ESHAPE,
      "gather: indices of %s for a tensor of %s: as many dimensions, and no size larger "
      "but that of dimension %d",
      nn_value_text(&a, index), nn_value_text(&b, x), dim + 1);
  nn_value_set(c->out, x->dtype, &index->shape);
  return NN_OK;
}

static const nn_param params[] = {
  NN_P_AT(gather_attr, dim, -NN_MAXDIM, NN_MAXDIM, "the dimension, from 1, negative from the end"),
  NN_P_END};

const nn_op nn_op_gather = {
  .name = "gather",
  .doc = "One element of a dimension for each index (int64, from 1, negative from the end): with "
         "dim = 2, y[i][j] = x[i][indices[i][j]].",
  .args = "x, indices",
  .nin = 2,
  .flags = NN_OP_MIXED,
  .saves = NN_IN(1),
  .attr_size = sizeof(gather_attr),
  .params = params,
  .infer = infer,
  .forward = NN_ALL(forward),
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "3x4 2x4<3", .args = "1"},
              {.inputs = "2x3x2 2x5x1<3", .args = "-2"},
              {.inputs = "4 6<4", .args = "1"}},
};
#else

static nn_status FN(forward)(const nn_call *c) {
  nn_value base;
  int dim;
  NN_TRY(base_of(c, c->in[0], &base, &dim));
  const int64_t *index = nn_data(c->in[1]);
  int64_t n = c->in[0]->shape.dim[dim], step = c->in[0]->stride[dim];
  const R *x = c->in[0]->storage->data;
  R *y = nn_data(c->out);
  nn_places p = nn_places_of(&base);
  for (int64_t i = 0; i < c->out->numel; i++, nn_places_next(&p)) {
    int64_t k = nn_index_from_zero(index[i], n);
    if (k < 0)
      return nn_fail(c->ctx, NN_EINDEX,
                     "gather: index %lld (at place %lld) is out of range 1..%lld of dimension %d "
                     "(counting starts at 1)",
                     (long long)index[i], (long long)i + 1, (long long)n, dim + 1);
    y[i] = x[p.at + k * step];
  }
  return NN_OK;
}

#ifndef NN_INTEGER
static nn_status FN(backward)(const nn_call *c) {
  nn_value base;
  int dim;
  if (!c->add[0]) NN_TRY(nn_fill_into(c->ctx, c->gin[0], 0));
  NN_TRY(base_of(c, c->gin[0], &base, &dim));
  const int64_t *index = nn_data(c->in[1]);
  int64_t n = c->gin[0]->shape.dim[dim], step = c->gin[0]->stride[dim];
  const R *g = nn_data(c->gout);
  R *gx = c->gin[0]->storage->data;
  nn_places p = nn_places_of(&base);
  for (int64_t i = 0; i < c->gout->numel; i++, nn_places_next(&p))
    gx[p.at + nn_index_from_zero(index[i], n) * step] += g[i];
  return NN_OK;
}
#endif

#endif
