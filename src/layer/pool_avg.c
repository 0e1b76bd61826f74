/* layer/pool_avg.c: the mean of each window, by size and step or, adaptive, such that o windows cover
   the input: window i goes from floor(i n / o) to ceil((i + 1) n / o). */
#ifndef R
#include "kernel/names.h"
#include "layer/pool.h"

typedef struct span {
  int64_t from, to, count; /* inside the input; what the mean is over along this dimension */
} span;

static span window(const nn_pool_attr *a, int d, int64_t i, int64_t size) {
  if (a->out[d]) {
    int64_t o = a->out[d], from = i * size / o, to = ((i + 1) * size + o - 1) / o;
    return (span){from, to, to - from};
  }
  int64_t from = i * a->stride[d] - a->padding[d], to = from + a->k[d];
  if (to > size + a->padding[d]) to = size + a->padding[d];
  int64_t padded = to - from;
  if (from < 0) from = 0;
  if (to > size) to = size;
  return (span){from, to, a->count_include_pad ? padded : to - from};
}

#define NN_SELF "layer/pool_avg.c"
#include "kernel/each_real.h"

const nn_op nn_op_pool_avg = {
  .name = "avg_pool",
  .nin = 1,
  .attr_size = sizeof(nn_pool_attr),
  .infer = nn_pool_infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};
#else

static void FN(plane)(const nn_pool *g, const nn_pool_attr *a, const R *x, R *y) {
  for (int64_t i = 0; i < g->oh; i++) {
    span r = window(a, 0, i, g->h);
    for (int64_t j = 0; j < g->ow; j++) {
      span c = window(a, 1, j, g->w);
      double sum = 0;
      for (int64_t u = r.from; u < r.to; u++)
        for (int64_t v = c.from; v < c.to; v++) sum += (double)x[u * g->w + v];
      *y++ = (R)(sum / (double)(r.count * c.count));
    }
  }
}

static nn_status FN(forward)(const nn_call *c) {
  const nn_pool_attr *a = c->attr;
  const nn_pool g = nn_pool_geometry(&c->in[0]->shape, a);
  const R *x = nn_data(c->in[0]);
  R *y = nn_data(c->out);
  int threads = nn_threads_for(c->ctx, c->in[0]->numel);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t p = 0; p < g.planes; p++) FN(plane)(&g, a, x + p * g.h * g.w, y + p * g.oh * g.ow);
  return nn_poll(c->ctx);
}

static void FN(spread)(const nn_pool *g, const nn_pool_attr *a, const R *gy, R *gx) {
  for (int64_t i = 0; i < g->oh; i++) {
    span r = window(a, 0, i, g->h);
    for (int64_t j = 0; j < g->ow; j++) {
      span c = window(a, 1, j, g->w);
      R part = *gy++ / (R)(r.count * c.count);
      for (int64_t u = r.from; u < r.to; u++)
        for (int64_t v = c.from; v < c.to; v++) gx[u * g->w + v] += part;
    }
  }
}

static nn_status FN(backward)(const nn_call *c) {
  const nn_pool g = nn_pool_geometry(&c->in[0]->shape, c->attr);
  const int64_t in = g.h * g.w;
  const bool add = c->add[0];
  const R *gy = nn_data(c->gout);
  R *gx = nn_data(c->gin[0]);
  int threads = nn_threads_for(c->ctx, c->gin[0]->numel);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t p = 0; p < g.planes; p++) {
    for (int64_t i = 0; i < in && !add; i++) gx[p * in + i] = 0;
    FN(spread)(&g, c->attr, gy + p * g.oh * g.ow, gx + p * in);
  }
  return nn_poll(c->ctx);
}

#endif
