/*
 * op/linalg_lstsq.c: X = P B with the pseudo-inverse P of A: the least squares of A X - B, and of all
 * that have it the shortest X. Singular values below the precision of the dtype, relative to the
 * largest, count as 0. With W = dX B^T:
 *   dB = P^T dX, dA = -P^T W P^T + (I - A P) W^T P P^T + P^T P W^T (I - P A)
 * (Golub, Pereyra: "The differentiation of pseudo-inverses", 1973; the rank stays the same nearby).
 */
#include "op/linalg.h"

#include <float.h>

extern const nn_op nn_op_linalg_lstsq;

/* A (m, n), B (m, r), X (n, r) */
typedef struct sizes {
  int64_t batch, m, n, r, k;
} sizes;

static nn_status read_sizes(const nn_call *c, sizes *z) {
  nn_matrices m;
  int64_t r;
  NN_TRY(nn_linalg_read_sides(c, false, &m, &r));
  *z = (sizes){m.batch, m.rows, m.cols, r, m.least};
  return nn_blas_check(c->ctx, "linalg.lstsq", z->n, z->r, z->m);
}

static nn_status infer(const nn_call *c) {
  sizes z;
  NN_TRY(read_sizes(c, &z));
  nn_shape s = c->in[1]->shape;
  s.dim[s.ndim == 1 ? 0 : s.ndim - 2] = z.n;
  nn_value_set(c->out, c->in[0]->dtype, &s);
  return NN_OK;
}

/* p (n, m) = the pseudo-inverse of matrix i; w: room for pseudo_room() doubles */
static nn_status pseudo_inverse(const nn_call *c, const sizes *z, int64_t i, double *w, double *p) {
  double *a = w, *u = a + z->m * z->n, *s = u + z->m * z->k, *vt = s + z->k;
  const double eps = c->in[0]->dtype == NN_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
  nn_linalg_load(c->in[0], i * z->m * z->n, z->m * z->n, a);
  NN_TRY(nn_linalg_check_finite(c, z->m * z->n, a));
  NN_TRY(nn_svd(c->ctx, z->m, z->n, a, u, s, vt));
  double least = s[0] * eps * (double)(z->m > z->n ? z->m : z->n);
  for (int64_t j = 0; j < z->k; j++)
    for (int64_t l = 0; l < z->n; l++)
      vt[j * z->n + l] = s[j] > least ? vt[j * z->n + l] / s[j] : 0;
  nn_linalg_mul(true, true, z->n, z->m, z->k, 1, vt, u, 0, p);
  return NN_OK;
}

static int64_t pseudo_room(const sizes *z) {
  return z->m * z->n + z->k * (z->m + 1 + z->n);
}

static nn_status forward(const nn_call *c) {
  sizes z = {0};
  nn_status st = NN_OK;
  NN_TRY(read_sizes(c, &z));
  if (z.k == 0 || c->out->numel == 0) return nn_fill_into(c->ctx, c->out, 0);
  int64_t room = pseudo_room(&z) + z.n * z.m + (z.m + z.n) * z.r;
  double *p = nn_linalg_take(c, room);
  if (!p) return NN_ENOMEM;
  double *b = p + z.n * z.m, *x = b + z.m * z.r, *w = x + z.n * z.r;
  for (int64_t i = 0; i < z.batch; i++) {
    NN_GO(pseudo_inverse(c, &z, i, w, p));
    nn_linalg_load(c->in[1], i * z.m * z.r, z.m * z.r, b);
    nn_linalg_mul(false, false, z.n, z.r, z.m, 1, p, b, 0, x);
    nn_linalg_store(c->out, i * z.n * z.r, z.n * z.r, x, false);
  }
done:
  nn_linalg_give(c, p, room);
  return st;
}

/* t (a, a) = I - t */
static void rest_of(int64_t a, double *t) {
  for (int64_t i = 0; i < a * a; i++) t[i] = (i % (a + 1) == 0) - t[i];
}

/* ga (m, n) from A, P (n, m) and V = W^T (m, n); y (m, n) and t, three squares of the smaller size, are
   room. No square of the larger size is made. */
static void tall_gradient(const sizes *z, const double *a, const double *p, double *v, double *y,
                          double *t, double *ga) {
  int64_t m = z->m, n = z->n;
  double *x = t, *pv = x + n * n, *w = pv + n * n;
  nn_linalg_mul(false, false, n, n, m, 1, p, v, 0, pv);
  nn_linalg_mul(true, true, m, n, n, -1, p, pv, 0, ga); /* -P^T W P^T */
  nn_linalg_mul(false, true, n, n, m, 1, p, p, 0, x);
  for (int64_t i = 0; i < m * n; i++) y[i] = v[i];
  nn_linalg_mul(false, false, m, n, n, -1, a, pv, 1, y); /* (I - A P) V */
  nn_linalg_mul(false, false, m, n, n, 1, y, x, 1, ga);
  nn_linalg_mul(false, false, n, n, m, 1, p, a, 0, x);
  rest_of(n, x);
  nn_linalg_mul(false, false, n, n, n, 1, pv, x, 0, w);
  nn_linalg_mul(true, false, m, n, n, 1, p, w, 1, ga); /* P^T P V (I - P A) */
}

static void wide_gradient(const sizes *z, const double *a, const double *p, double *v, double *y,
                          double *t, double *ga) {
  int64_t m = z->m, n = z->n;
  double *x = t, *vp = x + m * m, *w = vp + m * m;
  nn_linalg_mul(false, false, m, m, n, 1, v, p, 0, vp);
  nn_linalg_mul(true, true, m, n, m, -1, vp, p, 0, ga); /* -P^T W P^T */
  nn_linalg_mul(false, false, m, m, n, 1, a, p, 0, x);
  rest_of(m, x);
  nn_linalg_mul(false, false, m, m, m, 1, x, vp, 0, w);
  nn_linalg_mul(false, true, m, n, m, 1, w, p, 1, ga); /* (I - A P) V P P^T */
  nn_linalg_mul(true, false, m, m, n, 1, p, p, 0, x);
  for (int64_t i = 0; i < m * n; i++) y[i] = v[i];
  nn_linalg_mul(false, false, m, n, m, -1, vp, a, 1, y); /* V (I - P A) */
  nn_linalg_mul(false, false, m, n, m, 1, x, y, 1, ga);
}

static nn_status backward(const nn_call *c) {
  sizes z = {0};
  nn_status st = NN_OK;
  NN_TRY(read_sizes(c, &z));
  bool none = z.k == 0 || c->gout->numel == 0;
  for (int k = 0; k < 2; k++)
    if (c->gin[k] && !c->add[k] && none) NN_TRY(nn_fill_into(c->ctx, c->gin[k], 0));
  if (none) return NN_OK;
  int64_t mn = z.m * z.n, mr = z.m * z.r, nr = z.n * z.r;
  int64_t room = pseudo_room(&z) + 4 * mn + 2 * mr + nr + 3 * z.k * z.k;
  double *p = nn_linalg_take(c, room);
  if (!p) return NN_ENOMEM;
  double *b = p + mn, *g = b + mr, *gb = g + nr, *v = gb + mr, *ga = v + mn, *y = ga + mn,
         *t = y + mn, *w = t + 3 * z.k * z.k;
  for (int64_t i = 0; i < z.batch; i++) {
    NN_GO(pseudo_inverse(c, &z, i, w, p));
    nn_linalg_load(c->gout, i * nr, nr, g);
    nn_linalg_mul(true, false, z.m, z.r, z.n, 1, p, g, 0, gb);
    if (c->gin[1]) nn_linalg_store(c->gin[1], i * mr, mr, gb, c->add[1]);
    if (!c->gin[0]) continue;
    nn_linalg_load(c->in[1], i * mr, mr, b);
    nn_linalg_load(c->in[0], i * mn, mn, w);
    nn_linalg_mul(false, true, z.m, z.n, z.r, 1, b, g, 0, v);
    (z.m >= z.n ? tall_gradient : wide_gradient)(&z, w, p, v, y, t, ga);
    nn_linalg_store(c->gin[0], i * mn, mn, ga, c->add[0]);
  }
done:
  nn_linalg_give(c, p, room);
  return st;
}

const nn_op nn_op_linalg_lstsq = {
  .name = "linalg.lstsq",
  .doc =
    "The X that makes |A X - B| smallest, and of several the shortest; B is a list or a matrix of "
    "columns. Leading dimensions of both are many such problems.",
  .args = "a, b",
  .nin = 2,
  .flags = NN_OP_PROMOTE | NN_OP_FLOAT,
  .saves = NN_IN(0) | NN_IN(1),
  .infer = infer,
  .forward = {forward, forward},
  .backward = {backward, backward},
  .example = {{.inputs = "4x2 4x3"},
              {.inputs = "4x2 4"},
              {.inputs = "2x4 2"},
              {.inputs = "2x3x2 2x3x1"}},
};
