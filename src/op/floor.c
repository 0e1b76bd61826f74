/* op/floor.c: y = floor x; the gradient is 0 */
#ifndef R
#include "kernel/names.h"
#include "op/step.h"

extern const nn_op nn_op_floor;

#define NN_SELF "op/floor.c"
#include "kernel/each_real.h"

const nn_op nn_op_floor = {
  .name = "floor",
  .doc = "The largest whole number not above x, elementwise; integers stay. The gradient is 0.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_REUSE,
  .infer = nn_infer_same,
  .row = {row_f32, row_f64, nn_step_stay_i64, nn_step_stay_u8},
  .grad = {{.row = NN_BOTH(nn_step_grad)}},
  .example = {{.inputs = "2x3", .lo = -3, .hi = 3}, {.inputs = "s"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1];
  R *y = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) y[i] = floor(x[i]);
}

#endif
