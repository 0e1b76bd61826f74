/* op/view.c: the same elements under another shape, never copied: what reshape is where the strides
   of a view allow it. */
#include "grad/op.h"
#include "kernel/places.h"

typedef struct view_attr {
  nn_ints shape;
} view_attr;

extern const nn_op nn_op_view;

static nn_status view(const nn_call *c) {
  const nn_ints *to = &((const view_attr *)c->attr)->shape;
  const nn_value *x = c->in[0];
  nn_shape s = {.ndim = (int)to->n};
  nn_text a, b;
  for (int i = 0; i < s.ndim; i++) s.dim[i] = to->v[i];
  NN_TRY(nn_shape_check(c->ctx, "view", &s, 1));
  if (nn_shape_numel(&s) != x->numel)
    return nn_fail(c->ctx, NN_ESHAPE, "view: %s has %lld elements, which do not fill %s",
                   nn_value_text(&a, x), (long long)x->numel, nn_shape_text(&b, &s));
  if (nn_value_reshape(c->out, x, &s)) return NN_OK;
  return nn_fail(
    c->ctx, NN_ESHAPE,
    "view: the tensor of %s is not contiguous, and %s would need a copy; reshape makes "
    "one",
    nn_value_text(&a, x), nn_shape_text(&b, &s));
}

/* The input's gradient is dense, so it can be seen in the output's shape. */
static nn_status backward(const nn_call *c) {
  nn_value to;
  nn_value_reshape(&to, c->gin[0], &c->gout->shape);
  return nn_sum_to(c->ctx, &to, c->gout, c->add[0]);
}

static const nn_param params[] = {
  NN_P_INTS(view_attr, shape, NN_P_NEEDED, 0, 0, NN_DIM_MAX, "the new sizes"), NN_P_END};

const nn_op nn_op_view = {
  .name = "view",
  .doc = "The same elements, row-major, under another shape, sharing their memory; an error where "
         "that cannot be. reshape copies then.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_STRIDED,
  .attr_size = sizeof(view_attr),
  .params = params,
  .view = view,
  .backward = {backward, backward},
  .example = {{.inputs = "2x6", .args = "{2, 6}"}, {.inputs = "2x3", .args = "{2, 1, 3}"}},
};
