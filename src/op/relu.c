/* op/relu.c: y = max(x, 0), dx = dy where y > 0 */
#ifndef R
#include "grad/op.h"
#include "kernel/names.h"

extern const nn_op nn_op_relu;

#define NN_SELF "op/relu.c"
#include "kernel/each_real.h"

const nn_op nn_op_relu = {
  .name = "relu",
  .doc = "y = max(x, 0), elementwise. NaN stays NaN; the gradient at 0 is 0.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_FLOAT | NN_OP_REUSE | NN_OP_LIGHT,
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad), .needs = NN_OUT}},
  .example = {{.inputs = "2x3"}, {.inputs = "s"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1];
  R *y = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) y[i] = x[i] < 0 ? 0 : x[i];
}

NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *y = p[2];
  R *gx = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) gx[i] = y[i] > 0 ? gy[i] : 0;
}

#endif
