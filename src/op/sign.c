/* op/sign.c: y = sign x; the gradient is 0 */
#ifndef R
#include <stdint.h>

#include "kernel/names.h"
#include "op/step.h"

extern const nn_op nn_op_sign;

#define NN_SELF "op/sign.c"
#include "kernel/each_type.h"

const nn_op nn_op_sign = {
  .name = "sign",
  .doc = "-1, 0 or 1: the sign of x, elementwise; NaN stays. The gradient is 0.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_REUSE,
  .infer = nn_infer_same,
  .row = NN_ALL(row),
  .grad = {{.row = NN_BOTH(nn_step_grad)}},
  .example = {{.inputs = "2x3", .lo = -3, .hi = 3}, {.inputs = "s"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1];
  R *y = p[0];
  (void)attr;
#ifdef NN_INTEGER
  for (int64_t i = 0; i < n; i++) y[i] = (R)((x[i] > 0) - (int)(NN_WRAP(x[i]) >> 63));
#else
  for (int64_t i = 0; i < n; i++) y[i] = x[i] > 0 ? 1 : x[i] < 0 ? -1 : x[i] == 0 ? 0 : x[i];
#endif
}

#endif
