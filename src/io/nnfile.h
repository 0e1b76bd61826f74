/*
 * io/nnfile.h: the container of .nn files: bytes that describe a tree (lua/nn/files/tree.lua gives
 * them their meaning) and the tensors in it.
 *
 *   0        8  "\x89nnlua\r\n"
 *   8        4  version, 1                 numbers are little-endian
 *   12       4  n, the number of tensors
 *   16       8  bytes of the tree
 *   24       8  bytes of the file
 *   32          n times: dtype (1 byte: 0 float32, 1 float64, 2 int64, 3 uint8), rank (1 byte), six
 *               zeros, and the rank's sizes, 8 bytes each
 *               the tree
 *               the elements of each tensor, row-major, each tensor at the next multiple of 64
 *               zeros to the next multiple of 8
 *   end - 8  4  CRC-32 (zlib's) of all before
 *   end - 4  4  "end\n"
 */
#ifndef NN_IO_NNFILE_H
#define NN_IO_NNFILE_H

#include "tensor/tensor.h"

enum { NN_NNFILE_VERSION = 1 };

typedef struct nn_nnfile {
  char *tree;                 /* (tree_bytes) */
  size_t tree_bytes, tree_at; /* its place in the file, for error texts */
  int64_t n;
  nn_tensor *
    *tensor; /* (n) dense, each with a storage of its own; the caller may take them: NULL */
} nn_nnfile;

/* Writes the file atomically (io/file.h). Views are written dense. */
nn_status nn_nnfile_write(nn_ctx *ctx, const char *path, const void *tree, size_t bytes, int64_t n,
                          nn_tensor *const *tensor);
/* Reads all of it or nothing; the caller drops it. Sizes are checked against the file's before
   anything of that size is allocated. */
nn_status nn_nnfile_read(nn_ctx *ctx, const char *path, nn_nnfile *out);
void nn_nnfile_drop(nn_ctx *ctx, nn_nnfile *f);

#endif
