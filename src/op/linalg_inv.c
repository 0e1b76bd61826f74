/* op/linalg_inv.c: Y = A^-1; dA = -Y^T dY Y^T. */
#include "op/linalg.h"

extern const nn_op nn_op_linalg_inv;

static nn_status infer(const nn_call *c) {
  nn_matrices m;
  NN_TRY(nn_linalg_read(c, 0, true, &m));
  return nn_infer_same(c);
}

/* w: room for the pivots. */
static nn_status compute(const nn_call *c, const nn_matrices *m, double *a, double *w, double **y) {
  int64_t n = m->rows, zero;
  int *pivot = (int *)(void *)w;
  *y = a;
  NN_TRY(nn_lu(c->ctx, n, a, pivot, &zero));
  if (zero)
    return nn_fail(c->ctx, NN_EVALUE, "linalg.inv: the matrix is singular (pivot %lld is 0)",
                   (long long)zero);
  return nn_lu_inverse(c->ctx, n, a, pivot);
}

static nn_status forward(const nn_call *c) {
  return nn_linalg_forward(c, nn_linalg_sizes(c->in[0]).rows, compute);
}

static nn_status gradient(const nn_call *c, const nn_matrices *m, const double *y, double *g,
                          double *w, double *ga) {
  int64_t n = m->rows;
  (void)c;
  nn_linalg_mul(true, false, n, n, n, -1, y, g, 0, w);
  nn_linalg_mul(false, true, n, n, n, 1, w, y, 0, ga);
  return NN_OK;
}

static nn_status backward(const nn_call *c) {
  nn_matrices m = nn_linalg_sizes(c->gin[0]);
  return nn_linalg_backward(c, m.rows * m.rows, gradient);
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
