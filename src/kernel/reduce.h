/*
 * kernel/reduce.h: sums and other reductions over rows and columns of a dense array.
 *
 * Floating sums accumulate in double over 16 fixed lanes; long ones are cut into pieces of a fixed
 * size, so the bits do not depend on the number of threads.
 */
#ifndef NN_KERNEL_REDUCE_H
#define NN_KERNEL_REDUCE_H

#include "tensor/tensor.h"

/* y[r] (+)= scale * sum of row r of x (rows, n) */
void nn_sum_rows_f32(const nn_ctx *ctx, int64_t rows, int64_t n, const float *x, double scale,
                     bool add, float *y);
void nn_sum_rows_f64(const nn_ctx *ctx, int64_t rows, int64_t n, const double *x, double scale,
                     bool add, double *y);
/* y[c] (+)= scale * sum of column c of x (rows, n) */
void nn_sum_cols_f32(const nn_ctx *ctx, int64_t rows, int64_t n, const float *x, double scale,
                     bool add, float *y);
void nn_sum_cols_f64(const nn_ctx *ctx, int64_t rows, int64_t n, const double *x, double scale,
                     bool add, double *y);
/* The sum of n elements. */
double nn_total_f32(const nn_ctx *ctx, int64_t n, const float *x);
double nn_total_f64(const nn_ctx *ctx, int64_t n, const double *x);
/* The sum of n products. */
double nn_products_f32(int64_t n, const float *x, const float *y);
double nn_products_f64(int64_t n, const double *x, const double *y);

/* The largest absolute value of n elements of that type, 0 of none; NaN when one is. */
double nn_largest_f32(int64_t n, const void *x);
double nn_largest_f64(int64_t n, const void *x);

/* y = softmax of the n scores x, finite at any score; y may be x. */
void nn_softmax_row_f32(int64_t n, const float *x, float *y);
void nn_softmax_row_f64(int64_t n, const double *x, double *y);
/* The same of every row of x (rows, n) into another array, and of each its max and log(sum(exp(x - max))),
   which the softmax has computed anyway. */
void nn_softmax_logsum_rows_f32(int64_t rows, int64_t n, const float *x, float *y, double *max,
                                double *lse);
void nn_softmax_logsum_rows_f64(int64_t rows, int64_t n, const double *x, double *y, double *max,
                                double *lse);
/* max and log(sum(exp(x - max))): log softmax is x - max - lse. */
void nn_logsum_row_f32(int64_t n, const float *x, double *max, double *lse);
void nn_logsum_row_f64(int64_t n, const double *x, double *max, double *lse);

#endif
