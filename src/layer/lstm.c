/*
 * layer/lstm.c: i, f, o = sigmoid, g = tanh of W_ih x + b_ih + W_hh h + b_hh (in the order i f g o);
 * c' = f c + i g, h' = o tanh(c') (Hochreiter, Schmidhuber 1997; Gers et al. 2000). The gates are
 * computed in place, a row of four at a time. Back through time, with T = tanh(c'):
 * dc' += dh' o (1 - T^2), di = dc' g, df = dc' c, dg = dc' i, do = dh' T, dc = dc' f.
 */
#ifndef R
#include <string.h>

#include "kernel/blas.h"
#include "kernel/names.h"
#include "kernel/vmath.h"
#include "layer/recurrent.h"

extern const nn_layer_class nn_layer_lstm;

static nn_status infer(const nn_call *c) {
  const nn_pass_attr *a = c->attr;
  nn_shape flat = nn_shape_1((a->n * a->t + a->n) * a->h), cells = nn_shape_2(a->n * a->t, a->h);
  nn_value_set(c->out, c->in[0]->dtype, &flat);
  nn_value_set(c->aux[0], c->in[0]->dtype, &c->in[0]->shape);
  nn_value_set(c->aux[1], c->in[0]->dtype, &cells);
  return NN_OK;
}

#define NN_SELF "layer/lstm.c"
#include "kernel/each_real.h"

/* aux: the gates (steps, n, 4 h), c of all steps (steps, n, h) */
static const nn_op op = {
  .name = "lstm",
  .nin = 4,
  .nout_aux = 2,
  .saves = NN_IN(1) | NN_IN(2) | NN_IN(3) | NN_OUT | NN_AUX(0) | NN_AUX(1),
  .attr_size = sizeof(nn_pass_attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

static const nn_cell cell = {.gates = 4, .cell_state = true, .op = &op};

static nn_status build(nn_ctx *ctx, nn_layer *l) {
  return nn_recurrent_build(ctx, l, cell.gates);
}

static nn_status forward_many(nn_ctx *ctx, nn_layer *l, int nin, nn_tensor *const *in,
                              nn_tensor **out) {
  (void)ctx;
  return nn_recurrent_forward(l, &cell, nin, in, out);
}

static const nn_param params[] = {NN_P_RECURRENT, NN_P_END};

const nn_layer_class nn_layer_lstm = {
  .name = "LSTM",
  .doc =
    "out, {h, c} = m(x, {h, c}): c' = f c + i g, h' = o tanh(c') step by step, with i, f, o = "
    "sigmoid and g = tanh of W_ih x + b_ih + W_hh h + b_hh. x: N x steps x input_size, out: N x "
    "steps x hidden_size (twice that when bidirectional), h and c: layers x N x hidden_size, "
    "zeros when none are given. Fields weight_ih_l0 (4 hidden_size, input_size; the gates in "
    "the order i f g o), weight_hh_l0, bias_ih_l0, bias_hh_l0, ..., from "
    "U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)). Hochreiter and Schmidhuber 1997.",
  .size = sizeof(nn_recurrent),
  .params = params,
  .build = build,
  .forward = nn_layer_forward_one,
  .forward_many = forward_many,
  .least = 1,
  .most = 3,
  .nout = 3,
  .state = 2,
  .example = {{.inputs = "2x3x4", .args = "4, 5"},
              {.inputs = "3x2x4 1x2x3 1x2x3", .args = "4, 3, batch_first = false"},
              {.inputs = "2x3x2 4x2x3 4x2x3",
               .args = "2, 3, layers = 2, bidirectional = true, bias = false, dropout = 0.25"},
              {.inputs = "2x1x2", .args = "2, 3"}},
};
#else

/* c = f c0 + i g; c0 is NULL for zeros */
NN_HOT static void FN(mix)(int64_t h, const R *restrict gate, const R *restrict c0, R *restrict c) {
  const R *i = gate, *f = gate + h, *g = gate + 2 * h;
  if (c0)
    for (int64_t k = 0; k < h; k++) c[k] = f[k] * c0[k] + i[k] * g[k];
  else
    for (int64_t k = 0; k < h; k++) c[k] = i[k] * g[k];
}

/* Activates the gates of a row and computes c and h from c before (NULL: zeros). */
NN_HOT static void FN(row)(int64_t h, R *gate, const R *c0, R *c, R *restrict y) {
  const R *restrict o = gate + 3 * h;
  FN(nn_v_sigmoid)(2 * h, gate, gate);
  FN(nn_v_tanh)(h, gate + 2 * h, gate + 2 * h);
  FN(nn_v_sigmoid)(h, gate + 3 * h, gate + 3 * h);
  FN(mix)(h, gate, c0, c);
  FN(nn_v_tanh)(h, c, y);
  for (int64_t k = 0; k < h; k++) y[k] *= o[k];
}

static nn_status FN(forward)(const nn_call *c) {
  const nn_pass_attr *a = c->attr;
  const int64_t h = a->h, rows = a->n * a->t, size = a->n * h; /* of a step */
  const R *gx = nn_data(c->in[0]), *w = nn_data(c->in[1]),
          *h0 = a->state ? nn_data(c->in[2]) : NULL;
  const R *c0 = a->state ? nn_data(c->in[3]) : NULL;
  R *y = nn_data(c->out), *gates = nn_data(c->aux[0]), *cs = nn_data(c->aux[1]);
  int64_t lead = h;
  const int threads = nn_threads_for(c->ctx, size * 16);
  for (int64_t s = 0; s < a->t && a->n > 0; s++) {
    const int64_t t = nn_pass_time(a, s);
    R *gate = gates + t * 4 * size, *now = cs + t * size, *out = y + t * a->st * h;
    memcpy(gate, gx + t * 4 * size, (size_t)(4 * size) * sizeof *gate);
    if (h0) FN(nn_gemm)(false, true, a->n, 4 * h, h, 1, h0, lead, w, h, 1, gate, 4 * h);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t n = 0; n < a->n; n++)
      FN(row)(h, gate + n * 4 * h, c0 ? c0 + n * h : NULL, now + n * h, out + n * a->sn * h);
    h0 = out;
    c0 = now;
    lead = a->sn * h;
    NN_TRY(nn_poll(c->ctx));
  }
  if (size > 0) memcpy(y + rows * h, c0, (size_t)size * sizeof *y); /* the last c, behind all h */
  return NN_OK;
}

/* One row back: gate (i f g o), c, c before, dh in; dc changed to that of the step before; d: the
   gradients of the four. (Ten streams: without `restrict` the loop would not be vectorised.) */
NN_HOT static void FN(row_back)(int64_t h, const R *restrict gate, const R *restrict c,
                                const R *restrict c0, const R *restrict gy, const R *restrict dh,
                                R *restrict dc, R *restrict d) {
  const R *i = gate, *f = gate + h, *g = gate + 2 * h, *o = gate + 3 * h;
  R *t = d + 3 * h; /* tanh(c), until do takes its place */
  FN(nn_v_tanh)(h, c, t);
  for (int64_t k = 0; k < h; k++) {
    R all = gy[k] + dh[k], e = dc[k] + all * o[k] * (1 - t[k] * t[k]);
    d[k] = e * g[k] * i[k] * (1 - i[k]);
    d[h + k] = e * f[k] * (1 - f[k]);
    d[2 * h + k] = e * i[k] * (1 - g[k] * g[k]);
    t[k] = all * t[k] * o[k] * (1 - o[k]);
    dc[k] = e * f[k];
  }
  for (int64_t k = 0; k < h && c0; k++) d[h + k] *= c0[k];
  if (!c0) memset(d + h, 0, (size_t)h * sizeof *d);
}

/* d (steps, n, 4 h) */
static void FN(through_time)(const nn_call *c, R *d, R *dh, R *dc) {
  const nn_pass_attr *a = c->attr;
  const int64_t h = a->h, size = a->n * h; /* of a step */
  const R *w = nn_data(c->in[1]), *first = a->state ? nn_data(c->in[3]) : NULL;
  const R *gates = nn_data(c->aux[0]), *cs = nn_data(c->aux[1]), *gy = nn_data(c->gout);
  const int threads = nn_threads_for(c->ctx, size * 16);
  for (int64_t s = a->t - 1; s >= 0; s--) {
    const int64_t t = nn_pass_time(a, s);
    const R *gate = gates + t * 4 * size, *c1 = cs + t * size, *g = gy + t * a->st * h;
    const R *c0 = s ? cs + nn_pass_time(a, s - 1) * size : first;
    R *to = d + t * 4 * size;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t n = 0; n < a->n; n++) FN(row_back)
    (h, gate + n * 4 * h, c1 + n * h, c0 ? c0 + n * h : NULL, g + n * a->sn * h, dh + n * h,
     dc + n * h, to + n * 4 * h);
    if (s || a->state) FN(nn_gemm)(false, false, a->n, h, 4 * h, 1, to, 4 * h, w, h, 0, dh, h);
  }
}

static nn_status FN(backward)(const nn_call *c) {
  const nn_pass_attr *a = c->attr;
  const int64_t h = a->h, rows = a->n * a->t;
  const R *gy = nn_data(c->gout);
  if (rows == 0) return nn_pass_nothing(c);
  const bool direct = c->gin[0] && !c->add[0];
  const size_t bytes = (size_t)((direct ? 0 : 4 * rows) + rows + 2 * a->n) * (size_t)h * sizeof(R);
  R *dh = nn_mem_take(c->ctx, bytes);
  if (!dh) return NN_ENOMEM;
  R *dc = dh + a->n * h, *prev = dc + a->n * h;
  R *d = direct ? nn_data(c->gin[0]) : prev + rows * h;
  memset(dh, 0, (size_t)(a->n * h) * sizeof *dh);
  memcpy(dc, gy + rows * h, (size_t)(a->n * h) * sizeof *dc);
  FN(through_time)(c, d, dh, dc);
  if (c->gin[1]) {
    FN(nn_pass_previous)(a, nn_data(c->out), a->state ? nn_data(c->in[2]) : NULL, prev);
    FN(nn_gemm)
    (true, false, 4 * h, h, rows, 1, d, 4 * h, prev, h, c->add[1], nn_data(c->gin[1]), h);
  }
  if (!direct) FN(nn_pass_give)(c, 0, 4 * rows * h, d);
  if (a->state) FN(nn_pass_give)(c, 2, a->n * h, dh);
  if (a->state) FN(nn_pass_give)(c, 3, a->n * h, dc);
  nn_mem_give(c->ctx, dh, bytes);
  return nn_poll(c->ctx);
}

#endif
