/*
 * op/matmul.c: C = A B. A (..., n, k) with B (k, m): the leading dimensions of A count as rows.
 * Both with the same leading dimensions: one product each. A list of k numbers is a row on the
 * left, a column on the right, and its dimension disappears. dA = dC B^T, dB = A^T dC.
 */
#ifndef R
#include "grad/op.h"
#include "kernel/blas.h"
#include "kernel/names.h"

extern const nn_op nn_op_matmul;

/* `batch` products of (n, k) by (k, m). */
typedef struct sizes {
  int64_t batch, n, k, m;
} sizes;

static bool read_sizes(const nn_shape *a, const nn_shape *b, sizes *s) {
  if (a->ndim < 1 || b->ndim < 1) return false;
  *s = (sizes){1, 1, a->dim[a->ndim - 1], b->ndim == 1 ? 1 : b->dim[b->ndim - 1]};
  if (b->dim[b->ndim == 1 ? 0 : b->ndim - 2] != s->k) return false;
  for (int i = 0; i < a->ndim - 1; i++) s->n *= a->dim[i];
  if (b->ndim <= 2) return true;
  if (a->ndim != b->ndim) return false;
  s->n = a->dim[a->ndim - 2];
  for (int i = 0; i < b->ndim - 2; i++) {
    if (a->dim[i] != b->dim[i]) return false;
    s->batch *= a->dim[i];
  }
  return true;
}

#define NN_SELF "op/matmul.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  const nn_shape *a = &c->in[0]->shape, *b = &c->in[1]->shape;
  nn_shape out = *a;
  nn_text ta, tb;
  sizes s;
  if (!read_sizes(a, b, &s))
    return nn_fail(c->ctx, NN_ESHAPE,
                   "matmul: %s by %s: the last size of the first must be the second last of the "
                   "second, and leading sizes of both must be the same",
                   nn_shape_text(&ta, a), nn_shape_text(&tb, b));
  NN_TRY(nn_blas_check(c->ctx, "matmul", s.n, s.m, s.k));
  out.ndim--;
  if (b->ndim > 1) out.dim[out.ndim++] = s.m;
  nn_value_set(c->out, c->in[0]->dtype, &out);
  return NN_OK;
}

const nn_op nn_op_matmul = {
  .name = "matmul",
  .doc = "The matrix product: (..., n, k) by (k, m), or a product for each of the same leading "
         "dimensions; a list is a "
         "row on the left and a column on the right.",
  .args = "a, b",
  .nin = 2,
  .flags = NN_OP_PROMOTE | NN_OP_FLOAT,
  .saves = NN_IN(0) | NN_IN(1),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "2x3 3x4"},
              {.inputs = "2x2x3 3x4"},
              {.inputs = "2x2x3 2x3x4"},
              {.inputs = "3 3x4"},
              {.inputs = "2x3 3"},
              {.inputs = "3 3"}},
};
#else

static nn_status FN(forward)(const nn_call *c) {
  sizes s;
  const R *a = nn_data(c->in[0]), *b = nn_data(c->in[1]);
  R *y = nn_data(c->out);
  if (!read_sizes(&c->in[0]->shape, &c->in[1]->shape, &s))
    return NN_ESHAPE; /* infer has refused it */
  if (s.k == 0) return nn_fill_into(c->ctx, c->out, 0);
  for (int64_t i = 0; i < s.batch; i++) FN(nn_gemm)
  (false, false, s.n, s.m, s.k, 1, a + i * s.n * s.k, s.k, b + i * s.k * s.m, s.m, 0,
   y + i * s.n * s.m, s.m);
  return NN_OK;
}

static nn_status FN(backward)(const nn_call *c) {
  sizes s;
  const R *a = nn_data(c->in[0]), *b = nn_data(c->in[1]), *g = nn_data(c->gout);
  if (!read_sizes(&c->in[0]->shape, &c->in[1]->shape, &s)) return NN_ESHAPE;
  for (int i = 0; i < 2; i++) /* an empty sum is zero, and BLAS would leave the memory as it was */
    if (c->gin[i] && !c->add[i] && c->gout->numel == 0) NN_TRY(nn_fill_into(c->ctx, c->gin[i], 0));
  if (c->gout->numel == 0 || s.k == 0) return NN_OK;
  for (int64_t i = 0; c->gin[0] && i < s.batch; i++) FN(nn_gemm)
  (false, true, s.n, s.k, s.m, 1, g + i * s.n * s.m, s.m, b + i * s.k * s.m, s.m, c->add[0],
   (R *)nn_data(c->gin[0]) + i * s.n * s.k, s.k);
  for (int64_t i = 0; c->gin[1] && i < s.batch; i++) FN(nn_gemm)
  (true, false, s.k, s.m, s.n, 1, a + i * s.n * s.k, s.k, g + i * s.n * s.m, s.m, c->add[1],
   (R *)nn_data(c->gin[1]) + i * s.k * s.m, s.m);
  return NN_OK;
}

#endif
