/* layer/pool_max.c: the largest number of each window; where it stood is kept, 4 bytes a window, and
   that place gets the gradient. NaN wins; of equal ones, the first. Padding never wins. */
#ifndef R
#include <limits.h>
#include <string.h>

#include "kernel/names.h"
#include "layer/pool.h"

enum { LANES = 16 }; /* numbers that a vector holds, at most */

static nn_status infer(const nn_call *c) {
  NN_TRY(nn_pool_infer(c));
  nn_pool g = nn_pool_geometry(&c->in[0]->shape, c->attr);
  nn_shape bytes = nn_shape_1(c->out->numel * (int64_t)sizeof(int32_t));
  if (g.h > INT_MAX / g.w)
    return nn_fail(c->ctx, NN_ESHAPE, "planes of more than 2^31 numbers cannot be pooled");
  nn_value_set(c->aux[0], NN_U8, &bytes);
  return NN_OK;
}

/* Places lo .. hi - 1 of the result whose window's column stands inside x. */
static void inside(const nn_pool *g, const nn_pool_attr *a, int64_t v, int64_t *lo, int64_t *hi) {
  int64_t at = v * a->dilation[1] - a->padding[1], s = a->stride[1];
  *lo = at >= 0 ? 0 : (-at + s - 1) / s;
  *hi = g->w > at ? (g->w - at + s - 1) / s : 0;
  if (*hi > g->ow) *hi = g->ow;
}

#define NN_SELF "layer/pool_max.c"
#include "kernel/each_real.h"

const nn_op nn_op_pool_max = {
  .name = "max_pool",
  .nin = 1,
  .nout_aux = 1,
  .saves = NN_AUX(0),
  .attr_size = sizeof(nn_pool_attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};
#else

/* One element of the window for a row of windows: `line` is what window 0 sees, at place `at` of the
   plane. */
NN_HOT static void FN(compare)(int64_t lo, int64_t hi, int64_t step, const R *line, int64_t at,
                               R *y, int32_t *place) {
  for (int64_t j = lo; j < hi; j++) {
    R v = line[j * step];
    bool wins = (v > y[j]) | (v != v) | (place[j] < 0);
    y[j] = wins ? v : y[j];
    place[j] = wins ? (int32_t)(at + j * step) : place[j];
  }
}

/* Windows of 2x2, side by side, of which x holds all, by the same rules in one pass over `left` planes and
   more; the first is computed. Its rows go in whole vectors: what they write beyond their end is the
   beginning of the next row or plane, which comes later. Only where the planes end they must not. */
NN_HOT static void FN(squares)(const nn_pool *g, int64_t left, const R *restrict x, R *restrict y,
                               int32_t *restrict place) {
  const int64_t w = g->w, ow = g->ow, whole = (ow + LANES - 1) / LANES * LANES;
  for (int64_t i = 0; i < g->oh; i++, y += ow, place += ow) {
    const bool inside = i * ow + whole <= left * g->oh * ow &&
                        (2 * i + 1) * w + 2 * whole <= left * g->h * w;
    const int64_t n = inside ? whole : ow;
    const R *line = x + 2 * i * w, *below = line + w;
    const int32_t at = (int32_t)(2 * i * w), step = (int32_t)w;
    for (int64_t j = 0; j < n; j++) {
      const int32_t here = at + 2 * (int32_t)j;
      R best = line[2 * j], b = line[2 * j + 1], c = below[2 * j], d = below[2 * j + 1];
      int32_t where = here;
      bool wins = (b > best) | (b != b);
      best = wins ? b : best, where = wins ? here + 1 : where;
      wins = (c > best) | (c != c);
      best = wins ? c : best, where = wins ? here + step : where;
      wins = (d > best) | (d != d);
      y[j] = wins ? d : best;
      place[j] = wins ? here + step + 1 : where;
    }
  }
}

/* The same way back: what is written beyond a row's end is written again. */
NN_HOT static void FN(from_squares)(const nn_pool *g, int64_t left, const R *restrict gy,
                                    const int32_t *restrict place, R *restrict gx) {
  const int64_t w = g->w, ow = g->ow, whole = (ow + LANES - 1) / LANES * LANES;
  if (w % 2 || g->h % 2) memset(gx, 0, (size_t)(g->h * w) * sizeof *gx);
  for (int64_t i = 0; i < 2 * g->oh; i++, gx += w) {
    const int64_t from = i / 2 * ow;
    const bool inside = from + whole <= left * g->oh * ow && i * w + 2 * whole <= left * g->h * w;
    const int64_t n = inside ? whole : ow;
    const R *line = gy + from;
    const int32_t *where = place + from;
    for (int64_t j = 0; j < n; j++) {
      const int32_t here = (int32_t)(i * w) + 2 * (int32_t)j;
      gx[2 * j] = where[j] == here ? line[j] : 0;
      gx[2 * j + 1] = where[j] == here + 1 ? line[j] : 0;
    }
  }
}

static bool FN(are_squares)(const nn_pool *g, const nn_pool_attr *a) {
  bool two = 2 * g->oh <= g->h && 2 * g->ow <= g->w;
  for (int i = 0; i < 2; i++)
    two = two && a->k[i] == 2 && a->stride[i] == 2 && a->padding[i] == 0 && a->dilation[i] == 1;
  return two;
}

static void FN(plane)(const nn_pool *g, const nn_pool_attr *a, const R *x, R *y, int32_t *place) {
  for (int64_t i = 0; i < g->oh; i++, y += g->ow, place += g->ow) {
    for (int64_t j = 0; j < g->ow; j++) y[j] = -(R)INFINITY, place[j] = -1;
    for (int64_t u = 0; u < a->k[0]; u++) {
      int64_t row = i * a->stride[0] - a->padding[0] + u * a->dilation[0];
      if (row < 0 || row >= g->h) continue;
      for (int64_t v = 0; v < a->k[1]; v++) {
        int64_t at = row * g->w + v * a->dilation[1] - a->padding[1], lo, hi;
        inside(g, a, v, &lo, &hi);
        FN(compare)(lo, hi, a->stride[1], x + at, at, y, place);
      }
    }
  }
}

static nn_status FN(forward)(const nn_call *c) {
  const nn_pool_attr *a = c->attr;
  const nn_pool g = nn_pool_geometry(&c->in[0]->shape, a);
  const R *x = nn_data(c->in[0]);
  R *y = nn_data(c->out);
  int32_t *place = nn_data(c->aux[0]);
  const bool squares = FN(are_squares)(&g, a);
  const int64_t in = g.h * g.w, out = g.oh * g.ow;
  const int threads = nn_threads_for(c->ctx, c->out->numel * a->k[0] * a->k[1]);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int t = 0; t < threads; t++) {
    const int64_t end = g.planes * (t + 1) / threads;
    for (int64_t p = g.planes * t / threads; p < end; p++)
      if (squares)
        FN(squares)(&g, end - p, x + p * in, y + p * out, place + p * out);
      else
        FN(plane)(&g, a, x + p * in, y + p * out, place + p * out);
  }
  return nn_poll(c->ctx);
}

static void FN(plane_back)(int64_t in, int64_t out, bool add, const R *gy, const int32_t *place,
                           R *gx) {
  for (int64_t i = 0; i < in && !add; i++) gx[i] = 0;
  for (int64_t i = 0; i < out; i++)
    if (place[i] >= 0) gx[place[i]] += gy[i];
}

static nn_status FN(backward)(const nn_call *c) {
  const nn_pool g = nn_pool_geometry(&c->in[0]->shape, c->attr);
  const R *gy = nn_data(c->gout);
  R *gx = nn_data(c->gin[0]);
  const int32_t *place = nn_data(c->aux[0]);
  const int64_t in = g.h * g.w, out = g.oh * g.ow;
  const bool add = c->add[0], squares = !add && FN(are_squares)(&g, c->attr);
  const int threads = nn_threads_for(c->ctx, g.planes * in);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int t = 0; t < threads; t++) {
    const int64_t end = g.planes * (t + 1) / threads;
    for (int64_t p = g.planes * t / threads; p < end; p++)
      if (squares)
        FN(from_squares)(&g, end - p, gy + p * out, place + p * out, gx + p * in);
      else
        FN(plane_back)(in, out, add, gy + p * out, place + p * out, gx + p * in);
  }
  return nn_poll(c->ctx);
}

#endif
