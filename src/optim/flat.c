/* optim/flat.c: see flat.h. Sums are taken in double, parameter by parameter. */
#ifndef R
#include "optim/flat.h"

#include <math.h>
#include <string.h>

#include "kernel/names.h"
#include "kernel/walk.h"

enum { LANES = 8 };

#define NN_SELF "optim/flat.c"
#include "kernel/each_real.h"

static double (*const dot[])(int64_t, const void *, const void *) = NN_BOTH(dot);
static double (*const sum_abs[])(int64_t, const void *) = NN_BOTH(sum_abs);
static double (*const max_abs[])(int64_t, const void *) = NN_BOTH(max_abs);
static void (*const axpy[])(int64_t, double, const void *, void *) = NN_BOTH(axpy);
static void (*const scale[])(int64_t, double, void *) = NN_BOTH(scale);

void *nn_flat_at(const nn_optim *o, int i, int k) {
  return (char *)o->slot[k]->data + o->param[i].at;
}

bool nn_flat_has(const nn_optim *o, int i) {
  const nn_tensor *t = o->param[i].t;
  return t->requires_grad && t->v.numel > 0;
}

/* Slot k of parameter i as a value. */
static nn_value seen(const nn_optim *o, int i, int k) {
  nn_value v;
  nn_value_set(&v, o->param[i].t->v.dtype, &o->param[i].t->v.shape);
  v.storage = o->slot[k];
  v.offset = (int64_t)(o->param[i].at / nn_dtype_size(v.dtype));
  return v;
}

nn_status nn_flat_load(nn_ctx *ctx, nn_optim *o, int k) {
  for (int i = 0; i < o->nparams; i++) {
    nn_value to = seen(o, i, k);
    if (nn_flat_has(o, i)) NN_TRY(nn_copy_into(ctx, &to, &o->param[i].t->v));
  }
  return NN_OK;
}

nn_status nn_flat_store(nn_ctx *ctx, nn_optim *o, int k) {
  for (int i = 0; i < o->nparams; i++) {
    nn_value from = seen(o, i, k);
    if (!nn_flat_has(o, i)) continue;
    NN_TRY(nn_copy_into(ctx, &o->param[i].t->v, &from));
    nn_touch(&o->param[i].t->v);
  }
  return NN_OK;
}

nn_status nn_flat_gradient(nn_ctx *ctx, nn_optim *o, int k) {
  for (int i = 0; i < o->nparams; i++) {
    const nn_tensor *t = o->param[i].t;
    nn_value to = seen(o, i, k);
    if (nn_flat_has(o, i) && t->has_grad)
      NN_TRY(nn_copy_into(ctx, &to, &t->grad->v));
    else
      memset(nn_flat_at(o, i, k), 0, (size_t)t->v.numel * nn_dtype_size(t->v.dtype));
  }
  return NN_OK;
}

void nn_flat_copy(nn_optim *o, int x, int y) {
  if (x != y) memcpy(o->slot[y]->data, o->slot[x]->data, o->bytes);
}

void nn_flat_axpy_at(nn_optim *o, int i, double c, int x, int y) {
  const nn_value *v = &o->param[i].t->v;
  axpy[v->dtype](v->numel, c, nn_flat_at(o, i, x), nn_flat_at(o, i, y));
}

void nn_flat_axpy(nn_optim *o, double c, int x, int y) {
  for (int i = 0; i < o->nparams; i++) nn_flat_axpy_at(o, i, c, x, y);
}

void nn_flat_scale(nn_optim *o, double c, int x) {
  for (int i = 0; i < o->nparams; i++) {
    const nn_value *v = &o->param[i].t->v;
    scale[v->dtype](v->numel, c, nn_flat_at(o, i, x));
  }
}

double nn_flat_dot(const nn_optim *o, int x, int y) {
  double s = 0;
  for (int i = 0; i < o->nparams; i++) {
    const nn_value *v = &o->param[i].t->v;
    s += dot[v->dtype](v->numel, nn_flat_at(o, i, x), nn_flat_at(o, i, y));
  }
  return s;
}

double nn_flat_sum_abs(const nn_optim *o, int x) {
  double s = 0;
  for (int i = 0; i < o->nparams; i++) {
    const nn_value *v = &o->param[i].t->v;
    s += sum_abs[v->dtype](v->numel, nn_flat_at(o, i, x));
  }
  return s;
}

double nn_flat_max_abs(const nn_optim *o, int x) {
  double most = 0;
  for (int i = 0; i < o->nparams; i++) {
    const nn_value *v = &o->param[i].t->v;
    double m = max_abs[v->dtype](v->numel, nn_flat_at(o, i, x));
    if (!(m <= most)) most = m;
  }
  return most;
}

#else

NN_HOT static double FN(dot)(int64_t n, const void *a, const void *b) {
  const R *x = a, *y = b;
  double lane[LANES] = {0}, s = 0;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) lane[l] += (double)x[i + l] * (double)y[i + l];
  for (int l = 0; i < n; i++, l++) lane[l] += (double)x[i] * (double)y[i];
  for (int l = 0; l < LANES; l++) s += lane[l];
  return s;
}

NN_HOT static double FN(sum_abs)(int64_t n, const void *a) {
  const R *x = a;
  double lane[LANES] = {0}, s = 0;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) lane[l] += (double)fabs(x[i + l]);
  for (int l = 0; i < n; i++, l++) lane[l] += (double)fabs(x[i]);
  for (int l = 0; l < LANES; l++) s += lane[l];
  return s;
}

static double FN(max_abs)(int64_t n, const void *a) {
  const R *x = a;
  R most = 0;
  for (int64_t i = 0; i < n && most == most; i++)
    if (!(fabs(x[i]) <= most)) most = fabs(x[i]);
  return (double)most;
}

NN_HOT static void FN(axpy)(int64_t n, double c, const void *a, void *b) {
  const R *x = a;
  R *y = b;
  for (int64_t i = 0; i < n; i++) y[i] += (R)c * x[i];
}

NN_HOT static void FN(scale)(int64_t n, double c, void *a) {
  R *x = a;
  for (int64_t i = 0; i < n; i++) x[i] *= (R)c;
}

#endif
