/* op/div.c: z = x / y */
#ifndef R
#include <stdint.h>

#include "grad/op.h"
#include "kernel/names.h"

extern const nn_op nn_op_div;

#define NN_SELF "op/div.c"
#include "kernel/each_real.h"

const nn_op nn_op_div = {
  .name = "div",
  .doc = "z = x / y, broadcasting. Integers give floats.",
  .args = "x, y",
  .nin = 2,
  .flags = NN_OP_PROMOTE | NN_OP_FLOAT | NN_OP_LIGHT,
  .infer = nn_infer_broadcast,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad_x), .needs = NN_IN(1)},
           {.row = NN_BOTH(grad_y), .needs = NN_IN(0) | NN_IN(1)}},
  .example = {{.inputs = "2x3 2x3", .lo = 0.4, .hi = 2},
              {.inputs = "2x3 3", .lo = 0.4, .hi = 2},
              {.inputs = "4x1 1x3", .lo = 0.4, .hi = 2},
              {.inputs = "3 s", .lo = 0.4, .hi = 2}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1], *y = p[2];
  R *z = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) z[i] = x[i] / y[i];
}

NN_HOT static void FN(grad_x)(int64_t n, void *const *p, const void *attr) {
  const R *g = p[1], *y = p[2];
  R *d = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) d[i] = g[i] / y[i];
}

NN_HOT static void FN(grad_y)(int64_t n, void *const *p, const void *attr) {
  const R *g = p[1], *x = p[2], *y = p[3];
  R *d = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) d[i] = -g[i] * x[i] / (y[i] * y[i]);
}

#endif
