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

#endif
