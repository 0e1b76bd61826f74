/* op/neg.c: y = -x, dx = -dy */
#ifndef R
#include <stdint.h>

#include "grad/op.h"
#include "kernel/names.h"

extern const nn_op nn_op_neg;

#define NN_SELF "op/neg.c"
#include "kernel/each_type.h"

const nn_op nn_op_neg = {
  .name = "neg",
  .doc = "y = -x, elementwise; uint8 wraps around.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_REUSE,
  .infer = nn_infer_same,
  .row = NN_ALL(row),
  .grad = {{.row = NN_BOTH(grad)}},
  .example = {{.inputs = "2x3"}, {.inputs = "s"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1];
  R *y = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) y[i] = (R)(0 - NN_WRAP(x[i]));
}

#ifndef NN_INTEGER
NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1];
  R *gx = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) gx[i] = -gy[i];
}
#endif

#endif
