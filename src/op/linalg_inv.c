/* op/linalg_inv.c: Y = A^-1; dA = -Y^T dY Y^T. */
#include "op/linalg.h"

extern const nn_op nn_op_linalg_inv;

static nn_status infer(const nn_call *c) {
  nn_matrices m;
  NN_TRY(nn_linalg_read(c, 0, true, &m));
  return nn_infer_same(c);
}

static nn_status forward(const nn_call *c) {
  nn_matrices m = nn_linalg_sizes(c->in[0]);
  int64_t n = m.rows, size = n * n, room = size + n, zero;
  nn_status st = NN_OK;
  if (size == 0) return NN_OK;
  double *a = nn_linalg_take(c, room);
  if (!a) return NN_ENOMEM;
  int *pivot = (int *)(void *)(a + size);
  for (int64_t i = 0; i < m.batch; i++) {
    nn_linalg_load(c->in[0], i * size, size, a);
    NN_GO(nn_lu(c->ctx, n, a, pivot, &zero));
    if (zero)
      NN_GO(nn_fail(c->ctx, NN_EVALUE, "linalg.inv: the matrix is singular (pivot %lld is 0)",
                    (long long)zero));
    NN_GO(nn_lu_inverse(c->ctx, n, a, pivot));
    nn_linalg_store(c->out, i * size, size, a, false);
  }
done:
  nn_linalg_give(c, a, room);
  return st;
}

static nn_status backward(const nn_call *c) {
  nn_matrices m = nn_linalg_sizes(c->gin[0]);
  int64_t n = m.rows, size = n * n;
  double *y = nn_linalg_take(c, 3 * size);
  if (!y) return NN_ENOMEM;
  double *g = y + size, *t = g + size;
  for (int64_t i = 0; i < m.batch; i++) {
    nn_linalg_load(c->out, i * size, size, y);
    nn_linalg_load(c->gout, i * size, size, g);
    nn_linalg_mul(true, false, n, n, n, -1, y, g, 0, t);
    nn_linalg_mul(false, true, n, n, n, 1, t, y, 0, g);
    nn_linalg_store(c->gin[0], i * size, size, g, c->add[0]);
  }
  nn_linalg_give(c, y, 3 * size);
  return NN_OK;
}

const nn_op nn_op_linalg_inv = {
  .name = "linalg.inv",
  .doc =
    "The inverse of a square matrix, or of each of many. (To solve equations, solve is faster and "
    "more exact.)",
  .args = "a",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .saves = NN_OUT,
  .infer = infer,
  .forward = {forward, forward},
  .backward = {backward, backward},
  .example = {{.inputs = "3x3"}, {.inputs = "2x2x2"}},
};
