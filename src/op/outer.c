/* op/outer.c: y_ij = a_i b_j; da = dy b, db = dy^T a. */
#ifndef R
#include "grad/op.h"
#include "kernel/blas.h"
#include "kernel/names.h"

extern const nn_op nn_op_outer;

#define NN_SELF "op/outer.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  const nn_value *a = c->in[0], *b = c->in[1];
  nn_text ta, tb;
  if (a->shape.ndim != 1 || b->shape.ndim != 1)
    return nn_fail(c->ctx, NN_ESHAPE, "outer: wants two lists, got %s and %s",
                   nn_value_text(&ta, a), nn_value_text(&tb, b));
  NN_TRY(nn_blas_check(c->ctx, "outer", a->numel, b->numel, 1));
  nn_shape s = nn_shape_2(a->numel, b->numel);
  nn_value_set(c->out, a->dtype, &s);
  return NN_OK;
}

const nn_op nn_op_outer = {
  .name = "outer",
  .doc = "The matrix of all products a_i b_j of two lists.",
  .args = "a, b",
  .nin = 2,
  .flags = NN_OP_PROMOTE | NN_OP_FLOAT,
  .saves = NN_IN(0) | NN_IN(1),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "3 4"}, {.inputs = "1 5"}},
};
#else

NN_HOT static void FN(scaled)(int64_t n, R a, const R *b, R *y) {
  for (int64_t j = 0; j < n; j++) y[j] = a * b[j];
}

static nn_status FN(forward)(const nn_call *c) {
  int64_t n = c->in[0]->numel, m = c->in[1]->numel;
  const R *a = nn_data(c->in[0]), *b = nn_data(c->in[1]);
  R *y = nn_data(c->out);
  for (int64_t i = 0; i < n; i++) {
    FN(scaled)(m, a[i], b, y + i * m);
    if (i % 1024 == 1023) NN_TRY(nn_poll(c->ctx));
  }
  return NN_OK;
}

static nn_status FN(backward)(const nn_call *c) {
  int64_t n = c->in[0]->numel, m = c->in[1]->numel;
  const R *a = nn_data(c->in[0]), *b = nn_data(c->in[1]), *g = nn_data(c->gout);
  for (int k = 0; k < 2; k++) /* an empty sum is zero; BLAS would leave what stands there */
    if (c->gin[k] && !c->add[k] && n * m == 0) NN_TRY(nn_fill_into(c->ctx, c->gin[k], 0));
  if (n * m == 0) return NN_OK;
  if (c->gin[0])
    FN(nn_gemm)(false, false, n, 1, m, 1, g, m, b, 1, c->add[0], nn_data(c->gin[0]), 1);
  if (c->gin[1])
    FN(nn_gemm)(false, false, 1, m, n, 1, a, n, g, m, c->add[1], nn_data(c->gin[1]), m);
  return NN_OK;
}

#endif
