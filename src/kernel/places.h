/*
 * kernel/places.h: parts of a value, and its elements one by one in row-major order, for what
 * masks and indices decide element by element (kernel/walk.h is faster where they do not).
 */
#ifndef NN_KERNEL_PLACES_H
#define NN_KERNEL_PLACES_H

#include "tensor/tensor.h"

typedef struct nn_places {
  const nn_value *v;
  int64_t at; /* the element, counted from the storage's start */
  int64_t index[NN_MAXDIM];
} nn_places;

static inline nn_places nn_places_of(const nn_value *v) {
  return (nn_places){.v = v, .at = v->offset};
}
static inline void nn_places_next(nn_places *p) {
  const nn_value *v = p->v;
  for (int d = v->shape.ndim - 1; d >= 0; d--) {
    p->at += v->stride[d];
    if (++p->index[d] < v->shape.dim[d]) return;
    p->at -= v->stride[d] * v->shape.dim[d];
    p->index[d] = 0;
  }
}

/* How many elements of a uint8 mask are not 0. */
static inline int64_t nn_mask_count(const nn_value *mask) {
  const uint8_t *m = mask->storage->data;
  int64_t n = 0;
  if (mask->dense) {
    for (int64_t i = 0; i < mask->numel; i++) n += m[mask->offset + i] != 0;
    return n;
  }
  nn_places p = nn_places_of(mask);
  for (int64_t i = 0; i < mask->numel; i++, nn_places_next(&p)) n += m[p.at] != 0;
  return n;
}

/* Elements first .. first + n - 1 (from 0) of a dimension (from 0); no reference is taken. */
static inline void nn_value_part(nn_value *to, const nn_value *from, int dim, int64_t first,
                                 int64_t n) {
  nn_value_copy(to, from);
  to->offset += first * from->stride[dim];
  to->shape.dim[dim] = n;
  nn_value_settle(to);
}

/* An index as scripts count it (from 1, negative from the end) as one from 0, or -1: out of
   range. */
static inline int64_t nn_index_from_zero(int64_t given, int64_t n) {
  int64_t i = given < 0 ? given + n : given - 1;
  return given != 0 && i >= 0 && i < n ? i : -1;
}

/* The same elements under another shape of as many, without a copy; false: the strides do not allow
   it. */
bool nn_value_reshape(nn_value *to, const nn_value *from, const nn_shape *shape);

/* src seen at `shape`, to be written there; fails when it does not broadcast to it. */
nn_status nn_value_widen(nn_ctx *ctx, const nn_value *src, const nn_shape *shape, nn_value *wide);

/* dst[mask] = src: the mask's shape is that of dst's first dimensions, src broadcasts to (as many as
   the mask has, the other dimensions...). The memory of src may not overlap. */
nn_status nn_mask_write(nn_ctx *ctx, const nn_value *dst, const nn_value *mask,
                        const nn_value *src);
/* dst[index[i]] = src[i] along dst's first dimension; src broadcasts. The last of equal indices
   stays. Nothing is written when an index is out of range. */
nn_status nn_index_write(nn_ctx *ctx, const nn_value *dst, const nn_value *index,
                         const nn_value *src);

/* Whether |a - b| <= atol + rtol |b| for all elements; equal infinities are close, NaN to nothing but
   another NaN, with `nan`. Equal shapes (expand them first), any dtypes. */
bool nn_values_close(const nn_value *a, const nn_value *b, double rtol, double atol, bool nan);

#endif
