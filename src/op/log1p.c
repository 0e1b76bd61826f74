/* op/log1p.c: y = log(1 + x), dx = dy / (1 + x) */
#ifndef R
#include "grad/op.h"
#include "kernel/names.h"
#include "kernel/vmath.h"

extern const nn_op nn_op_log1p;

#define NN_SELF "op/log1p.c"
#include "kernel/each_real.h"

const nn_op nn_op_log1p = {
  .name = "log1p",
  .doc = "y = log(1 + x), elementwise, exact near 0; NaN below -1.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad), .needs = NN_IN(0)}},
  .example = {{.inputs = "2x3", .lo = -0.6, .hi = 2}, {.inputs = "s"}},
};
#else

static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1];
  R *y = p[0];
  (void)attr;
  FN(nn_v_log1p)(n, x, y);
}

NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *x = p[2];
  R *gx = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) gx[i] = gy[i] / (1 + x[i]);
}

#endif
