/* io/bundle.h: tensors with names, and texts with names beside them: what an archive holds. */
#ifndef NN_IO_BUNDLE_H
#define NN_IO_BUNDLE_H

#include "tensor/tensor.h"

typedef struct nn_named {
  char *name;        /* NUL-terminated; the items own all three */
  char *text;        /* NULL, or what goes by that name */
  nn_tensor *tensor; /* NULL, or the tensor of that name */
} nn_named;

typedef struct nn_bundle {
  nn_ctx *ctx;
  int64_t n, room;
  nn_named *item; /* (room) */
} nn_bundle;

/* Adds an item with a copy of the name (`length` bytes without NUL) and of the text (NULL: none), and
   a reference to the tensor (NULL: none yet). */
nn_status nn_bundle_add(nn_bundle *b, const char *name, size_t length, const char *text,
                        nn_tensor *t);
void nn_bundle_drop(nn_bundle *b);

#endif
