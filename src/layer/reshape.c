/* layer/reshape.c: N x ... to N x the given sizes. */
#include "layer/layer.h"

typedef struct reshape {
  nn_layer base;
  nn_ints sizes;
} reshape;

extern const nn_op nn_op_reshape;
extern const nn_layer_class nn_layer_reshape;

/* A size of -1 is what is left of a sample, which also an empty batch has. */
static nn_status fill_open(const nn_layer *l, const nn_shape *from, nn_ints *to) {
  int64_t have = 1, known = 1;
  int open = 0;
  nn_text a, b;
  nn_shape want = {.ndim = (int)to->n - 1};
  for (int d = 1; d < from->ndim; d++) have *= from->dim[d];
  for (int d = 1; d < to->n; d++) {
    want.dim[d - 1] = to->v[d];
    if (to->v[d] < 0)
      open = d;
    else if (__builtin_mul_overflow(known, to->v[d], &known))
      known = 0;
  }
  if (open && known > 0 && have % known == 0) to->v[open] = have / known;
  if (known == have || (open && to->v[open] >= 0)) return NN_OK;
  return nn_layer_fail(l, NN_ESHAPE,
                       "a sample of %s has %lld elements, which do not fill %s (the batch is not "
                       "among the sizes)",
                       nn_shape_text(&a, from), (long long)have, nn_shape_text(&b, &want));
}

static nn_status forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  const nn_ints *sizes = &((const reshape *)l)->sizes;
  const nn_shape *s = &x->v.shape;
  nn_ints to = {1 + sizes->n, {0}};
  nn_text t;
  (void)last;
  *y = NULL;
  if (s->ndim < 1)
    return nn_layer_fail(l, NN_ESHAPE, "needs a batch, got %s", nn_shape_text(&t, s));
  to.v[0] = s->dim[0];
  for (int i = 0; i < sizes->n; i++) to.v[i + 1] = sizes->v[i];
  NN_TRY(fill_open(l, s, &to));
  return nn_apply(ctx, &nn_op_reshape, &to, 1, &x, y);
}

static nn_status build(nn_ctx *ctx, nn_layer *l) {
  const nn_ints *sizes = &((const reshape *)l)->sizes;
  int open = 0;
  for (int i = 0; i < sizes->n; i++) open += sizes->v[i] < 0;
  if (sizes->n >= NN_MAXDIM)
    return nn_fail(ctx, NN_EVALUE, "Reshape: at most %d sizes beside the batch, got %d",
                   NN_MAXDIM - 1, (int)sizes->n);
  if (open > 1) return nn_fail(ctx, NN_EVALUE, "Reshape: only one size may be -1");
  return NN_OK;
}

static const nn_param params[] = {NN_P_INTS(reshape, sizes, NN_P_NEEDED, 0, -1, NN_DIM_MAX,
                                            "the sizes without the batch; one may be -1"),
                                  NN_P_END};

const nn_layer_class nn_layer_reshape = {
  .name = "Reshape",
  .doc = "The same elements under another shape, in their order: Reshape{2, 3} makes N x 6 an N x "
         "2 x 3. The sizes leave out the batch; one may be -1, which is what then remains.",
  .size = sizeof(reshape),
  .params = params,
  .build = build,
  .forward = forward,
  .example = {{.inputs = "2x6", .args = "{2, 3}"}, {.inputs = "2x3x2", .args = "-1"}},
};
