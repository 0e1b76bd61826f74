/* op/maximum.c: z = the larger of x and y */
#ifndef R
#include <stdbool.h>
#include <stdint.h>

#include "grad/op.h"
#include "kernel/names.h"

extern const nn_op nn_op_maximum;

#define NN_SELF "op/maximum.c"
#include "kernel/each_type.h"

const nn_op nn_op_maximum = {
  .name = "maximum",
  .doc = "The larger of x and y, elementwise, broadcasting; NaN if one of them is. Where they are "
         "equal, "
         "each gets half of the gradient.",
  .args = "x, y",
  .nin = 2,
  .flags = NN_OP_PROMOTE | NN_OP_LIGHT,
  .infer = nn_infer_broadcast,
  .row = NN_ALL(row),
  .grad = {{.row = NN_BOTH(grad_x), .needs = NN_IN(0) | NN_IN(1)},
           {.row = NN_BOTH(grad_y), .needs = NN_IN(0) | NN_IN(1)}},
  .example = {{.inputs = "2x3 2x3"}, {.inputs = "2x3 3"}, {.inputs = "4x1 1x3"}, {.inputs = "3 s"}},
};
#else

/* NaN wins, so that it is noticed. */
static inline bool FN(wins)(R a, R b) {
#ifdef NN_INTEGER
  return a > b;
#else
  return a > b || a != a;
#endif
}

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1], *y = p[2];
  R *z = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) z[i] = FN(wins)(x[i], y[i]) ? x[i] : y[i];
}

#ifndef NN_INTEGER
NN_HOT static void FN(grad_x)(int64_t n, void *const *p, const void *attr) {
  const R *g = p[1], *x = p[2], *y = p[3];
  R *d = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) d[i] = FN(wins)(x[i], y[i]) ? g[i] : x[i] == y[i] ? g[i] / 2 : 0;
}

NN_HOT static void FN(grad_y)(int64_t n, void *const *p, const void *attr) {
  const R *g = p[1], *x = p[2], *y = p[3];
  R *d = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) d[i] = FN(wins)(y[i], x[i]) ? g[i] : y[i] == x[i] ? g[i] / 2 : 0;
}
#endif

#endif
