/* op/log_softmax.c: y = x - log sum e^x along a dimension; dx = dy - e^y sum(dy) */
#ifndef R
#include "grad/axis.h"
#include "kernel/names.h"
#include "kernel/reduce.h"
#include "kernel/vmath.h"

extern const nn_op nn_op_log_softmax;

#define NN_SELF "op/log_softmax.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  return nn_infer_same(c);
}

const nn_op nn_op_log_softmax = {
  .name = "log_softmax",
  .doc =
    "The logarithm of softmax along a dimension (the last unless told), finite where its input is.",
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

NN_HOT static void FN(less)(int64_t n, const R *x, double max, double lse, R *y) {
  for (int64_t i = 0; i < n; i++) y[i] = (R)((double)x[i] - max - lse);
}

static void FN(row)(int64_t n, const R *x, R *y) {
  double max, lse;
  FN(nn_logsum_row)(n, x, &max, &lse);
  FN(less)(n, x, max, lse, y);
}

/* Rows along a strided axis are gathered, so that one function serves all. */
static nn_status FN(forward)(const nn_call *c) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  const R *x = nn_data(c->in[0]);
  R *y = nn_data(c->out), *row = nn_mem_take(c->ctx, (size_t)a.n * sizeof(R));
  if (!row) return NN_ENOMEM;
  for (int64_t o = 0; o < a.outer; o++)
    for (int64_t r = 0; r < a.inner; r++) {
      int64_t at = o * a.n * a.inner + r;
      if (a.inner == 1) {
        FN(row)(a.n, x + at, y + at);
        continue;
      }
      for (int64_t i = 0; i < a.n; i++) row[i] = x[at + i * a.inner];
      FN(row)(a.n, row, row);
      for (int64_t i = 0; i < a.n; i++) y[at + i * a.inner] = row[i];
    }
  nn_mem_give(c->ctx, row, (size_t)a.n * sizeof(R));
  return NN_OK;
}

/* gx (+)= gy - sum e, e = exp y */
NN_HOT static void FN(back)(int64_t n, const R *gy, R sum, const R *e, bool add, R *gx) {
  for (int64_t i = 0; i < n; i++) gx[i] = (add ? gx[i] : 0) + gy[i] - e[i] * sum;
}

static void FN(back_row)(const nn_ctx *ctx, int64_t n, const R *y, const R *gy, bool add, R *gx,
                         R *e) {
  FN(nn_v_exp)(n, y, e);
  FN(back)(n, gy, (R)FN(nn_total)(ctx, n, gy), e, add, gx);
}

static nn_status FN(backward)(const nn_call *c) {
  nn_axis a = {1, 1, 1};
  NN_TRY(nn_call_axis(c, &a));
  const R *y = nn_data(c->out), *gy = nn_data(c->gout);
  const size_t bytes = 3 * (size_t)a.n * sizeof(R);
  R *gx = nn_data(c->gin[0]), *row = nn_mem_take(c->ctx, bytes);
  const bool add = c->add[0];
  if (!row) return NN_ENOMEM;
  R *const g = row + a.n, *const to = g + a.n;
  for (int64_t o = 0; o < a.outer; o++)
    for (int64_t r = 0; r < a.inner; r++) {
      int64_t at = o * a.n * a.inner + r;
      if (a.inner == 1) {
        FN(back_row)(c->ctx, a.n, y + at, gy + at, add, gx + at, row);
        continue;
      }
      for (int64_t i = 0, k = at; i < a.n; i++, k += a.inner) {
        row[i] = y[k];
        g[i] = gy[k];
        to[i] = add ? gx[k] : 0;
      }
      FN(back_row)(c->ctx, a.n, row, g, true, to, row);
      for (int64_t i = 0; i < a.n; i++) gx[at + i * a.inner] = to[i];
    }
  nn_mem_give(c->ctx, row, bytes);
  return NN_OK;
}

#endif
