/*
 * io/cifar.h: the binary files of CIFAR-10: records of a label byte (0..9), then 3 x 32 x 32 bytes, the
 * planes of red, green and blue. (A. Krizhevsky: "Learning multiple layers of features from tiny
 * images", 2009.)
 */
#ifndef NN_IO_CIFAR_H
#define NN_IO_CIFAR_H

#include "tensor/tensor.h"

enum { NN_CIFAR_PIXELS = 3 * 32 * 32, NN_CIFAR_CLASSES = 10 };

/* Reads all records of the files, one behind the other: x (N, 3, 32, 32), float32 or float64, in 0..1;
   y labels from 1. */
nn_status nn_cifar_load(nn_ctx *ctx, int files, const char *const *path, nn_dtype dtype,
                        nn_tensor **x, nn_tensor **y);

#endif
