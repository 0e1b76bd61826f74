/*
 * loss/triplet_margin.c: an anchor should be nearer to its positive than to its negative, all
 * (N, D) or (D): max(0, d(a, p) - d(a, n) + margin), d(x, z) = (sum |x - z + eps|^p)^(1/p); with
 * `swap` d(p, n) stands for d(a, n) where it is less. d's gradient by x is sign(v) (|v| / d)^(p-1),
 * v = x - z + eps. Balntas et al.: "Learning local feature descriptors with triplets", 2016.
 */
#ifndef R
#include <math.h>

#include "kernel/names.h"
#include "loss/loss.h"

typedef struct triplet_attr {
  double margin, p, eps;
  bool swap;
} triplet_attr;

typedef struct triplet {
  nn_loss base;
  triplet_attr a;
} triplet;

extern const nn_loss_class nn_loss_triplet_margin;

#define NN_SELF "loss/triplet_margin.c"
#include "kernel/each_real.h"

/* (N), or a scalar of three vectors */
static nn_status infer(const nn_call *c) {
  nn_shape s = c->in[0]->shape;
  s.ndim--;
  nn_value_set(c->out, c->in[0]->dtype, &s);
  return NN_OK;
}

static const nn_op op = {
  .name = "TripletMarginLoss",
  .nin = 3,
  .saves = NN_IN(0) | NN_IN(1) | NN_IN(2),
  .attr_size = sizeof(triplet_attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

static nn_status loss_forward(nn_ctx *ctx, nn_loss *l, nn_tensor *const *in, nn_tensor **out) {
  const nn_shape *s = &in[0]->v.shape;
  nn_text a, b, c;
  *out = NULL;
  if (s->ndim < 1 || s->ndim > 2 || !nn_shape_equal(s, &in[1]->v.shape) ||
      !nn_shape_equal(s, &in[2]->v.shape))
    return nn_fail(ctx, NN_ESHAPE,
                   "%s: anchor, positive and negative must be N x D, all the same, got %s, %s and "
                   "%s; a loss never broadcasts",
                   l->class->name, nn_shape_text(&a, s), nn_value_text(&b, &in[1]->v),
                   nn_value_text(&c, &in[2]->v));
  return nn_loss_of_terms(ctx, l, &op, &((const triplet *)l)->a, 3, in, out);
}

#define FIELD(f, k, ...) \
  { .name = #f, .kind = NN_PARAM_##k, .offset = offsetof(triplet, a.f), __VA_ARGS__ }

static const nn_param params[] = {
  FIELD(margin, REAL, .def = {1}, .hi = NN_REAL_MAX, .flags = NN_P_ABOVE_LO,
        .doc = "how much nearer the positive must be"),
  FIELD(p, REAL, .def = {2}, .lo = 1, .hi = 1000, .doc = "the norm that measures distances"),
  FIELD(eps, REAL, .def = {1e-6}, .hi = NN_REAL_MAX, .doc = "added to each difference"),
  FIELD(swap, BOOL, .hi = 1, .doc = "measure the negative from the positive where that is nearer"),
  NN_P_REDUCTION(triplet),
  NN_P_END};

const nn_loss_class nn_loss_triplet_margin = {
  .name = "TripletMarginLoss",
  .doc = "loss(anchor, positive, negative), each N x D: max(0, d(a, p) - d(a, n) + margin), where "
         "d is the p-norm of the difference. It draws what belongs together nearer than what does "
         "not, by a margin. The mean is over the N rows. Schroff, Kalenichenko, Philbin 2015.",
  .size = sizeof(triplet),
  .params = params,
  .forward_all = loss_forward,
  .args = {"anchor", "positive", "negative"},
  .example = {{.inputs = "4x3 4x3 4x3"},
              {.inputs = "4x3 4x3 4x3", .args = "margin = 0.5, p = 3, reduction = \"sum\""},
              {.inputs = "2x5 2x5 2x5", .args = "p = 1, swap = true, reduction = \"none\""},
              {.inputs = "4x3 4x3 4x3", .args = "margin = 0.8, swap = true"}},
};
#else

static double FN(distance)(int64_t n, const R *x, const R *z, const triplet_attr *a) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    double v = fabs((double)x[i] - (double)z[i] + a->eps);
    sum += a->p == 2 ? v * v : a->p == 1 ? v : pow(v, a->p);
  }
  return a->p == 2 ? sqrt(sum) : a->p == 1 ? sum : pow(sum, 1 / a->p);
}

/* One row's distances: how much the loss is above 0, and whether the negative was swapped. */
static double FN(row)(int64_t n, const R *const x[3], const triplet_attr *a, double *near,
                      double *far, bool *swapped) {
  *near = FN(distance)(n, x[0], x[1], a);
  *far = FN(distance)(n, x[0], x[2], a);
  double other = a->swap ? FN(distance)(n, x[1], x[2], a) : *far;
  *swapped = other < *far;
  if (*swapped) *far = other;
  return *near - *far + a->margin;
}

static nn_status FN(forward)(const nn_call *c) {
  int64_t rows = c->out->numel, n = rows ? c->in[0]->numel / rows : 0;
  R *y = nn_data(c->out);
  for (int64_t r = 0; r < rows; r++) {
    const R *x[3];
    double near, far;
    bool swapped;
    for (int k = 0; k < 3; k++) x[k] = (const R *)nn_data(c->in[k]) + r * n;
    double loss = FN(row)(n, x, c->attr, &near, &far, &swapped);
    y[r] = (R)(loss < 0 ? 0 : loss);
  }
  return NN_OK;
}

/* gx += g dd/dx, gz -= the same; either may be NULL */
static void FN(pull)(int64_t n, const R *x, const R *z, double d, double g, const triplet_attr *a,
                     R *gx, R *gz) {
  for (int64_t i = 0; i < n && d > 0; i++) {
    double v = (double)x[i] - (double)z[i] + a->eps, w = fabs(v) / d;
    double slope = a->p == 2 ? w : a->p == 1 ? 1 : pow(w, a->p - 1);
    slope = g * (v > 0 ? slope : v < 0 ? -slope : 0);
    if (gx) gx[i] += (R)slope;
    if (gz) gz[i] -= (R)slope;
  }
}

static nn_status FN(backward)(const nn_call *c) {
  int64_t rows = c->gout->numel, n = rows ? c->in[0]->numel / rows : 0;
  const R *gy = nn_data(c->gout);
  for (int k = 0; k < 3; k++)
    if (c->gin[k] && !c->add[k]) NN_TRY(nn_fill_into(c->ctx, c->gin[k], 0));
  for (int64_t r = 0; r < rows; r++) {
    const R *x[3];
    R *g[3];
    double near, far;
    bool swapped;
    for (int k = 0; k < 3; k++) {
      x[k] = (const R *)nn_data(c->in[k]) + r * n;
      g[k] = c->gin[k] ? (R *)nn_data(c->gin[k]) + r * n : NULL;
    }
    if (!(FN(row)(n, x, c->attr, &near, &far, &swapped) > 0)) continue;
    FN(pull)(n, x[0], x[1], near, (double)gy[r], c->attr, g[0], g[1]);
    int from = swapped ? 1 : 0;
    FN(pull)(n, x[from], x[2], far, -(double)gy[r], c->attr, g[from], g[2]);
  }
  return NN_OK;
}

#endif
