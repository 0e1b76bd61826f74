/* kernel/sort.c: a merge sort of values with their places, from the bottom up; and for a few of many
   the best so far in a short list. See sort.h. */
#ifndef R
#include "kernel/sort.h"

#include <string.h>

enum {
  RUN = 16,       /* elements that insertion sorts before merging begins */
  FEW = 32,       /* as many of a long line are kept in a short list instead of sorting all */
  MANY = 1 << 16, /* elements between two looks at Ctrl-C */
  WIDEST = 8      /* bytes of the largest element */
};

size_t nn_sort_room(int64_t n) {
  return (size_t)n * 2 * (WIDEST + sizeof(int64_t)) + 1;
}

#define NN_SELF "kernel/sort.c"
#include "kernel/each_type.h"
#else

static inline bool FN(less)(R a, R b) {
#ifdef NN_INTEGER
  return a < b;
#else
  return a < b || (b != b && a == a);
#endif
}

static inline bool FN(before)(R a, R b, bool descending) {
  return descending ? FN(less)(b, a) : FN(less)(a, b);
}

/* Puts (x, at) into its place among the n sorted ones, behind its equals. */
static void FN(insert)(int64_t n, R *v, int64_t *p, R x, int64_t at, bool descending) {
  while (n > 0 && FN(before)(x, v[n - 1], descending)) {
    v[n] = v[n - 1];
    p[n] = p[n - 1];
    n--;
  }
  v[n] = x;
  p[n] = at;
}

/* Joins the sorted runs a..b-1 and b..e-1 of (v, p) into (w, q). */
static void FN(merge)(const R *v, const int64_t *p, int64_t a, int64_t b, int64_t e, R *w,
                      int64_t *q, bool descending) {
  int64_t i = a, j = b;
  for (int64_t k = a; k < e; k++) {
    bool right = i == b || (j < e && FN(before)(v[j], v[i], descending));
    int64_t from = right ? j++ : i++;
    w[k] = v[from];
    q[k] = p[from];
  }
}

static void FN(best)(int64_t n, const R *x, int64_t step, bool descending, int64_t k, R *v,
                     int64_t *p) {
  int64_t have = 0;
  for (int64_t i = 0; i < n; i++) {
    R a = x[i * step];
    if (have == k && !FN(before)(a, v[k - 1], descending)) continue;
    if (have < k) have++;
    FN(insert)(have - 1, v, p, a, i + 1, descending);
  }
}

nn_status FN(nn_sort)(nn_ctx *ctx, int64_t n, const R *x, int64_t step, bool descending, int64_t k,
                      void *room, const R **value, const int64_t **place) {
  int64_t *p = room, *q = p + n, *swap_p;
  R *v = (R *)(void *)(q + n), *w = v + n, *swap_v;
  if (k <= FEW && k < n) {
    if (k > 0) FN(best)(n, x, step, descending, k, v, p);
    n = 0;
  }
  for (int64_t a = 0; a < n; a += RUN)
    for (int64_t i = 0; i < RUN && a + i < n; i++)
      FN(insert)(i, v + a, p + a, x[(a + i) * step], a + i + 1, descending);
  for (int64_t width = RUN; width < n; width *= 2) {
    for (int64_t a = 0; a < n; a += 2 * width) {
      int64_t b = a + width < n ? a + width : n, e = b + width < n ? b + width : n;
      FN(merge)(v, p, a, b, e, w, q, descending);
    }
    swap_v = v, v = w, w = swap_v;
    swap_p = p, p = q, q = swap_p;
    if (n > MANY) NN_TRY(nn_poll(ctx));
  }
  *value = v;
  *place = p;
  return NN_OK;
}

#endif
