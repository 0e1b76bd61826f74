/*
 * op/linalg_cholesky.c: A = L L^T with L lower triangular; dA = L^-T phi(L^T dL) L^-1, its symmetric
 * part, where phi keeps the lower triangle and halves the diagonal (Murray: "Differentiation of the
 * Cholesky decomposition", 2016).
 */
#include "op/linalg.h"

typedef struct cholesky_attr {
  double jitter;
} cholesky_attr;

extern const nn_op nn_op_linalg_cholesky;

static nn_status infer(const nn_call *c) {
  nn_matrices m;
  NN_TRY(nn_linalg_read(c, 0, true, &m));
  return nn_infer_same(c);
}

static nn_status compute(const nn_call *c, const nn_matrices *m, double *a, double *w, double **y) {
  int64_t n = m->rows, bad;
  (void)w;
  *y = a;
  nn_linalg_symmetrize(n, a);
  NN_TRY(nn_linalg_check_finite(c, n * n, a));
  for (int64_t j = 0; j < n; j++) a[j * n + j] += ((const cholesky_attr *)c->attr)->jitter;
  NN_TRY(nn_cholesky(c->ctx, n, a, &bad));
  if (bad)
    return nn_fail(c->ctx, NN_EVALUE,
                   "linalg.cholesky: the matrix is not positive definite (its first %lld rows and "
                   "columns are not)",
                   (long long)bad);
  return NN_OK;
}

static nn_status forward(const nn_call *c) {
  return nn_linalg_forward(c, 0, compute);
}

static nn_status gradient(const nn_call *c, const nn_matrices *m, const double *l, double *g,
                          double *w, double *ga) {
  int64_t n = m->rows;
  (void)c, (void)w;
  for (int64_t r = 0; r < n; r++) /* what stands above the diagonal is always 0 */
    for (int64_t k = r + 1; k < n; k++) g[r * n + k] = 0;
  nn_linalg_mul(true, false, n, n, n, 1, l, g, 0, ga);
  for (int64_t r = 0; r < n; r++) {
    ga[r * n + r] *= 0.5;
    for (int64_t k = r + 1; k < n; k++) ga[r * n + k] = 0;
  }
  nn_triangle_solve(true, false, true, n, n, l, ga);
  nn_triangle_solve(false, false, false, n, n, l, ga);
  nn_linalg_symmetrize(n, ga);
  return NN_OK;
}

static nn_status backward(const nn_call *c) {
  return nn_linalg_backward(c, 0, gradient);
}

static const nn_param params[] = {NN_P_REAL(cholesky_attr, jitter, NN_P_PLACE, 0, 0, NN_REAL_MAX,
                                            "added to the diagonal first, against rounding"),
                                  NN_P_END};

const nn_op nn_op_linalg_cholesky = {
  .name = "linalg.cholesky",
  .doc =
    "The lower triangular L with L L^T = A, for a symmetric positive definite matrix, or each of "
    "many. (Of any other it takes the symmetric part, (A + A^T) / 2.)",
  .args = "a",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .saves = NN_OUT,
  .attr_size = sizeof(cholesky_attr),
  .params = params,
  .infer = infer,
  .forward = {forward, forward},
  .backward = {backward, backward},
  .example = {{.inputs = "3x3", .args = "4"},
              {.inputs = "2x2x2", .args = "3"},
              {.inputs = "1x1", .lo = 0.5, .hi = 2}},
};
