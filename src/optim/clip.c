/* optim/clip.c: see clip.h. Sums are taken in double over fixed lanes: the bits do not depend on the
   threads. */
#ifndef R
#include "optim/clip.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernel/names.h"
#include "kernel/reduce.h"

enum { LANES = 16 };

#define NN_SELF "optim/clip.c"
#include "kernel/each_real.h"

static double (*const largest[])(int64_t, const void *) = NN_BOTH(nn_largest);
static double (*const squares[])(int64_t, const void *, double) = NN_BOTH(squares);
static double (*const powers[])(int64_t, const void *, double, double) = NN_BOTH(powers);
static void (*const scale[])(int64_t, void *, double) = NN_BOTH(scale);
static void (*const clamp[])(int64_t, void *, double) = NN_BOTH(clamp);

static const nn_value *gradient(const nn_tensor *t) {
  return t->has_grad && t->grad && nn_is_real(t->v.dtype) ? &t->grad->v : NULL;
}

/* Gradients of a block stand side by side, with zeros between them, so they are looked through as
   one: how many elements from g on, with those of the next tensors as far as *i. */
static int64_t joined(const nn_value *g, int n, nn_tensor *const *t, int *i) {
  const size_t size = nn_dtype_size(g->dtype);
  const char *from = nn_data(g);
  int64_t all = g->numel;
  for (; *i + 1 < n; ++*i) {
    const nn_value *next = gradient(t[*i + 1]);
    if (!next || next->dtype != g->dtype || !next->dense || !next->storage->block ||
        next->storage->block != g->storage->block)
      break;
    const char *at = nn_data(next), *end = from + (size_t)all * size;
    if (at < end || at - end >= 64) break;
    all = (int64_t)((size_t)(at - from) / size) + next->numel;
  }
  return all;
}

double nn_clip_largest(int n, nn_tensor *const *t) {
  double most = 0;
  for (int i = 0; i < n; i++) {
    const nn_value *g = gradient(t[i]);
    if (!g) continue;
    int64_t all = joined(g, n, t, &i);
    double m = largest[g->dtype == NN_F64](all, nn_data(g));
    if (!(m <= most)) most = m;
    if (isnan(m)) return m;
  }
  return most;
}

/* The norm of everything divided by `unit`. */
static double norm_in(int n, nn_tensor *const *t, double power, double unit) {
  double s = 0;
  for (int i = 0; i < n; i++) {
    const nn_value *g = gradient(t[i]);
    if (g && power == 2) s += squares[g->dtype == NN_F64](g->numel, nn_data(g), 1 / unit);
    if (g && power != 2) s += powers[g->dtype == NN_F64](g->numel, nn_data(g), 1 / unit, power);
  }
  return power == 2 ? sqrt(s) : pow(s, 1 / power);
}

void nn_clip_norm(int n, nn_tensor *const *t, double max, double power, double *norm) {
  double most = nn_clip_largest(n, t);
  /* the powers of very large and very small numbers are taken of their ratio to the largest */
  double unit = most > 1e-100 && most < 1e100 && power <= 2 ? 1 : most;
  *norm = most;
  if (most > 0 && isfinite(most) && isfinite(power)) *norm = unit * norm_in(n, t, power, unit);
  if (!(*norm > max) || !isfinite(*norm)) return;
  for (int i = 0; i < n; i++) {
    const nn_value *g = gradient(t[i]);
    if (!g) continue;
    scale[g->dtype == NN_F64](g->numel, nn_data(g), max / *norm);
    nn_touch(g);
  }
}

void nn_clip_value(int n, nn_tensor *const *t, double max) {
  for (int i = 0; i < n; i++) {
    const nn_value *g = gradient(t[i]);
    if (!g) continue;
    clamp[g->dtype == NN_F64](g->numel, nn_data(g), max);
    nn_touch(g);
  }
}

#else

NN_HOT static double FN(squares)(int64_t n, const void *p, double by) {
  const R *x = p;
  double lane[LANES] = {0}, s = 0;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) {
      double a = (double)x[i + l] * by;
      lane[l] += a * a;
    }
  for (int l = 0; i < n; i++, l++) lane[l] += (double)x[i] * by * ((double)x[i] * by);
  for (int l = 0; l < LANES; l++) s += lane[l];
  return s;
}

static double FN(powers)(int64_t n, const void *p, double by, double power) {
  const R *x = p;
  double s = 0;
  for (int64_t i = 0; i < n; i++) s += pow(fabs((double)x[i]) * by, power);
  return s;
}

NN_HOT static void FN(scale)(int64_t n, void *p, double by) {
  R *x = p;
  for (int64_t i = 0; i < n; i++) x[i] *= (R)by;
}

NN_HOT static void FN(clamp)(int64_t n, void *p, double max) {
  const R hi = (R)max;
  R *x = p;
  for (int64_t i = 0; i < n; i++) {
    x[i] = x[i] > hi ? hi : x[i];
    x[i] = x[i] < -hi ? -hi : x[i];
  }
}

#endif
