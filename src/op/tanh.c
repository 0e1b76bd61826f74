/* op/tanh.c: y = tanh x, dx = dy (1 - y y) */
#ifndef R
#include "grad/op.h"
#include "kernel/names.h"
#include "kernel/vmath.h"

extern const nn_op nn_op_tanh;

#define NN_SELF "op/tanh.c"
#include "kernel/each_real.h"

const nn_op nn_op_tanh = {
  .name = "tanh",
  .doc = "y = tanh x, elementwise: in -1..1.",
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
  FN(nn_v_tanh)(n, x, y);
}

NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *y = p[2];
  R *gx = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) gx[i] = gy[i] * (1 - y[i] * y[i]);
}

#endif
