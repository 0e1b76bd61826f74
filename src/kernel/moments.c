/*
 * kernel/moments.c: see moments.h. A piece is read twice, for its mean and for the squares around
 * it; pieces are joined as in Chan, Golub, LeVeque: "Updating formulae and a pairwise algorithm for
 * computing sample variances", 1979.
 */
#ifndef R
#include "kernel/moments.h"

#include <math.h>

#include "kernel/fold.h"
#include "kernel/names.h"

enum { LANES = 16 };

typedef struct moments {
  double mean, squares;
} moments;

typedef struct results {
  bool unbiased, root;
  double *mean;
  void *y;
} results;

static void join(void *into, int64_t m, const void *from, int64_t n) {
  moments *a = into;
  const moments *b = from;
  if (n == 0) return;
  double d = b->mean - a->mean, share = (double)n / (double)(m + n);
  a->mean += d * share;
  a->squares += b->squares + d * d * share * (double)m;
}

static double spread(const moments *s, int64_t n, const results *r) {
  double v = s->squares / (double)(n - r->unbiased);
  if (n - r->unbiased <= 0) v = (double)NAN;
  return r->root ? sqrt(v) : v;
}

#define NN_SELF "kernel/moments.c"
#include "kernel/each_real.h"
#else

NN_HOT static void FN(piece)(int64_t n, const void *from, const void *arg, void *state) {
  const R *x = from;
  double lane[LANES] = {0}, sum = 0, squares = 0;
  int64_t i = 0;
  (void)arg;
  for (; i + LANES <= n; i += LANES)
    for (int k = 0; k < LANES; k++) lane[k] += (double)x[i + k];
  for (int k = 0; i < n; i++, k++) lane[k] += (double)x[i];
  for (int k = 0; k < LANES; k++) sum += lane[k], lane[k] = 0;
  const double mean = n > 0 ? sum / (double)n : 0;
  for (i = 0; i + LANES <= n; i += LANES)
    for (int k = 0; k < LANES; k++) {
      double d = (double)x[i + k] - mean;
      lane[k] += d * d;
    }
  for (int k = 0; i < n; i++, k++) lane[k] += ((double)x[i] - mean) * ((double)x[i] - mean);
  for (int k = 0; k < LANES; k++) squares += lane[k];
  *(moments *)state = (moments){mean, squares};
}

static void FN(end)(const void *state, int64_t n, int64_t line, const void *out) {
  const moments *s = state;
  const results *r = out;
  r->mean[line] = s->mean;
  ((R *)r->y)[line] = (R)spread(s, n, r);
}

nn_status FN(nn_variance)(nn_ctx *ctx, const nn_axis *a, const R *x, bool unbiased, bool root,
                          double *mean, R *y) {
  static const nn_fold fold = {sizeof(R), FN(piece), join, FN(end)};
  const results r = {unbiased, root, mean, y};
  return nn_fold_along(ctx, &fold, a, x, NULL, &r);
}

#endif
