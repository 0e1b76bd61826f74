/* layer/pool.h: what the pooling layers share. Planes of h x w numbers shrink to planes of oh x ow;
   sequences are planes of height 1. */
#ifndef NN_LAYER_POOL_H
#define NN_LAYER_POOL_H

#include "layer/conv.h"

typedef struct nn_pool_attr {
  int64_t k[2], stride[2], padding[2], dilation[2];
  int64_t out[2]; /* adaptive: the size of the result; {0, 0}: by the window */
  bool ceil_mode, count_include_pad;
} nn_pool_attr;

typedef struct nn_pool {
  int64_t planes, h, w, oh, ow;
} nn_pool;

/* The options that every layer with a window has. */
typedef struct nn_pool_layer {
  nn_layer base;
  nn_ints kernel_size, stride, padding, dilation;
  bool ceil_mode, count_include_pad;
  int dims; /* 1: sequences, 2: images */
  nn_pool_attr attr;
} nn_pool_layer;

/* Of layers that are an nn_pool_layer: check the options and fill attr. */
nn_status nn_pool_build1d(nn_ctx *ctx, nn_layer *l);
nn_status nn_pool_build2d(nn_ctx *ctx, nn_layer *l);
/* Their options, and forward. */
extern const nn_param nn_pool_max_params[], nn_pool_avg_params[];
nn_status nn_pool_max_forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y);
nn_status nn_pool_avg_forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y);
/* Checks x and applies `op`. */
nn_status nn_pool_forward(nn_layer *l, const nn_op *op, const nn_pool_attr *attr, int dims,
                          nn_tensor *x, nn_tensor **y);
nn_pool nn_pool_geometry(const nn_shape *x, const nn_pool_attr *a);
nn_status nn_pool_infer(const nn_call *c);

extern const nn_op nn_op_pool_max, nn_op_pool_avg;

#endif
