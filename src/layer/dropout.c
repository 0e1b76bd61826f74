/*
 * layer/dropout.c: in training each element is dropped with probability p and the others are
 * multiplied by 1 / (1 - p), so that the mean stays (inverted dropout; Srivastava et al. 2014). In
 * eval mode y = x. The mask comes from the stream "dropout", one byte an element.
 */
#ifndef R
#include "kernel/names.h"
#include "kernel/random.h"
#include "layer/layer.h"

typedef struct dropout {
  nn_layer base;
  double p;
} dropout;

typedef struct dropout_attr {
  double p;
} dropout_attr;

extern const nn_layer_class nn_layer_dropout;

#define NN_SELF "layer/dropout.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  nn_value_set(c->aux[0], NN_U8, &c->in[0]->shape);
  return nn_infer_same(c);
}

static const nn_op op = {
  .name = "dropout",
  .nin = 1,
  .nout_aux = 1,
  .flags = NN_OP_REUSE,
  .saves = NN_AUX(0),
  .attr_size = sizeof(dropout_attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

nn_status nn_dropout_apply(nn_ctx *ctx, double p, nn_tensor *x, nn_tensor **y) {
  return nn_apply(ctx, &op, &(dropout_attr){p}, 1, &x, y);
}

static nn_status layer_forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  dropout_attr attr = {((const dropout *)l)->p};
  if (!l->training || attr.p == 0) {
    *y = nn_tensor_retain(x);
    return NN_OK;
  }
  return last ? nn_apply_last(ctx, &op, &attr, x, y) : nn_apply(ctx, &op, &attr, 1, &x, y);
}

static const nn_param params[] = {
  NN_P_REAL(dropout, p, NN_P_PLACE, 0.5, 0, 1, "probability to drop an element"), NN_P_END};

const nn_layer_class nn_layer_dropout = {
  .name = "Dropout",
  .doc = "In training drops each element with probability p and scales the rest by 1 / (1 - p), so "
         "that the mean stays; in eval mode gives back x. Any shape. Masks come from the stream "
         "\"dropout\" of the seed. Srivastava et al. 2014.",
  .size = sizeof(dropout),
  .params = params,
  .forward = layer_forward,
  .example = {{.inputs = "4x5", .args = "0.5"},
              {.inputs = "4x5", .args = "0"},
              {.inputs = "4x5", .args = "1"}},
};
#else

NN_HOT static void FN(apply)(int64_t n, const R *x, const uint8_t *mask, R scale, bool add, R *y) {
  if (add)
    for (int64_t i = 0; i < n; i++) y[i] += mask[i] ? x[i] * scale : 0;
  else
    for (int64_t i = 0; i < n; i++) y[i] = mask[i] ? x[i] * scale : 0;
}

static nn_status FN(forward)(const nn_call *c) {
  double keep = 1 - ((const dropout_attr *)c->attr)->p;
  nn_random_mask(&c->ctx->rng, NN_RNG_DROPOUT, c->out->numel, keep, nn_data(c->aux[0]));
  FN(apply)
  (c->out->numel, nn_data(c->in[0]), nn_data(c->aux[0]), (R)(1 / keep), false, nn_data(c->out));
  return NN_OK;
}

static nn_status FN(backward)(const nn_call *c) {
  double keep = 1 - ((const dropout_attr *)c->attr)->p;
  FN(apply)
  (c->gout->numel, nn_data(c->gout), nn_data(c->aux[0]), (R)(1 / keep), c->add[0],
   nn_data(c->gin[0]));
  return NN_OK;
}

#endif
