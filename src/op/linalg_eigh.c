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

static nn_status forward(const nn_call *c) {
  nn_matrices m = nn_linalg_sizes(c->in[0]);
  int64_t n = m.rows, size = n * n, each = n + size, room = size + each;
  nn_status st = NN_OK;
  if (n == 0) return NN_OK;
  double *a = nn_linalg_take(c, room);
  if (!a) return NN_ENOMEM;
  double *w = a + size;
  for (int64_t i = 0; i < m.batch; i++) {
    nn_linalg_load_symmetric(c->in[0], i * size, n, a);
    NN_GO(nn_linalg_check_finite(c, size, a));
    NN_GO(nn_eigh(c->ctx, n, a, w));
    to_columns(n, a, w + n);
    nn_linalg_store(c->out, i * each, each, w, false);
  }
done:
  nn_linalg_give(c, a, room);
  return st;
}

/* One matrix: y holds w and V, g their gradients; t and ga (n, n) are written. */
static nn_status gradient(const nn_call *c, int64_t n, const double *y, const double *g, double *t,
                          double *ga) {
  const double *w = y, *v = y + n, *gw = g, *gv = g + n;
  nn_linalg_mul(true, false, n, n, n, 1, v, gv, 0, t);
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = 0; j < i; j++) {
      double q;
      NN_TRY(nn_linalg_divide(c, (t[i * n + j] - t[j * n + i]) / 2, w[j] - w[i],
                              "by the vectors of equal eigenvalues", &q));
      t[i * n + j] = t[j * n + i] = q;
    }
    t[i * n + i] = gw[i];
  }
  nn_linalg_mul(false, false, n, n, n, 1, v, t, 0, ga);
  nn_linalg_mul(false, true, n, n, n, 1, ga, v, 0, t);
  return NN_OK;
}

static nn_status backward(const nn_call *c) {
  nn_matrices m = nn_linalg_sizes(c->gin[0]);
  int64_t n = m.rows, size = n * n, each = n + size, room = 2 * each + 2 * size;
  nn_status st = NN_OK;
  if (n == 0) return NN_OK;
  double *y = nn_linalg_take(c, room);
  if (!y) return NN_ENOMEM;
  double *g = y + each, *t = g + each, *ga = t + size;
  for (int64_t i = 0; i < m.batch; i++) {
    nn_linalg_load(c->out, i * each, each, y);
    nn_linalg_load(c->gout, i * each, each, g);
    NN_GO(gradient(c, n, y, g, t, ga));
    nn_linalg_store_symmetric(c->gin[0], i * size, n, t, c->add[0]);
  }
done:
  nn_linalg_give(c, y, room);
  return st;
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
