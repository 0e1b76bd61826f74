/* kernel/transpose.h: copies in which another dimension runs fastest on each side. */
#ifndef NN_KERNEL_TRANSPOSE_H
#define NN_KERNEL_TRANSPOSE_H

#include "tensor/tensor.h"

/* dst = src of equal shape and dtype, in tiles that the cache holds, with threads. False, and
   nothing done: the copy is not of that kind, or too small to gain. Memory may not overlap. */
bool nn_copy_transposed(const nn_ctx *ctx, const nn_value *dst, const nn_value *src);

#endif
