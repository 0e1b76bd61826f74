/* op/square.c: y = x x, dx = 2 x dy */
#ifndef R
#include <stdint.h>

#include "grad/op.h"
#include "kernel/names.h"

extern const nn_op nn_op_square;

#define NN_SELF "op/square.c"
#include "kernel/each_type.h"

const nn_op nn_op_square = {
  .name = "square",
  .doc = "y = x x, elementwise.",
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
  for (int64_t i = 0; i < n; i++) y[i] = (R)(NN_WRAP(x[i]) * NN_WRAP(x[i]));
}

#ifndef NN_INTEGER
NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *x = p[2];
  R *gx = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) gx[i] = 2 * x[i] * gy[i];
}
#endif

#endif
