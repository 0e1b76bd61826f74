/* tensor/shape.h: dimensions and their rules; no data. */
#ifndef NN_TENSOR_SHAPE_H
#define NN_TENSOR_SHAPE_H

#include "base/context.h"

enum { NN_MAXDIM = 8 };

typedef struct nn_shape {
  int ndim;
  int64_t dim[NN_MAXDIM];
} nn_shape;

/* Room for a shape in words: "32x1x28x28", "scalar" for no dimensions. */
typedef struct nn_text {
  char s[128];
} nn_text;

nn_shape nn_shape_1(int64_t a);
nn_shape nn_shape_2(int64_t a, int64_t b);

/* The number of elements. */
int64_t nn_shape_numel(const nn_shape *s);
/* Fails when a size is negative or when `size` bytes an element do not fit memory. */
nn_status nn_shape_check(nn_ctx *ctx, const char *who, const nn_shape *s, size_t size);
static inline bool nn_shape_equal(const nn_shape *a, const nn_shape *b) {
  if (a->ndim != b->ndim) return false;
  for (int i = 0; i < a->ndim; i++)
    if (a->dim[i] != b->dim[i]) return false;
  return true;
}
/* NumPy's rule: sizes are compared from the last; equal, or one of them 1. `who` begins the
   error text. */
nn_status nn_shape_broadcast(nn_ctx *ctx, const char *who, const nn_shape *a, const nn_shape *b,
                             nn_shape *out);
/* A dimension as scripts count it (from 1; negative from the end) to one counted from 0. */
nn_status nn_shape_dim(nn_ctx *ctx, const char *who, int64_t given, int ndim, int *dim);
/* A dense array seen around one dimension: element (o, i, r) stands at (o * n + i) * inner + r. */
typedef struct nn_axis {
  int64_t outer, n, inner;
} nn_axis;
/* dim < 0: all dimensions as one. */
nn_axis nn_shape_axis(const nn_shape *s, int dim);
/* Writes the shape into `t` and returns t->s. */
const char *nn_shape_text(nn_text *t, const nn_shape *s);

#endif
