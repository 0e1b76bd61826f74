/* op/softmax.c: y_i = e^x_i / sum e^x along a dimension; dx = y (dy - sum(dy y)) */
#ifndef R
#include "grad/axis.h"
#include "kernel/names.h"
#include "kernel/reduce.h"

extern const nn_op nn_op_softmax;

#define NN_SELF "op/softmax.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  return nn_infer_same(c);
}

const nn_op nn_op_softmax = {
  .name = "softmax",
  .doc = "e^x / sum(e^x) along a dimension (the last unless told): positive, sums to 1, finite at "
         "any score.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .saves = NN_OUT,
  .attr_size = sizeof(nn_axis_attr),
  .params = nn_axis_dim_params,
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "2x3"}, {.inputs = "2x3x4", .args = "2"}},
};
#else

/* Rows lo .. hi - 1. Each is read from memory while the one before is computed. */
static void FN(rows)(int64_t lo, int64_t hi, int64_t n, const R *x, R *y) {
  enum { LINE = 64 / sizeof(R), NEXT = 1 << 14 };
  for (int64_t r = lo; r < hi; r++) {
    const R *next = x + (r + 1) * n;
    for (int64_t i = 0; r + 1 < hi && n <= NEXT / (int)sizeof(R) && i < n; i += LINE)
      __builtin_prefetch(next + i);
    FN(nn_softmax_row)(n, x + r * n, y + r * n);
  }
}

static void FN(all_rows)(const nn_ctx *ctx, int64_t rows, int64_t n, const R *x, R *y) {
  const int threads = rows > 1 ? nn_threads_for(ctx, rows * n) : 1;
  if (threads == 1) {
    FN(rows)(0, rows, n, x, y);
    return;
  }
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int t = 0; t < threads; t++) FN(rows)(rows * t / threads, rows * (t + 1) / threads, n, x, y);
}

/* Rows along a strided axis are gathered, so that one function serves all. */
static nn_status FN(forward)(const nn_call *c) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  const R *x = nn_data(c->in[0]);
  R *y = nn_data(c->out), *row = NULL;
  if (a.inner > 1 && !(row = nn_mem_take(c->ctx, (size_t)a.n * sizeof(R)))) return NN_ENOMEM;
  if (!row) { /* the inner dimensions may be empty */
    FN(all_rows)(c->ctx, a.outer * a.inner, a.n, x, y);
    return NN_OK;
  }
  for (int64_t o = 0; o < a.outer; o++)
    for (int64_t r = 0; r < a.inner; r++) {
      int64_t at = o * a.n * a.inner + r;
      for (int64_t i = 0; i < a.n; i++) row[i] = x[at + i * a.inner];
      FN(nn_softmax_row)(a.n, row, row);
      for (int64_t i = 0; i < a.n; i++) y[at + i * a.inner] = row[i];
    }
  nn_mem_give(c->ctx, row, (size_t)a.n * sizeof(R));
  return NN_OK;
}

/* gx (+)= y (gy - sum(gy y)) */
NN_HOT static void FN(back_row)(int64_t n, const R *y, const R *gy, bool add, R *gx) {
  const R dot = (R)FN(nn_products)(n, gy, y);
  for (int64_t i = 0; i < n; i++) gx[i] = (add ? gx[i] : 0) + y[i] * (gy[i] - dot);
}

/* The same along a strided axis; `row` has room for three lines. */
static void FN(back_strided)(const nn_axis *a, const R *y, const R *gy, bool add, R *gx, R *row) {
  R *const g = row + a->n, *const to = g + a->n;
  for (int64_t i = 0, k = 0; i < a->n; i++, k += a->inner) {
    row[i] = y[k];
    g[i] = gy[k];
    to[i] = add ? gx[k] : 0;
  }
  FN(back_row)(a->n, row, g, true, to);
  for (int64_t i = 0; i < a->n; i++) gx[i * a->inner] = to[i];
}

static nn_status FN(backward)(const nn_call *c) {
  nn_axis a = {1, 1, 1};
  NN_TRY(nn_call_axis(c, &a));
  const R *y = nn_data(c->out), *gy = nn_data(c->gout);
  R *gx = nn_data(c->gin[0]), *row = NULL;
  const bool add = c->add[0];
  const size_t bytes = 3 * (size_t)a.n * sizeof(R);
  if (a.inner == 1) {
    const int threads = a.outer > 1 ? nn_threads_for(c->ctx, a.outer * a.n) : 1;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t o = 0; o < a.outer; o++)
      FN(back_row)(a.n, y + o * a.n, gy + o * a.n, add, gx + o * a.n);
    return NN_OK;
  }
  if (!(row = nn_mem_take(c->ctx, bytes))) return NN_ENOMEM;
  for (int64_t o = 0; o < a.outer; o++)
    for (int64_t r = 0; r < a.inner; r++) {
      const int64_t at = o * a.n * a.inner + r;
      FN(back_strided)(&a, y + at, gy + at, add, gx + at, row);
    }
  nn_mem_give(c->ctx, row, bytes);
  return NN_OK;
}

#endif
