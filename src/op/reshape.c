/* op/reshape.c: the same elements in row-major order under another shape; a view where the input
   is dense. */
#include <string.h>

#include "grad/op.h"

typedef struct reshape_attr {
  nn_ints shape; /* one size may be -1: what is left */
} reshape_attr;

extern const nn_op nn_op_reshape;

static nn_status view(const nn_call *c) {
  const nn_ints *to = &((const reshape_attr *)c->attr)->shape;
  const nn_value *x = c->in[0];
  nn_shape s = {.ndim = (int)to->n};
  nn_text a, b;
  int64_t known = 1;
  int open = -1;
  bool fits = true;
  for (int i = 0; i < s.ndim; i++) {
    s.dim[i] = to->v[i];
    if (to->v[i] >= 0)
      fits = fits && !__builtin_mul_overflow(known, to->v[i], &known);
    else if (open >= 0)
      return nn_fail(c->ctx, NN_ESHAPE, "reshape: only one size may be -1");
    else
      open = i;
  }
  if (open >= 0) {
    fits = fits && known > 0 && x->numel % known == 0;
    if (fits) s.dim[open] = x->numel / known;
  } else {
    fits = fits && known == x->numel;
  }
  if (!fits)
    return nn_fail(c->ctx, NN_ESHAPE, "reshape: %s has %lld elements, which do not fill %s",
                   nn_value_text(&a, x), (long long)x->numel, nn_shape_text(&b, &s));
  nn_value_set(c->out, x->dtype, &s);
  c->out->storage = x->storage;
  c->out->offset = x->offset;
  return NN_OK;
}

static nn_status pull(const nn_call *c, nn_value *gin) {
  nn_value_set(gin, c->gout->dtype, &c->in[0]->shape);
  gin->storage = c->gout->storage;
  gin->offset = c->gout->offset;
  return NN_OK;
}

static const nn_param params[] = {
  NN_P_INTS(reshape_attr, shape, NN_P_NEEDED, 0, -1, NN_DIM_MAX, "the new sizes; one may be -1"),
  NN_P_END};

const nn_op nn_op_reshape = {
  .name = "reshape",
  .doc = "The same elements, row-major, under another shape; one size may be -1. A view of a dense "
         "tensor, a copy "
         "otherwise.",
  .args = "x",
  .nin = 1,
  .attr_size = sizeof(reshape_attr),
  .params = params,
  .view = view,
  .pull = pull,
  .example = {{.inputs = "2x6", .args = "{3, 4}"}, {.inputs = "2x6", .args = "{-1, 3}"}},
};
