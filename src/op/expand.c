/* op/expand.c: sizes of 1 repeated, and dimensions put in front, without a copy. The gradient is
   summed back. */
#include "grad/op.h"

typedef struct expand_attr {
  nn_ints shape; /* -1: as it is */
} expand_attr;

extern const nn_op nn_op_expand;

static nn_status view(const nn_call *c) {
  const nn_ints *to = &((const expand_attr *)c->attr)->shape;
  const nn_value *x = c->in[0];
  int lead = (int)to->n - x->shape.ndim;
  nn_shape s = {.ndim = (int)to->n};
  nn_text a, b;
  bool fits = lead >= 0;
  for (int i = 0; i < s.ndim && fits; i++) {
    int64_t have = i < lead ? 1 : x->shape.dim[i - lead];
    s.dim[i] = to->v[i] < 0 && i >= lead ? have : to->v[i];
    fits = s.dim[i] >= 0 && (have == s.dim[i] || have == 1);
  }
  for (int i = 0; i < s.ndim && !fits; i++) s.dim[i] = to->v[i];
  if (!fits)
    return nn_fail(c->ctx, NN_ESHAPE, "expand: %s cannot be repeated to %s; only sizes of 1 are",
                   nn_value_text(&a, x), nn_shape_text(&b, &s));
  NN_TRY(nn_shape_check(c->ctx, "expand", &s, 1));
  nn_value_expand(c->out, x, &s);
  return NN_OK;
}

static nn_status backward(const nn_call *c) {
  return nn_sum_to(c->ctx, c->gin[0], c->gout, c->add[0]);
}

static const nn_param params[] = {NN_P_INTS(expand_attr, shape, NN_P_NEEDED, 0, -1, NN_DIM_MAX,
                                            "the new sizes; -1 leaves one as it is"),
                                  NN_P_END};

const nn_op nn_op_expand = {
  .name = "expand",
  .doc = "A view in which dimensions of size 1 are repeated; new ones may be put in front.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_STRIDED,
  .attr_size = sizeof(expand_attr),
  .params = params,
  .view = view,
  .backward = {backward, backward},
  .example = {{.inputs = "3x1", .args = "{3, 4}"}, {.inputs = "3", .args = "{2, -1}"}},
};
