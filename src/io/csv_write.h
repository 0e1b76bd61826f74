/* io/csv_write.h: tables of numbers as text that reads back as the same numbers. */
#ifndef NN_IO_CSV_WRITE_H
#define NN_IO_CSV_WRITE_H

#include "tensor/tensor.h"

/* Texts that stand for the labels of a column: label i, from 1, is text[i - 1], as it is to be written. */
typedef struct nn_csv_labels {
  int64_t n;
  const char *const *text;
} nn_csv_labels;

/*
 * Writes the file atomically: the header line (NULL: none), then a row for each row of the tensors, which
 * have one or two dimensions and the same number of rows; their columns stand side by side. float32 with
 * 9 digits, float64 with 17. `labels` (NULL: none) are for the last tensor, N whole numbers.
 */
nn_status nn_csv_save(nn_ctx *ctx, const char *path, const char *header, int n,
                      nn_tensor *const *tensor, const nn_csv_labels *labels);

#endif
