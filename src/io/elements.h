/*
 * io/elements.h: the element types of other programs' files, and what they become here:
 *
 *   float16, bfloat16, float32 -> float32     float64 -> float64
 *   uint8, bool -> uint8                      the other integers -> int64
 */
#ifndef NN_IO_ELEMENTS_H
#define NN_IO_ELEMENTS_H

#include "io/file.h"
#include "tensor/tensor.h"

typedef struct nn_elements {
  char kind; /* 'f' IEEE float, 'r' bfloat16, 'i' integer, 'u' unsigned, 'b' bool */
  int width; /* bytes */
  bool big;  /* most significant byte first */
} nn_elements;

/* Whether there are such elements and they can be read. */
bool nn_elements_known(const nn_elements *e);
nn_dtype nn_elements_dtype(const nn_elements *e);
/* Reads t->numel elements from where the source is into t, which is dense and of that dtype. Fails
   at an unsigned integer above 2^63 - 1. */
nn_status nn_elements_read(nn_source *s, const nn_elements *e, nn_value *t);

#endif
