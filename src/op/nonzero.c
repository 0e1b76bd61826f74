/* op/nonzero.c: where the elements that are not 0 stand: a row of indices, from 1, for each. */
#include "grad/op.h"
#include "kernel/places.h"

extern const nn_op nn_op_nonzero;

static bool is_set(const nn_value *x, int64_t at) {
  return nn_value_real_at(x, at) != 0;
}

static nn_status infer(const nn_call *c) {
  const nn_value *x = c->in[0];
  nn_places p = nn_places_of(x);
  int64_t n = 0;
  for (int64_t i = 0; i < x->numel; i++, nn_places_next(&p)) n += is_set(x, p.at);
  nn_shape s = nn_shape_2(n, x->shape.ndim);
  nn_value_set(c->out, NN_I64, &s);
  return NN_OK;
}

static nn_status forward(const nn_call *c) {
  const nn_value *x = c->in[0];
  nn_places p = nn_places_of(x);
  int64_t *y = nn_data(c->out);
  for (int64_t i = 0; i < x->numel; i++, nn_places_next(&p))
    for (int d = 0; d < x->shape.ndim && is_set(x, p.at); d++) *y++ = p.index[d] + 1;
  return NN_OK;
}

const nn_op nn_op_nonzero = {
  .name = "nonzero",
  .doc = "Where the elements that are not 0 stand: n x dim() int64, a row of indices (from 1) for "
         "each, in row-major order. NaN is not 0.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_STRIDED,
  .infer = infer,
  .forward = {forward, forward, forward, forward},
  .no_grad = true,
  .example = {{.inputs = "2x3"}, {.inputs = "3x4?"}, {.inputs = "s"}},
};
