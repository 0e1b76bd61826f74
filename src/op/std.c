/* op/std.c: y = sqrt(sum (x - mean)^2 / (n - 1)), or / n; dx = dy (x - mean) / ((n - 1) y) */
#ifndef R
#include "grad/lines.h"
#include "kernel/moments.h"
#include "kernel/names.h"

typedef struct std_attr {
  nn_axis_attr axis;
  bool unbiased;
} std_attr;

extern const nn_op nn_op_std;

#define NN_SELF "op/std.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  NN_TRY(nn_infer_axis(c, c->in[0]->dtype));
  nn_value_set(c->aux[0], NN_F64, &c->out->shape);
  return NN_OK;
}

static const nn_param params[] = {NN_P_AXIS(std_attr, axis),
                                  NN_P_BOOL(std_attr, unbiased, true, "divide by n - 1, not by n"),
                                  NN_P_END};

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
  .attr_size = sizeof(std_attr),
  .params = params,
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "2x3"},
              {.inputs = "2x3x4", .args = "2"},
              {.inputs = "2x3", .args = "-1, true, unbiased = false"}},
};
#else

static nn_status FN(forward)(const nn_call *c) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  return FN(nn_variance)(c->ctx, &a, nn_data(c->in[0]), ((const std_attr *)c->attr)->unbiased, true,
                         nn_data(c->aux[0]), nn_data(c->out));
}

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
  nn_axis a = {1, 1, 1};
  NN_TRY(nn_call_axis(c, &a));
  const double scale = 1 / (double)(a.n - ((const std_attr *)c->attr)->unbiased);
  return nn_lines_backward(c, FN(row), &scale, 3,
                           (const nn_value *[]){c->in[0], c->out, c->aux[0]});
}

#endif
