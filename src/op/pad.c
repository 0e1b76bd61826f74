/* op/pad.c: a border of one number around the last dimensions; the gradient is the middle's. */
#include "grad/op.h"
#include "kernel/places.h"

typedef struct pad_attr {
  nn_ints by; /* before, after the last dimension, then the one before it, ... */
  double value;
} pad_attr;

extern const nn_op nn_op_pad;

static nn_status infer(const nn_call *c) {
  const nn_ints *by = &((const pad_attr *)c->attr)->by;
  nn_shape s = c->in[0]->shape;
  nn_text t;
  if (by->n % 2 != 0 || by->n / 2 > s.ndim)
    return nn_fail(c->ctx, NN_EVALUE,
                   "pad: wants two numbers (before, after) a dimension, from the last one on; got "
                   "%d numbers for a tensor of %s",
                   (int)by->n, nn_value_text(&t, c->in[0]));
  for (int i = 0; i < by->n; i++) {
    int64_t *size = &s.dim[s.ndim - 1 - i / 2];
    *size += by->v[i];
    if (i % 2 == 0 || *size >= 0) continue;
    return nn_fail(c->ctx, NN_ESHAPE, "pad: %lld and %lld cut more than there is from %s",
                   (long long)by->v[i - 1], (long long)by->v[i], nn_value_text(&t, c->in[0]));
  }
  nn_value_set(c->out, c->in[0]->dtype, &s);
  return NN_OK;
}

/* The part of `in` that is kept, and its place in `out`. False: nothing is. */
static bool middle(const nn_ints *by, const nn_value *in, const nn_value *out, nn_value *from,
                   nn_value *to) {
  nn_value_copy(from, in);
  nn_value_copy(to, out);
  for (int i = 0; i < by->n; i += 2) {
    int d = in->shape.ndim - 1 - i / 2;
    int64_t before = by->v[i], after = by->v[i + 1];
    int64_t cut = (before < 0 ? -before : 0) + (after < 0 ? -after : 0), n = in->shape.dim[d] - cut;
    if (n <= 0) return false;
    nn_value_part(from, from, d, before < 0 ? -before : 0, n);
    nn_value_part(to, to, d, before > 0 ? before : 0, n);
  }
  return true;
}

static nn_status forward(const nn_call *c) {
  const pad_attr *a = c->attr;
  nn_value from, to;
  NN_TRY(nn_fill_into(c->ctx, c->out, a->value));
  return middle(&a->by, c->in[0], c->out, &from, &to) ? nn_copy_into(c->ctx, &to, &from) : NN_OK;
}

static nn_status backward(const nn_call *c) {
  const pad_attr *a = c->attr;
  nn_value gin, g;
  if (!c->add[0]) NN_TRY(nn_fill_into(c->ctx, c->gin[0], 0));
  return middle(&a->by, c->gin[0], c->gout, &gin, &g) ? nn_sum_to(c->ctx, &gin, &g, true) : NN_OK;
}

static const nn_param params[] = {
  NN_P_INTS(pad_attr, by, NN_P_NEEDED, 0, -NN_DIM_MAX, NN_DIM_MAX,
            "how many before and after the last dimension, then the one before it, and so on; "
            "negative ones cut"),
  NN_P_REAL(pad_attr, value, NN_P_PLACE, 0, -NN_REAL_MAX, NN_REAL_MAX,
            "what the border is made of"),
  NN_P_END};

const nn_op nn_op_pad = {
  .name = "pad",
  .doc = "A border around the last dimensions: x:pad({1, 2}) puts one number before and two after "
         "the last, x:pad({1, 1, 2, 2}) also two before and after the one before it.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_STRIDED,
  .attr_size = sizeof(pad_attr),
  .params = params,
  .infer = infer,
  .forward = {forward, forward, forward, forward},
  .backward = {backward, backward},
  .example = {{.inputs = "2x3", .args = "{1, 2}"},
              {.inputs = "2x3x2", .args = "{0, 1, 2, 0}, 0.5"},
              {.inputs = "4x5", .args = "{-1, 1, 2, -2}"}},
};
