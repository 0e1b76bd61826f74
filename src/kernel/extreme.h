/*
 * kernel/extreme.h: the largest or the smallest element along an axis of a dense array, and where it
 * stands. NaN wins, so that it is noticed; of equal ones, the first.
 */
#ifndef NN_KERNEL_EXTREME_H
#define NN_KERNEL_EXTREME_H

#include "tensor/tensor.h"

/* x of any dtype, at least one element along the axis; value (of the same dtype) and place (counted
   from 1) may each be NULL. Fails on Ctrl-C only. */
nn_status nn_extreme_along(nn_ctx *ctx, nn_dtype dtype, bool least, const nn_axis *a, const void *x,
                           void *value, int64_t *place);

#endif
