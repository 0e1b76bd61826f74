/* op/logsumexp.c: y = log sum e^x; dx = dy e^(x - y) */
#ifndef R
#include <math.h>

#include "grad/lines.h"
#include "kernel/fold.h"
#include "kernel/names.h"
#include "kernel/vmath.h"

enum { LANES = 16, PIECE = 512 };

/* sum e^x = e^top sum, with nothing that overflows; the empty sum has top -infinity. */
typedef struct scaled {
  double top, sum;
} scaled;

extern const nn_op nn_op_logsumexp;

/* sum e^(x - to), given sum e^(x - from): at the infinities the difference would be NaN. */
static double rescale(const scaled *s, double to) {
  return s->top == to ? s->sum : s->sum * exp(s->top - to);
}

static void join(void *into, int64_t m, const void *from, int64_t n) {
  scaled *a = into;
  const scaled *b = from;
  (void)m, (void)n;
  if (isnan(a->top)) return;
  double top = isnan(b->top) || b->top > a->top ? b->top : a->top;
  *a = (scaled){top, rescale(a, top) + rescale(b, top)};
}

#define NN_SELF "op/logsumexp.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  return nn_infer_axis(c, c->in[0]->dtype);
}

const nn_op nn_op_logsumexp = {
  .name = "logsumexp",
  .doc = "log(sum(e^x)) along a dimension, or of everything (then 0-d), finite at any finite x; "
         "minus infinity of nothing.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .saves = NN_IN(0) | NN_OUT,
  .attr_size = sizeof(nn_axis_attr),
  .params = nn_axis_params,
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "2x3"},
              {.inputs = "2x3x4", .args = "2"},
              {.inputs = "2x3", .args = "-1, true"}},
};
#else

/* The largest; a NaN stays. */
static inline R FN(top)(int64_t n, const R *x) {
  R lane[LANES], m = -(R)INFINITY;
  for (int k = 0; k < LANES; k++) lane[k] = m;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int k = 0; k < LANES; k++)
      lane[k] = x[i + k] > lane[k] || x[i + k] != x[i + k] ? x[i + k] : lane[k];
  for (; i < n; i++) m = x[i] > m || x[i] != x[i] ? x[i] : m;
  for (int k = 0; k < LANES; k++) m = lane[k] > m || lane[k] != lane[k] ? lane[k] : m;
  return m;
}

NN_HOT static void FN(piece)(int64_t n, const void *from, const void *arg, void *state) {
  const R *x = from, m = FN(top)(n, x);
  R part[PIECE];
  double lane[LANES] = {0}, sum = 0;
  (void)arg;
  if (!isfinite(m)) {
    *(scaled *)state = (scaled){(double)m, m < 0 ? 0 : 1};
    return;
  }
  for (int64_t at = 0, w; at < n; at += w) {
    w = n - at < PIECE ? n - at : PIECE;
    for (int64_t i = 0; i < w; i++) part[i] = x[at + i] - m;
    FN(nn_v_exp)(w, part, part);
    int64_t i = 0;
    for (; i + LANES <= w; i += LANES)
      for (int k = 0; k < LANES; k++) lane[k] += (double)part[i + k];
    for (; i < w; i++) lane[i % LANES] += (double)part[i];
  }
  for (int k = 0; k < LANES; k++) sum += lane[k];
  *(scaled *)state = (scaled){(double)m, sum};
}

static void FN(end)(const void *state, int64_t n, int64_t line, const void *out) {
  const scaled *s = state;
  R *const *y = out;
  (void)n;
  (*y)[line] = (R)(s->top + log(s->sum));
}

static nn_status FN(forward)(const nn_call *c) {
  static const nn_fold fold = {sizeof(R), FN(piece), join, FN(end)};
  R *y = nn_data(c->out);
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  return nn_fold_along(c->ctx, &fold, &a, nn_data(c->in[0]), NULL, &y);
}

/* p: gx, gy, x, y. Where both are infinite the difference is NaN: +inf has all the weight, a sum of
   nothing none. */
static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *x = p[2], *y = p[3];
  R *gx = p[0], part[PIECE];
  (void)attr;
  for (int64_t at = 0, w; at < n; at += w) {
    w = n - at < PIECE ? n - at : PIECE;
    for (int64_t i = 0; i < w; i++) {
      R d = x[at + i] - y[at + i];
      part[i] = x[at + i] != y[at + i] ? d : y[at + i] == -(R)INFINITY ? y[at + i] : 0;
    }
    FN(nn_v_exp)(w, part, part);
    for (int64_t i = 0; i < w; i++) gx[at + i] = gy[at + i] * part[i];
  }
}

static nn_status FN(backward)(const nn_call *c) {
  return nn_lines_backward(c, FN(row), NULL, 2, (const nn_value *[]){c->in[0], c->out});
}

#endif
