/* op/one_hot.c: a row of n for each label, 1 at the label, 0 elsewhere; float32. */
#include <string.h>

#include "grad/op.h"
#include "kernel/places.h"

typedef struct one_hot_attr {
  int64_t n;
} one_hot_attr;

extern const nn_op nn_op_one_hot;

static nn_status infer(const nn_call *c) {
  const nn_value *x = c->in[0];
  nn_shape s = x->shape;
  int64_t n = ((const one_hot_attr *)c->attr)->n;
  if (nn_is_real(x->dtype))
    return nn_fail(c->ctx, NN_ETYPE, "one_hot: labels are whole numbers (int64), got %s",
                   nn_dtype_name(x->dtype));
  if (s.ndim == NN_MAXDIM)
    return nn_fail(c->ctx, NN_ESHAPE, "one_hot: a tensor has at most %d dimensions", NN_MAXDIM);
  nn_places p = nn_places_of(x);
  for (int64_t i = 0; n == 0 && i < x->numel; i++, nn_places_next(&p)) {
    int64_t k = nn_value_int_at(x, p.at);
    s.dim[s.ndim] = i == 0 || k > s.dim[s.ndim] ? k : s.dim[s.ndim];
  }
  if (n > 0 || x->numel == 0) s.dim[s.ndim] = n;
  if (s.dim[s.ndim] < 0) s.dim[s.ndim] = 0; /* forward refuses the labels */
  s.ndim++;
  nn_value_set(c->out, NN_F32, &s);
  return NN_OK;
}

static nn_status forward(const nn_call *c) {
  const nn_value *x = c->in[0];
  int64_t n = c->out->shape.dim[c->out->shape.ndim - 1];
  float *y = nn_data(c->out);
  memset(y, 0, (size_t)c->out->numel * sizeof *y);
  nn_places p = nn_places_of(x);
  for (int64_t i = 0; i < x->numel; i++, nn_places_next(&p)) {
    int64_t k = nn_value_int_at(x, p.at);
    if (k < 1 || k > n)
      return nn_fail(c->ctx, NN_EVALUE,
                     "one_hot: label %lld (at place %lld) is out of range 1..%lld%s", (long long)k,
                     (long long)i + 1, (long long)n,
                     k == 0 ? "; labels start at 1 (labels = labels:add(1))" : "");
    y[i * n + k - 1] = 1;
  }
  return NN_OK;
}

static const nn_param params[] = {{.name = "n",
                                   .kind = NN_PARAM_INT,
                                   .offset = offsetof(one_hot_attr, n),
                                   .flags = NN_P_PLACE,
                                   .lo = 0,
                                   .hi = NN_DIM_MAX,
                                   .doc = "how many classes; 0: as many as the largest label"},
                                  NN_P_END};

const nn_op nn_op_one_hot = {
  .name = "one_hot",
  .doc = "A row of n for each label (int64, from 1): 1 at the label, 0 elsewhere; float32.",
  .args = "labels",
  .nin = 1,
  .flags = NN_OP_STRIDED,
  .attr_size = sizeof(one_hot_attr),
  .params = params,
  .infer = infer,
  .forward = {forward, forward, forward, forward},
  .no_grad = true,
  .example = {{.inputs = "5<3", .args = "4"}, {.inputs = "2x3<3"}},
};
