/* op/triu.c: the upper triangle of each matrix, the rest 0; the gradient likewise. See tril.c. */
#include "op/triangle.h"

extern const nn_op nn_op_triu;

const nn_op nn_op_triu = {
  .name = "triu",
  .doc = "The upper triangle of each matrix (the last two dimensions), the rest 0. diagonal = 1 "
         "leaves out the main diagonal, -1 adds the one below it.",
  .args = "x",
  .nin = 1,
  .attr_size = sizeof(nn_triangle_attr),
  .params = nn_triangle_params,
  .infer = nn_triangle_infer,
  .forward = {nn_triangle_forward, nn_triangle_forward, nn_triangle_forward, nn_triangle_forward},
  .backward = {nn_triangle_backward_f32, nn_triangle_backward_f64},
  .example = {{.inputs = "3x3"}, {.inputs = "2x3x4", .args = "1"}, {.inputs = "4x2", .args = "-2"}},
};
