/*
 * kernel/walk.h: the one loop over elements, for any strides.
 *
 * An elementwise operation is a row function over contiguous arrays. nn_walk hands it runs:
 * straight pointers where a value is dense, pieces gathered into a small buffer where it is strided
 * or repeated (stride 0). So row functions are three-line loops that vectorise, and broadcasting,
 * views, threads and Ctrl-C are dealt with here.
 */
#ifndef NN_KERNEL_WALK_H
#define NN_KERNEL_WALK_H

#include "tensor/tensor.h"

enum { NN_WALK_MAX = 6 };

/* p[0] is written, p[1..] are read; n elements each, of the values' dtypes. p[0] may equal
   another pointer. */
typedef void (*nn_row)(int64_t n, void *const *p, const void *attr);

typedef enum nn_walk_flags {
  NN_WALK_ADD = 1,    /* the rows' results are added to v[0] (floating) instead of stored */
  NN_WALK_FINISH = 2, /* v[0] is changed in place: an interrupt waits until all is done */
  NN_WALK_LIGHT =
    4 /* the row takes less time than moving its memory: large results go past the caches */
} nn_walk_flags;

/* Walks n values of equal shape (expand them first). */
nn_status nn_walk(nn_ctx *ctx, nn_row row, const void *attr, int n, const nn_value *const *v,
                  unsigned flags);

/* How many threads a kernel should use for `work` elements: 1 below the grain where a second
   thread pays. */
int nn_threads_for(const nn_ctx *ctx, int64_t work);

/* dst = src with conversion, any strides; src must broadcast to dst's shape. Memory may not
   overlap, but may be the same value. */
nn_status nn_copy_into(nn_ctx *ctx, const nn_value *dst, const nn_value *src);
/* dst = x everywhere. */
nn_status nn_fill_into(nn_ctx *ctx, const nn_value *dst, double x);
/* Zeros in all of dst but elements first .. first + n - 1 of dimension d. */
nn_status nn_fill_outside(nn_ctx *ctx, const nn_value *dst, int d, int64_t first, int64_t n);
/* dst (+)= the sum of src over the dimensions where dst has size 1 or none: the gradient of
   broadcasting. Floating. */
nn_status nn_sum_to(nn_ctx *ctx, const nn_value *dst, const nn_value *src, bool add);

#endif
