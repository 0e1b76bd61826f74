/*
 * layer/gru.c: r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh), m = tanh(W_in x + b_in + r (W_hn h +
 * b_hn)), h' = (1 - z) m + z h (Cho et al. 2014, the reset gate behind the product as in cuDNN; the
 * parameters in the order r z n).
 */
#ifndef R
#include <string.h>

#include "kernel/blas.h"
#include "kernel/names.h"
#include "kernel/reduce.h"
#include "kernel/vmath.h"
#include "layer/recurrent.h"

extern const nn_layer_class nn_layer_gru;

static nn_status infer(const nn_call *c) {
  const nn_pass_attr *a = c->attr;
  const nn_shape y = nn_pass_shape(a), part = nn_shape_2(a->n * a->t, a->h);
  nn_value_set(c->out, c->in[0]->dtype, &y);
  nn_value_set(c->aux[0], c->in[0]->dtype, &c->in[0]->shape);
  nn_value_set(c->aux[1], c->in[0]->dtype, &part);
  return NN_OK;
}

#define NN_SELF "layer/gru.c"
#include "kernel/each_real.h"

/* aux: the gates r z m (steps, n, 3 h), W_hn h + b_hn (steps, n, h) */
static const nn_op op = {
  .name = "gru",
  .nin = 4,
  .nout_aux = 2,
  .saves = NN_IN(1) | NN_IN(2) | NN_IN(3) | NN_OUT | NN_AUX(0) | NN_AUX(1),
  .attr_size = sizeof(nn_pass_attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

static const nn_cell cell = {.gates = 3, .own_bias = true, .op = &op};

static nn_status build(nn_ctx *ctx, nn_layer *l) {
  return nn_recurrent_build(ctx, l, cell.gates);
}

static nn_status forward_many(nn_ctx *ctx, nn_layer *l, int nin, nn_tensor *const *in,
                              nn_tensor **out) {
  (void)ctx;
  return nn_recurrent_forward(l, &cell, nin, in, out);
}

static const nn_param params[] = {NN_P_RECURRENT, NN_P_END};

const nn_layer_class nn_layer_gru = {
  .name = "GRU",
  .doc =
    "out, h = m(x, h): h' = (1 - z) n + z h step by step, with r, z = sigmoid(W_ih x + b_ih + "
    "W_hh h + b_hh) and n = tanh(W_in x + b_in + r (W_hn h + b_hn)). x: N x steps x input_size, "
    "out: N x steps x hidden_size (twice that when bidirectional), h: layers x N x hidden_size, "
    "zeros when none is given. Fields weight_ih_l0 (3 hidden_size, input_size; the gates in "
    "the order r z n), weight_hh_l0, bias_ih_l0, bias_hh_l0, ..., from "
    "U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)). Cho et al. 2014.",
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
              {.inputs = "3x2x4 1x2x3", .args = "4, 3, batch_first = false"},
              {.inputs = "2x3x2 4x2x3",
               .args = "2, 3, layers = 2, bidirectional = true, bias = false, dropout = 0.25"},
              {.inputs = "2x1x2", .args = "2, 3"}},
};
#else

/* gate holds gx on entry, u (h) the product with the state before; p: all three parts of it */
NN_HOT static void FN(row)(int64_t h, R *restrict gate, const R *restrict p, R *restrict u,
                           const R *restrict h0, R *restrict y) {
  R *r = gate, *z = gate + h, *m = gate + 2 * h;
  for (int64_t k = 0; k < 2 * h; k++) r[k] += p[k];
  FN(nn_v_sigmoid)(2 * h, r, r);
  for (int64_t k = 0; k < h; k++) {
    u[k] = p[2 * h + k];
    m[k] += r[k] * u[k];
  }
  FN(nn_v_tanh)(h, m, m);
  for (int64_t k = 0; k < h; k++) y[k] = m[k] + z[k] * ((h0 ? h0[k] : 0) - m[k]);
}

static nn_status FN(forward)(const nn_call *c) {
  const nn_pass_attr *a = c->attr;
  const int64_t h = a->h, size = a->n * h; /* of a step */
  const R *gx = nn_data(c->in[0]), *w = nn_data(c->in[1]), *b = a->bias ? nn_data(c->in[2]) : NULL;
  const R *h0 = a->state ? nn_data(c->in[2 + a->bias]) : NULL;
  R *y = nn_data(c->out), *gates = nn_data(c->aux[0]), *us = nn_data(c->aux[1]);
  const size_t bytes = (size_t)(3 * size) * sizeof(R);
  const int threads = nn_threads_for(c->ctx, size * 12);
  R *p = nn_mem_take(c->ctx, bytes); /* (n, 3 h) */
  int64_t lead = h;
  nn_status st = NN_OK;
  if (!p) return NN_ENOMEM;
  for (int64_t s = 0; s < a->t && a->n > 0 && st == NN_OK; s++) {
    const int64_t t = nn_pass_time(a, s);
    R *gate = gates + t * 3 * size, *u = us + t * size, *out = y + t * a->st * h;
    memcpy(gate, gx + t * 3 * size, bytes);
    for (int64_t n = 0; n < a->n; n++)
      for (int64_t k = 0; k < 3 * h; k++) p[n * 3 * h + k] = b ? b[k] : 0;
    if (h0) FN(nn_gemm)(false, true, a->n, 3 * h, h, 1, h0, lead, w, h, 1, p, 3 * h);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t n = 0; n < a->n; n++) FN(row)
    (h, gate + n * 3 * h, p + n * 3 * h, u + n * h, h0 ? h0 + n * lead : NULL, out + n * a->sn * h);
    h0 = out;
    lead = a->sn * h;
    st = nn_poll(c->ctx);
  }
  nn_mem_give(c->ctx, p, bytes);
  return st;
}

/* One row back. dh becomes what goes straight to the state before; d: gradients of gx; e: of the
   product with the state, which differs in its last third. */
NN_HOT static void FN(row_back)(int64_t h, const R *restrict gate, const R *restrict u,
                                const R *restrict h0, const R *restrict gy, R *restrict dh,
                                R *restrict d, R *restrict e) {
  const R *r = gate, *z = gate + h, *m = gate + 2 * h;
  for (int64_t k = 0; k < h; k++) {
    R all = gy[k] + dh[k], dm = all * (1 - z[k]) * (1 - m[k] * m[k]);
    d[k] = e[k] = dm * u[k] * r[k] * (1 - r[k]);
    d[h + k] = e[h + k] = all * ((h0 ? h0[k] : 0) - m[k]) * z[k] * (1 - z[k]);
    d[2 * h + k] = dm;
    e[2 * h + k] = dm * r[k];
    dh[k] = all * z[k];
  }
}

/* d, e (steps, n, 3 h), prev (steps, n, h) */
static void FN(through_time)(const nn_call *c, R *d, R *e, const R *prev, R *dh) {
  const nn_pass_attr *a = c->attr;
  const int64_t h = a->h;
  const R *w = nn_data(c->in[1]), *gate = nn_data(c->aux[0]), *u = nn_data(c->aux[1]);
  const R *gy = nn_data(c->gout);
  const int threads = nn_threads_for(c->ctx, a->n * h * 12);
  for (int64_t s = a->t - 1; s >= 0; s--) {
    const int64_t t = nn_pass_time(a, s), at = t * a->n;
    const R *g = gy + t * a->st * h;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t n = 0; n < a->n; n++) {
      const int64_t r = at + n;
      FN(row_back)
      (h, gate + r * 3 * h, u + r * h, prev + r * h, g + n * a->sn * h, dh + n * h, d + r * 3 * h,
       e + r * 3 * h);
    }
    if (s || a->state)
      FN(nn_gemm)(false, false, a->n, h, 3 * h, 1, e + at * 3 * h, 3 * h, w, h, 1, dh, h);
  }
}

static nn_status FN(backward)(const nn_call *c) {
  const nn_pass_attr *a = c->attr;
  const int64_t h = a->h, rows = a->n * a->t;
  const int first = 2 + a->bias;
  if (rows == 0) return nn_pass_nothing(c);
  const size_t bytes = (size_t)(7 * rows + a->n) * (size_t)h * sizeof(R);
  R *d = nn_mem_take(c->ctx, bytes);
  if (!d) return NN_ENOMEM;
  R *e = d + 3 * rows * h, *prev = e + 3 * rows * h, *dh = prev + rows * h;
  memset(dh, 0, (size_t)(a->n * h) * sizeof *dh);
  FN(nn_pass_previous)(a, nn_data(c->out), a->state ? nn_data(c->in[first]) : NULL, prev);
  FN(through_time)(c, d, e, prev, dh);
  if (c->gin[1]) FN(nn_gemm)
  (true, false, 3 * h, h, rows, 1, e, 3 * h, prev, h, c->add[1], nn_data(c->gin[1]), h);
  if (a->bias && c->gin[2])
    FN(nn_sum_cols)(c->ctx, rows, 3 * h, e, 1, c->add[2], nn_data(c->gin[2]));
  FN(nn_pass_give)(c, 0, 3 * rows * h, d);
  if (a->state) FN(nn_pass_give)(c, first, a->n * h, dh);
  nn_mem_give(c->ctx, d, bytes);
  return nn_poll(c->ctx);
}

#endif
