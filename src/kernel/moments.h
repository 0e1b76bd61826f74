/* kernel/moments.h: mean and variance along an axis of a dense array, in double. */
#ifndef NN_KERNEL_MOMENTS_H
#define NN_KERNEL_MOMENTS_H

#include "tensor/tensor.h"

/* y: the sum of (x - mean)^2 over n, or over n - 1 when unbiased; its square root when `root`.
   0 / 0 is NaN. Fails on Ctrl-C only. */
nn_status nn_variance_f32(nn_ctx *ctx, const nn_axis *a, const float *x, bool unbiased, bool root,
                          double *mean, float *y);
nn_status nn_variance_f64(nn_ctx *ctx, const nn_axis *a, const double *x, bool unbiased, bool root,
                          double *mean, double *y);

#endif
