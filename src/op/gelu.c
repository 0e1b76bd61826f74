/*
 * op/gelu.c: y = x P(x), P the normal distribution function: (1 + erf(x / sqrt 2)) / 2, or with
 * approximate = "tanh": (1 + tanh u) / 2, u = sqrt(2 / pi) (x + 0.044715 x^3). dx = (P + x P') dy.
 * Hendrycks, Gimpel 2016.
 */
#ifndef R

#include "grad/op.h"
#include "kernel/names.h"
#include "kernel/vmath.h"

typedef struct gelu_attr {
  const char *approximate;
} gelu_attr;

extern const nn_op nn_op_gelu;

enum { PIECE = 256 }; /* elements whose exponentials stay in the cache */

static const char *const ways[] = {"none", "tanh", NULL};

static bool is_fast(const void *attr) {
  return ((const gelu_attr *)attr)->approximate[0] == 't';
}

#define NN_SELF "op/gelu.c"
#include "kernel/each_real.h"

static const nn_param params[] = {NN_P_ENUM(gelu_attr, approximate, "none", ways,
                                            "\"tanh\": the faster formula of GPT-2, within 0.001"),
                                  NN_P_END};

const nn_op nn_op_gelu = {
  .name = "gelu",
  .doc = "x times the probability that a standard normal number is below x, elementwise.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .attr_size = sizeof(gelu_attr),
  .params = params,
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad), .needs = NN_IN(0)}},
  .example = {{.inputs = "2x3", .lo = -3, .hi = 3},
              {.inputs = "2x3x2", .args = "approximate = \"tanh\"", .lo = -3, .hi = 3},
              {.inputs = "s"}},
};
#else

/* t = tanh u of the formula; at most PIECE of them */
NN_HOT static void FN(bend)(int64_t n, const R *x, R *t) {
  const R a = (R)0.79788456080286535588, b = (R)0.044715;
  for (int64_t i = 0; i < n; i++) t[i] = a * (x[i] + b * x[i] * x[i] * x[i]);
  FN(nn_v_tanh)(n, t, t);
}

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const bool fast = is_fast(attr);
  const R root = (R)0.70710678118654752440, *x = p[1];
  R *y = p[0], t[PIECE];
  for (int64_t m; n > 0; n -= m, x += m, y += m) {
    m = n < PIECE ? n : PIECE;
    if (fast) FN(bend)(m, x, t);
    for (int64_t i = 0; i < m && !fast; i++) t[i] = x[i] * root;
    if (!fast) FN(nn_v_erf)(m, t, t);
    for (int64_t i = 0; i < m; i++) y[i] = t[i] == -1 ? 0 : x[i] / 2 * (1 + t[i]);
  }
}

NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const bool fast = is_fast(attr);
  const R root = (R)0.70710678118654752440, density = (R)0.39894228040143267794;
  const R a = (R)0.79788456080286535588, b = (R)0.134145, *gy = p[1], *x = p[2];
  R *gx = p[0], t[PIECE], d[PIECE];
  for (int64_t m; n > 0; n -= m, x += m, gy += m, gx += m) {
    m = n < PIECE ? n : PIECE;
    if (fast) {
      FN(bend)(m, x, t);
      for (int64_t i = 0; i < m; i++) d[i] = (1 - t[i] * t[i]) / 2 * a * (1 + b * x[i] * x[i]);
    } else {
      for (int64_t i = 0; i < m; i++) t[i] = x[i] * root;
      FN(nn_v_erf)(m, t, t);
      for (int64_t i = 0; i < m; i++) d[i] = -x[i] * x[i] / 2;
      FN(nn_v_exp)(m, d, d);
      for (int64_t i = 0; i < m; i++) d[i] *= density;
    }
    for (int64_t i = 0; i < m; i++) gx[i] = gy[i] * ((1 + t[i]) / 2 + x[i] * d[i]);
  }
}

#endif
