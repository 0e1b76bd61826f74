/*
 * op/elu.c: y = x where x > 0, alpha (e^x - 1) elsewhere; dx = dy or alpha e^x dy. e^x - 1 comes from
 * t = tanh(x / 2) as 2 t / (1 - t), which keeps its digits near 0. Clevert et al. 2015.
 */
#ifndef R

#include "grad/op.h"
#include "kernel/names.h"
#include "kernel/vmath.h"

typedef struct elu_attr {
  double alpha;
} elu_attr;

extern const nn_op nn_op_elu;

enum { PIECE = 256 }; /* elements whose exponentials stay in the cache */

#define NN_SELF "op/elu.c"
#include "kernel/each_real.h"

static const nn_param params[] = {NN_P_REAL(elu_attr, alpha, NN_P_PLACE, 1, -NN_REAL_MAX,
                                            NN_REAL_MAX, "-alpha is the value far below 0"),
                                  NN_P_END};

const nn_op nn_op_elu = {
  .name = "elu",
  .doc = "x where x > 0, alpha (e^x - 1) elsewhere, elementwise.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .attr_size = sizeof(elu_attr),
  .params = params,
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad), .needs = NN_IN(0)}},
  .example = {{.inputs = "2x3", .lo = -2, .hi = 2},
              {.inputs = "2x3x2", .args = "0.4"},
              {.inputs = "s"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R alpha = (R)((const elu_attr *)attr)->alpha, *x = p[1];
  R *y = p[0], t[PIECE];
  for (int64_t m; n > 0; n -= m, x += m, y += m) {
    m = n < PIECE ? n : PIECE;
    for (int64_t i = 0; i < m; i++) t[i] = (x[i] > 0 ? 0 : x[i]) / 2;
    FN(nn_v_tanh)(m, t, t);
    for (int64_t i = 0; i < m; i++) y[i] = x[i] > 0 ? x[i] : alpha * (2 * t[i] / (1 - t[i]));
  }
}

NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const R alpha = (R)((const elu_attr *)attr)->alpha, *gy = p[1], *x = p[2];
  R *gx = p[0], e[PIECE];
  for (int64_t m; n > 0; n -= m, x += m, gy += m, gx += m) {
    m = n < PIECE ? n : PIECE;
    for (int64_t i = 0; i < m; i++) e[i] = x[i] > 0 ? 0 : x[i];
    FN(nn_v_exp)(m, e, e);
    for (int64_t i = 0; i < m; i++) gx[i] = x[i] > 0 ? gy[i] : gy[i] * alpha * e[i];
  }
}

#endif
