/* io/npz.h: NumPy's .npz: a zip archive of .npy files, stored or deflated; libzip does the zip. */
#ifndef NN_IO_NPZ_H
#define NN_IO_NPZ_H

#include "io/bundle.h"

/* Adds the arrays, named without ".npy", to the bundle; the caller drops it, on failure too. */
nn_status nn_npz_load(nn_ctx *ctx, const char *path, nn_bundle *out);
/* Writes the bundle's tensors, stored, atomically. */
nn_status nn_npz_save(nn_ctx *ctx, const char *path, const nn_bundle *b);

#endif
