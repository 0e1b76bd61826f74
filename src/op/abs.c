/* op/abs.c: y = |x|, dx = dy sign x */
#ifndef R
#include <stdint.h>

#include "grad/op.h"
#include "kernel/names.h"

extern const nn_op nn_op_abs;

#define NN_SELF "op/abs.c"
#include "kernel/each_type.h"

const nn_op nn_op_abs = {
  .name = "abs",
  .doc = "y = |x|, elementwise. The gradient at 0 is 0.",
  .args = "x",
  .nin = 1,
  .flags = 0,
  .infer = nn_infer_same,
  .row = NN_ALL(row),
  .grad = {{.row = NN_BOTH(grad), .needs = NN_IN(0)}},
  .example = {{.inputs = "2x3"}, {.inputs = "s"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1];
  R *y = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) y[i] = x[i] > 0 ? x[i] : (R)(0 - NN_WRAP(x[i]));
}

#ifndef NN_INTEGER
NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *x = p[2];
  R *gx = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) gx[i] = x[i] > 0 ? gy[i] : x[i] < 0 ? -gy[i] : 0;
}
#endif

#endif
