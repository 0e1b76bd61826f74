/*
 * op/linalg_qr.c: A = Q R, Q (m, k) with orthonormal columns, R (k, n) upper triangular, k = min(m, n).
 *
 * Square or tall: dA = (dQ + Q sym(M)) R^-T with M = R dR^T - dQ^T Q, and sym copying the lower
 * triangle into the upper. Wide, A = (X, Y), R = (U, V): X = Q U is the square case with
 * dQ + Y dV^T instead of dQ, and dY = Q dV (Roberts, Roberts: "QR and LQ decomposition matrix
 * backpropagation algorithms", 2020).
 */
#include "op/linalg.h"

#include <string.h>

extern const nn_op nn_op_linalg_qr;

static nn_status infer(const nn_call *c) {
  nn_matrices m;
  NN_TRY(nn_linalg_read(c, 0, false, &m));
  nn_linalg_set(c, 1, m.least * (m.rows + m.cols), 0);
  return NN_OK;
}

static nn_status compute(const nn_call *c, const nn_matrices *m, double *a, double *w, double **y) {
  *y = w;
  return nn_qr(c->ctx, m->rows, m->cols, a, w, w + m->rows * m->least);
}

static nn_status forward(const nn_call *c) {
  return nn_linalg_forward(c, 0, compute);
}

/* Columns first .. first + n - 1 of a (rows, cols). */
static void columns(int64_t rows, int64_t cols, int64_t first, int64_t n, const double *a,
                    double *to) {
  for (int64_t i = 0; i < rows; i++)
    memcpy(to + i * n, a + i * cols + first, (size_t)n * sizeof *to);
}

/* gq (m, k) becomes dA of A = Q U with U (k, k); w: room for a square. */
static nn_status tall(const nn_call *c, int64_t m, int64_t k, const double *q, const double *u,
                      const double *gu, double *gq, double *w) {
  for (int64_t i = 0; i < k; i++)
    if (u[i * k + i] == 0)
      return nn_fail(c->ctx, NN_EVALUE,
                     "linalg.qr: there is no gradient where the columns are not independent");
  nn_linalg_mul(false, true, k, k, k, 1, u, gu, 0, w);
  nn_linalg_mul(true, false, k, k, m, -1, gq, q, 1, w);
  for (int64_t i = 0; i < k; i++)
    for (int64_t j = i + 1; j < k; j++) w[i * k + j] = w[j * k + i];
  nn_linalg_mul(false, false, m, k, k, 1, q, w, 1, gq);
  nn_triangle_solve(false, true, true, m, k, u, gq);
  return NN_OK;
}

/* One matrix: y holds Q and R, g their gradients; ga (rows, cols) is written. w: room. */
static nn_status gradient(const nn_call *c, const nn_matrices *m, const double *y, double *g,
                          double *w, double *ga) {
  int64_t k = m->least, rest = m->cols - k;
  const double *q = y, *r = y + m->rows * k, *gr = g + m->rows * k;
  double *u = w, *gu = u + k * k, *sym = gu + k * k, *v = sym + k * k, *gv = v + k * rest,
         *part = gv + k * rest;
  columns(k, m->cols, 0, k, r, u);
  columns(k, m->cols, 0, k, gr, gu);
  columns(k, m->cols, k, rest, r, v);
  columns(k, m->cols, k, rest, gr, gv);
  if (rest > 0) { /* dQ += Y dV^T with Y = Q V, and dY = Q dV */
    nn_linalg_mul(false, true, k, k, rest, 1, v, gv, 0, sym);
    nn_linalg_mul(false, false, m->rows, k, k, 1, q, sym, 1, g);
    nn_linalg_mul(false, false, m->rows, rest, k, 1, q, gv, 0, part);
  }
  NN_TRY(tall(c, m->rows, k, q, u, gu, g, sym));
  for (int64_t i = 0; i < m->rows; i++) {
    memcpy(ga + i * m->cols, g + i * k, (size_t)k * sizeof *ga);
    if (rest > 0) memcpy(ga + i * m->cols + k, part + i * rest, (size_t)rest * sizeof *ga);
  }
  return NN_OK;
}

static nn_status backward(const nn_call *c) {
  nn_matrices m = nn_linalg_sizes(c->gin[0]);
  int64_t k = m.least;
  return nn_linalg_backward(c, 3 * k * k + (2 * k + m.rows) * (m.cols - k), gradient);
}

const nn_op nn_op_linalg_qr = {
  .name = "linalg.qr",
  .doc = "Q and R with Q R = A: Q (m, k) has orthonormal columns, R (k, n) is upper triangular, k "
         "is the "
         "smaller of m and n. Leading dimensions are many matrices.",
  .args = "a",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .saves = NN_OUT,
  .infer = infer,
  .forward = {forward, forward},
  .backward = {backward, backward},
  .example = {{.inputs = "3x3"}, {.inputs = "4x2"}, {.inputs = "2x4"}, {.inputs = "2x3x2"}},
};
