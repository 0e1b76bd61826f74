/*
 * tensor/storage.h: a counted buffer with a version.
 *
 * `version` grows with every write through a tensor, so that autograd can tell a saved value that
 * was changed since. `data` may move once: when an optimizer packs its parameters into one block.
 * Boxes, views and saved values reach the data through the storage, so they follow.
 */
#ifndef NN_TENSOR_STORAGE_H
#define NN_TENSOR_STORAGE_H

#include "base/context.h"

/* Memory that several storages share: packed parameters, or their gradients. */
typedef struct nn_block {
  nn_ctx *ctx;
  int refs;
  size_t bytes;
  void *data; /* 64-byte aligned */
} nn_block;

typedef struct nn_storage {
  nn_ctx *ctx;
  int refs;
  uint32_t version;
  size_t bytes;    /* that belong to this storage */
  void *data;      /* 64-byte aligned */
  nn_block *block; /* NULL: the data is the storage's own */
  size_t front;    /* bytes that stand before the struct in the same block of memory */
} nn_storage;

/* Contents undefined. */
nn_status nn_storage_new(nn_ctx *ctx, size_t bytes, nn_storage **out);
/* The same with `front` bytes (a multiple of 8) before it for the caller, at *place, in one block of
   memory, which lives as long as the storage. */
nn_status nn_storage_new_behind(nn_ctx *ctx, size_t front, size_t bytes, void **place,
                                nn_storage **out);
static inline void nn_storage_retain(nn_storage *s) {
  s->refs++;
}
/* Frees one without references. */
void nn_storage_free(nn_storage *s);
/* NULL is fine. */
static inline void nn_storage_release(nn_storage *s) {
  if (s && --s->refs == 0) nn_storage_free(s);
}

/* A block of zeros. */
nn_status nn_block_new(nn_ctx *ctx, size_t bytes, nn_block **out);
void nn_block_release(nn_block *b);
/* Copies the storage's data to `offset` bytes into the block and makes it live there. The block
   is retained. */
void nn_storage_move(nn_storage *s, nn_block *b, size_t offset);

#endif
