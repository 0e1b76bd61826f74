/* op/isfinite.c: 1 where x is neither infinite nor NaN, else 0 */
#ifndef R
#include <stdint.h>

#include "grad/op.h"
#include "kernel/names.h"

extern const nn_op nn_op_isfinite;

#define NN_SELF "op/isfinite.c"
#include "kernel/each_type.h"

const nn_op nn_op_isfinite = {
  .name = "isfinite",
  .doc = "A uint8 mask: 1 where x is neither infinite nor NaN, else 0.",
  .args = "x",
  .nin = 1,
  .flags = 0,
  .infer = nn_infer_mask,
  .row = NN_ALL(row),
  .no_grad = true,
  .example = {{.inputs = "2x3"}, {.inputs = "s"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1];
  uint8_t *z = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) z[i] = x[i] - x[i] == 0;
}

#endif
