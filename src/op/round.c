/* op/round.c: y = round x; the gradient is 0 */
#ifndef R
#include <stdint.h>
#include <tgmath.h>

#include "grad/op.h"
#include "kernel/names.h"

extern const nn_op nn_op_round;

#define NN_SELF "op/round.c"
#include "kernel/each_type.h"

const nn_op nn_op_round = {
  .name = "round",
  .doc = "The nearest whole number, elementwise, halves to the even one (0.5 to 0, 1.5 to 2); "
         "integers stay. The gradient is 0.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_REUSE,
  .infer = nn_infer_same,
  .row = NN_ALL(row),
  .grad = {{.row = NN_BOTH(grad)}},
  .example = {{.inputs = "2x3", .lo = -3, .hi = 3}, {.inputs = "s"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1];
  R *y = p[0];
  (void)attr;
#ifdef NN_INTEGER
  for (int64_t i = 0; i < n; i++) y[i] = x[i];
#else
  for (int64_t i = 0; i < n; i++) y[i] = rint(x[i]);
#endif
}

#ifndef NN_INTEGER
static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  R *gx = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) gx[i] = 0;
}
#endif

#endif
