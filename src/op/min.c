/* op/min.c: the smallest element along a dimension, or of everything, and where it stands; dx = dy
   there, else 0. */
#ifndef R
#include "grad/axis.h"
#include "kernel/extreme.h"
#include "kernel/names.h"

extern const nn_op nn_op_min;

#define NN_SELF "op/min.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  if (a.n == 0) return nn_fail(c->ctx, NN_ESHAPE, "min: there is no smallest element of none");
  NN_TRY(nn_infer_axis(c, c->in[0]->dtype));
  nn_value_set(c->aux[0], NN_I64, &c->out->shape);
  return NN_OK;
}

static nn_status forward(const nn_call *c) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  return nn_extreme_along(c->ctx, c->in[0]->dtype, true, &a, nn_data(c->in[0]), nn_data(c->out),
                          nn_data(c->aux[0]));
}

const nn_op nn_op_min = {
  .name = "min",
  .doc =
    "The smallest element of everything (0-d); with a dimension, the smallest along it, and where "
    "they stand (int64, counted from 1). NaN wins. The gradient goes to that element, the first "
    "of equal ones.",
  .args = "x",
  .nin = 1,
  .nout_aux = 1,
  .results = 1,
  .flags = NN_OP_WHOLE,
  .saves = NN_AUX(0),
  .attr_size = sizeof(nn_axis_attr),
  .params = nn_axis_params,
  .infer = infer,
  .forward = {forward, forward, forward, forward},
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "2x3"},
              {.inputs = "2x3x4", .args = "2"},
              {.inputs = "2x3", .args = "-1, true"},
              {.inputs = "s"}},
};
#else

static nn_status FN(backward)(const nn_call *c) {
  nn_axis a = {1, 1, 1};
  NN_TRY(nn_call_axis(c, &a));
  const R *g = nn_data(c->gout);
  const int64_t *place = nn_data(c->aux[0]);
  R *gx = nn_data(c->gin[0]);
  if (!c->add[0]) NN_TRY(nn_fill_into(c->ctx, c->gin[0], 0));
  for (int64_t o = 0; o < a.outer; o++)
    for (int64_t r = 0; r < a.inner; r++) {
      int64_t line = o * a.inner + r;
      gx[(o * a.n + place[line] - 1) * a.inner + r] += g[line];
    }
  return NN_OK;
}

#endif
