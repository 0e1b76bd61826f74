/* op/to.c: conversion between dtypes; the gradient is converted back. */
#include "grad/op.h"

typedef struct to_attr {
  int64_t dtype;
} to_attr;

extern const nn_op nn_op_to;

static nn_status infer(const nn_call *c) {
  nn_value_set(c->out, (nn_dtype)((const to_attr *)c->attr)->dtype, &c->in[0]->shape);
  return NN_OK;
}

static nn_status forward(const nn_call *c) {
  return nn_copy_into(c->ctx, c->out, c->in[0]);
}

static nn_status backward(const nn_call *c) {
  nn_tensor *t = NULL;
  if (!c->add[0]) return nn_copy_into(c->ctx, c->gin[0], c->gout);
  NN_TRY(nn_tensor_new(c->ctx, c->gin[0]->dtype, &c->gin[0]->shape, &t));
  nn_status st = nn_copy_into(c->ctx, &t->v, c->gout);
  if (st == NN_OK) st = nn_sum_to(c->ctx, c->gin[0], &t->v, true);
  nn_tensor_release(t);
  return st;
}

static const nn_param params[] = {{.name = "dtype",
                                   .kind = NN_PARAM_INT,
                                   .offset = offsetof(to_attr, dtype),
                                   .flags = NN_P_NEEDED,
                                   .lo = 0,
                                   .hi = NN_NDTYPE - 1,
                                   .doc = "0 float32, 1 float64, 2 int64, 3 uint8"},
                                  NN_P_END};

const nn_op nn_op_to = {
  .name = "to",
  .doc = "The same values in another dtype. Floating to integer cuts towards zero; out of range "
         "gives the nearest end, "
         "NaN gives 0.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_STRIDED,
  .attr_size = sizeof(to_attr),
  .params = params,
  .infer = infer,
  .forward = {forward, forward, forward, forward},
  .backward = {backward, backward},
  .example = {{.inputs = "2x3", .args = "1"}},
};
