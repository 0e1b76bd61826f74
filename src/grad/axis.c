/* grad/axis.c: see axis.h. */
#include "grad/axis.h"

const nn_param nn_axis_params[] = {
  {.name = "dim",
   .kind = NN_PARAM_INT,
   .offset = offsetof(nn_axis_attr, dim),
   .flags = NN_P_PLACE,
   .def = {0},
   .lo = -NN_MAXDIM,
   .hi = NN_MAXDIM,
   .doc = "the dimension, from 1, negative from the end; none: over everything"},
  {.name = "keepdim",
   .kind = NN_PARAM_BOOL,
   .offset = offsetof(nn_axis_attr, keepdim),
   .flags = NN_P_PLACE,
   .hi = 1,
   .doc = "keep the dimension, with size 1"},
  NN_P_END};

const nn_param nn_axis_dim_params[] = {{.name = "dim",
                                        .kind = NN_PARAM_INT,
                                        .offset = offsetof(nn_axis_attr, dim),
                                        .flags = NN_P_PLACE,
                                        .def = {-1},
                                        .lo = -NN_MAXDIM,
                                        .hi = NN_MAXDIM,
                                        .doc = "the dimension, from 1, negative from the end"},
                                       NN_P_END};

static nn_status axis_dim(const nn_call *c, int *dim) {
  const nn_axis_attr *a = c->attr;
  *dim = -1;
  return a->dim == 0 ? NN_OK : nn_shape_dim(c->ctx, c->op->name, a->dim, c->in[0]->shape.ndim, dim);
}

nn_status nn_call_axis(const nn_call *c, nn_axis *axis) {
  int dim;
  NN_TRY(axis_dim(c, &dim));
  *axis = nn_shape_axis(&c->in[0]->shape, dim);
  return NN_OK;
}

nn_status nn_infer_axis(const nn_call *c, nn_dtype dtype) {
  const nn_axis_attr *a = c->attr;
  const nn_shape *in = &c->in[0]->shape;
  nn_shape s = {0};
  int dim;
  NN_TRY(axis_dim(c, &dim));
  for (int i = 0; i < in->ndim; i++) {
    bool reduced = dim < 0 || i == dim;
    if (!reduced || a->keepdim) s.dim[s.ndim++] = reduced ? 1 : in->dim[i];
  }
  nn_value_set(c->out, dtype, &s);
  return NN_OK;
}
