/* op/sub.c: z = x - y */
#ifndef R
#include <stdint.h>

#include "grad/op.h"
#include "kernel/names.h"

extern const nn_op nn_op_sub;

#define NN_SELF "op/sub.c"
#include "kernel/each_type.h"

const nn_op nn_op_sub = {
  .name = "sub",
  .doc = "z = x - y, broadcasting. Integers wrap around.",
  .args = "x, y",
  .nin = 2,
  .flags = NN_OP_PROMOTE | NN_OP_LIGHT,
  .infer = nn_infer_broadcast,
  .row = NN_ALL(row),
  .grad = {{.pass = true}, {.row = NN_BOTH(grad_y)}},
  .example = {{.inputs = "2x3 2x3"}, {.inputs = "2x3 3"}, {.inputs = "4x1 1x3"}, {.inputs = "3 s"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1], *y = p[2];
  R *z = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) z[i] = (R)(NN_WRAP(x[i]) - NN_WRAP(y[i]));
}

#ifndef NN_INTEGER
NN_HOT static void FN(grad_y)(int64_t n, void *const *p, const void *attr) {
  const R *g = p[1];
  R *d = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) d[i] = -g[i];
}
#endif

#endif
