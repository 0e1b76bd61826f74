/*
 * optim/ols.c: see ols.h. In float64, with the columns' means taken out first, which makes the problem
 * as well conditioned as it can be and the intercept follow: b = mean(y) - mean(X) w. Solved by QR with
 * column pivoting.
 */
#include "optim/ols.h"

#include <float.h>
#include <math.h>

#include "kernel/blas.h"
#include "kernel/walk.h"

/* Both as columns, one after the other, as Fortran has them. */
typedef struct problem {
  int64_t n, d, k;
  nn_tensor *a;    /* (d, n) */
  nn_tensor *r;    /* (k, max(n, d)) */
  nn_tensor *mean; /* (d + k) */
} problem;

static nn_status check(nn_ctx *ctx, const nn_tensor *x, const nn_tensor *y) {
  nn_text a, b;
  if (!nn_is_real(x->v.dtype) || x->v.dtype != y->v.dtype)
    return nn_fail(ctx, NN_ETYPE, "ols: X and y must be of one floating dtype, got %s and %s",
                   nn_dtype_name(x->v.dtype), nn_dtype_name(y->v.dtype));
  if (x->v.shape.ndim < 1 || x->v.shape.ndim > 2 || y->v.shape.ndim < 1 || y->v.shape.ndim > 2 ||
      x->v.shape.dim[0] != y->v.shape.dim[0])
    return nn_fail(ctx, NN_ESHAPE,
                   "ols: X must be n x features (or n numbers) and y n numbers or n x targets, got "
                   "%s and %s",
                   nn_value_text(&a, &x->v), nn_value_text(&b, &y->v));
  if (x->v.numel == 0 || y->v.numel == 0)
    return nn_fail(ctx, NN_ESHAPE, "ols: there are no numbers in %s and %s",
                   nn_value_text(&a, &x->v), nn_value_text(&b, &y->v));
  return nn_blas_check(ctx, "ols", x->v.shape.dim[0], x->v.numel / x->v.shape.dim[0],
                       y->v.numel / y->v.shape.dim[0]);
}

/* The columns of v (n, c) into the first n places of the rows of `to` (c, at least n). */
static nn_status gather(nn_ctx *ctx, const nn_tensor *v, const char *name, nn_tensor *to) {
  nn_value from = v->v, part = to->v;
  if (from.shape.ndim == 1) from.shape.dim[1] = 1, from.stride[1] = 0;
  from.shape = nn_shape_2(from.shape.dim[1], from.shape.dim[0]);
  int64_t rows = from.stride[0];
  from.stride[0] = from.stride[1];
  from.stride[1] = rows;
  part.shape.dim[1] = from.shape.dim[1];
  nn_value_settle(&from);
  nn_value_settle(&part);
  NN_TRY(nn_copy_into(ctx, &part, &from));
  const double *p = nn_data(&part);
  for (int64_t c = 0; c < part.shape.dim[0]; c++)
    for (int64_t i = 0; i < part.shape.dim[1]; i++)
      if (!isfinite(p[c * part.stride[0] + i]))
        return nn_fail(ctx, NN_EVALUE, "ols: %s has %s in row %lld", name,
                       isnan(p[c * part.stride[0] + i]) ? "nan" : "an infinity", (long long)i + 1);
  return NN_OK;
}

/* Takes out the mean of each of `count` columns of n numbers. */
static void centre(double *column, int64_t count, int64_t n, int64_t step, double *mean) {
  for (int64_t c = 0; c < count; c++, column += step) {
    double s = 0, rest = 0;
    for (int64_t i = 0; i < n; i++) s += column[i];
    mean[c] = s / (double)n;
    for (int64_t i = 0; i < n; i++) rest += column[i] -= mean[c];
    rest /= (double)n; /* what rounding left */
    mean[c] += rest;
    for (int64_t i = 0; i < n; i++) column[i] -= rest;
  }
}

/* The solution stands in the first d places of the rows of r. */
static nn_status give(nn_ctx *ctx, const problem *p, const nn_tensor *x, const nn_tensor *y,
                      nn_tensor **w, nn_tensor **b) {
  nn_shape s = {0}, sb = {0};
  nn_value part = p->r->v, target;
  if (x->v.shape.ndim == 2) s.dim[s.ndim++] = p->d;
  if (s.ndim == 0 && y->v.shape.ndim == 2) s.dim[s.ndim++] = 1;
  if (y->v.shape.ndim == 2) s.dim[s.ndim++] = sb.dim[sb.ndim++] = p->k;
  NN_TRY(nn_tensor_new(ctx, x->v.dtype, &s, w));
  part.shape.dim[1] = p->d;
  nn_value_settle(&part);
  nn_value_set(&target, x->v.dtype, &part.shape);
  target.storage = (*w)->v.storage;
  target.stride[0] = 1;
  target.stride[1] = p->k;
  nn_value_settle(&target);
  NN_TRY(nn_copy_into(ctx, &target, &part));
  if (!b) return NN_OK;
  NN_TRY(nn_tensor_new(ctx, x->v.dtype, &sb, b));
  const double *mean = nn_data(&p->mean->v), *r = nn_data(&p->r->v);
  for (int64_t k = 0; k < p->k; k++) {
    double at = mean[p->d + k];
    for (int64_t j = 0; j < p->d; j++) at -= mean[j] * r[k * p->r->v.shape.dim[1] + j];
    if (x->v.dtype == NN_F32)
      ((float *)nn_data(&(*b)->v))[k] = (float)at;
    else
      ((double *)nn_data(&(*b)->v))[k] = at;
  }
  return NN_OK;
}

nn_status nn_ols(nn_ctx *ctx, const nn_tensor *x, const nn_tensor *y, bool intercept, nn_tensor **w,
                 nn_tensor **b) {
  nn_status st = NN_OK;
  problem p = {0};
  nn_shape s;
  *w = *b = NULL;
  NN_TRY(check(ctx, x, y));
  p.n = x->v.shape.dim[0], p.d = x->v.numel / p.n, p.k = y->v.numel / p.n;
  const int64_t rows = p.n > p.d ? p.n : p.d;
  s = nn_shape_2(p.d, p.n);
  NN_GO(nn_tensor_new(ctx, NN_F64, &s, &p.a));
  s = nn_shape_2(p.k, rows);
  NN_GO(nn_tensor_new(ctx, NN_F64, &s, &p.r));
  s = nn_shape_1(p.d + p.k);
  NN_GO(nn_tensor_new(ctx, NN_F64, &s, &p.mean));
  NN_GO(gather(ctx, x, "X", p.a));
  NN_GO(gather(ctx, y, "y", p.r));
  if (intercept) {
    double *mean = nn_data(&p.mean->v);
    centre(nn_data(&p.a->v), p.d, p.n, p.n, mean);
    centre(nn_data(&p.r->v), p.k, p.n, rows, mean + p.d);
  }
  NN_GO(nn_lstsq(ctx, (int)p.n, (int)p.d, (int)p.k, nn_data(&p.a->v), nn_data(&p.r->v),
                 (double)rows * DBL_EPSILON));
  NN_GO(give(ctx, &p, x, y, w, intercept ? b : NULL));
done:
  if (st != NN_OK) {
    nn_tensor_release(*w);
    nn_tensor_release(*b);
    *w = *b = NULL;
  }
  nn_tensor_release(p.a);
  nn_tensor_release(p.r);
  nn_tensor_release(p.mean);
  return st;
}
