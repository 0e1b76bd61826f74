/* op/var.c: y = sum (x - mean)^2 / (n - 1), or / n; dx = dy 2 (x - mean) / (n - 1) */
#ifndef R
#include "kernel/names.h"
#include "op/variance.h"

extern const nn_op nn_op_var;

#define NN_SELF "op/var.c"
#include "kernel/each_real.h"

static nn_status forward(const nn_call *c) {
  return nn_variance_forward(c, false);
}

const nn_op nn_op_var = {
  .name = "var",
  .doc =
    "The variance along a dimension, or of everything (then 0-d): the squares around the mean, "
    "summed, over n - 1, or over n with {unbiased = false}. NaN of nothing, and of one element "
    "unless {unbiased = false}.",
  .args = "x",
  .nin = 1,
  .nout_aux = 1,
  .flags = NN_OP_FLOAT,
  .saves = NN_IN(0) | NN_AUX(0),
  .attr_size = sizeof(nn_variance_attr),
  .params = nn_variance_params,
  .infer = nn_variance_infer,
  .forward = {forward, forward},
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "2x3"},
              {.inputs = "2x3x4", .args = "2"},
              {.inputs = "2x3", .args = "-1, true, unbiased = false"}},
};
#else

/* p: gx, gy, x, mean */
NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *x = p[2];
  const double *mean = p[3], scale = *(const double *)attr;
  R *gx = p[0];
  for (int64_t i = 0; i < n; i++) gx[i] = (R)((double)gy[i] * scale * ((double)x[i] - mean[i]));
}

static nn_status FN(backward)(const nn_call *c) {
  double n = 1;
  NN_TRY(nn_variance_divisor(c, &n));
  const double scale = 2 / n;
  return nn_lines_backward(c, FN(row), &scale, 2, (const nn_value *[]){c->in[0], c->aux[0]});
}

#endif
