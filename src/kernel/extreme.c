/* kernel/extreme.c: see extreme.h. A piece is looked at twice: for the value, then for its place. */
#ifndef R
#include "kernel/extreme.h"

#include "kernel/fold.h"
#include "kernel/names.h"

enum { BLOCK = 64 };

typedef struct results {
  void *value;
  int64_t *place;
} results;

#define NN_SELF "kernel/extreme.c"
#include "kernel/each_type.h"

static const nn_fold folds[2][NN_NDTYPE] = {{{4, largest_f32, join_largest_f32, end_f32},
                                             {8, largest_f64, join_largest_f64, end_f64},
                                             {8, largest_i64, join_largest_i64, end_i64},
                                             {1, largest_u8, join_largest_u8, end_u8}},
                                            {{4, smallest_f32, join_smallest_f32, end_f32},
                                             {8, smallest_f64, join_smallest_f64, end_f64},
                                             {8, smallest_i64, join_smallest_i64, end_i64},
                                             {1, smallest_u8, join_smallest_u8, end_u8}}};

nn_status nn_extreme_along(nn_ctx *ctx, nn_dtype dtype, bool least, const nn_axis *a, const void *x,
                           void *value, int64_t *place) {
  const results r = {value, place};
  return nn_fold_along(ctx, &folds[least][dtype], a, x, NULL, &r);
}

#else

typedef struct FN(best) {
  R value;
  int64_t at;
} FN(best);

#ifdef NN_INTEGER
#define IS_NAN(a) false
#else
#define IS_NAN(a) ((a) != (a))
#endif

/* A NaN, once it stands in b, stays. */
static inline bool FN(beats)(R a, R b, bool least) {
  return (least ? a < b : a > b) | IS_NAN(a);
}

/* The place of the first element equal to v, or of the first NaN if that is what v is. */
static inline int64_t FN(find)(int64_t n, const R *x, R v) {
  int64_t i = 0;
  for (int hit = 0; i + BLOCK <= n; i += BLOCK) {
    for (int k = 0; k < BLOCK; k++) hit |= (x[i + k] == v) | (IS_NAN(v) & IS_NAN(x[i + k]));
    if (hit) break;
  }
  while (i < n && !(x[i] == v || (IS_NAN(v) && IS_NAN(x[i])))) i++;
  return i;
}

/* A short run, without branches that random values would mispredict. */
static inline void FN(scan_short)(int64_t n, const R *x, bool least, FN(best) * best) {
  R top = x[0];
  int64_t at = 0;
  int nan = IS_NAN(top);
  for (int64_t i = 1; i < n; i++) {
    R v = x[i];
    nan |= IS_NAN(v);
    top = least ? (v < top ? v : top) : (v > top ? v : top);
  }
  if (nan) {
    while (!IS_NAN(x[at])) at++;
  } else {
    for (int64_t i = n - 1; i >= 0; i--) at = x[i] == top ? i : at;
  }
  *best = (FN(best)){x[at], at};
}

#define LANES (128 / (int)sizeof(R)) /* two or four registers */

static inline void FN(scan)(int64_t n, const R *x, bool least, FN(best) * best) {
  if (n < BLOCK || n < 2 * LANES) {
    FN(scan_short)(n, x, least, best);
    return;
  }
  R lane[LANES], top;
  int64_t i = LANES;
  for (int k = 0; k < LANES; k++) lane[k] = x[k];
  for (; i + LANES <= n; i += LANES)
    for (int k = 0; k < LANES; k++) {
      R v = x[i + k];
      lane[k] = FN(beats)(v, lane[k], least) ? v : lane[k];
    }
  for (int w = LANES / 2; w > 0; w /= 2)
    for (int k = 0; k < w; k++)
      lane[k] = FN(beats)(lane[k + w], lane[k], least) ? lane[k + w] : lane[k];
  top = lane[0];
  for (; i < n; i++) top = FN(beats)(x[i], top, least) ? x[i] : top;
  best->at = FN(find)(n, x, top);
  best->value = x[best->at];
}

NN_HOT static void FN(largest)(int64_t n, const void *x, const void *arg, void *state) {
  (void)arg;
  FN(scan)(n, x, false, state);
}
NN_HOT static void FN(smallest)(int64_t n, const void *x, const void *arg, void *state) {
  (void)arg;
  FN(scan)(n, x, true, state);
}

static inline void FN(join)(FN(best) * a, int64_t m, const FN(best) * b, bool least) {
  if (IS_NAN(a->value) || !FN(beats)(b->value, a->value, least)) return;
  a->value = b->value;
  a->at = m + b->at;
}
static void FN(join_largest)(void *into, int64_t m, const void *from, int64_t n) {
  (void)n;
  FN(join)(into, m, from, false);
}
static void FN(join_smallest)(void *into, int64_t m, const void *from, int64_t n) {
  (void)n;
  FN(join)(into, m, from, true);
}

static void FN(end)(const void *state, int64_t n, int64_t line, const void *out) {
  const FN(best) *best = state;
  const results *r = out;
  (void)n;
  if (r->value) ((R *)r->value)[line] = best->value;
  if (r->place) r->place[line] = best->at + 1;
}

#undef IS_NAN
#undef LANES
#endif
