/* io/gzip.h: inflating gzip data that stands in memory. */
#ifndef NN_IO_GZIP_H
#define NN_IO_GZIP_H

#include "tensor/tensor.h"

/* The content as a uint8 list. `name` begins the error text. The size that the trailer states is
   checked. */
nn_status nn_gunzip(nn_ctx *ctx, const char *name, const unsigned char *data, size_t size,
                    nn_tensor **out);

#endif
