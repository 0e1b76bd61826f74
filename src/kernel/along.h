/* kernel/along.h: sums along one axis of a dense array, and the way back; shared by sum, mean
   and what is built on them. */
#ifndef NN_KERNEL_ALONG_H
#define NN_KERNEL_ALONG_H

#include "tensor/tensor.h"

/* y (outer, inner) = scale * sum over the axis of x (outer, n, inner) */
void nn_sum_along_f32(const nn_ctx *ctx, const nn_axis *a, const float *x, double scale, float *y);
void nn_sum_along_f64(const nn_ctx *ctx, const nn_axis *a, const double *x, double scale,
                      double *y);
/* x (outer, n, inner) (+)= scale * g (outer, inner), the same along the axis */
void nn_spread_along_f32(const nn_axis *a, const float *g, double scale, bool add, float *x);
void nn_spread_along_f64(const nn_axis *a, const double *g, double scale, bool add, double *x);

#endif
