/* op/rsqrt.c: y = 1 / sqrt x, dx = -dy y^3 / 2 */
#ifndef R
#include "grad/op.h"
#include "kernel/names.h"

extern const nn_op nn_op_rsqrt;

#define NN_SELF "op/rsqrt.c"
#include "kernel/each_real.h"

const nn_op nn_op_rsqrt = {
  .name = "rsqrt",
  .doc = "y = 1 / sqrt(x), elementwise; infinite at 0, NaN below.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_FLOAT | NN_OP_REUSE,
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad), .needs = NN_OUT}},
  .example = {{.inputs = "2x3", .lo = 0.3, .hi = 3}, {.inputs = "s", .lo = 0.3, .hi = 3}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1];
  R *y = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) y[i] = 1 / sqrt(x[i]);
}

NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *y = p[2];
  R *gx = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) gx[i] = gy[i] * (y[i] * y[i] * y[i] / -2);
}

#endif
