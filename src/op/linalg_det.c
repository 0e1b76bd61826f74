/*
 * op/linalg_det.c: the determinant, by LU; dA = dy times the cofactors. Of A = U diag(s) V^T they are
 * det(U V^T) U diag(the product of the other s) V^T, also where A is singular.
 */
#include "op/linalg.h"

extern const nn_op nn_op_linalg_det;

static nn_status infer(const nn_call *c) {
  nn_matrices m;
  NN_TRY(nn_linalg_read(c, 0, true, &m));
  nn_linalg_set(c, 0, 0, 0);
  return NN_OK;
}

/* a (n, n) is overwritten. */
static nn_status determinant(const nn_call *c, int64_t n, double *a, int *pivot, double *det) {
  int64_t zero;
  *det = 1;
  if (n == 0) return NN_OK;
  NN_TRY(nn_lu(c->ctx, n, a, pivot, &zero));
  for (int64_t i = 0; i < n; i++) *det *= pivot[i] == i + 1 ? a[i * n + i] : -a[i * n + i];
  return NN_OK;
}

/* w: room for the pivots. */
static nn_status compute(const nn_call *c, const nn_matrices *m, double *a, double *w, double **y) {
  *y = w;
  return determinant(c, m->rows, a, (int *)(void *)(w + 1), w);
}

static nn_status forward(const nn_call *c) {
  return nn_linalg_forward(c, nn_linalg_sizes(c->in[0]).rows, compute);
}

/* w: room for 4 squares and two lists; the cofactors are left in the first. */
static nn_status cofactors(const nn_call *c, int64_t n, double *w) {
  int64_t size = n * n;
  double *a = w, *u = a + size, *vt = u + size, *t = vt + size, *s = t + size, sign;
  NN_TRY(nn_linalg_check_finite(c, size, a));
  NN_TRY(nn_svd(c->ctx, n, n, a, u, s, vt));
  nn_linalg_mul(false, false, n, n, n, 1, u, vt, 0, t);
  NN_TRY(determinant(c, n, t, (int *)(void *)(s + n), &sign));
  for (int64_t i = 0; i < n; i++) {
    double others = sign < 0 ? -1 : 1;
    for (int64_t j = 0; j < n; j++) others *= j == i ? 1 : s[j];
    for (int64_t j = 0; j < n; j++) vt[i * n + j] *= others;
  }
  nn_linalg_mul(false, false, n, n, n, 1, u, vt, 0, a);
  return NN_OK;
}

static nn_status backward(const nn_call *c) {
  nn_matrices m = nn_linalg_sizes(c->in[0]);
  int64_t n = m.rows, size = n * n, room = 4 * size + 2 * n;
  nn_status st = NN_OK;
  double g, *w = nn_linalg_take(c, room);
  if (!w) return NN_ENOMEM;
  for (int64_t i = 0; size > 0 && i < m.batch; i++) {
    nn_linalg_load(c->in[0], i * size, size, w);
    nn_linalg_load(c->gout, i, 1, &g);
    NN_GO(cofactors(c, n, w));
    for (int64_t j = 0; j < size; j++) w[j] *= g;
    nn_linalg_store(c->gin[0], i * size, size, w, c->add[0]);
  }
done:
  nn_linalg_give(c, w, room);
  return st;
}

const nn_op nn_op_linalg_det = {
  .name = "linalg.det",
  .doc = "The determinant of a square matrix, 0-d, or of each of many.",
  .args = "a",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .saves = NN_IN(0),
  .infer = infer,
  .forward = {forward, forward},
  .backward = {backward, backward},
  .example = {{.inputs = "3x3"}, {.inputs = "2x2x2"}, {.inputs = "4x4"}},
};
