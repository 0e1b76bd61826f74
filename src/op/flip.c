/* op/flip.c: dimensions in reverse, copied; the gradient is turned back. */
#include "grad/op.h"

typedef struct flip_attr {
  nn_ints dims;
} flip_attr;

extern const nn_op nn_op_flip;

/* The value seen from the other end of the dimensions: only ever read by kernels, since negative
   strides are nothing that a script meets. */
static nn_status turn(const nn_call *c, const nn_value *from, nn_value *to) {
  const nn_ints *dims = &((const flip_attr *)c->attr)->dims;
  unsigned seen = 0;
  nn_value_copy(to, from);
  for (int64_t i = 0; i < dims->n; i++) {
    int d;
    NN_TRY(nn_shape_dim(c->ctx, "flip", dims->v[i], from->shape.ndim, &d));
    if (seen & 1u << d)
      return nn_fail(c->ctx, NN_EVALUE, "flip: dimension %d is named twice", d + 1);
    seen |= 1u << d;
    if (from->shape.dim[d] < 2) continue;
    to->offset += (from->shape.dim[d] - 1) * from->stride[d];
    to->stride[d] = -from->stride[d];
  }
  nn_value_settle(to);
  return NN_OK;
}

static nn_status infer(const nn_call *c) {
  nn_value turned;
  NN_TRY(turn(c, c->in[0], &turned));
  return nn_infer_same(c);
}

static nn_status forward(const nn_call *c) {
  nn_value turned;
  NN_TRY(turn(c, c->in[0], &turned));
  return nn_copy_into(c->ctx, c->out, &turned);
}

static nn_status backward(const nn_call *c) {
  nn_value turned;
  NN_TRY(turn(c, c->gout, &turned));
  return nn_sum_to(c->ctx, c->gin[0], &turned, c->add[0]);
}

static const nn_param params[] = {NN_P_INTS(flip_attr, dims, NN_P_NEEDED, 0, -NN_MAXDIM, NN_MAXDIM,
                                            "the dimensions, from 1, negative from the end"),
                                  NN_P_END};

const nn_op nn_op_flip = {
  .name = "flip",
  .doc = "The elements in reverse order along the dimensions that are given, copied.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_STRIDED,
  .attr_size = sizeof(flip_attr),
  .params = params,
  .infer = infer,
  .forward = {forward, forward, forward, forward},
  .backward = {backward, backward},
  .example = {{.inputs = "2x3", .args = "1"},
              {.inputs = "2x3x4", .args = "{1, -1}"},
              {.inputs = "5", .args = "1"}},
};
