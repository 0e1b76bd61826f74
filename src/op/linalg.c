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

static void symmetrize(int64_t n, double *a) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < i; j++)
      a[i * n + j] = a[j * n + i] = 0.5 * a[i * n + j] + 0.5 * a[j * n + i];
}

void nn_linalg_load_symmetric(const nn_value *v, int64_t first, int64_t n, double *to) {
  nn_linalg_load(v, first, n * n, to);
  symmetrize(n, to);
}

void nn_linalg_store_symmetric(const nn_value *v, int64_t first, int64_t n, double *from,
                               bool add) {
  symmetrize(n, from);
  nn_linalg_store(v, first, n * n, from, add);
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
