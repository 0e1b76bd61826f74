/* op/variance.c: see variance.h. */
#include "op/variance.h"

#include "kernel/moments.h"

const nn_param nn_variance_params[] = {
  NN_P_AXIS(nn_variance_attr, axis),
  NN_P_BOOL(nn_variance_attr, unbiased, true, "divide by n - 1, not by n"), NN_P_END};

nn_status nn_variance_infer(const nn_call *c) {
  NN_TRY(nn_infer_axis(c, c->in[0]->dtype));
  nn_value_set(c->aux[0], NN_F64, &c->out->shape);
  return NN_OK;
}

nn_status nn_variance_forward(const nn_call *c, bool root) {
  const bool unbiased = ((const nn_variance_attr *)c->attr)->unbiased;
  const void *x = nn_data(c->in[0]);
  double *mean = nn_data(c->aux[0]);
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  if (c->out->dtype == NN_F32)
    return nn_variance_f32(c->ctx, &a, x, unbiased, root, mean, nn_data(c->out));
  return nn_variance_f64(c->ctx, &a, x, unbiased, root, mean, nn_data(c->out));
}

nn_status nn_variance_divisor(const nn_call *c, double *n) {
  nn_axis a = {1, 1, 1};
  NN_TRY(nn_call_axis(c, &a));
  *n = (double)(a.n - ((const nn_variance_attr *)c->attr)->unbiased);
  return NN_OK;
}
