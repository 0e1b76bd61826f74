/* op/sum.c: y = sum of x along a dimension, or of everything; dx = dy spread out. */
#include "grad/axis.h"
#include "kernel/along.h"

extern const nn_op nn_op_sum;

static nn_status infer(const nn_call *c) {
  nn_dtype d = c->in[0]->dtype;
  return nn_infer_axis(c, nn_is_real(d) ? d : NN_I64);
}

static nn_status forward_f32(const nn_call *c) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  nn_sum_along_f32(c->ctx, &a, nn_data(c->in[0]), 1, nn_data(c->out));
  return NN_OK;
}

static nn_status forward_f64(const nn_call *c) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  nn_sum_along_f64(c->ctx, &a, nn_data(c->in[0]), 1, nn_data(c->out));
  return NN_OK;
}

/* int64 and uint8, exact; beyond 64 bits the sum wraps around */
static nn_status forward_int(const nn_call *c) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  const nn_value *x = c->in[0];
  int64_t *y = nn_data(c->out);
  for (int64_t o = 0; o < a.outer; o++)
    for (int64_t r = 0; r < a.inner; r++) {
      uint64_t s = 0;
      for (int64_t i = 0; i < a.n; i++)
        s += (uint64_t)nn_value_int_at(x, x->offset + (o * a.n + i) * a.inner + r);
      y[o * a.inner + r] = (int64_t)s;
    }
  return NN_OK;
}

static nn_status backward(const nn_call *c) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  if (c->gout->dtype == NN_F32)
    nn_spread_along_f32(&a, nn_data(c->gout), 1, c->add[0], nn_data(c->gin[0]));
  else
    nn_spread_along_f64(&a, nn_data(c->gout), 1, c->add[0], nn_data(c->gin[0]));
  return NN_OK;
}

const nn_op nn_op_sum = {
  .name = "sum",
  .doc = "The sum along a dimension, or of everything (then 0-d). Floating sums accumulate in "
         "double; integer sums are "
         "int64.",
  .args = "x",
  .nin = 1,
  .attr_size = sizeof(nn_axis_attr),
  .params = nn_axis_params,
  .infer = infer,
  .forward = {forward_f32, forward_f64, forward_int, forward_int},
  .backward = {backward, backward},
  .example = {{.inputs = "2x3"},
              {.inputs = "2x3x4", .args = "2"},
              {.inputs = "2x3", .args = "-1, true"},
              {.inputs = "s"}},
};
