/* op/var.c: y = sum (x - mean)^2 / (n - 1), or / n; dx = dy 2 (x - mean) / (n - 1) */
#ifndef R
#include "grad/lines.h"
#include "kernel/moments.h"
#include "kernel/names.h"

typedef struct var_attr {
  nn_axis_attr axis;
  bool unbiased;
} var_attr;

extern const nn_op nn_op_var;

#define NN_SELF "op/var.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  NN_TRY(nn_infer_axis(c, c->in[0]->dtype));
  nn_value_set(c->aux[0], NN_F64, &c->out->shape);
  return NN_OK;
}

static const nn_param params[] = {NN_P_AXIS(var_attr, axis),
                                  NN_P_BOOL(var_attr, unbiased, true, "divide by n - 1, not by n"),
                                  NN_P_END};

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
  .attr_size = sizeof(var_attr),
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
  return FN(nn_variance)(c->ctx, &a, nn_data(c->in[0]), ((const var_attr *)c->attr)->unbiased,
                         false, nn_data(c->aux[0]), nn_data(c->out));
}

/* p: gx, gy, x, mean */
NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *x = p[2];
  const double *mean = p[3], scale = *(const double *)attr;
  R *gx = p[0];
  for (int64_t i = 0; i < n; i++) gx[i] = (R)((double)gy[i] * scale * ((double)x[i] - mean[i]));
}

static nn_status FN(backward)(const nn_call *c) {
  nn_axis a = {1, 1, 1};
  NN_TRY(nn_call_axis(c, &a));
  const double scale = 2 / (double)(a.n - ((const var_attr *)c->attr)->unbiased);
  return nn_lines_backward(c, FN(row), &scale, 2, (const nn_value *[]){c->in[0], c->aux[0]});
}

#endif
