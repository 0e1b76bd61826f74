/* io/dense.h: what the formats share: tensors as row-major bytes, and sizes checked. */
#ifndef NN_IO_DENSE_H
#define NN_IO_DENSE_H

#include "kernel/walk.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "files hold little-endian numbers, which are written and read as they stand");

static inline size_t nn_value_bytes(const nn_value *v) {
  return (size_t)v->numel * nn_dtype_size(v->dtype);
}

/* Bytes that may still be taken. */
static inline size_t nn_memory_left(const nn_ctx *ctx) {
  return ctx->mem.live < ctx->mem.limit ? ctx->mem.limit - ctx->mem.live : 0;
}

/* The tensor itself where its elements stand row-major without gaps, else a copy that does; a
   reference. */
nn_status nn_dense(nn_ctx *ctx, nn_tensor *t, nn_tensor **dense);

/* The bytes of a tensor of that shape: false when a size is negative or above 2^48, or when they are
   more than `most`. */
bool nn_shape_bytes(const nn_shape *s, size_t size, int64_t most, int64_t *bytes);

#endif
