/* op/extreme.c: see extreme.h. */
#ifndef R
#include "op/extreme.h"

#include "kernel/extreme.h"
#include "kernel/names.h"

#define NN_SELF "op/extreme.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c, bool least, nn_dtype dtype) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  if (a.n == 0)
    return nn_fail(c->ctx, NN_ESHAPE, "%s: there is no %s element of none", c->op->name,
                   least ? "smallest" : "largest");
  return nn_infer_axis(c, dtype);
}

static nn_status search(const nn_call *c, bool least, void *value, int64_t *place) {
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  return nn_extreme_along(c->ctx, c->in[0]->dtype, least, &a, nn_data(c->in[0]), value, place);
}

nn_status nn_extreme_infer(const nn_call *c, bool least) {
  NN_TRY(infer(c, least, c->in[0]->dtype));
  nn_value_set(c->aux[0], NN_I64, &c->out->shape);
  return NN_OK;
}

nn_status nn_extreme_forward(const nn_call *c, bool least) {
  return search(c, least, nn_data(c->out), nn_data(c->aux[0]));
}

nn_status nn_extreme_place_infer(const nn_call *c, bool least) {
  return infer(c, least, NN_I64);
}

nn_status nn_extreme_place_forward(const nn_call *c, bool least) {
  return search(c, least, NULL, nn_data(c->out));
}
#else

nn_status FN(nn_extreme_backward)(const nn_call *c) {
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
