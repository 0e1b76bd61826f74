/* layer/layer_norm.c: the last dimensions of each sample normalised (Ba, Kiros, Hinton 2016). */
#include "layer/row_norm.h"

typedef struct layer_norm {
  nn_layer base;
  nn_ints normalized_shape;
  double eps;
  bool elementwise_affine;
} layer_norm;

extern const nn_layer_class nn_layer_layer_norm;

static nn_shape shape_of(const layer_norm *k) {
  nn_shape s = {.ndim = (int)k->normalized_shape.n};
  for (int i = 0; i < s.ndim; i++) s.dim[i] = k->normalized_shape.v[i];
  return s;
}

static nn_status build(nn_ctx *ctx, nn_layer *l) {
  const layer_norm *k = (const layer_norm *)l;
  nn_shape s = shape_of(k);
  NN_TRY(nn_shape_check(ctx, "LayerNorm", &s, sizeof(double)));
  if (!k->elementwise_affine) return NN_OK;
  NN_TRY(nn_layer_add_full(ctx, l, "weight", &s, 1, false));
  return nn_layer_add_full(ctx, l, "bias", &s, 0, false);
}

static nn_status forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  const layer_norm *k = (const layer_norm *)l;
  const nn_shape *s = &x->v.shape, want = shape_of(k);
  bool affine = k->elementwise_affine, fits = s->ndim >= want.ndim;
  nn_tensor *in[3] = {x, affine ? l->slot[0].tensor : NULL, affine ? l->slot[1].tensor : NULL};
  nn_row_norm_attr a = {k->eps, 1, nn_shape_numel(&want), 1};
  nn_text t, u;
  (void)ctx, (void)last;
  *y = NULL;
  NN_TRY(nn_layer_check_dtype(l, x));
  for (int i = 0; i < want.ndim && fits; i++) fits = s->dim[s->ndim - want.ndim + i] == want.dim[i];
  if (!fits)
    return nn_layer_fail(l, NN_ESHAPE, "the input's last dimensions must be %s, got %s",
                         nn_shape_text(&t, &want), nn_shape_text(&u, s));
  return nn_layer_apply(l, &nn_op_row_norm, &a, affine ? 3 : 1, in, y);
}

static const nn_param params[] = {
  NN_P_INTS(layer_norm, normalized_shape, NN_P_NEEDED, 1, 1, NN_DIM_MAX,
            "the sizes of the last dimensions, which are normalised together"),
  NN_P_REAL(layer_norm, eps, 0, 1e-5, 0, 1e6, "added to the variance"),
  NN_P_BOOL(layer_norm, elementwise_affine, true, "learn a weight and a bias for each element"),
  NN_P_END};

const nn_layer_class nn_layer_layer_norm = {
  .name = "LayerNorm",
  .doc = "y = (x - mean) / sqrt(variance + eps) * weight + bias, where mean and (biased) variance "
         "are of the last dimensions, normalized_shape, of each sample by itself: independent of "
         "the batch, in training as in eval mode. x, y: (..., normalized_shape); fields weight, "
         "from 1, and bias, from 0, of that shape. Ba, Kiros and Hinton 2016.",
  .size = sizeof(layer_norm),
  .params = params,
  .build = build,
  .forward = forward,
  .example = {{.inputs = "3x5", .args = "5"},
              {.inputs = "2x3x2x4", .args = "{2, 4}, eps = 0.01"},
              {.inputs = "4x20", .args = "20, elementwise_affine = false"},
              {.inputs = "3x70", .args = "70"}},
};
