/*
 * layer/recurrent.h: what RNN, LSTM and GRU share: options, parameters, layers and directions.
 *
 * The inputs of all steps go through one matrix product, gx = x W_ih^T + b (recorded as a linear
 * layer); an operation of each cell then walks through time, with one product a step for the whole
 * batch. Inside, time comes first, so that what a step reads and writes stands together: inputs of
 * N x steps are turned round once, which costs a fraction of gx's rows, and the last layer's cell
 * writes N x steps again.
 */
#ifndef NN_LAYER_RECURRENT_H
#define NN_LAYER_RECURRENT_H

#include "layer/layer.h"

typedef struct nn_recurrent {
  nn_layer base;
  int64_t input_size, hidden_size, layers;
  bool bias, batch_first, bidirectional;
  double dropout;
  const char *nonlinearity; /* RNN alone */
} nn_recurrent;

/* One pass through time. Row (t, n) of gx and of what is kept for backward is t * N + n; of the
   result and its gradient it is n * sn + t * st. */
typedef struct nn_pass_attr {
  int64_t n, t, h, sn, st;
  bool batch_first; /* the result is N x steps x h */
  bool reverse, bias, state, relu;
} nn_pass_attr;

typedef struct nn_cell {
  int gates;       /* rows of W_ih, in hidden sizes */
  bool cell_state; /* LSTM: the operation's result is flat, h of all rows, then the last c */
  bool own_bias;   /* GRU: b_hh is the operation's input, not added to b_ih */
  /* Inputs gx (steps, n, gates h), W_hh (gates h, h), then b_hh if own, then h0 (n, h) and c0. */
  const nn_op *op;
} nn_cell;

#define NN_P_RECURRENT                                                                      \
  NN_P_SIZE(nn_recurrent, input_size, "features of each step's input"),                     \
    NN_P_SIZE(nn_recurrent, hidden_size, "features of the state"),                          \
    NN_P_INT(nn_recurrent, layers, 1, 1, 1000, "layers one above the other"),               \
    NN_P_BOOL(nn_recurrent, bias, true, "add the bias vectors b_ih and b_hh"),              \
    NN_P_BOOL(nn_recurrent, batch_first, true,                                              \
              "inputs are N x steps x features; false: steps x N x features"),              \
    NN_P_REAL(nn_recurrent, dropout, 0, 0, 0, 1, "dropped between the layers in training"), \
    NN_P_BOOL(nn_recurrent, bidirectional, false,                                           \
              "a second pass from the last step to the first; outputs stand side by side")

nn_status nn_recurrent_build(nn_ctx *ctx, nn_layer *l, int gates);
nn_status nn_recurrent_forward(nn_layer *l, const nn_cell *cell, int nin, nn_tensor *const *in,
                               nn_tensor **out);

/* For the cells: the time at step i of the walk. */
static inline int64_t nn_pass_time(const nn_pass_attr *a, int64_t i) {
  return a->reverse ? a->t - 1 - i : i;
}
/* The result's shape. */
static inline nn_shape nn_pass_shape(const nn_pass_attr *a) {
  nn_shape s = {3, {a->batch_first ? a->n : a->t, a->batch_first ? a->t : a->n, a->h}};
  return s;
}
/* The gradients of an empty batch. */
static inline nn_status nn_pass_nothing(const nn_call *c) {
  for (int k = 0; k < c->nin; k++)
    if (c->gin[k] && !c->add[k]) NN_TRY(nn_fill_into(c->ctx, c->gin[k], 0));
  return NN_OK;
}

/* prev (steps, n, h): the state before each row, from y, the result, and h0 (NULL: zeros). */
void nn_pass_previous_f32(const nn_pass_attr *a, const float *y, const float *h0, float *prev);
void nn_pass_previous_f64(const nn_pass_attr *a, const double *y, const double *h0, double *prev);
/* Stores n gradients of input k, or adds them, where they are wanted. */
void nn_pass_give_f32(const nn_call *c, int k, int64_t n, const float *d);
void nn_pass_give_f64(const nn_call *c, int k, int64_t n, const double *d);

#endif
