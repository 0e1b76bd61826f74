/*
 * layer/row_norm.c: h = (x - m) / s, s = sqrt(v + eps), with mean and biased variance of a row;
 * y = h w + b. With g = dy w: db = sum dy, dw = sum dy h, dx = (g - mean(g) - h mean(g h)) / s.
 */
#ifndef R
#include "layer/row_norm.h"

#include <math.h>
#include <string.h>

#include "kernel/names.h"

enum {
  STRIP = 32
}; /* weights whose gradients are summed at a time: what the vector registers hold */

static nn_status infer(const nn_call *c) {
  const nn_row_norm_attr *a = c->attr;
  nn_shape s = nn_shape_2(2, c->in[0]->numel / (a->channels * a->inner)); /* m, s */
  nn_value_set(c->aux[0], NN_F64, &s);
  return nn_infer_same(c);
}

#define NN_SELF "layer/row_norm.c"
#include "kernel/each_real.h"

const nn_op nn_op_row_norm = {
  .name = "row_norm",
  .nin = 3,
  .nout_aux = 1,
  .saves = NN_IN(0) | NN_IN(1) | NN_AUX(0),
  .attr_size = sizeof(nn_row_norm_attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};
#else

/* mean and s of n numbers */
NN_HOT static void FN(moments)(int64_t n, const R *x, double eps, double *mean, double *s) {
  double lane[16] = {0}, sum = 0, m;
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int k = 0; k < 16; k++) lane[k] += (double)x[i + k];
  for (; i < n; i++) sum += (double)x[i];
  for (int k = 0; k < 16; k++) sum += lane[k], lane[k] = 0;
  *mean = m = sum / (double)n;
  for (sum = 0, i = 0; i + 16 <= n; i += 16)
    for (int k = 0; k < 16; k++) lane[k] += ((double)x[i + k] - m) * ((double)x[i + k] - m);
  for (; i < n; i++) sum += ((double)x[i] - m) * ((double)x[i] - m);
  for (int k = 0; k < 16; k++) sum += lane[k];
  *s = sqrt(sum / (double)n + eps);
}

/* y = (x - m) / s w + b; w and b an element each (step 1) or one for all (step 0) */
NN_HOT static void FN(scale)(int64_t n, const R *x, double m, double s, const R *w, const R *b,
                             int64_t step, R *y) {
  const R rm = (R)m, f = (R)(1 / s);
  if (!w)
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - rm) * f;
  else if (step)
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - rm) * f * w[i] + b[i];
  else
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - rm) * f * *w + *b;
}

/* sum and sum g h of g = dy w over a run; w NULL: 1. (Of 16 lanes GCC 12 unrolls the loops and then
   converts number by number.) */
NN_HOT static void FN(sums)(int64_t n, const R *restrict x, const R *restrict gy, double m,
                            double s, const R *restrict w, double *sum, double *dot) {
  double a[STRIP] = {0}, b[STRIP] = {0}, all = 0, h = 0;
  int64_t i = 0;
  for (; i + STRIP <= n && w; i += STRIP)
    for (int k = 0; k < STRIP; k++) {
      const double g = (double)(gy[i + k] * w[i + k]);
      a[k] += g;
      b[k] += g * ((double)x[i + k] - m);
    }
  for (; i + STRIP <= n; i += STRIP)
    for (int k = 0; k < STRIP; k++) {
      const double g = (double)gy[i + k];
      a[k] += g;
      b[k] += g * ((double)x[i + k] - m);
    }
  for (; i < n; i++) {
    const double g = (double)(w ? gy[i] * w[i] : gy[i]);
    a[i % STRIP] += g;
    b[i % STRIP] += g * ((double)x[i] - m);
  }
  for (int k = 0; k < STRIP; k++) all += a[k], h += b[k];
  *sum += all;
  *dot += h / s;
}

/* dx (+)= (g - p - h q) / s */
NN_HOT static void FN(to_x)(int64_t n, const R *x, const R *gy, double m, double s, double p,
                            double q, const R *w, int64_t step, bool add, R *gx) {
  const R rm = (R)m, f = (R)(1 / s), rp = (R)p, rq = (R)q;
  for (int64_t i = 0; i < n; i++) {
    R g = w ? gy[i] * w[i * step] : gy[i];
    R d = (g - rp - (x[i] - rm) * f * rq) * f;
    gx[i] = add ? gx[i] + d : d;
  }
}

/* A run of inner numbers has one weight; where inner is 1 the whole row is one run of weights. */
static int64_t FN(run)(const nn_row_norm_attr *a, int64_t *runs, int64_t *step) {
  *step = a->inner == 1;
  *runs = *step ? 1 : a->channels;
  return *step ? a->channels : a->inner;
}

static nn_status FN(forward)(const nn_call *c) {
  const nn_row_norm_attr *a = c->attr;
  int64_t runs, step, run = FN(run)(a, &runs, &step), size = runs * run;
  const int64_t rows = c->in[0]->numel / size;
  const R *x = nn_data(c->in[0]), *w = c->nin > 1 ? nn_data(c->in[1]) : NULL;
  const R *b = c->nin > 1 ? nn_data(c->in[2]) : NULL;
  double *mean = nn_data(c->aux[0]), *s = mean + rows;
  R *y = nn_data(c->out);
  int threads = nn_threads_for(c->ctx, 3 * rows * size);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t r = 0; r < rows; r++) {
    FN(moments)(size, x + r * size, a->eps, mean + r, s + r);
    for (int64_t k = 0; k < runs; k++) {
      int64_t at = r * size + k * run, i = (r % a->groups) * a->channels + k;
      FN(scale)(run, x + at, mean[r], s[r], w ? w + i : NULL, w ? b + i : NULL, step, y + at);
    }
  }
  return nn_poll(c->ctx);
}

static void FN(x_row)(const nn_call *c, int64_t r, const double *mean, const double *s, R *gx) {
  const nn_row_norm_attr *a = c->attr;
  int64_t runs, step, run = FN(run)(a, &runs, &step), size = runs * run;
  const R *x = nn_data(c->in[0]), *w = c->nin > 1 ? nn_data(c->in[1]) : NULL;
  const R *gy = nn_data(c->gout);
  double sum = 0, dot = 0;
  for (int pass = 0; pass < 2; pass++)
    for (int64_t k = 0; k < runs; k++) {
      int64_t at = r * size + k * run, i = (r % a->groups) * a->channels + k;
      double all = 0, h = 0;
      if (pass == 0) {
        FN(sums)(run, x + at, gy + at, mean[r], s[r], w && step ? w + i : NULL, &all, &h);
        const double one = w && !step ? (double)w[i] : 1; /* of the whole run */
        sum += all * one, dot += h * one;
      } else {
        FN(to_x)
        (run, x + at, gy + at, mean[r], s[r], sum / (double)size, dot / (double)size,
         w ? w + i : NULL, step, c->add[0], gx + at);
      }
    }
}

/* dw and db of STRIP weights: their columns of x and dy, `size` apart from row to row, down all rows
   with the sums in registers */
NN_HOT static void FN(strip)(int64_t rows, int64_t size, const R *restrict x, const R *restrict gy,
                             const double *restrict mean, const double *restrict s,
                             double *restrict dw, double *restrict db) {
  double a[STRIP] = {0}, b[STRIP] = {0};
  for (int64_t r = 0; r < rows; r++, x += size, gy += size) {
    const double f = 1 / s[r], m = mean[r];
    for (int i = 0; i < STRIP; i++) {
      const double g = (double)gy[i];
      b[i] += g;
      a[i] += g * (((double)x[i] - m) * f);
    }
  }
  memcpy(dw, a, sizeof a);
  memcpy(db, b, sizeof b);
}

/* dw and db of weights first .. last - 1 of a row without runs */
static void FN(piece)(const nn_call *c, int64_t rows, int64_t size, int64_t first, int64_t last,
                      double *dw, double *db) {
  const R *x = nn_data(c->in[0]), *gy = nn_data(c->gout);
  const double *mean = nn_data(c->aux[0]), *s = mean + rows;
  if (last - first == STRIP) {
    FN(strip)(rows, size, x + first, gy + first, mean, s, dw, db);
    return;
  }
  for (int64_t r = 0; r < rows; r++) {
    const double f = 1 / s[r], m = mean[r];
    for (int64_t i = first; i < last; i++) {
      double g = (double)gy[r * size + i];
      db[i - first] += g;
      dw[i - first] += g * (((double)x[r * size + i] - m) * f);
    }
  }
}

/* the same for channel ch of runs */
static void FN(channel)(const nn_call *c, int64_t rows, int64_t ch, double *dw, double *db) {
  const nn_row_norm_attr *a = c->attr;
  const R *x = nn_data(c->in[0]), *gy = nn_data(c->gout);
  const double *mean = nn_data(c->aux[0]), *s = mean + rows;
  for (int64_t r = ch / a->channels; r < rows; r += a->groups) {
    int64_t at = (r * a->channels + ch % a->channels) * a->inner;
    FN(sums)(a->inner, x + at, gy + at, mean[r], s[r], NULL, db, dw);
  }
}

static void FN(to_weights)(const nn_call *c, int64_t rows, int64_t size) {
  const nn_row_norm_attr *a = c->attr;
  R *gw = c->gin[1] ? nn_data(c->gin[1]) : NULL, *gb = c->gin[2] ? nn_data(c->gin[2]) : NULL;
  const bool lines = a->inner == 1 && a->groups == 1;
  const int64_t n = a->groups * a->channels, step = lines ? STRIP : 1;
  int threads = nn_threads_for(c->ctx, 2 * rows * size);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t first = 0; first < n; first += step) {
    double dw[STRIP] = {0}, db[STRIP] = {0};
    int64_t last = first + step < n ? first + step : n;
    if (lines)
      FN(piece)(c, rows, size, first, last, dw, db);
    else
      FN(channel)(c, rows, first, dw, db);
    for (int64_t i = first; i < last; i++) {
      if (gw) gw[i] = c->add[1] ? gw[i] + (R)dw[i - first] : (R)dw[i - first];
      if (gb) gb[i] = c->add[2] ? gb[i] + (R)db[i - first] : (R)db[i - first];
    }
  }
}

static nn_status FN(backward)(const nn_call *c) {
  const nn_row_norm_attr *a = c->attr;
  const int64_t size = a->channels * a->inner, rows = c->in[0]->numel / size;
  const double *mean = nn_data(c->aux[0]);
  R *gx = c->gin[0] ? nn_data(c->gin[0]) : NULL;
  int threads = nn_threads_for(c->ctx, 2 * rows * size);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t r = 0; r < (gx ? rows : 0); r++) FN(x_row)(c, r, mean, mean + rows, gx);
  if (c->nin > 1 && (c->gin[1] || c->gin[2])) FN(to_weights)(c, rows, size);
  return nn_poll(c->ctx);
}

#endif
