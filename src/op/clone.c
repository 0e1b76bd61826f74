/* op/clone.c: a dense copy; the gradient passes through. */
#include "grad/op.h"

extern const nn_op nn_op_clone;

static nn_status forward(const nn_call *c) {
  return nn_copy_into(c->ctx, c->out, c->in[0]);
}

const nn_op nn_op_clone = {
  .name = "clone",
  .doc = "A copy with its own storage, row-major. The gradient passes through.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_STRIDED,
  .infer = nn_infer_same,
  .forward = {forward, forward, forward, forward},
  .grad = {{.pass = true}},
  .example = {{.inputs = "2x3"}},
};
