/* grad/gradcheck.c: see gradcheck.h. */
#include "grad/gradcheck.h"

#include <float.h>
#include <math.h>

#include "grad/graph.h"

typedef struct check {
  nn_ctx *ctx;
  nn_gradcheck_fn f;
  void *user;
  int n;
  nn_tensor *const *x;
  nn_rng rng;      /* the streams before an evaluation */
  nn_tensor *base; /* y at x itself, dense */
  nn_tensor *seed; /* dense */
  double step;
  double magnitude; /* sum of |s y| over the elements that the last difference moved */
  nn_gradcheck_report *report;
} check;

static nn_status dense_copy(nn_ctx *ctx, const nn_tensor *t, nn_tensor **out) {
  NN_TRY(nn_tensor_new(ctx, t->v.dtype, &t->v.shape, out));
  nn_status st = nn_copy_into(ctx, &(*out)->v, &t->v);
  if (st == NN_OK) return NN_OK;
  nn_tensor_release(*out);
  *out = NULL;
  return st;
}

static nn_status evaluate(check *c, nn_tensor **y) {
  nn_text t;
  *y = NULL;
  c->ctx->rng = c->rng;
  NN_TRY(c->f(c->ctx, c->user, c->x, y));
  if ((*y)->v.dtype == NN_F64) return NN_OK;
  nn_status st = nn_fail(c->ctx, NN_ETYPE, "gradcheck: the result must be float64, got %s %s",
                         nn_value_text(&t, &(*y)->v), nn_dtype_name((*y)->v.dtype));
  nn_tensor_release(*y);
  *y = NULL;
  return st;
}

/* sum(s (f(x) - y)), where y is f at the middle: elements that did not move add no rounding. */
static nn_status moved_by(check *c, double *sum) {
  nn_tensor *y = NULL, *dense = NULL;
  nn_status st;
  c->ctx->no_grad++;
  st = evaluate(c, &y);
  c->ctx->no_grad--;
  if (st != NN_OK) return st;
  if (!nn_shape_equal(&y->v.shape, &c->base->v.shape))
    NN_GO(nn_fail(c->ctx, NN_ESHAPE, "gradcheck: the result changes its shape"));
  NN_GO(dense_copy(c->ctx, y, &dense));
  const double *a = nn_data(&dense->v), *b = nn_data(&c->base->v), *s = nn_data(&c->seed->v);
  *sum = 0;
  for (int64_t i = 0; i < dense->v.numel; i++) {
    if (a[i] == b[i]) continue;
    *sum += s[i] * (a[i] - b[i]);
    c->magnitude += fabs(s[i] * b[i]) + fabs(s[i] * a[i]);
  }
done:
  nn_tensor_release(y);
  nn_tensor_release(dense);
  return st;
}

/* The derivative of sum(s f) by the number at p. */
static nn_status difference(check *c, const nn_value *v, double *p, double *slope) {
  static const double weight[4] = {8, -8, -1, 1}, shift[4] = {1, -1, 2, -2};
  const double x = *p;
  nn_status st = NN_OK;
  c->magnitude = *slope = 0;
  for (int k = 0; k < 4 && st == NN_OK; k++) {
    double d = 0;
    *p = x + shift[k] * c->step;
    nn_touch(v);
    st = moved_by(c, &d);
    *slope += weight[k] * d;
  }
  *p = x;
  nn_touch(v);
  *slope /= 12 * c->step;
  return st;
}

static double relative_error(const check *c, double a, double m) {
  if (!isfinite(a) || !isfinite(m)) return INFINITY;
  /* 16 units of rounding in each value: kernels promise 2.5, chains of them sum up */
  double differ = fabs(a - m) - 16 * DBL_EPSILON * c->magnitude / c->step;
  return differ > 0 ? differ / fmax(fabs(a), fabs(m)) : 0;
}

/* Row-major element i of any view. */
static int64_t place_of(const nn_value *v, int64_t i) {
  int64_t at = v->offset;
  for (int d = v->shape.ndim - 1; d >= 0; d--) {
    at += i % v->shape.dim[d] * v->stride[d];
    i /= v->shape.dim[d];
  }
  return at;
}

static nn_status compare(check *c, int k, const nn_tensor *grad) {
  const nn_value *v = &c->x[k]->v;
  nn_gradcheck_report *r = c->report;
  for (int64_t i = 0; i < v->numel; i++) {
    double m, a = grad ? nn_value_real_at(&grad->v, place_of(&grad->v, i)) : 0;
    NN_TRY(difference(c, v, (double *)v->storage->data + place_of(v, i), &m));
    double error = relative_error(c, a, m);
    if (r->checked++ == 0 || error > r->error) {
      r->error = error;
      r->input = k;
      r->element = i;
      r->analytic = a;
      r->numeric = m;
    }
  }
  return NN_OK;
}

static nn_status make_seed(check *c, nn_tensor *given) {
  nn_text a, b;
  if (given) {
    if (given->v.dtype != NN_F64 || !nn_shape_equal(&given->v.shape, &c->base->v.shape))
      return nn_fail(c->ctx, NN_ESHAPE, "gradcheck: the seed must be %s float64, got %s %s",
                     nn_value_text(&a, &c->base->v), nn_value_text(&b, &given->v),
                     nn_dtype_name(given->v.dtype));
    return dense_copy(c->ctx, given, &c->seed);
  }
  NN_TRY(nn_tensor_new(c->ctx, NN_F64, &c->base->v.shape, &c->seed));
  double *s = nn_data(&c->seed->v);
  for (int64_t i = 0; i < c->seed->v.numel; i++) {
    uint32_t w[4];
    nn_rng_block(0x736565645eed, NN_RNG_USER, (uint64_t)i, w);
    s[i] = (0.5 + w[0] * 0x1p-32) * (w[1] & 1 ? 1 : -1);
  }
  return NN_OK;
}

static nn_status check_input(nn_ctx *ctx, const nn_tensor *x, int k) {
  if (!x->requires_grad || (x->v.dtype == NN_F64 && !x->node)) return NN_OK;
  return nn_fail(ctx, NN_ETYPE, "gradcheck: input %d must be a float64 leaf, it is %s%s", k + 1,
                 nn_dtype_name(x->v.dtype), x->node ? ", the result of an operation" : "");
}

/* The gradients by backward, and y and the seed for the differences. */
static nn_status analytic(check *c, nn_tensor *seed, nn_tensor **grads) {
  nn_tensor *y = NULL;
  nn_status st;
  for (int k = 0; k < c->n; k++) NN_TRY(check_input(c->ctx, c->x[k], k));
  NN_TRY(evaluate(c, &y));
  NN_GO(dense_copy(c->ctx, y, &c->base));
  NN_GO(make_seed(c, seed));
  NN_GO(nn_gradients(c->ctx, y, c->seed, false, c->n, c->x, grads));
done:
  nn_tensor_release(y);
  return st;
}

nn_status nn_gradcheck(nn_ctx *ctx, nn_gradcheck_fn f, void *user, int n, nn_tensor *const *x,
                       nn_tensor *seed, double step, nn_gradcheck_report *report) {
  check c = {ctx, f, user, n, x, ctx->rng, NULL, NULL, step > 0 ? step : 1e-4, 0, report};
  size_t bytes = (size_t)(n > 0 ? n : 1) * sizeof(nn_tensor *);
  nn_status st;
  *report = (nn_gradcheck_report){0};
  nn_tensor **grads = nn_mem_take_zero(ctx, bytes);
  if (!grads) return NN_ENOMEM;
  NN_GO(analytic(&c, seed, grads));
  for (int k = 0; k < n; k++)
    if (x[k]->requires_grad) NN_GO(compare(&c, k, grads[k]));
done:
  for (int k = 0; k < n; k++) nn_tensor_release(grads[k]);
  nn_mem_give(ctx, grads, bytes);
  nn_tensor_release(c.base);
  nn_tensor_release(c.seed);
  return st;
}
