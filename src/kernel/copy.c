/* kernel/copy.c: copies with conversion, and filling; any strides. */
#ifndef R
#include <stdint.h>
#include <string.h>

#include "kernel/places.h"
#include "kernel/transpose.h"
#include "kernel/walk.h"

#define NN_SELF "kernel/copy.c"
#include "kernel/each_type.h"

static const nn_row convert[NN_NDTYPE][NN_NDTYPE] = {/* [from][to] */
                                                     NN_ALL(from_f32), NN_ALL(from_f64),
                                                     NN_ALL(from_i64), NN_ALL(from_u8)};
static const nn_row fill[NN_NDTYPE] = NN_ALL(fill);

/* In pieces for the threads where there is much. */
static void copy_dense(const nn_ctx *ctx, char *to, const char *from, size_t bytes) {
  int threads = nn_threads_for(ctx, (int64_t)(bytes / 8));
  if (threads == 1 || to == from) {
    memmove(to, from, bytes);
    return;
  }
  size_t each = (bytes / (size_t)threads + 63) & ~(size_t)63;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int t = 0; t < threads; t++) {
    size_t first = (size_t)t * each;
    if (first < bytes)
      memcpy(to + first, from + first, bytes - first < each ? bytes - first : each);
  }
}

nn_status nn_copy_into(nn_ctx *ctx, const nn_value *dst, const nn_value *src) {
  nn_value wide;
  if (dst->dtype == src->dtype && dst->dense && src->dense && dst->numel == src->numel) {
    copy_dense(ctx, nn_data(dst), nn_data(src), (size_t)dst->numel * nn_dtype_size(dst->dtype));
    return NN_OK;
  }
  nn_value_expand(&wide, src, &dst->shape);
  if (dst->dtype == src->dtype && nn_copy_transposed(ctx, dst, &wide)) return NN_OK;
  return nn_walk(ctx, convert[src->dtype][dst->dtype], NULL, 2, (const nn_value *[]){dst, &wide},
                 NN_WALK_FINISH);
}

nn_status nn_fill_into(nn_ctx *ctx, const nn_value *dst, double x) {
  return nn_walk(ctx, fill[dst->dtype], &x, 1, &dst, NN_WALK_FINISH);
}

nn_status nn_fill_outside(nn_ctx *ctx, const nn_value *dst, int d, int64_t first, int64_t n) {
  nn_value before, after;
  const int64_t end = first + n;
  nn_value_part(&before, dst, d, 0, first);
  nn_value_part(&after, dst, d, end, dst->shape.dim[d] - end);
  NN_TRY(nn_fill_into(ctx, &before, 0));
  return nn_fill_into(ctx, &after, 0);
}

#else

/* A floating value that the integer type cannot hold becomes the nearest end, NaN becomes 0: C
   leaves it undefined. */
static inline R FN(cast_real)(double x) {
#ifdef NN_INTEGER
  const bool wide = (R)-1 < 0; /* int64; else uint8 */
  const double lo = wide ? -9223372036854775808.0 : 0.0, top = wide ? 9223372036854775808.0 : 256.0;
  if (!(x == x)) return 0;
  if (x >= top) return (R)(wide ? INT64_MAX : UINT8_MAX);
  return (R)(x < lo ? lo : x);
#else
  return (R)x;
#endif
}

NN_HOT static void FN(from_f32)(int64_t n, void *const *p, const void *attr) {
  const float *x = p[1];
  R *y = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) y[i] = FN(cast_real)((double)x[i]);
}
NN_HOT static void FN(from_f64)(int64_t n, void *const *p, const void *attr) {
  const double *x = p[1];
  R *y = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) y[i] = FN(cast_real)(x[i]);
}
NN_HOT static void FN(from_i64)(int64_t n, void *const *p, const void *attr) {
  const int64_t *x = p[1];
  R *y = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) y[i] = (R)x[i];
}
NN_HOT static void FN(from_u8)(int64_t n, void *const *p, const void *attr) {
  const uint8_t *x = p[1];
  R *y = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) y[i] = (R)x[i];
}

static void FN(fill)(int64_t n, void *const *p, const void *attr) {
  R *y = p[0], x = FN(cast_real)(*(const double *)attr);
  for (int64_t i = 0; i < n; i++) y[i] = x;
}

#endif
