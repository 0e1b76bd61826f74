/*
 * op/softplus.c: y = log(1 + e^(b x)) / b, x itself where b x > threshold; dx = sigmoid(b x) dy. Computed as
 * max(b x, 0) + log(1 + e^-|b x|), which no x overflows.
 */
#ifndef R

#include "grad/op.h"
#include "kernel/names.h"
#include "kernel/vmath.h"

typedef struct softplus_attr {
  double beta, threshold;
} softplus_attr;

extern const nn_op nn_op_softplus;

enum { PIECE = 256 }; /* elements whose exponentials stay in the cache */

#define NN_SELF "op/softplus.c"
#include "kernel/each_real.h"

static const nn_param params[] = {NN_P_REAL(softplus_attr, beta, NN_P_PLACE, 1, -NN_REAL_MAX,
                                            NN_REAL_MAX, "how sharp the bend is; large: ReLU"),
                                  NN_P_REAL(softplus_attr, threshold, NN_P_PLACE, 20, -NN_REAL_MAX,
                                            NN_REAL_MAX, "beyond this beta x it is x"),
                                  NN_P_END};

const nn_op nn_op_softplus = {
  .name = "softplus",
  .doc =
    "log(1 + e^(beta x)) / beta, elementwise: a smooth ReLU. x itself where beta x > threshold.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .attr_size = sizeof(softplus_attr),
  .params = params,
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad), .needs = NN_IN(0)}},
  .example = {{.inputs = "2x3", .lo = -3, .hi = 3},
              {.inputs = "2x3x2", .args = "2, 1.5"},
              {.inputs = "s", .args = "0.5"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const softplus_attr *a = attr;
  const R beta = (R)a->beta, limit = (R)a->threshold, *x = p[1];
  R *y = p[0], e[PIECE];
  for (int64_t m; n > 0; n -= m, x += m, y += m) {
    m = n < PIECE ? n : PIECE;
    for (int64_t i = 0; i < m; i++) e[i] = -fabs(beta * x[i]);
    FN(nn_v_exp)(m, e, e);
    FN(nn_v_log1p)(m, e, e);
    for (int64_t i = 0; i < m; i++) {
      R v = beta * x[i];
      y[i] = v > limit ? x[i] : ((v > 0 ? v : 0) + e[i]) / beta;
    }
  }
}

NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const softplus_attr *a = attr;
  const R beta = (R)a->beta, limit = (R)a->threshold, *gy = p[1], *x = p[2];
  R *gx = p[0], s[PIECE];
  for (int64_t m; n > 0; n -= m, x += m, gy += m, gx += m) {
    m = n < PIECE ? n : PIECE;
    for (int64_t i = 0; i < m; i++) s[i] = beta * x[i];
    FN(nn_v_sigmoid)(m, s, s);
    for (int64_t i = 0; i < m; i++) gx[i] = beta * x[i] > limit ? gy[i] : gy[i] * s[i];
  }
}

#endif
