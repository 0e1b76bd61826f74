/*
 * layer/dropout2d.c: in training whole channels are dropped, N x C x H x W, with probability p, and
 * the others multiplied by 1 / (1 - p) (Tompson et al. 2015). The mask comes from the stream
 * "dropout", one byte a channel.
 */
#ifndef R
#include "kernel/names.h"
#include "kernel/random.h"
#include "layer/layer.h"

typedef struct attr {
  double p;
} attr;

typedef struct dropout2d {
  nn_layer base;
  attr attr;
} dropout2d;

extern const nn_layer_class nn_layer_dropout2d;

static nn_status infer(const nn_call *c) {
  nn_shape s = nn_shape_2(c->in[0]->shape.dim[0], c->in[0]->shape.dim[1]);
  nn_value_set(c->aux[0], NN_U8, &s);
  return nn_infer_same(c);
}

#define NN_SELF "layer/dropout2d.c"
#include "kernel/each_real.h"

static const nn_op op = {
  .name = "dropout2d",
  .nin = 1,
  .nout_aux = 1,
  .flags = NN_OP_REUSE,
  .saves = NN_AUX(0),
  .attr_size = sizeof(attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

static nn_status layer_forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  const attr *a = &((const dropout2d *)l)->attr;
  nn_text t;
  *y = NULL;
  if (x->v.shape.ndim < 3)
    return nn_layer_fail(l, NN_ESHAPE, "the input must be N x C x places, got %s",
                         nn_value_text(&t, &x->v));
  if (!l->training || a->p == 0) {
    *y = nn_tensor_retain(x);
    return NN_OK;
  }
  return last ? nn_apply_last(ctx, &op, a, x, y) : nn_apply(ctx, &op, a, 1, &x, y);
}

static const nn_param params[] = {{.name = "p",
                                   .kind = NN_PARAM_REAL,
                                   .offset = offsetof(dropout2d, attr.p),
                                   .flags = NN_P_PLACE,
                                   .def = {0.5},
                                   .lo = 0,
                                   .hi = 1,
                                   .doc = "probability to drop a channel"},
                                  NN_P_END};

const nn_layer_class nn_layer_dropout2d = {
  .name = "Dropout2d",
  .doc = "In training drops each channel of N x C x H x W as a whole with probability p and scales "
         "the rest by 1 / (1 - p), so that the mean stays: neighbouring pixels are alike, so that "
         "dropping them singly would hide little. In eval mode gives back x. Masks come from the "
         "stream \"dropout\" of the seed. Tompson et al. 2015.",
  .size = sizeof(dropout2d),
  .params = params,
  .forward = layer_forward,
  .example = {{.inputs = "3x4x2x2", .args = "0.5"},
              {.inputs = "2x3x2", .args = "0"},
              {.inputs = "2x2x2x2", .args = "1"}},
};
#else

/* y (+)= x where its channel is kept; x, y: (channels, n) */
static void FN(apply)(int64_t channels, int64_t n, const R *x, const uint8_t *mask, R scale,
                      bool add, R *y) {
  for (int64_t c = 0; c < channels; c++)
    for (int64_t i = c * n; i < (c + 1) * n; i++)
      y[i] = (add ? y[i] : 0) + (mask[c] ? x[i] * scale : 0);
}

static nn_status FN(forward)(const nn_call *c) {
  const double keep = 1 - ((const attr *)c->attr)->p;
  const int64_t n = c->aux[0]->numel;
  nn_random_mask(&c->ctx->rng, NN_RNG_DROPOUT, n, keep, nn_data(c->aux[0]));
  if (n) FN(apply)
  (n, c->out->numel / n, nn_data(c->in[0]), nn_data(c->aux[0]), (R)(1 / keep), false,
   nn_data(c->out));
  return NN_OK;
}

static nn_status FN(backward)(const nn_call *c) {
  const double keep = 1 - ((const attr *)c->attr)->p;
  const int64_t n = c->aux[0]->numel;
  if (n) FN(apply)
  (n, c->gout->numel / n, nn_data(c->gout), nn_data(c->aux[0]), (R)(1 / keep), c->add[0],
   nn_data(c->gin[0]));
  return NN_OK;
}

#endif
