/*
 * layer/batch_norm.c: y = (x - m) / sqrt(v + eps) w + b, channel by channel (Ioffe, Szegedy 2015).
 * In training m and v are mean and biased variance over batch and places, and with h = (x - m) / s,
 * s = sqrt(v + eps), over the n numbers of a channel:
 *   db = sum dy, dw = sum dy h, dx = w / s (dy - db / n - h dw / n).
 * In eval mode m and v are the running statistics and constants: dx = dy w / s.
 */
#ifndef R
#include "layer/batch_norm.h"

#include <math.h>

#include "kernel/names.h"

typedef struct attr {
  double eps;
} attr;

/* (n, c, inner) */
typedef struct sizes {
  int64_t n, c, inner;
} sizes;

static sizes sizes_of(const nn_value *x) {
  sizes s = {x->shape.dim[0], x->shape.dim[1], 1};
  for (int i = 2; i < x->shape.ndim; i++) s.inner *= x->shape.dim[i];
  return s;
}

enum { GROUP = 64 };

/* Channels a task takes: without places they lie side by side, and a cache line is read by one. */
static int64_t group_of(const sizes *s) {
  return s->inner > 1 ? 1 : GROUP;
}

static nn_status infer(const nn_call *c) {
  nn_shape s = nn_shape_2(2, c->in[0]->shape.dim[1]); /* mean, variance */
  nn_value_set(c->aux[0], NN_F64, &s);
  return nn_infer_same(c);
}

#define NN_SELF "layer/batch_norm.c"
#include "kernel/each_real.h"

/* Inputs x, then weight and bias. */
static const nn_op op = {
  .name = "batch_norm",
  .nin = 3,
  .nout_aux = 1,
  .results = 1,
  .saves = NN_IN(0) | NN_IN(1) | NN_AUX(0),
  .attr_size = sizeof(attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

/* Inputs x, statistics (2, c) in float64, then weight and bias. */
static const nn_op op_eval = {
  .name = "batch_norm",
  .nin = 4,
  .flags = NN_OP_MIXED,
  .saves = NN_IN(0) | NN_IN(1) | NN_IN(2),
  .attr_size = sizeof(attr),
  .infer = nn_infer_same,
  .forward = NN_BOTH(forward_eval),
  .backward = NN_BOTH(backward_eval),
};

static double get(const nn_value *v, int64_t i) {
  return nn_value_real_at(v, v->offset + i * v->stride[0]);
}

static void set(const nn_value *v, int64_t i, double x) {
  int64_t at = v->offset + i * v->stride[0];
  if (v->dtype == NN_F32)
    ((float *)v->storage->data)[at] = (float)x;
  else
    ((double *)v->storage->data)[at] = x;
}

/* The running variance is the unbiased one. */
static void update(const nn_batch_norm *b, const nn_value *stats, int64_t n) {
  const nn_value *mean = &nn_layer_find(&b->base, "running_mean")->v;
  const nn_value *var = &nn_layer_find(&b->base, "running_var")->v;
  const double *m = nn_data(stats), *v = m + b->num_features, t = b->momentum;
  for (int64_t i = 0; i < b->num_features; i++) {
    set(mean, i, (1 - t) * get(mean, i) + t * m[i]);
    set(var, i, (1 - t) * get(var, i) + t * v[i] * (double)n / (double)(n - 1));
  }
  nn_touch(mean);
  nn_touch(var);
}

static nn_status train(nn_ctx *ctx, nn_layer *l, int nin, nn_tensor *const *in, nn_tensor **y) {
  const nn_batch_norm *b = (const nn_batch_norm *)l;
  nn_tensor *out[2];
  nn_text t;
  int64_t n = b->num_features ? in[0]->v.numel / b->num_features : 0;
  if (n < 2)
    return nn_layer_fail(l, NN_ESHAPE,
                         "training needs more than one number a channel for a variance, got %s; "
                         "take a larger batch, or call m:eval()",
                         nn_value_text(&t, &in[0]->v));
  NN_TRY(nn_apply_all(ctx, &op, &(attr){b->eps}, nin, in, out));
  if (b->track_running_stats) update(b, &out[1]->v, n);
  nn_tensor_release(out[1]);
  *y = out[0];
  return NN_OK;
}

static nn_status evaluate(nn_ctx *ctx, nn_layer *l, int nin, nn_tensor *const *in, nn_tensor **y) {
  const nn_batch_norm *b = (const nn_batch_norm *)l;
  nn_shape s = nn_shape_2(2, b->num_features);
  nn_tensor *stats;
  NN_TRY(nn_tensor_new(ctx, NN_F64, &s, &stats));
  double *m = nn_data(&stats->v);
  for (int64_t i = 0; i < b->num_features; i++) {
    m[i] = get(&nn_layer_find(l, "running_mean")->v, i);
    m[b->num_features + i] = get(&nn_layer_find(l, "running_var")->v, i);
  }
  nn_tensor *all[4] = {in[0], stats, in[1], in[2]};
  nn_status st = nn_apply(ctx, &op_eval, &(attr){b->eps}, nin + 1, all, y);
  nn_tensor_release(stats);
  return st;
}

nn_status nn_batch_norm_forward(nn_ctx *ctx, nn_layer *l, int least, int most, nn_tensor *x,
                                nn_tensor **y) {
  const nn_batch_norm *b = (const nn_batch_norm *)l;
  const nn_shape *s = &x->v.shape;
  nn_tensor *in[3] = {x, b->affine ? l->slot[0].tensor : NULL,
                      b->affine ? l->slot[1].tensor : NULL};
  nn_text t;
  *y = NULL;
  NN_TRY(nn_layer_check_dtype(l, x));
  if (s->ndim < 2 + least || s->ndim > 2 + most || s->dim[1] != b->num_features)
    return nn_layer_fail(l, NN_ESHAPE, "the input must be N x %lld%s, got %s",
                         (long long)b->num_features, most == 2 ? " x H x W" : " or N x C x length",
                         nn_shape_text(&t, s));
  if (l->training || !b->track_running_stats) return train(ctx, l, b->affine ? 3 : 1, in, y);
  return evaluate(ctx, l, b->affine ? 3 : 1, in, y);
}

nn_status nn_batch_norm_build(nn_ctx *ctx, nn_layer *l) {
  const nn_batch_norm *b = (const nn_batch_norm *)l;
  nn_shape s = nn_shape_1(b->num_features);
  if (b->affine) NN_TRY(nn_layer_add_full(ctx, l, "weight", &s, 1, false));
  if (b->affine) NN_TRY(nn_layer_add_full(ctx, l, "bias", &s, 0, false));
  if (!b->track_running_stats) return NN_OK;
  NN_TRY(nn_layer_add_full(ctx, l, "running_mean", &s, 0, true));
  return nn_layer_add_full(ctx, l, "running_var", &s, 1, true);
}
#else

/* sums over a run, in double, in 16 lanes */
NN_HOT static double FN(sum)(int64_t n, const R *x) {
  double lane[16] = {0}, total = 0;
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int k = 0; k < 16; k++) lane[k] += (double)x[i + k];
  for (; i < n; i++) total += (double)x[i];
  for (int k = 0; k < 16; k++) total += lane[k];
  return total;
}

NN_HOT static double FN(squares)(int64_t n, const R *x, double m) {
  double lane[16] = {0}, total = 0;
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int k = 0; k < 16; k++) lane[k] += ((double)x[i + k] - m) * ((double)x[i + k] - m);
  for (; i < n; i++) total += ((double)x[i] - m) * ((double)x[i] - m);
  for (int k = 0; k < 16; k++) total += lane[k];
  return total;
}

/* sum of a (x - m) */
NN_HOT static double FN(products)(int64_t n, const R *a, const R *x, double m) {
  double lane[16] = {0}, total = 0;
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int k = 0; k < 16; k++) lane[k] += (double)a[i + k] * ((double)x[i + k] - m);
  for (; i < n; i++) total += (double)a[i] * ((double)x[i] - m);
  for (int k = 0; k < 16; k++) total += lane[k];
  return total;
}

/* y (+)= a + b g + c (x - m) */
NN_HOT static void FN(blend)(int64_t n, double a, double b, const R *g, double c, const R *x,
                             double m, bool add, R *y) {
  const R ra = (R)a, rb = (R)b, rc = (R)c, rm = (R)m;
  if (add)
    for (int64_t i = 0; i < n; i++) y[i] += ra + (rb * g[i] + rc * (x[i] - rm));
  else
    for (int64_t i = 0; i < n; i++) y[i] = ra + (rb * g[i] + rc * (x[i] - rm));
}

/* y = (x - m) f + b */
NN_HOT static void FN(scale)(int64_t n, const R *x, double m, double f, double b, R *y) {
  const R rm = (R)m, rf = (R)f, rb = (R)b;
  for (int64_t i = 0; i < n; i++) y[i] = (x[i] - rm) * rf + rb;
}

/* One number a channel: n channels of a row at once. */
NN_HOT static void FN(row_sum)(int64_t n, const R *x, double *sum) {
  for (int64_t i = 0; i < n; i++) sum[i] += (double)x[i];
}
NN_HOT static void FN(row_products)(int64_t n, const R *a, const R *x, const double *m,
                                    double *sum) {
  for (int64_t i = 0; i < n; i++)
    sum[i] += (a ? (double)a[i] : (double)x[i] - m[i]) * ((double)x[i] - m[i]);
}
NN_HOT static void FN(row_scale)(int64_t n, const R *x, const double *m, const double *f,
                                 const R *b, R *y) {
  for (int64_t i = 0; i < n; i++) y[i] = (x[i] - (R)m[i]) * (R)f[i] + (b ? b[i] : 0);
}

/* y (+)= a + b g + c (x - m) */
NN_HOT static void FN(row_blend)(int64_t n, const double *restrict a, const double *restrict b,
                                 const R *restrict g, const double *restrict c, const R *restrict x,
                                 const double *restrict m, bool add, R *restrict y) {
  for (int64_t i = 0; i < n; i++) {
    const R d = (R)a[i] + ((R)b[i] * g[i] + (R)c[i] * (x[i] - (R)m[i]));
    y[i] = add ? y[i] + d : d;
  }
}

/* Channels first .. last - 1: mean and variance. Rows outside, so that memory is read in order. */
static void FN(moments)(const sizes *s, int64_t first, int64_t last, const R *x, double *mean,
                        double *var) {
  const double count = (double)(s->n * s->inner);
  for (int64_t c = first; c < last; c++) mean[c] = var[c] = 0;
  for (int64_t n = 0; n < s->n; n++)
    if (s->inner == 1)
      FN(row_sum)(last - first, x + n * s->c + first, mean + first);
    else
      for (int64_t c = first; c < last; c++)
        mean[c] += FN(sum)(s->inner, x + (n * s->c + c) * s->inner);
  for (int64_t c = first; c < last; c++) mean[c] /= count;
  for (int64_t n = 0; n < s->n; n++)
    if (s->inner == 1)
      FN(row_products)(last - first, NULL, x + n * s->c + first, mean + first, var + first);
    else
      for (int64_t c = first; c < last; c++)
        var[c] += FN(squares)(s->inner, x + (n * s->c + c) * s->inner, mean[c]);
  for (int64_t c = first; c < last; c++) var[c] /= count;
}

static void FN(normalise)(const sizes *s, int64_t first, int64_t last, const R *x, const R *w,
                          const R *b, const double *mean, const double *var, double eps, R *y) {
  double f[GROUP];
  for (int64_t c = first; c < last; c++) f[c - first] = (w ? (double)w[c] : 1) / sqrt(var[c] + eps);
  for (int64_t n = 0; n < s->n && s->inner == 1; n++) FN(row_scale)
  (last - first, x + n * s->c + first, mean + first, f, b ? b + first : NULL, y + n * s->c + first);
  for (int64_t n = 0; n < s->n && s->inner != 1; n++)
    for (int64_t c = first; c < last; c++) {
      int64_t at = (n * s->c + c) * s->inner;
      FN(scale)(s->inner, x + at, mean[c], f[c - first], b ? (double)b[c] : 0, y + at);
    }
}

static nn_status FN(forward)(const nn_call *c) {
  const sizes s = sizes_of(c->in[0]);
  const int64_t group = group_of(&s);
  const R *x = nn_data(c->in[0]), *w = c->nin > 1 ? nn_data(c->in[1]) : NULL;
  const R *b = c->nin > 1 ? nn_data(c->in[2]) : NULL;
  const double eps = ((const attr *)c->attr)->eps;
  double *mean = nn_data(c->aux[0]), *var = mean + s.c;
  R *y = nn_data(c->out);
  int threads = nn_threads_for(c->ctx, 3 * c->out->numel);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t first = 0; first < s.c; first += group) {
    int64_t last = first + group < s.c ? first + group : s.c;
    FN(moments)(&s, first, last, x, mean, var);
    FN(normalise)(&s, first, last, x, w, b, mean, var, eps, y);
  }
  return nn_poll(c->ctx);
}

static nn_status FN(forward_eval)(const nn_call *c) {
  const sizes s = sizes_of(c->in[0]);
  const int64_t group = group_of(&s);
  const R *x = nn_data(c->in[0]), *w = c->nin > 2 ? nn_data(c->in[2]) : NULL;
  const R *b = c->nin > 2 ? nn_data(c->in[3]) : NULL;
  const double eps = ((const attr *)c->attr)->eps;
  const double *mean = nn_data(c->in[1]), *var = mean + s.c;
  R *y = nn_data(c->out);
  int threads = nn_threads_for(c->ctx, c->out->numel);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t first = 0; first < s.c; first += group) FN(normalise)
  (&s, first, first + group < s.c ? first + group : s.c, x, w, b, mean, var, eps, y);
  return nn_poll(c->ctx);
}

/* What one call of backward works with; `fixed`: the statistics are constants. */
typedef struct FN(back) {
  sizes s;
  const R *x, *w, *gy;
  const double *mean, *var;
  double eps;
  R *gx, *gw, *gb;
  bool add[3], fixed;
} FN(back);

static void FN(channels)(const FN(back) * k, int64_t first, int64_t last) {
  const sizes *s = &k->s;
  const double count = (double)(s->n * s->inner);
  double db[GROUP] = {0}, dw[GROUP] = {0};
  for (int64_t n = 0; n < s->n && s->inner == 1; n++) {
    const int64_t at = n * s->c + first;
    FN(row_sum)(last - first, k->gy + at, db);
    FN(row_products)(last - first, k->gy + at, k->x + at, k->mean + first, dw);
  }
  for (int64_t n = 0; n < s->n && s->inner != 1; n++)
    for (int64_t c = first; c < last; c++) {
      int64_t at = (n * s->c + c) * s->inner;
      db[c - first] += FN(sum)(s->inner, k->gy + at);
      dw[c - first] += FN(products)(s->inner, k->gy + at, k->x + at, k->mean[c]);
    }
  for (int64_t c = first; c < last; c++) {
    R w = (R)(dw[c - first] / sqrt(k->var[c] + k->eps)), b = (R)db[c - first];
    if (k->gw) k->gw[c] = k->add[1] ? k->gw[c] + w : w;
    if (k->gb) k->gb[c] = k->add[2] ? k->gb[c] + b : b;
  }
  double f[GROUP];
  for (int64_t c = first; c < last; c++) { /* db and dw become the factors of dx */
    double v = k->var[c] + k->eps, *shift = db + c - first, *slope = dw + c - first;
    f[c - first] = (k->w ? (double)k->w[c] : 1) / sqrt(v);
    *slope = k->fixed ? 0 : -f[c - first] * *slope / (v * count);
    *shift = k->fixed ? 0 : -f[c - first] * *shift / count;
  }
  for (int64_t n = 0; n < s->n && k->gx && s->inner == 1; n++) {
    const int64_t at = n * s->c + first;
    FN(row_blend)
    (last - first, db, f, k->gy + at, dw, k->x + at, k->mean + first, k->add[0], k->gx + at);
  }
  for (int64_t n = 0; n < s->n && k->gx && s->inner != 1; n++)
    for (int64_t c = first; c < last; c++) {
      int64_t at = (n * s->c + c) * s->inner;
      FN(blend)
      (s->inner, db[c - first], f[c - first], k->gy + at, dw[c - first], k->x + at, k->mean[c],
       k->add[0], k->gx + at);
    }
}

static nn_status FN(run_back)(nn_ctx *ctx, const FN(back) * k) {
  const int64_t group = group_of(&k->s), c = k->s.c;
  int threads = nn_threads_for(ctx, 3 * k->s.n * c * k->s.inner);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t first = 0; first < c; first += group)
    FN(channels)(k, first, first + group < c ? first + group : c);
  return nn_poll(ctx);
}

static void *FN(place)(const nn_call *c, int k) {
  return k < c->nin && c->gin[k] ? nn_data(c->gin[k]) : NULL;
}

static nn_status FN(backward)(const nn_call *c) {
  FN(back) k = {.s = sizes_of(c->in[0]), .x = nn_data(c->in[0]), .gy = nn_data(c->gout)};
  k.w = c->nin > 1 ? nn_data(c->in[1]) : NULL;
  k.mean = nn_data(c->aux[0]);
  k.var = k.mean + k.s.c;
  k.eps = ((const attr *)c->attr)->eps;
  k.gx = FN(place)(c, 0), k.gw = FN(place)(c, 1), k.gb = FN(place)(c, 2);
  for (int i = 0; i < c->nin; i++) k.add[i] = c->add[i];
  return FN(run_back)(c->ctx, &k);
}

static nn_status FN(backward_eval)(const nn_call *c) {
  FN(back) k = {.s = sizes_of(c->in[0]), .x = nn_data(c->in[0]), .gy = nn_data(c->gout)};
  k.w = c->nin > 2 ? nn_data(c->in[2]) : NULL;
  k.mean = nn_data(c->in[1]);
  k.var = k.mean + k.s.c;
  k.eps = ((const attr *)c->attr)->eps;
  k.fixed = true;
  k.gx = FN(place)(c, 0), k.gw = FN(place)(c, 2), k.gb = FN(place)(c, 3);
  k.add[0] = c->add[0], k.add[1] = k.gw && c->add[2], k.add[2] = k.gb && c->add[3];
  return FN(run_back)(c->ctx, &k);
}

#endif
