/*
 * layer/rnn.c: h' = f(W_ih x + b_ih + W_hh h + b_hh), f tanh or ReLU (Elman 1990). Back through time
 * with d = dh' f': dW_hh is the sum of d h^T, dh = W_hh^T d.
 */
#ifndef R
#include <string.h>

#include "kernel/blas.h"
#include "kernel/names.h"
#include "kernel/vmath.h"
#include "layer/recurrent.h"

extern const nn_layer_class nn_layer_rnn;

static nn_status infer(const nn_call *c) {
  const nn_shape y = nn_pass_shape(c->attr);
  nn_value_set(c->out, c->in[0]->dtype, &y);
  return NN_OK;
}

#define NN_SELF "layer/rnn.c"
#include "kernel/each_real.h"

static const nn_op op = {
  .name = "rnn",
  .nin = 3,
  .saves = NN_IN(1) | NN_IN(2) | NN_OUT,
  .attr_size = sizeof(nn_pass_attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

static const nn_cell cell = {.gates = 1, .op = &op};

static nn_status build(nn_ctx *ctx, nn_layer *l) {
  return nn_recurrent_build(ctx, l, cell.gates);
}

static nn_status forward_many(nn_ctx *ctx, nn_layer *l, int nin, nn_tensor *const *in,
                              nn_tensor **out) {
  (void)ctx;
  return nn_recurrent_forward(l, &cell, nin, in, out);
}

static const char *const functions[] = {"tanh", "relu", NULL};

static const nn_param params[] = {
  NN_P_RECURRENT,
  NN_P_ENUM(nn_recurrent, nonlinearity, "tanh", functions, "the function of each step"), NN_P_END};

const nn_layer_class nn_layer_rnn = {
  .name = "RNN",
  .doc =
    "out, h = m(x, h): h' = tanh(W_ih x + b_ih + W_hh h + b_hh) step by step (max(., 0) with "
    "nonlinearity = \"relu\"). x: N x steps x input_size, out: N x steps x hidden_size (twice that "
    "when bidirectional), h: layers x N x hidden_size, zeros when none is given. Fields "
    "weight_ih_l0 (hidden_size, input_size), weight_hh_l0 (hidden_size, hidden_size), bias_ih_l0, "
    "bias_hh_l0, ..., from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)). Elman 1990.",
  .size = sizeof(nn_recurrent),
  .params = params,
  .build = build,
  .forward = nn_layer_forward_one,
  .forward_many = forward_many,
  .least = 1,
  .most = 2,
  .nout = 2,
  .state = 1,
  .example = {{.inputs = "2x3x4", .args = "4, 5"},
              {.inputs = "3x2x4 1x2x3",
               .args = "4, 3, batch_first = false, nonlinearity = \"relu\""},
              {.inputs = "2x3x2 4x2x3",
               .args = "2, 3, layers = 2, bidirectional = true, bias = false, dropout = 0.25"},
              {.inputs = "2x1x2", .args = "2, 3"}},
};
#else

/* y: the result at one step, its rows sn apart */
NN_HOT static void FN(bend)(const nn_pass_attr *a, R *y) {
  for (int64_t n = 0; n < a->n; n++) {
    R *row = y + n * a->sn * a->h;
    if (!a->relu) FN(nn_v_tanh)(a->h, row, row);
    for (int64_t i = 0; i < a->h && a->relu; i++)
      row[i] = row[i] > 0 ? row[i] : row[i] == row[i] ? 0 : row[i];
  }
}

static nn_status FN(forward)(const nn_call *c) {
  const nn_pass_attr *a = c->attr;
  const int64_t h = a->h, ld = a->sn * h;
  const R *gx = nn_data(c->in[0]), *w = nn_data(c->in[1]);
  const R *before = a->state ? nn_data(c->in[2]) : NULL;
  R *y = nn_data(c->out);
  int64_t lead = h;
  for (int64_t i = 0; i < a->t && a->n > 0; i++) {
    int64_t t = nn_pass_time(a, i);
    R *row = y + t * a->st * h;
    for (int64_t n = 0; n < a->n; n++)
      memcpy(row + n * ld, gx + (t * a->n + n) * h, (size_t)h * sizeof *row);
    if (before) FN(nn_gemm)(false, true, a->n, h, h, 1, before, lead, w, h, 1, row, ld);
    FN(bend)(a, row);
    before = row;
    lead = ld;
    NN_TRY(nn_poll(c->ctx));
  }
  return NN_OK;
}

/* d = (gy + back) f' at step t; d (steps, n, h) */
NN_HOT static void FN(slope)(const nn_pass_attr *a, int64_t t, const R *restrict y,
                             const R *restrict gy, const R *restrict back, R *restrict d) {
  for (int64_t n = 0; n < a->n; n++) {
    const int64_t at = (n * a->sn + t * a->st) * a->h, to = (t * a->n + n) * a->h;
    for (int64_t i = 0; i < a->h; i++) {
      R g = gy[at + i] + back[n * a->h + i], v = y[at + i];
      d[to + i] = a->relu ? (v > 0 ? g : 0) : g * (1 - v * v);
    }
  }
}

static nn_status FN(backward)(const nn_call *c) {
  const nn_pass_attr *a = c->attr;
  const int64_t h = a->h, rows = a->n * a->t;
  const R *w = nn_data(c->in[1]), *y = nn_data(c->out), *gy = nn_data(c->gout);
  if (rows == 0) return nn_pass_nothing(c);
  const size_t bytes = (size_t)(2 * rows * h + a->n * h) * sizeof(R);
  R *d = nn_mem_take(c->ctx, bytes);
  if (!d) return NN_ENOMEM;
  R *prev = d + rows * h, *back = prev + rows * h;
  memset(back, 0, (size_t)(a->n * h) * sizeof *back);
  for (int64_t i = a->t - 1; i >= 0; i--) {
    int64_t t = nn_pass_time(a, i);
    FN(slope)(a, t, y, gy, back, d);
    FN(nn_gemm)(false, false, a->n, h, h, 1, d + t * a->n * h, h, w, h, 0, back, h);
  }
  if (c->gin[1]) {
    FN(nn_pass_previous)(a, y, a->state ? nn_data(c->in[2]) : NULL, prev);
    FN(nn_gemm)
    (true, false, h, h, rows, 1, d, h, prev, h, c->add[1], nn_data(c->gin[1]), h);
  }
  FN(nn_pass_give)(c, 0, rows * h, d);
  if (a->state) FN(nn_pass_give)(c, 2, a->n * h, back);
  nn_mem_give(c->ctx, d, bytes);
  return nn_poll(c->ctx);
}

#endif
