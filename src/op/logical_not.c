/* op/logical_not.c: 1 where x is 0 */
#ifndef R
#include <stdint.h>

#include "grad/op.h"
#include "kernel/names.h"

extern const nn_op nn_op_logical_not;

#define NN_SELF "op/logical_not.c"
#include "kernel/each_type.h"

const nn_op nn_op_logical_not = {
  .name = "logical_not",
  .doc = "A uint8 mask: 1 where x is 0, else 0. Masks write it ~x.",
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
  for (int64_t i = 0; i < n; i++) z[i] = x[i] == 0;
}

#endif
