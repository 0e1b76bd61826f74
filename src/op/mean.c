/* op/mean.c: y = mean of x along a dimension, or of everything; dx = dy / n spread out. */
#include "grad/axis.h"
#include "kernel/along.h"

extern const nn_op nn_op_mean;

static nn_status infer(const nn_call *c) {
  return nn_infer_axis(c, c->in[0]->dtype);
}

static nn_status forward(const nn_call *c) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  if (c->out->dtype == NN_F32)
    nn_sum_along_f32(c->ctx, &a, nn_data(c->in[0]), 1 / (double)a.n, nn_data(c->out));
  else
    nn_sum_along_f64(c->ctx, &a, nn_data(c->in[0]), 1 / (double)a.n, nn_data(c->out));
  return NN_OK;
}

static nn_status backward(const nn_call *c) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  if (c->gout->dtype == NN_F32)
    nn_spread_along_f32(&a, nn_data(c->gout), 1 / (double)a.n, c->add[0], nn_data(c->gin[0]));
  else
    nn_spread_along_f64(&a, nn_data(c->gout), 1 / (double)a.n, c->add[0], nn_data(c->gin[0]));
  return NN_OK;
}

const nn_op nn_op_mean = {
  .name = "mean",
  .doc = "The mean along a dimension, or of everything (then 0-d); NaN of nothing. Integers become "
         "floats.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .attr_size = sizeof(nn_axis_attr),
  .params = nn_axis_params,
  .infer = infer,
  .forward = {forward, forward},
  .backward = {backward, backward},
  .example = {{.inputs = "2x3"},
              {.inputs = "2x3x4", .args = "2"},
              {.inputs = "2x3", .args = "-1, true"}},
};
