/*
 * op/multinomial.c: places drawn at random, each with the probability that its weight says.
 *
 * With replacement: the place whose share of the sum a uniform number falls into. Without: the n
 * smallest of -log(u) / weight, which is drawing one after the other (Efraimidis, Spirakis: "Weighted
 * random sampling with a reservoir", 2006).
 */
#ifndef R
#include <math.h>

#include "grad/op.h"
#include "kernel/names.h"
#include "kernel/random.h"
#include "kernel/sort.h"

typedef struct multinomial_attr {
  int64_t n;
  bool replacement;
} multinomial_attr;

extern const nn_op nn_op_multinomial;

/* What one row needs. */
typedef struct row {
  int64_t n;      /* how many weights */
  double *weight; /* (n): the weights, then their running sums or the keys */
  double *draw;   /* (n, or as many as are drawn): uniform */
  void *room;
} row;

static int64_t draws_of(const nn_call *c, int64_t n) {
  const multinomial_attr *a = c->attr;
  return a->replacement ? a->n : n;
}

static nn_status with_replacement(nn_ctx *ctx, row *r, int64_t k, int64_t *y) {
  for (int64_t i = 1; i < r->n; i++) r->weight[i] += r->weight[i - 1];
  nn_random_uniform_f64(&ctx->rng, NN_RNG_USER, k, 0, 1, r->draw);
  for (int64_t i = 0; i < k; i++) {
    double x = r->draw[i] * r->weight[r->n - 1];
    int64_t lo = 0, hi = r->n - 1; /* the first running sum above x */
    while (lo < hi) {
      int64_t mid = lo + (hi - lo) / 2;
      if (r->weight[mid] > x)
        hi = mid;
      else
        lo = mid + 1;
    }
    while (lo > 0 && r->weight[lo] == r->weight[lo - 1]) lo--; /* never one of no weight */
    y[i] = lo + 1;
  }
  return NN_OK;
}

static nn_status without_replacement(nn_ctx *ctx, row *r, int64_t k, int64_t *y) {
  const double *value;
  const int64_t *place;
  nn_random_uniform_f64(&ctx->rng, NN_RNG_USER, r->n, 0, 1, r->draw);
  for (int64_t i = 0; i < r->n; i++)
    r->weight[i] = r->weight[i] > 0 ? -log1p(-r->draw[i]) / r->weight[i] : (double)INFINITY;
  NN_TRY(nn_sort_f64(ctx, r->n, r->weight, 1, false, k, r->room, &value, &place));
  for (int64_t i = 0; i < k; i++) y[i] = place[i];
  return NN_OK;
}

static nn_status check_weights(const nn_call *c, const row *r, int64_t line) {
  const multinomial_attr *a = c->attr;
  double sum = 0;
  int64_t positive = 0;
  for (int64_t i = 0; i < r->n; i++) {
    double w = r->weight[i];
    if (!(w >= 0) || !isfinite(w))
      return nn_fail(
        c->ctx, NN_EVALUE,
        "multinomial: weights are finite and not negative, got %g at place %lld of row "
        "%lld",
        w, (long long)i + 1, (long long)line + 1);
    positive += w > 0;
    sum += w;
  }
  if (positive == 0 && a->n > 0)
    return nn_fail(c->ctx, NN_EVALUE, "multinomial: row %lld has no weight above 0",
                   (long long)line + 1);
  if (!isfinite(sum))
    return nn_fail(c->ctx, NN_EVALUE, "multinomial: the weights of row %lld have no finite sum",
                   (long long)line + 1);
  if (!a->replacement && a->n > positive)
    return nn_fail(c->ctx, NN_EVALUE,
                   "multinomial: %lld different ones cannot be drawn from %lld with a weight above "
                   "0; {replacement = true} draws the same more than once",
                   (long long)a->n, (long long)positive);
  return NN_OK;
}

#define NN_SELF "op/multinomial.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  nn_shape s = c->in[0]->shape;
  nn_text t;
  if (s.ndim < 1 || s.ndim > 2)
    return nn_fail(c->ctx, NN_ESHAPE,
                   "multinomial: wants a list of weights, or rows of them, got %s",
                   nn_value_text(&t, c->in[0]));
  s.dim[s.ndim - 1] = ((const multinomial_attr *)c->attr)->n;
  nn_value_set(c->out, NN_I64, &s);
  return NN_OK;
}

static const nn_param params[] = {
  NN_P_AT(multinomial_attr, n, 0, NN_DIM_MAX, "how many to draw from each row"),
  {.name = "replacement",
   .kind = NN_PARAM_BOOL,
   .offset = offsetof(multinomial_attr, replacement),
   .flags = NN_P_PLACE,
   .hi = 1,
   .doc = "the same may be drawn more than once"},
  NN_P_END};

const nn_op nn_op_multinomial = {
  .name = "multinomial",
  .doc = "Places (int64, from 1) drawn at random from a list of weights, or from each row of a "
         "matrix of them; no place twice unless replacement is true.",
  .args = "weights",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .attr_size = sizeof(multinomial_attr),
  .params = params,
  .infer = infer,
  .forward = NN_BOTH(forward),
  .no_grad = true,
  .example = {{.inputs = "5", .args = "3", .lo = 0.1, .hi = 1},
              {.inputs = "2x4", .args = "6, true", .lo = 0.1, .hi = 1}},
};
#else

static nn_status FN(forward)(const nn_call *c) {
  const nn_value *x = c->in[0];
  int64_t n = x->shape.dim[x->shape.ndim - 1], k = ((const multinomial_attr *)c->attr)->n;
  int64_t rows = x->shape.ndim == 2 ? x->shape.dim[0] : 1, draws = draws_of(c, n);
  size_t bytes = (size_t)(n + draws) * sizeof(double);
  const R *w = nn_data(x);
  int64_t *y = nn_data(c->out);
  nn_status st = NN_OK;
  row r = {.n = n, .weight = nn_mem_take(c->ctx, bytes)};
  if (!r.weight || !(r.room = nn_mem_take(c->ctx, nn_sort_room(n)))) NN_GO(NN_ENOMEM);
  r.draw = r.weight + n;
  for (int64_t i = 0; i < rows; i++, y += k) {
    for (int64_t j = 0; j < n; j++) r.weight[j] = (double)w[i * n + j];
    NN_GO(check_weights(c, &r, i));
    if (k > 0 && ((const multinomial_attr *)c->attr)->replacement)
      NN_GO(with_replacement(c->ctx, &r, k, y));
    else if (k > 0)
      NN_GO(without_replacement(c->ctx, &r, k, y));
  }
done:
  nn_mem_give(c->ctx, r.weight, bytes);
  nn_mem_give(c->ctx, r.room, nn_sort_room(n));
  return st;
}

#endif
