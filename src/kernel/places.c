/* kernel/places.c: see places.h. */
#include "kernel/places.h"

#include <math.h>
#include <string.h>

#include "kernel/walk.h"

/* ---- another shape ---- */

/* The dimensions of a value without those of size 1. */
typedef struct steps {
  int n;
  int64_t dim[NN_MAXDIM], stride[NN_MAXDIM];
} steps;

static steps steps_of(const nn_value *v) {
  steps s = {0};
  for (int d = 0; d < v->shape.ndim; d++) {
    if (v->shape.dim[d] == 1) continue;
    s.dim[s.n] = v->shape.dim[d];
    s.stride[s.n++] = v->stride[d];
  }
  return s;
}

/* Old and new dimensions are matched in groups of equal product; within a group the old ones must
   follow one another without gaps. */
bool nn_value_reshape(nn_value *to, const nn_value *from, const nn_shape *shape) {
  steps old = steps_of(from);
  nn_value v;
  nn_value_set(&v, from->dtype, shape);
  v.storage = from->storage;
  v.offset = from->offset;
  for (int o = 0, n = 0; from->numel > 0 && n < shape->ndim && o < old.n;) {
    int64_t have = old.dim[o], want = shape->dim[n];
    int oe = o + 1, ne = n + 1;
    while (have != want)
      if (want < have)
        want *= shape->dim[ne++];
      else
        have *= old.dim[oe++];
    for (int k = o; k < oe - 1; k++)
      if (old.stride[k] != old.dim[k + 1] * old.stride[k + 1]) return false;
    v.stride[ne - 1] = old.stride[oe - 1];
    for (int k = ne - 1; k > n; k--) v.stride[k - 1] = v.stride[k] * shape->dim[k];
    o = oe;
    n = ne;
  }
  nn_value_settle(&v);
  *to = v;
  return true;
}

/* ---- writing through masks and indices ---- */

/* The dimensions from `first` on, at element `at` of the others. */
static void inner_of(const nn_value *v, int first, int64_t at, nn_value *to) {
  *to = (nn_value){.storage = v->storage, .offset = at, .dtype = v->dtype};
  for (int d = first; d < v->shape.ndim; d++) {
    to->shape.dim[to->shape.ndim] = v->shape.dim[d];
    to->stride[to->shape.ndim++] = v->stride[d];
  }
  nn_value_settle(to);
}

nn_status nn_value_widen(nn_ctx *ctx, const nn_value *src, const nn_shape *shape, nn_value *wide) {
  int lead = shape->ndim - src->shape.ndim;
  bool fits = lead >= 0;
  nn_text a, b;
  for (int d = 0; d < src->shape.ndim && fits; d++)
    fits = src->shape.dim[d] == 1 || src->shape.dim[d] == shape->dim[lead + d];
  if (!fits)
    return nn_fail(ctx, NN_ESHAPE, "assignment: %s does not fit into %s", nn_value_text(&a, src),
                   nn_shape_text(&b, shape));
  nn_value_expand(wide, src, shape);
  return NN_OK;
}

/* src as (n, what lies behind dst's first dimensions). */
static nn_status widen(nn_ctx *ctx, const nn_value *dst, int first, int64_t n, const nn_value *src,
                       nn_value *wide) {
  nn_shape all = {.ndim = 1, .dim = {n}};
  for (int d = first; d < dst->shape.ndim; d++) all.dim[all.ndim++] = dst->shape.dim[d];
  return nn_value_widen(ctx, src, &all, wide);
}

/* to = from; single elements, which are many, without the ceremony. */
static nn_status put(nn_ctx *ctx, const nn_value *to, const nn_value *from) {
  if (to->shape.ndim > 0 || to->dtype != from->dtype) return nn_copy_into(ctx, to, from);
  memcpy(nn_data(to), nn_data(from), nn_dtype_size(to->dtype));
  return NN_OK;
}

nn_status nn_mask_write(nn_ctx *ctx, const nn_value *dst, const nn_value *mask,
                        const nn_value *src) {
  int first = mask->shape.ndim;
  nn_value outer, wide = {0}, to, from;
  NN_TRY(widen(ctx, dst, first, nn_mask_count(mask), src, &wide));
  nn_value_copy(&outer, dst);
  outer.shape.ndim = first;
  nn_places p = nn_places_of(&outer), q = nn_places_of(mask);
  const uint8_t *m = mask->storage->data;
  int64_t at = wide.offset;
  for (int64_t i = 0; i < mask->numel; i++, nn_places_next(&p), nn_places_next(&q)) {
    if (!m[q.at]) continue;
    inner_of(dst, first, p.at, &to);
    inner_of(&wide, 1, at, &from);
    NN_TRY(put(ctx, &to, &from));
    at += wide.stride[0];
  }
  return NN_OK;
}

nn_status nn_index_write(nn_ctx *ctx, const nn_value *dst, const nn_value *index,
                         const nn_value *src) {
  int64_t n = dst->shape.dim[0], many = index->numel, step = many > 1 ? index->stride[0] : 1;
  const int64_t *at = (const int64_t *)index->storage->data + index->offset;
  nn_value wide = {0}, to, from;
  NN_TRY(widen(ctx, dst, 1, many, src, &wide));
  for (int64_t i = 0; i < many; i++)
    if (nn_index_from_zero(at[i * step], n) < 0)
      return nn_fail(ctx, NN_EINDEX,
                     "assignment: index %lld (at place %lld) is out of range 1..%lld (counting "
                     "starts at 1)",
                     (long long)at[i * step], (long long)i + 1, (long long)n);
  for (int64_t i = 0; i < many; i++) {
    int64_t k = nn_index_from_zero(at[i * step], n);
    inner_of(dst, 1, dst->offset + k * dst->stride[0], &to);
    inner_of(&wide, 1, wide.offset + i * wide.stride[0], &from);
    NN_TRY(put(ctx, &to, &from));
  }
  return NN_OK;
}

/* ---- comparing ---- */

static bool close_to(double a, double b, double rtol, double atol, bool nan) {
  if (a == b) return true;
  if (isnan(a) && isnan(b)) return nan;
  return isfinite(a) && isfinite(b) && fabs(a - b) <= atol + rtol * fabs(b);
}

bool nn_values_close(const nn_value *a, const nn_value *b, double rtol, double atol, bool nan) {
  nn_places p = nn_places_of(a), q = nn_places_of(b);
  bool whole = !nn_is_real(a->dtype) && !nn_is_real(b->dtype), exact = rtol == 0 && atol == 0;
  for (int64_t i = 0; i < a->numel; i++, nn_places_next(&p), nn_places_next(&q)) {
    if (whole && nn_value_int_at(a, p.at) == nn_value_int_at(b, q.at)) continue;
    if (whole && exact) return false;
    if (!close_to(nn_value_real_at(a, p.at), nn_value_real_at(b, q.at), rtol, atol, nan))
      return false;
  }
  return true;
}
