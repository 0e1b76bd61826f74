/*
 * op/hardtanh.c: y = x, but at least lo and at most hi; dx = dy where x lies strictly between.
 */
#ifndef R

#include "grad/op.h"
#include "kernel/names.h"

typedef struct hardtanh_attr {
  double lo, hi;
} hardtanh_attr;

extern const nn_op nn_op_hardtanh;

#define NN_SELF "op/hardtanh.c"
#include "kernel/each_real.h"

static const nn_param params[] = {
  NN_P_REAL(hardtanh_attr, lo, NN_P_PLACE, -1, -NN_REAL_MAX, NN_REAL_MAX, "the least value"),
  NN_P_REAL(hardtanh_attr, hi, NN_P_PLACE, 1, -NN_REAL_MAX, NN_REAL_MAX, "the greatest value"),
  NN_P_END};

const nn_op nn_op_hardtanh = {
  .name = "hardtanh",
  .doc = "x, but at least lo and at most hi, elementwise. The gradient at both is 0, which clamp "
         "has not.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_FLOAT | NN_OP_LIGHT,
  .attr_size = sizeof(hardtanh_attr),
  .params = params,
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad), .needs = NN_IN(0)}},
  .example = {{.inputs = "2x3", .lo = -2, .hi = 2}, {.inputs = "2x3x2", .args = "-0.3, 0.4"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const hardtanh_attr *a = attr;
  const R lo = (R)a->lo, hi = (R)a->hi, *x = p[1];
  R *y = p[0];
  for (int64_t i = 0; i < n; i++) {
    R v = x[i] < lo ? lo : x[i]; /* written so that NaN passes */
    y[i] = v > hi ? hi : v;
  }
}

NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const hardtanh_attr *a = attr;
  const R lo = (R)a->lo, hi = (R)a->hi, *gy = p[1], *x = p[2];
  R *gx = p[0];
  for (int64_t i = 0; i < n; i++) gx[i] = x[i] <= lo || x[i] >= hi ? 0 : gy[i];
}

#endif
