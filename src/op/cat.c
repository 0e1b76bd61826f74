/* op/cat.c: tensors joined along a dimension; each gets its part of the gradient. */
#include "grad/op.h"
#include "kernel/places.h"

typedef struct cat_attr {
  int64_t dim;
} cat_attr;

extern const nn_op nn_op_cat;

static nn_status dim_of(const nn_call *c, int *dim) {
  const nn_shape *first = &c->in[0]->shape;
  if (first->ndim == 0)
    return nn_fail(c->ctx, NN_ESHAPE,
                   "cat: tensors without dimensions have nothing to be joined along; nn.stack puts "
                   "them into a new dimension");
  return nn_shape_dim(c->ctx, "cat", ((const cat_attr *)c->attr)->dim, first->ndim, dim);
}

static nn_status infer(const nn_call *c) {
  nn_shape s = c->in[0]->shape;
  nn_text a, b;
  int dim = 0;
  NN_TRY(dim_of(c, &dim));
  for (int k = 1; k < c->nin; k++) {
    const nn_shape *t = &c->in[k]->shape;
    bool fits = t->ndim == s.ndim;
    for (int d = 0; d < s.ndim && fits; d++) fits = d == dim || t->dim[d] == s.dim[d];
    if (!fits)
      return nn_fail(c->ctx, NN_ESHAPE,
                     "cat: tensor %d is %s and the first is %s; all sizes but that of dimension %d "
                     "must be the same",
                     k + 1, nn_shape_text(&a, t), nn_shape_text(&b, &c->in[0]->shape), dim + 1);
    s.dim[dim] += t->dim[dim];
  }
  nn_value_set(c->out, c->in[0]->dtype, &s);
  return NN_OK;
}

static nn_status forward(const nn_call *c) {
  int64_t first = 0;
  nn_value part;
  int dim = 0;
  NN_TRY(dim_of(c, &dim));
  for (int k = 0; k < c->nin; k++) {
    int64_t n = c->in[k]->shape.dim[dim];
    nn_value_part(&part, c->out, dim, first, n);
    NN_TRY(nn_copy_into(c->ctx, &part, c->in[k]));
    first += n;
  }
  return NN_OK;
}

static nn_status backward(const nn_call *c) {
  int64_t first = 0;
  nn_value part;
  int dim = 0;
  NN_TRY(dim_of(c, &dim));
  for (int k = 0; k < c->nin; k++) {
    int64_t n = c->in[k]->shape.dim[dim];
    nn_value_part(&part, c->gout, dim, first, n);
    if (c->gin[k]) NN_TRY(nn_sum_to(c->ctx, c->gin[k], &part, c->add[k]));
    first += n;
  }
  return NN_OK;
}

static const nn_param params[] = {{.name = "dim",
                                   .kind = NN_PARAM_INT,
                                   .offset = offsetof(cat_attr, dim),
                                   .flags = NN_P_PLACE,
                                   .def = {1},
                                   .lo = -NN_MAXDIM,
                                   .hi = NN_MAXDIM,
                                   .doc = "the dimension, from 1, negative from the end"},
                                  NN_P_END};

const nn_op nn_op_cat = {
  .name = "cat",
  .doc = "A list of tensors joined along a dimension (the first unless told), copied; their other "
         "sizes are the same.",
  .args = "tensors",
  .nin = NN_LIST,
  .flags = NN_OP_PROMOTE | NN_OP_STRIDED,
  .attr_size = sizeof(cat_attr),
  .params = params,
  .infer = infer,
  .forward = {forward, forward, forward, forward},
  .backward = {backward, backward},
  .example = {{.inputs = "2x3 1x3 2x3"},
              {.inputs = "1x2 2x2 1x2 1x2 2x2 1x2"},
              {.inputs = "2x3x2 2x1x2", .args = "-2"},
              {.inputs = "3"}},
};
