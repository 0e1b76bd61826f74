/* op/dot.c: sum a_i b_i of two lists; da = dy b, db = dy a. Summed in double. */
#ifndef R
#include "grad/op.h"
#include "kernel/names.h"

extern const nn_op nn_op_dot;

enum { LANES = 16 };

#define NN_SELF "op/dot.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  const nn_value *a = c->in[0], *b = c->in[1];
  nn_text ta, tb;
  if (a->shape.ndim != 1 || b->shape.ndim != 1 || a->numel != b->numel)
    return nn_fail(c->ctx, NN_ESHAPE, "dot: wants two lists of the same length, got %s and %s%s",
                   nn_value_text(&ta, a), nn_value_text(&tb, b),
                   a->shape.ndim > 1 || b->shape.ndim > 1 ? "; matmul multiplies matrices" : "");
  nn_value_set(c->out, a->dtype, &(nn_shape){0});
  return NN_OK;
}

const nn_op nn_op_dot = {
  .name = "dot",
  .doc = "The sum of a_i b_i over two lists of the same length, 0-d.",
  .args = "a, b",
  .nin = 2,
  .flags = NN_OP_PROMOTE | NN_OP_FLOAT,
  .saves = NN_IN(0) | NN_IN(1),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "5 5"}, {.inputs = "40 40"}},
};
#else

NN_HOT static double FN(product)(int64_t n, const R *a, const R *b) {
  double lane[LANES] = {0}, sum = 0;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) lane[l] += (double)a[i + l] * (double)b[i + l];
  for (int l = 0; i < n; i++, l++) lane[l] += (double)a[i] * (double)b[i];
  for (int l = 0; l < LANES; l++) sum += lane[l];
  return sum;
}

static nn_status FN(forward)(const nn_call *c) {
  *(R *)nn_data(c->out) = (R)FN(product)(c->in[0]->numel, nn_data(c->in[0]), nn_data(c->in[1]));
  return NN_OK;
}

static nn_status FN(backward)(const nn_call *c) {
  const R g = *(const R *)nn_data(c->gout);
  for (int k = 0; k < 2; k++) {
    if (!c->gin[k]) continue;
    const R *other = nn_data(c->in[1 - k]);
    R *gx = nn_data(c->gin[k]);
    for (int64_t i = 0; i < c->gin[k]->numel; i++) gx[i] = (c->add[k] ? gx[i] : 0) + g * other[i];
  }
  return NN_OK;
}

#endif
