/* op/tile.c: the tensor repeated along its dimensions; the gradient is summed over the repeats. */
#ifndef R
#include <string.h>

#include "grad/op.h"
#include "kernel/names.h"

typedef struct tile_attr {
  nn_ints times;
} tile_attr;

extern const nn_op nn_op_tile;

/* x and the repeats with the same number of dimensions, those in front filled with 1. */
typedef struct plan {
  int ndim;
  int64_t n[NN_MAXDIM], times[NN_MAXDIM];
} plan;

static nn_status make_plan(const nn_call *c, const nn_shape *x, plan *p) {
  const nn_ints *times = &((const tile_attr *)c->attr)->times;
  p->ndim = x->ndim > (int)times->n ? x->ndim : (int)times->n;
  for (int d = 0; d < p->ndim; d++) {
    int i = d - (p->ndim - x->ndim), k = d - (p->ndim - (int)times->n);
    p->n[d] = i < 0 ? 1 : x->dim[i];
    p->times[d] = k < 0 ? 1 : times->v[k];
  }
  return NN_OK;
}

static nn_status infer(const nn_call *c) {
  plan p;
  nn_shape s;
  NN_TRY(make_plan(c, &c->in[0]->shape, &p));
  s.ndim = p.ndim;
  for (int d = 0; d < p.ndim; d++)
    if (__builtin_mul_overflow(p.n[d], p.times[d], &s.dim[d]))
      return nn_fail(c->ctx, NN_ENOMEM, "tile: the result is larger than any memory");
  nn_value_set(c->out, c->in[0]->dtype, &s);
  return NN_OK;
}

/* The line of x that line `i` of the result repeats. */
static int64_t line_of(const plan *p, int64_t i) {
  int64_t line = 0, step = 1;
  for (int d = p->ndim - 2; d >= 0; d--) {
    int64_t size = p->n[d] * p->times[d];
    line += i % size % p->n[d] * step;
    step *= p->n[d];
    i /= size;
  }
  return line;
}

static nn_status forward(const nn_call *c) {
  plan p;
  NN_TRY(make_plan(c, &c->in[0]->shape, &p));
  size_t size = nn_dtype_size(c->out->dtype);
  int64_t n = p.ndim ? p.n[p.ndim - 1] : 1, times = p.ndim ? p.times[p.ndim - 1] : 1;
  int64_t lines = c->out->numel ? c->out->numel / (n * times) : 0;
  const char *x = nn_data(c->in[0]);
  char *y = nn_data(c->out);
  for (int64_t i = 0; i < lines; i++) {
    const char *from = x + (size_t)(line_of(&p, i) * n) * size;
    for (int64_t t = 0; t < times; t++, y += (size_t)n * size) memcpy(y, from, (size_t)n * size);
    if (i % 1024 == 1023) NN_TRY(nn_poll(c->ctx));
  }
  return NN_OK;
}

#define NN_SELF "op/tile.c"
#include "kernel/each_real.h"

static const nn_param params[] = {
  NN_P_INTS(tile_attr, times, NN_P_NEEDED, 0, 0, NN_DIM_MAX,
            "how often along each dimension; fewer numbers mean the last dimensions"),
  NN_P_END};

const nn_op nn_op_tile = {
  .name = "tile",
  .doc =
    "The tensor repeated along its dimensions, copied; more numbers than dimensions put new ones "
    "in front.",
  .args = "x",
  .nin = 1,
  .attr_size = sizeof(tile_attr),
  .params = params,
  .infer = infer,
  .forward = {forward, forward, forward, forward},
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "2x3", .args = "{2, 2}"},
              {.inputs = "3", .args = "{2, 1, 3}"},
              {.inputs = "2x3x2", .args = "2"}},
};
#else

static nn_status FN(backward)(const nn_call *c) {
  plan p;
  NN_TRY(make_plan(c, &c->gin[0]->shape, &p));
  if (!c->add[0]) NN_TRY(nn_fill_into(c->ctx, c->gin[0], 0));
  int64_t n = p.ndim ? p.n[p.ndim - 1] : 1, times = p.ndim ? p.times[p.ndim - 1] : 1;
  int64_t lines = c->gout->numel ? c->gout->numel / (n * times) : 0;
  const R *g = nn_data(c->gout);
  R *gx = nn_data(c->gin[0]);
  for (int64_t i = 0; i < lines; i++) {
    R *to = gx + line_of(&p, i) * n;
    for (int64_t t = 0; t < times; t++, g += n)
      for (int64_t j = 0; j < n; j++) to[j] += g[j];
  }
  return NN_OK;
}

#endif
