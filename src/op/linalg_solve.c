/* op/linalg_solve.c: X with A X = B; dB = A^-T dX, dA = -dB X^T. */
#include "op/linalg.h"

extern const nn_op nn_op_linalg_solve;

/* A (n, n), B and X (n, m), a list counting as one column. */
static nn_status read_sizes(const nn_call *c, nn_matrices *a, int64_t *m) {
  NN_TRY(nn_linalg_read_sides(c, true, a, m));
  return nn_blas_check(c->ctx, "linalg.solve", a->rows, *m, 1);
}

static nn_status infer(const nn_call *c) {
  nn_matrices a;
  int64_t m;
  NN_TRY(read_sizes(c, &a, &m));
  nn_value_set(c->out, c->in[1]->dtype, &c->in[1]->shape);
  return NN_OK;
}

/* w: room; x (n, m) becomes A^-1 x, or A^-T x. */
static nn_status solve(const nn_call *c, int64_t i, int64_t n, int64_t m, bool transposed,
                       double *w, double *x) {
  int64_t size = n * n, zero;
  double *t = w + size;
  int *pivot = (int *)(void *)(t + n * m);
  nn_linalg_load(c->in[0], i * size, size, w);
  NN_TRY(nn_lu(c->ctx, n, w, pivot, &zero));
  if (zero)
    return nn_fail(
      c->ctx, NN_EVALUE,
      "linalg.solve: the matrix is singular (pivot %lld is 0); lstsq gives the nearest "
      "there is",
      (long long)zero);
  nn_linalg_turn(n, m, x, t); /* the factors want the right sides as rows */
  nn_lu_solve(n, m, w, pivot, transposed, t);
  nn_linalg_turn(m, n, t, x);
  return NN_OK;
}

static nn_status forward(const nn_call *c) {
  nn_matrices a;
  int64_t m;
  nn_status st = NN_OK;
  NN_TRY(read_sizes(c, &a, &m));
  int64_t n = a.rows, room = n * n + 2 * n * m + n;
  if (c->out->numel == 0) return NN_OK;
  double *w = nn_linalg_take(c, room);
  if (!w) return NN_ENOMEM;
  double *x = w + room - n * m;
  for (int64_t i = 0; i < a.batch; i++) {
    nn_linalg_load(c->in[1], i * n * m, n * m, x);
    NN_GO(solve(c, i, n, m, false, w, x));
    nn_linalg_store(c->out, i * n * m, n * m, x, false);
  }
done:
  nn_linalg_give(c, w, room);
  return st;
}

static nn_status backward(const nn_call *c) {
  nn_matrices a;
  int64_t m;
  nn_status st = NN_OK;
  NN_TRY(read_sizes(c, &a, &m));
  int64_t n = a.rows, room = 2 * n * n + 3 * n * m + n;
  if (c->gin[0] && !c->add[0] && m == 0) NN_TRY(nn_fill_into(c->ctx, c->gin[0], 0));
  if (c->gout->numel == 0) return NN_OK;
  double *w = nn_linalg_take(c, room);
  if (!w) return NN_ENOMEM;
  double *g = w + n * n + n * m + n, *x = g + n * m, *ga = x + n * m;
  for (int64_t i = 0; i < a.batch; i++) {
    nn_linalg_load(c->gout, i * n * m, n * m, g);
    NN_GO(solve(c, i, n, m, true, w, g));
    if (c->gin[1]) nn_linalg_store(c->gin[1], i * n * m, n * m, g, c->add[1]);
    if (!c->gin[0]) continue;
    nn_linalg_load(c->out, i * n * m, n * m, x);
    nn_linalg_mul(false, true, n, n, m, -1, g, x, 0, ga);
    nn_linalg_store(c->gin[0], i * n * n, n * n, ga, c->add[0]);
  }
done:
  nn_linalg_give(c, w, room);
  return st;
}

const nn_op nn_op_linalg_solve = {
  .name = "linalg.solve",
  .doc =
    "X with A X = B for a square matrix A; B is a list or a matrix of columns. Leading dimensions "
    "of both are many such problems.",
  .args = "a, b",
  .nin = 2,
  .flags = NN_OP_PROMOTE | NN_OP_FLOAT,
  .saves = NN_IN(0) | NN_OUT,
  .infer = infer,
  .forward = {forward, forward},
  .backward = {backward, backward},
  .example = {{.inputs = "3x3 3x2"}, {.inputs = "3x3 3"}, {.inputs = "2x2x2 2x2x3"}},
};
