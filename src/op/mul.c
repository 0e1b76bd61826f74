/* op/mul.c: z = x y */
#ifndef R
#include <stdint.h>

#include "grad/op.h"
#include "kernel/names.h"

extern const nn_op nn_op_mul;

#define NN_SELF "op/mul.c"
#include "kernel/each_type.h"

const nn_op nn_op_mul = {
  .name = "mul",
  .doc = "z = x y, broadcasting. Integers wrap around.",
  .args = "x, y",
  .nin = 2,
  .flags = NN_OP_PROMOTE | NN_OP_LIGHT,
  .infer = nn_infer_broadcast,
  .row = NN_ALL(row),
  .grad = {{.row = NN_BOTH(grad_x), .needs = NN_IN(1)},
           {.row = NN_BOTH(grad_y), .needs = NN_IN(0)}},
  .example = {{.inputs = "2x3 2x3"}, {.inputs = "2x3 3"}, {.inputs = "4x1 1x3"}, {.inputs = "3 s"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1], *y = p[2];
  R *z = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) z[i] = (R)(NN_WRAP(x[i]) * NN_WRAP(y[i]));
}

#ifndef NN_INTEGER
NN_HOT static void FN(grad_x)(int64_t n, void *const *p, const void *attr) {
  const R *g = p[1], *y = p[2];
  R *d = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) d[i] = g[i] * y[i];
}

NN_HOT static void FN(grad_y)(int64_t n, void *const *p, const void *attr) {
  const R *g = p[1], *x = p[2];
  R *d = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) d[i] = g[i] * x[i];
}
#endif

#endif
