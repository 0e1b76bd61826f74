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
  nn_pool_attr attr;
} nn_pool_layer;

#define NN_P_POOL                                                       \
  NN_P_INTS(nn_pool_layer, kernel_size, NN_P_NEEDED, 1, 1, NN_CONV_MAX, \
            "size of the window, or {height, width}"),                  \
    NN_P_INTS(nn_pool_layer, stride, 0, 0, 0, NN_CONV_MAX,              \
              "step between two windows; 0: as large as the window"),   \
    NN_P_INTS(nn_pool_layer, padding, 0, 0, 0, NN_CONV_MAX,             \
              "places added around the input, at most half the window")
#define NN_P_CEIL                            \
  NN_P_BOOL(nn_pool_layer, ceil_mode, false, \
            "windows that begin inside may end outside: sizes are rounded up")

/* Checks the options and fills attr. */
nn_status nn_pool_build(nn_layer *l, int dims);
/* Checks x and applies `op`. */
nn_status nn_pool_forward(nn_layer *l, const nn_op *op, const nn_pool_attr *attr, int dims,
                          nn_tensor *x, nn_tensor **y);
nn_pool nn_pool_geometry(const nn_shape *x, const nn_pool_attr *a);
nn_status nn_pool_infer(const nn_call *c);

extern const nn_op nn_op_pool_max, nn_op_pool_avg;

#endif
