/*
 * io/npy.h: NumPy's .npy, versions 1 to 3 (numpy/lib/format.py):
 *
 *   "\x93NUMPY", major, minor, the header's length (2 bytes in version 1, else 4; little-endian), the
 *   header: a Python dictionary {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, padded
 *   with spaces, then "\n"; then the elements, row-major, or column-major where fortran_order is True.
 */
#ifndef NN_IO_NPY_H
#define NN_IO_NPY_H

#include "io/file.h"
#include "tensor/tensor.h"

enum { NN_NPY_HEAD = 320 };

/* Reads the array that the whole source is, as a dense tensor (io/elements.h says of which dtype). */
nn_status nn_npy_read(nn_source *s, nn_tensor **out);
nn_status nn_npy_load(nn_ctx *ctx, const char *path, nn_tensor **out);
/* Some rows of a row-major array that may be larger than memory: `count` from row `first` (from 0) on,
   fewer where it ends. `shape` is that of the whole. */
nn_status nn_npy_rows(nn_ctx *ctx, const char *path, int64_t first, int64_t count, nn_shape *shape,
                      nn_tensor **out);

/* What stands before the elements of a dense tensor; returns its length, a multiple of 64. */
size_t nn_npy_head(const nn_value *v, char head[NN_NPY_HEAD]);
/* Writes the file atomically. */
nn_status nn_npy_save(nn_ctx *ctx, const char *path, nn_tensor *t);

#endif
