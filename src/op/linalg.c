/* op/linalg.c: see linalg.h. */
#include "op/linalg.h"

#include <math.h>
#include <string.h>

nn_matrices nn_linalg_sizes(const nn_value *v) {
  const nn_shape *s = &v->shape;
  nn_matrices m = {1, s->dim[s->ndim - 2], s->dim[s->ndim - 1], 0};
  for (int d = 0; d < s->ndim - 2; d++) m.batch *= s->dim[d];
  m.least = m.rows < m.cols ? m.rows : m.cols;
  return m;
}

nn_status nn_linalg_read(const nn_call *c, int k, bool square, nn_matrices *m) {
  const nn_value *v = c->in[k];
  nn_text t;
  if (v->shape.ndim < 2)
    return nn_fail(c->ctx, NN_ESHAPE, "%s: wants a matrix, got %s", c->op->name,
                   nn_value_text(&t, v));
  *m = nn_linalg_sizes(v);
  if (square && m->rows != m->cols)
    return nn_fail(c->ctx, NN_ESHAPE, "%s: wants a square matrix, got %s", c->op->name,
                   nn_value_text(&t, v));
  return nn_blas_check(c->ctx, c->op->name, m->rows, m->cols, 1);
}

nn_status nn_linalg_read_sides(const nn_call *c, bool square, nn_matrices *m, int64_t *sides) {
  const nn_shape *a = &c->in[0]->shape, *b = &c->in[1]->shape;
  nn_text ta, tb;
  NN_TRY(nn_linalg_read(c, 0, square, m));
  bool fits = b->ndim == 1 ? a->ndim == 2 && b->dim[0] == m->rows : b->ndim == a->ndim;
  for (int d = 0; d < a->ndim - 1 && fits && b->ndim > 1; d++) fits = b->dim[d] == a->dim[d];
  if (!fits)
    return nn_fail(
      c->ctx, NN_ESHAPE,
      "%s: %s with right sides of %s: they must have as many rows, and the same leading sizes",
      c->op->name, nn_shape_text(&ta, a), nn_shape_text(&tb, b));
  *sides = b->ndim == 1 ? 1 : b->dim[b->ndim - 1];
  return NN_OK;
}

void nn_linalg_set(const nn_call *c, int ndim, int64_t a, int64_t b) {
  nn_shape s = c->in[0]->shape;
  s.ndim -= 2;
  if (ndim > 0) s.dim[s.ndim++] = a;
  if (ndim > 1) s.dim[s.ndim++] = b;
  nn_value_set(c->out, c->in[0]->dtype, &s);
}

void nn_linalg_load(const nn_value *v, int64_t first, int64_t n, double *to) {
  if (v->dtype == NN_F64) {
    memcpy(to, (const double *)nn_data(v) + first, (size_t)n * sizeof *to);
    return;
  }
  const float *from = (const float *)nn_data(v) + first;
  for (int64_t i = 0; i < n; i++) to[i] = (double)from[i];
}

void nn_linalg_store(const nn_value *v, int64_t first, int64_t n, const double *from, bool add) {
  if (v->dtype == NN_F64) {
    double *to = (double *)nn_data(v) + first;
    for (int64_t i = 0; i < n; i++) to[i] = (add ? to[i] : 0) + from[i];
    return;
  }
  float *to = (float *)nn_data(v) + first;
  for (int64_t i = 0; i < n; i++) to[i] = (add ? to[i] : 0) + (float)from[i];
}

void nn_linalg_symmetrize(int64_t n, double *a) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < i; j++)
      a[i * n + j] = a[j * n + i] = 0.5 * a[i * n + j] + 0.5 * a[j * n + i];
}

void nn_linalg_turn(int64_t rows, int64_t cols, const double *x, double *y) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j++) y[j * rows + i] = x[i * cols + j];
}

nn_status nn_linalg_check_finite(const nn_call *c, int64_t n, const double *a) {
  for (int64_t i = 0; i < n; i++)
    if (!isfinite(a[i]))
      return nn_fail(c->ctx, NN_EVALUE, "%s: element %lld of the matrix is %s", c->op->name,
                     (long long)i + 1, isnan(a[i]) ? "NaN" : "infinite");
  return NN_OK;
}

double *nn_linalg_take(const nn_call *c, int64_t n) {
  return nn_mem_take(c->ctx, (size_t)n * sizeof(double));
}

void nn_linalg_give(const nn_call *c, double *w, int64_t n) {
  nn_mem_give(c->ctx, w, (size_t)n * sizeof(double));
}

void nn_linalg_mul(bool tx, bool ty, int64_t m, int64_t n, int64_t k, double alpha, const double *x,
                   const double *y, double beta, double *z) {
  if (m == 0 || n == 0) return;
  if (k == 0 && beta == 0)
    memset(z, 0, (size_t)(m * n) * sizeof *z);
  else if (k > 0)
    nn_gemm_f64(tx, ty, m, n, k, alpha, x, tx ? m : k, y, ty ? k : n, beta, z, n);
}

nn_status nn_linalg_divide(const nn_call *c, double b, double d, const char *what, double *out) {
  *out = 0;
  if (b == 0) return NN_OK;
  if (d == 0) return nn_fail(c->ctx, NN_EVALUE, "%s: there is no gradient %s", c->op->name, what);
  *out = b / d;
  return NN_OK;
}

nn_status nn_linalg_forward(const nn_call *c, int64_t room, nn_linalg_compute compute) {
  const nn_matrices m = nn_linalg_sizes(c->in[0]);
  nn_status st = NN_OK;
  if (c->out->numel == 0) return NN_OK;
  const int64_t size = m.rows * m.cols, each = c->out->numel / m.batch, all = size + each + room;
  double *y, *a = nn_linalg_take(c, all);
  if (!a) return NN_ENOMEM;
  for (int64_t i = 0; i < m.batch; i++) {
    nn_linalg_load(c->in[0], i * size, size, a);
    NN_GO(compute(c, &m, a, a + size, &y));
    nn_linalg_store(c->out, i * each, each, y, false);
  }
done:
  nn_linalg_give(c, a, all);
  return st;
}

nn_status nn_linalg_backward(const nn_call *c, int64_t room, nn_linalg_gradient gradient) {
  const nn_matrices m = nn_linalg_sizes(c->gin[0]);
  nn_status st = NN_OK;
  if (c->gout->numel == 0) return NN_OK;
  const int64_t size = m.rows * m.cols, each = c->gout->numel / m.batch,
                all = 2 * each + size + room;
  double *y = nn_linalg_take(c, all);
  if (!y) return NN_ENOMEM;
  double *g = y + each, *ga = g + each;
  for (int64_t i = 0; i < m.batch; i++) {
    nn_linalg_load(c->out, i * each, each, y);
    nn_linalg_load(c->gout, i * each, each, g);
    NN_GO(gradient(c, &m, y, g, ga + size, ga));
    nn_linalg_store(c->gin[0], i * size, size, ga, c->add[0]);
  }
done:
  nn_linalg_give(c, y, all);
  return st;
}
