/*
 * io/idx.h: IDX files, the format of MNIST and its kin, gzip-compressed or not.
 *
 * 0, 0, type, number of dimensions, then each size as a big-endian 32-bit number, then the elements
 * row-major and big-endian. Types: 08 unsigned byte, 09 signed byte, 0B int16, 0C int32, 0D float32,
 * 0E float64. (Y. LeCun, C. Cortes, C. J. C. Burges: "The MNIST database of handwritten digits".)
 */
#ifndef NN_IO_IDX_H
#define NN_IO_IDX_H

#include "io/input.h"
#include "tensor/tensor.h"

typedef enum nn_idx_type {
  NN_IDX_U8 = 0x08,
  NN_IDX_I8 = 0x09,
  NN_IDX_I16 = 0x0b,
  NN_IDX_I32 = 0x0c,
  NN_IDX_F32 = 0x0d,
  NN_IDX_F64 = 0x0e
} nn_idx_type;

typedef struct nn_idx {
  nn_input in;
  nn_idx_type type;
  nn_shape shape; /* the first size counts the records */
  int64_t head;   /* bytes before the elements */
} nn_idx;

/* Opens a file, reads its head, and checks that the file has, or for gzip can have, the size that the
   head says. On failure there is nothing to close. */
nn_status nn_idx_open(nn_ctx *ctx, const char *path, nn_idx *f);
void nn_idx_close(nn_idx *f);
/* The elements of a record, and their bytes. */
int64_t nn_idx_record(const nn_idx *f);
size_t nn_idx_size(const nn_idx *f);
/* The next records, as many as `to` has rows (float32, float64 or int64, dense). Unsigned bytes become
   x / 255 where `to` is floating; other types stay the numbers that they are. */
nn_status nn_idx_read(nn_idx *f, const nn_value *to);
/* Goes to a record (from 0); gzip: only forward-reading files can, so it reads from the start. */
nn_status nn_idx_seek(nn_idx *f, int64_t record);
/* Fails unless everything has been read and nothing follows; for gzip its checksum is compared. */
nn_status nn_idx_finish(nn_idx *f);

/* Fails unless the file holds labels: one dimension of whole numbers. */
nn_status nn_idx_check_labels(const nn_idx *f);
/* Labels 0..classes-1 (classes = 0: up to 65535) become 1..classes, in place; `first` (from 0) is the
   record that stands first, for the error text. `most` is the greatest, 0 of none. */
nn_status nn_idx_count_from_one(const nn_idx *f, int64_t first, int64_t classes,
                                const nn_value *labels, int64_t *most);

/* A whole file as a new tensor of `dtype`, and a whole file of labels. */
nn_status nn_idx_load(nn_ctx *ctx, const char *path, nn_dtype dtype, nn_tensor **out);
nn_status nn_idx_labels(nn_ctx *ctx, const char *path, int64_t classes, nn_tensor **out,
                        int64_t *most);

#endif
