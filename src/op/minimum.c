/* op/minimum.c: z = the smaller of x and y */
#ifndef R
#include <stdbool.h>
#include <stdint.h>

#include "grad/op.h"
#include "kernel/names.h"

extern const nn_op nn_op_minimum;

#define NN_SELF "op/minimum.c"
#include "kernel/each_type.h"

const nn_op nn_op_minimum = {
  .name = "minimum",
  .doc = "The smaller of x and y, elementwise, broadcasting; NaN if one of them is. Where they are "
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

static inline bool FN(beats)(R a, R b) {
  return a < b;
}
#include "op/pick_body.h"

#endif
