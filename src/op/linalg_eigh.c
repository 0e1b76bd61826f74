/*
 * op/linalg_eigh.c: A = V diag(w) V^T of a symmetric matrix, the eigenvalues rising. Each column of V
 * has its largest element positive. dA = V (diag(dw) + E) V^T with
 * E_ij = (X_ij - X_ji) / (2 (w_j - w_i)), X = V^T dV.
 */
#include "op/linalg.h"

#include <math.h>

extern const nn_op nn_op_linalg_eigh;

static nn_status infer(const nn_call *c) {
  nn_matrices m;
  NN_TRY(nn_linalg_read(c, 0, true, &m));
  nn_linalg_set(c, 1, m.rows + m.rows * m.rows, 0);
  return NN_OK;
}

/* Rows of vectors to columns, each with its largest element positive. */
static void to_columns(int64_t n, const double *rows, double *v) {
  for (int64_t i = 0; i < n; i++) {
    double top = 0;
    for (int64_t j = 0; j < n; j++)
      if (fabs(rows[i * n + j]) > fabs(top)) top = rows[i * n + j];
    for (int64_t j = 0; j < n; j++) v[j * n + i] = top < 0 ? -rows[i * n + j] : rows[i * n + j];
  }
}

/* *y: the eigenvalues, then V. */
static nn_status compute(const nn_call *c, const nn_matrices *m, double *a, double *w, double **y) {
  int64_t n = m->rows;
  double *values = *y = w;
  nn_linalg_symmetrize(n, a);
  NN_TRY(nn_linalg_check_finite(c, n * n, a));
  NN_TRY(nn_eigh(c->ctx, n, a, values));
  to_columns(n, a, values + n);
  return NN_OK;
}

static nn_status forward(const nn_call *c) {
  return nn_linalg_forward(c, 0, compute);
}

/* t: room for a square. */
static nn_status gradient(const nn_call *c, const nn_matrices *m, const double *y, double *g,
                          double *t, double *ga) {
  int64_t n = m->rows;
  const double *w = y, *v = y + n, *gw = g, *gv = g + n;
  nn_linalg_mul(true, false, n, n, n, 1, v, gv, 0, ga);
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = 0; j < i; j++) {
      double q;
      NN_TRY(nn_linalg_divide(c, (ga[i * n + j] - ga[j * n + i]) / 2, w[j] - w[i],
                              "by the vectors of equal eigenvalues", &q));
      ga[i * n + j] = ga[j * n + i] = q;
    }
    ga[i * n + i] = gw[i];
  }
  nn_linalg_mul(false, false, n, n, n, 1, v, ga, 0, t);
  nn_linalg_mul(false, true, n, n, n, 1, t, v, 0, ga);
  nn_linalg_symmetrize(n, ga);
  return NN_OK;
}

static nn_status backward(const nn_call *c) {
  nn_matrices m = nn_linalg_sizes(c->gin[0]);
  return nn_linalg_backward(c, m.rows * m.rows, gradient);
}

const nn_op nn_op_linalg_eigh = {
  .name = "linalg.eigh",
  .doc =
    "The eigenvalues, rising, and the eigenvectors, in columns, of a symmetric matrix, or of each "
    "of many; the largest element of each vector is positive. (Of any other matrix it takes the "
    "symmetric part, (A + A^T) / 2.)",
  .args = "a",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .saves = NN_OUT,
  .infer = infer,
  .forward = {forward, forward},
  .backward = {backward, backward},
  .example = {{.inputs = "3x3"}, {.inputs = "2x2x2"}, {.inputs = "1x1"}},
};
