/* op/bincount.c: how often each of 1, 2, ..., n occurs among labels. */
#include <string.h>

#include "grad/op.h"
#include "kernel/places.h"

typedef struct bincount_attr {
  int64_t n;
} bincount_attr;

extern const nn_op nn_op_bincount;

static nn_status infer(const nn_call *c) {
  const nn_value *x = c->in[0];
  int64_t most = ((const bincount_attr *)c->attr)->n;
  if (nn_is_real(x->dtype))
    return nn_fail(c->ctx, NN_ETYPE,
                   "bincount: counts whole numbers from 1 on (int64), got %s; convert them, as in "
                   "x:to(\"int64\")",
                   nn_dtype_name(x->dtype));
  nn_places p = nn_places_of(x);
  for (int64_t i = 0; i < x->numel; i++, nn_places_next(&p)) {
    int64_t k = nn_value_int_at(x, p.at);
    most = k > most ? k : most;
  }
  nn_shape s = nn_shape_1(most);
  nn_value_set(c->out, NN_I64, &s);
  return NN_OK;
}

static nn_status forward(const nn_call *c) {
  const nn_value *x = c->in[0];
  int64_t *y = nn_data(c->out);
  memset(y, 0, (size_t)c->out->numel * sizeof *y);
  nn_places p = nn_places_of(x);
  for (int64_t i = 0; i < x->numel; i++, nn_places_next(&p)) {
    int64_t k = nn_value_int_at(x, p.at);
    if (k < 1)
      return nn_fail(c->ctx, NN_EVALUE,
                     "bincount: %lld (at place %lld) is not counted: labels start at 1",
                     (long long)k, (long long)i + 1);
    y[k - 1]++;
  }
  return NN_OK;
}

static const nn_param params[] = {{.name = "n",
                                   .kind = NN_PARAM_INT,
                                   .offset = offsetof(bincount_attr, n),
                                   .flags = NN_P_PLACE,
                                   .lo = 0,
                                   .hi = NN_DIM_MAX,
                                   .doc = "count at least up to n, also what does not occur"},
                                  NN_P_END};

const nn_op nn_op_bincount = {
  .name = "bincount",
  .doc =
    "How often each of 1, 2, ... occurs among whole numbers: element k counts k. As long as the "
    "largest, or n where that is more.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_STRIDED,
  .attr_size = sizeof(bincount_attr),
  .params = params,
  .infer = infer,
  .forward = {forward, forward, forward, forward},
  .no_grad = true,
  .example = {{.inputs = "20<4"}, {.inputs = "3x4<4", .args = "7"}},
};
