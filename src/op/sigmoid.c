/* op/sigmoid.c: y = 1 / (1 + e^-x), dx = dy y (1 - y) */
#ifndef R
#include "grad/op.h"
#include "kernel/names.h"
#include "kernel/vmath.h"

extern const nn_op nn_op_sigmoid;

#define NN_SELF "op/sigmoid.c"
#include "kernel/each_real.h"

const nn_op nn_op_sigmoid = {
  .name = "sigmoid",
  .doc = "y = 1 / (1 + e^-x), elementwise: in 0..1.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_FLOAT | NN_OP_REUSE,
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad), .needs = NN_OUT}},
  .example = {{.inputs = "2x3", .lo = -2, .hi = 2}, {.inputs = "s", .lo = -2, .hi = 2}},
};
#else

static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1];
  R *y = p[0];
  (void)attr;
  FN(nn_v_sigmoid)(n, x, y);
}

NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *y = p[2];
  R *gx = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) gx[i] = gy[i] * (y[i] * (1 - y[i]));
}

#endif
