/*
 * op/leaky_relu.c: y = x where x > 0, a x elsewhere; dx = dy or a dy. Maas, Hannun, Ng 2013.
 */
#ifndef R

#include "grad/op.h"
#include "kernel/names.h"

typedef struct leaky_relu_attr {
  double slope;
} leaky_relu_attr;

extern const nn_op nn_op_leaky_relu;

#define NN_SELF "op/leaky_relu.c"
#include "kernel/each_real.h"

static const nn_param params[] = {NN_P_REAL(leaky_relu_attr, slope, NN_P_PLACE, 0.01, -NN_REAL_MAX,
                                            NN_REAL_MAX, "what multiplies x below 0"),
                                  NN_P_END};

const nn_op nn_op_leaky_relu = {
  .name = "leaky_relu",
  .doc = "x where x > 0, slope x elsewhere, elementwise. The gradient at 0 is slope.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_FLOAT | NN_OP_LIGHT,
  .attr_size = sizeof(leaky_relu_attr),
  .params = params,
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad), .needs = NN_IN(0)}},
  .example = {{.inputs = "2x3"}, {.inputs = "2x3x2", .args = "0.3"}, {.inputs = "s"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R slope = (R)((const leaky_relu_attr *)attr)->slope, *x = p[1];
  R *y = p[0];
  for (int64_t i = 0; i < n; i++) y[i] = x[i] > 0 ? x[i] : slope * x[i];
}

NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const R slope = (R)((const leaky_relu_attr *)attr)->slope, *gy = p[1], *x = p[2];
  R *gx = p[0];
  for (int64_t i = 0; i < n; i++) gx[i] = x[i] > 0 ? gy[i] : slope * gy[i];
}

#endif
