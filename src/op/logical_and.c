/* op/logical_and.c: 1 where both are other than 0 */
#ifndef R
#include <stdint.h>

#include "grad/op.h"
#include "kernel/names.h"

extern const nn_op nn_op_logical_and;

#define NN_SELF "op/logical_and.c"
#include "kernel/each_type.h"

const nn_op nn_op_logical_and = {
  .name = "logical_and",
  .doc = "A uint8 mask: 1 where both x and y are other than 0, else 0; broadcasting. Masks write "
         "it x & y.",
  .args = "x, y",
  .nin = 2,
  .flags = NN_OP_PROMOTE,
  .infer = nn_infer_mask,
  .row = NN_ALL(row),
  .no_grad = true,
  .example = {{.inputs = "2x3 2x3"}, {.inputs = "2x3 3"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1], *y = p[2];
  uint8_t *z = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) z[i] = (x[i] != 0) & (y[i] != 0);
}

#endif
