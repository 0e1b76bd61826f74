/*
 * layer/conv_direct.h: the products of a convolution without columns, for float32 and a stride of 1.
 *
 * A plane whose rows stand `pitch` numbers apart is a long line, and what a kernel's element sees from all
 * places of the result is that line from another beginning. So the products of kernel/gemm_tiles.h read
 * the planes themselves at a list of places instead of columns that repeat each number kh kw times. Rows
 * of the result are `pitch` apart too: what stands between them is computed in vain, and dropped.
 */
#ifndef NN_LAYER_CONV_DIRECT_H
#define NN_LAYER_CONV_DIRECT_H

#include "layer/conv.h"

/* Whether these products are to be taken: there are loops for this processor, and rows are long enough
   for what is computed in vain. After nn_blas_check. */
bool nn_conv_is_direct(const nn_conv *g);
bool nn_conv_is_direct_to_x(const nn_conv *g);

/* As nn_conv_run_f32, nn_conv_to_x_f32 and nn_conv_to_w_f32. A zero of the padding times an infinite
   number is NaN here as there; in nn_conv_direct_to_w also one between two rows of gy. */
nn_status nn_conv_direct_run(nn_ctx *ctx, const nn_conv *g, const float *x, const float *w,
                             const float *b, bool add, float *y);
nn_status nn_conv_direct_to_x(nn_ctx *ctx, const nn_conv *g, const float *w, const float *gy,
                              bool add, float *gx);
nn_status nn_conv_direct_to_w(nn_ctx *ctx, const nn_conv *g, const float *x, const float *gy,
                              bool add, float *gw);

#endif
