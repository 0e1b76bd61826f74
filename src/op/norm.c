/* op/norm.c: y = (sum |x|^p)^(1/p); dx = dy sign(x) (|x| / y)^(p - 1) */
#ifndef R
#include "grad/lines.h"
#include "kernel/fold.h"
#include "kernel/names.h"

typedef struct norm_attr {
  nn_axis_attr axis;
  double p;
} norm_attr;

enum { LANES = 16 };

extern const nn_op nn_op_norm;

static void join(void *into, int64_t m, const void *from, int64_t n) {
  (void)m, (void)n;
  *(double *)into += *(const double *)from;
}

#define NN_SELF "op/norm.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  return nn_infer_axis(c, c->in[0]->dtype);
}

static const nn_param params[] = {
  NN_P_AXIS(norm_attr, axis),
  NN_P_REAL(norm_attr, p, NN_P_ABOVE_LO, 2, 0, 1e6,
            "the power: 2 Euclid's length, 1 the sum of magnitudes"),
  NN_P_END};

const nn_op nn_op_norm = {
  .name = "norm",
  .doc =
    "(sum |x|^p)^(1/p) along a dimension, or of everything (then 0-d), p = 2 unless told, as in "
    "x:norm{p = 1}; the largest magnitude is x:abs():max(). The gradient is 0 where the norm is, "
    "and at an element of 0.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .saves = NN_IN(0) | NN_OUT,
  .attr_size = sizeof(norm_attr),
  .params = params,
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "2x3"},
              {.inputs = "2x3x4", .args = "2"},
              {.inputs = "2x3", .args = "-1, true, p = 1"},
              {.inputs = "3x4", .args = "1, p = 3.5"}},
};
#else

/* arg: p */
NN_HOT static void FN(piece)(int64_t n, const void *from, const void *arg, void *state) {
  const R *x = from;
  const double p = *(const double *)arg;
  double lane[LANES] = {0}, sum = 0;
  int64_t i = 0;
  if (p == 2)
    for (; i + LANES <= n; i += LANES)
      for (int k = 0; k < LANES; k++) lane[k] += (double)x[i + k] * (double)x[i + k];
  else if (p == 1)
    for (; i + LANES <= n; i += LANES)
      for (int k = 0; k < LANES; k++) lane[k] += fabs((double)x[i + k]);
  for (; i < n; i++) {
    double v = fabs((double)x[i]);
    lane[i % LANES] += p == 2 ? v * v : p == 1 ? v : pow(v, p);
  }
  for (int k = 0; k < LANES; k++) sum += lane[k];
  *(double *)state = sum;
}

typedef struct FN(results) {
  double p;
  R *y;
} FN(results);

static void FN(end)(const void *state, int64_t n, int64_t line, const void *out) {
  const FN(results) *r = out;
  const double s = *(const double *)state;
  (void)n;
  r->y[line] = (R)(r->p == 2 ? sqrt(s) : r->p == 1 ? s : pow(s, 1 / r->p));
}

static nn_status FN(forward)(const nn_call *c) {
  static const nn_fold fold = {sizeof(R), FN(piece), join, FN(end)};
  const double p = ((const norm_attr *)c->attr)->p;
  const FN(results) r = {p, nn_data(c->out)};
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  return nn_fold_along(c->ctx, &fold, &a, nn_data(c->in[0]), &p, &r);
}

/* p: gx, gy, x, y */
NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *x = p[2], *y = p[3];
  const double power = *(const double *)attr;
  R *gx = p[0];
  if (power == 2)
    for (int64_t i = 0; i < n; i++) gx[i] = y[i] == 0 ? 0 : gy[i] * (x[i] / y[i]);
  else if (power == 1)
    for (int64_t i = 0; i < n; i++) gx[i] = x[i] > 0 ? gy[i] : x[i] < 0 ? -gy[i] : 0;
  else
    for (int64_t i = 0; i < n; i++) {
      R share = (R)pow(fabs((double)x[i] / (double)y[i]), power - 1);
      gx[i] = x[i] == 0 ? 0 : x[i] > 0 ? gy[i] * share : -gy[i] * share;
    }
}

static nn_status FN(backward)(const nn_call *c) {
  return nn_lines_backward(c, FN(row), &((const norm_attr *)c->attr)->p, 2,
                           (const nn_value *[]){c->in[0], c->out});
}

#endif
