/* op/std.c: y = sqrt(sum (x - mean)^2 / (n - 1)), or / n; dx = dy (x - mean) / ((n - 1) y) */
#ifndef R
#include "kernel/names.h"
#include "op/variance.h"

extern const nn_op nn_op_std;

#define NN_SELF "op/std.c"
#include "kernel/each_real.h"

static nn_status forward(const nn_call *c) {
  return nn_variance_forward(c, true);
}

const nn_op nn_op_std = {
  .name = "std",
  .doc =
    "The standard deviation along a dimension, or of everything (then 0-d): the root of var. NaN "
    "of nothing, and of one element unless {unbiased = false}. Where it is 0, so is the "
    "gradient.",
  .args = "x",
  .nin = 1,
  .nout_aux = 1,
  .flags = NN_OP_FLOAT,
  .saves = NN_IN(0) | NN_OUT | NN_AUX(0),
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

/* p: gx, gy, x, y, mean */
NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *x = p[2], *y = p[3];
  const double *mean = p[4], scale = *(const double *)attr;
  R *gx = p[0];
  for (int64_t i = 0; i < n; i++) {
    double g = (double)gy[i] * scale * ((double)x[i] - mean[i]) / (double)y[i];
    gx[i] = y[i] == 0 ? 0 : (R)g;
  }
}

static nn_status FN(backward)(const nn_call *c) {
  double n = 1;
  NN_TRY(nn_variance_divisor(c, &n));
  const double scale = 1 / n;
  return nn_lines_backward(c, FN(row), &scale, 3,
                           (const nn_value *[]){c->in[0], c->out, c->aux[0]});
}

#endif
