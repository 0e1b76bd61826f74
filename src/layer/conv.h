/*
 * layer/conv.h: the three products of a convolution, for its layers and their transposes.
 *
 * y[n, o, i, j] = sum over c, u, v of w[o, c, u, v] x[n, c, i sh - ph + u dh, j sw - pw + v dw], zero
 * outside x, group by group. Each product gathers the columns of a piece of the result, a few hundred
 * KB at most a thread, and hands it to BLAS; where conv_direct.h can do without columns, it does.
 */
#ifndef NN_LAYER_CONV_H
#define NN_LAYER_CONV_H

#include "layer/layer.h"

#define NN_CONV_MAX 1000000 /* of kernel sizes, strides, ...: their products still fit 64 bits */

typedef struct nn_conv {
  int64_t n;                                      /* images */
  int64_t c, h, w;                                /* the larger side, x: (n, c, h, w) */
  int64_t o, oh, ow;                              /* the result, y: (n, o, oh, ow) */
  int64_t groups, kh, kw, sh, sw, ph, pw, dh, dw; /* w: (o, c / groups, kh, kw) */
} nn_conv;

/* What the layers' options say, for height and width; one dimension has height 1. */
typedef struct nn_conv_attr {
  int64_t k[2], stride[2], padding[2], dilation[2], extra[2], groups;
} nn_conv_attr;

/* The layers' struct, or its beginning. */
typedef struct nn_conv_layer {
  nn_layer base;
  int64_t in_channels, out_channels, groups;
  nn_ints kernel_size, stride, padding, dilation;
  bool bias;
  int dims; /* 1: sequences, 2: images */
  nn_conv_attr attr;
} nn_conv_layer;

/* The options of Conv1d and Conv2d; `text` is what kernel_size is. */
#define NN_P_CONV(text)                                                                    \
  NN_P_SIZE(nn_conv_layer, in_channels, "channels of the input"),                          \
    NN_P_SIZE(nn_conv_layer, out_channels, "channels of the output"),                      \
    NN_P_INTS(nn_conv_layer, kernel_size, NN_P_NEEDED, 1, 1, NN_CONV_MAX, text),           \
    NN_P_INTS(nn_conv_layer, stride, 0, 1, 1, NN_CONV_MAX, "step between two places"),     \
    NN_P_INTS(nn_conv_layer, padding, 0, 0, 0, NN_CONV_MAX, "zeros put around the input"), \
    NN_P_INTS(nn_conv_layer, dilation, 0, 1, 1, NN_CONV_MAX,                               \
              "step between the kernel's elements"),                                       \
    NN_P_INT(nn_conv_layer, groups, 1, 1, NN_CONV_MAX,                                     \
             "channels are cut into so many groups, each with its own kernels"),           \
    NN_P_BOOL(nn_conv_layer, bias, true, "add a bias vector")

/* The size of the result along one dimension; <= 0: the kernel does not fit. */
int64_t nn_conv_size(int64_t size, int64_t k, int64_t stride, int64_t padding, int64_t dilation);
/* Two numbers from an option of one or two. `dims` 1: {1-dimensional} is {idle, value}. Fails when
   more than dims are given. */
nn_status nn_conv_pair(const nn_layer *l, const char *name, const nn_ints *v, int dims,
                       int64_t idle, int64_t pair[2]);
/* Fails unless x is batch x channels x dims sizes and floating. */
nn_status nn_conv_check(const nn_layer *l, const nn_tensor *x, int64_t channels, int dims);

/* build: reads the options into attr, all but `extra`. */
nn_status nn_conv_options(nn_layer *l, int dims);
/* Makes weight (first, second / groups, kernel) and, if wanted, bias, from U(-1/sqrt(n), 1/sqrt(n)) with n
   the inputs of a sum. */
nn_status nn_conv_parameters(nn_ctx *ctx, nn_layer *l, int64_t first, int64_t second);
/* forward: checks x, then applies `op` to it and the parameters. */
nn_status nn_conv_apply(nn_layer *l, const nn_op *op, nn_tensor *x, nn_tensor **y);

/* Conv1d and Conv2d. */
nn_status nn_conv_build1d(nn_ctx *ctx, nn_layer *l);
nn_status nn_conv_build2d(nn_ctx *ctx, nn_layer *l);
nn_status nn_conv_forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y);

/* Threads for `tasks` equal pieces of `work` multiplications in all. */
int nn_conv_threads(const nn_ctx *ctx, int64_t tasks, int64_t work);
/* Into how many chunks of images a gradient by w of so many bytes is cut, each with a sum of its own: it
   depends on the sizes alone, so the bits do not depend on the threads. */
int64_t nn_conv_chunks(const nn_conv *g, size_t bytes);

/* y = conv(x, w) + b; b may be NULL. With `add` y += conv(x, w), b unused. */
nn_status nn_conv_run_f32(nn_ctx *ctx, const nn_conv *g, const float *x, const float *w,
                          const float *b, bool add, float *y);
nn_status nn_conv_run_f64(nn_ctx *ctx, const nn_conv *g, const double *x, const double *w,
                          const double *b, bool add, double *y);
/* The gradient by x of what has the gradient gy; also the transposed convolution of gy. */
nn_status nn_conv_to_x_f32(nn_ctx *ctx, const nn_conv *g, const float *w, const float *gy, bool add,
                           float *gx);
nn_status nn_conv_to_x_f64(nn_ctx *ctx, const nn_conv *g, const double *w, const double *gy,
                           bool add, double *gx);
/* The gradient by w. */
nn_status nn_conv_to_w_f32(nn_ctx *ctx, const nn_conv *g, const float *x, const float *gy, bool add,
                           float *gw);
nn_status nn_conv_to_w_f64(nn_ctx *ctx, const nn_conv *g, const double *x, const double *gy,
                           bool add, double *gw);
/* gb = the sum of gy over images and places */
nn_status nn_conv_to_b_f32(nn_ctx *ctx, int64_t n, int64_t channels, int64_t places,
                           const float *gy, bool add, float *gb);
nn_status nn_conv_to_b_f64(nn_ctx *ctx, int64_t n, int64_t channels, int64_t places,
                           const double *gy, bool add, double *gb);

/* y = conv(x, w) + b; attr is an nn_conv_attr. */
extern const nn_op nn_op_conv;

#endif
