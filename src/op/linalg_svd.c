/*
 * op/linalg_svd.c: A = U diag(s) V^T, k = min(m, n) singular values, falling. Each column of U has its
 * largest element positive, so that the result is one, whoever computes it.
 *
 * dA = U (sym(U^T dU) diag(s) + diag(s) sym(V^T dV) + diag(ds)) V^T + (I - U U^T) dU diag(1/s) V^T
 *    + U diag(1/s) dV^T (I - V V^T), with sym(X)_ij = (X_ij - X_ji) / (s_j^2 - s_i^2), 0 for i = j
 * (Townsend: "Differentiating the singular value decomposition", 2016).
 */
#include "op/linalg.h"

#include <math.h>

extern const nn_op nn_op_linalg_svd;

static nn_status infer(const nn_call *c) {
  nn_matrices m;
  NN_TRY(nn_linalg_read(c, 0, false, &m));
  nn_linalg_set(c, 1, m.least * (m.rows + 1 + m.cols), 0);
  return NN_OK;
}

static void settle_signs(const nn_matrices *m, double *u, double *vt) {
  for (int64_t j = 0; j < m->least; j++) {
    double top = 0;
    for (int64_t i = 0; i < m->rows; i++)
      if (fabs(u[i * m->least + j]) > fabs(top)) top = u[i * m->least + j];
    for (int64_t i = 0; i < m->rows && top < 0; i++) u[i * m->least + j] *= -1;
    for (int64_t i = 0; i < m->cols && top < 0; i++) vt[j * m->cols + i] *= -1;
  }
}

static nn_status compute(const nn_call *c, const nn_matrices *m, double *a, double *w, double **y) {
  double *u = *y = w, *s = u + m->rows * m->least, *vt = s + m->least;
  NN_TRY(nn_linalg_check_finite(c, m->rows * m->cols, a));
  NN_TRY(nn_svd(c->ctx, m->rows, m->cols, a, u, s, vt));
  settle_signs(m, u, vt);
  return NN_OK;
}

static nn_status forward(const nn_call *c) {
  return nn_linalg_forward(c, 0, compute);
}

/* x (k, k) becomes sym(x). */
static nn_status divide_gaps(const nn_call *c, int64_t k, const double *s, double *x) {
  for (int64_t i = 0; i < k; i++) {
    for (int64_t j = 0; j < i; j++) {
      double q, d = x[i * k + j] - x[j * k + i];
      NN_TRY(nn_linalg_divide(c, d, (s[j] - s[i]) * (s[j] + s[i]),
                              "by the vectors of equal singular values", &q));
      x[i * k + j] = x[j * k + i] = q;
    }
    x[i * k + i] = 0;
  }
  return NN_OK;
}

/* x (n, k) = (I - Q Q^T) g diag(1/s); t (k, k): room */
static nn_status outside(const nn_call *c, int64_t n, int64_t k, const double *q, const double *g,
                         const double *s, double *t, double *x) {
  nn_linalg_mul(true, false, k, k, n, 1, q, g, 0, t);
  for (int64_t i = 0; i < n * k; i++) x[i] = g[i];
  nn_linalg_mul(false, false, n, k, k, -1, q, t, 1, x);
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < k; j++)
      NN_TRY(nn_linalg_divide(c, x[i * k + j], s[j], "by the vectors of a singular value of 0",
                              &x[i * k + j]));
  return NN_OK;
}

/* One matrix: y holds U, s, V^T, g their gradients; ga (rows, cols) is written. w: room. */
static nn_status gradient(const nn_call *c, const nn_matrices *m, const double *y, double *g,
                          double *w, double *ga) {
  int64_t k = m->least, rows = m->rows, cols = m->cols;
  const double *u = y, *s = u + rows * k, *vt = s + k, *gu = g, *gs = gu + rows * k, *gvt = gs + k;
  double *a = w, *b = a + k * k, *v = b + k * k, *gv = v + cols * k,
         *x = gv + cols * k; /* (rows or cols, k) */
  nn_linalg_turn(k, cols, vt, v);
  nn_linalg_turn(k, cols, gvt, gv);
  nn_linalg_mul(true, false, k, k, rows, 1, u, gu, 0, a);
  nn_linalg_mul(true, false, k, k, cols, 1, v, gv, 0, b);
  NN_TRY(divide_gaps(c, k, s, a));
  NN_TRY(divide_gaps(c, k, s, b));
  for (int64_t i = 0; i < k; i++)
    for (int64_t j = 0; j < k; j++)
      a[i * k + j] = a[i * k + j] * s[j] + s[i] * b[i * k + j] + (i == j ? gs[i] : 0);
  nn_linalg_mul(false, false, rows, k, k, 1, u, a, 0, x);
  nn_linalg_mul(false, false, rows, cols, k, 1, x, vt, 0, ga);
  if (rows > k) {
    NN_TRY(outside(c, rows, k, u, gu, s, a, x));
    nn_linalg_mul(false, false, rows, cols, k, 1, x, vt, 1, ga);
  }
  if (cols > k) {
    NN_TRY(outside(c, cols, k, v, gv, s, a, x));
    nn_linalg_mul(false, true, rows, cols, k, 1, u, x, 1, ga);
  }
  return NN_OK;
}

static nn_status backward(const nn_call *c) {
  nn_matrices m = nn_linalg_sizes(c->gin[0]);
  return nn_linalg_backward(c, m.least * (2 * m.least + 3 * m.cols + m.rows), gradient);
}

const nn_op nn_op_linalg_svd = {
  .name = "linalg.svd",
  .doc =
    "U, s and V^T with U diag(s) V^T = A: U (m, k) and V (n, k) have orthonormal columns, the "
    "singular values s (k) fall, k is the smaller of m and n; the largest element of each column "
    "of U is positive. Leading dimensions are many matrices.",
  .args = "a",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .saves = NN_OUT,
  .infer = infer,
  .forward = {forward, forward},
  .backward = {backward, backward},
  .example = {{.inputs = "3x3"}, {.inputs = "4x2"}, {.inputs = "2x4"}, {.inputs = "2x3x2"}},
};
