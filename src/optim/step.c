/*
 * optim/step.c: one step of an optimizer: parameters that lie side by side, share a group and a
 * step count, and all have a gradient, are one run; a run is one pass over memory, in pieces that
 * stay in the cache while decay and update read them.
 */
#ifndef R
#include <string.h>

#include "kernel/names.h"
#include "kernel/walk.h"
#include "optim/optim.h"

enum { PIECE = 1024, LINE = 64 };

typedef struct run {
  const nn_optim_class *class;
  const nn_hyper *hyper;
  nn_dtype dtype;
  bool decay;
  int nslots;
  int64_t n;
  char *w;
  const char *g;
  char *slot[NN_MAXSLOTS];
  double coef[NN_MAXCOEF];
} run;

#define NN_SELF "optim/step.c"
#include "kernel/each_real.h"

static void do_range(const run *r, int64_t lo, int64_t hi) {
  size_t size = nn_dtype_size(r->dtype);
  void *slot[NN_MAXSLOTS] = {0};
  for (int64_t at = lo, n; at < hi; at += n) {
    n = hi - at;
    const void *g = r->g + (size_t)at * size;
    double room[PIECE]; /* for either dtype, aligned for both */
    for (int k = 0; k < r->nslots; k++) slot[k] = r->slot[k] + (size_t)at * size;
    if (r->decay) {
      n = n < PIECE ? n : PIECE;
      if (r->dtype == NN_F32)
        decayed_f32(n, (const float *)(const void *)r->w + at, g, r->hyper, (float *)(void *)room);
      else
        decayed_f64(n, (const double *)(const void *)r->w + at, g, r->hyper, room);
      g = room;
    }
    r->class->update[r->dtype](n, r->w + (size_t)at * size, g, slot, r->hyper, r->coef);
  }
}

static void do_run(const nn_ctx *ctx, const run *r) {
  int threads = nn_threads_for(ctx, r->n);
  if (threads == 1) {
    do_range(r, 0, r->n);
    return;
  }
  int64_t each = (r->n / threads + LINE) & ~(int64_t)(LINE - 1);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int t = 0; t < threads; t++) {
    int64_t from = t * each, to = from + each < r->n ? from + each : r->n;
    if (from < to) do_range(r, from, to);
  }
}

static bool decays(const nn_optim *o, const nn_optim_param *p) {
  const nn_hyper *h = o->hyper[p->group];
  return ((h->weight_decay != 0 && !o->class->decoupled) || h->l1 != 0) &&
         (h->decay_bias || p->t->v.shape.ndim > 1);
}

static size_t padded(const nn_tensor *t) {
  size_t bytes = (size_t)t->v.numel * nn_dtype_size(t->v.dtype);
  return (bytes + LINE - 1) & ~(size_t)(LINE - 1);
}

/* Whether b goes on where a ends: weights, gradients and slots alike. */
static bool follows(const nn_optim *o, const nn_optim_param *a, const nn_optim_param *b) {
  size_t step = padded(a->t);
  const nn_storage *wa = a->t->v.storage, *wb = b->t->v.storage;
  const nn_storage *ga = a->t->grad->v.storage, *gb = b->t->grad->v.storage;
  return a->group == b->group && a->steps == b->steps && a->t->v.dtype == b->t->v.dtype &&
         wa->block && wa->block == wb->block && ga->block && ga->block == gb->block &&
         decays(o, a) == decays(o, b) && (char *)wa->data + step == (char *)wb->data &&
         (char *)ga->data + step == (char *)gb->data && a->at + step == b->at;
}

static nn_status check_held(nn_ctx *ctx, const nn_optim *o) {
  for (int i = 0; i < o->nparams; i++)
    if (o->param[i].held != o->param[i].t->v.storage)
      return nn_fail(ctx, NN_ESTATE,
                     "%s: parameter %d has got a new storage since the optimizer was made "
                     "(to(dtype)?); make the optimizer "
                     "after that",
                     o->class->name, i + 1);
  return NN_OK;
}

/* Parameters i..j-1 as one pass. */
static void step_run(const nn_ctx *ctx, nn_optim *o, int i, int j) {
  nn_optim_param *p = &o->param[i], *last = &o->param[j - 1];
  run r = {.class = o->class,
           .hyper = o->hyper[p->group],
           .dtype = p->t->v.dtype,
           .decay = decays(o, p),
           .nslots = o->nslots,
           .w = nn_data(&p->t->v),
           .g = nn_data(&p->t->grad->v)};
  r.n = (int64_t)((last->at - p->at) / nn_dtype_size(r.dtype)) + last->t->v.numel;
  for (int k = 0; k < o->nslots; k++) r.slot[k] = (char *)o->slot[k]->data + p->at;
  for (int k = i; k < j; k++) o->param[k].steps++;
  if (o->class->prepare) o->class->prepare(r.hyper, p->steps, r.coef);
  do_run(ctx, &r);
  for (int k = i; k < j; k++) nn_touch(&o->param[k].t->v);
}

/* A parameter that is a strided view has its update computed on a dense copy. */
static nn_status step_strided(nn_ctx *ctx, nn_optim *o, int i) {
  nn_optim_param *p = &o->param[i];
  nn_tensor *copy = NULL;
  NN_TRY(nn_tensor_new(ctx, p->t->v.dtype, &p->t->v.shape, &copy));
  nn_status st = nn_copy_into(ctx, &copy->v, &p->t->v);
  run r = {.class = o->class,
           .hyper = o->hyper[p->group],
           .dtype = p->t->v.dtype,
           .decay = decays(o, p),
           .nslots = o->nslots,
           .n = copy->v.numel,
           .w = nn_data(&copy->v),
           .g = nn_data(&p->t->grad->v)};
  for (int k = 0; k < o->nslots; k++) r.slot[k] = (char *)o->slot[k]->data + p->at;
  if (st == NN_OK) {
    p->steps++;
    if (o->class->prepare) o->class->prepare(r.hyper, p->steps, r.coef);
    do_run(ctx, &r);
    st = nn_copy_into(ctx, &p->t->v, &copy->v);
    nn_touch(&p->t->v);
  }
  nn_tensor_release(copy);
  return st;
}

nn_status nn_optim_step(nn_ctx *ctx, nn_optim *o) {
  NN_TRY(check_held(ctx, o));
  for (int i = 0, j; i < o->nparams; i = j) {
    j = i + 1;
    if (!o->param[i].t->has_grad || o->param[i].t->v.numel == 0) continue;
    if (!o->param[i].t->v.dense) {
      NN_TRY(step_strided(ctx, o, i));
      continue;
    }
    while (j < o->nparams && o->param[j].t->has_grad && follows(o, &o->param[j - 1], &o->param[j]))
      j++;
    step_run(ctx, o, i, j);
  }
  return NN_OK;
}

#else

/* The gradient with L2 and L1 in it; sign(0) is 0. */
NN_HOT static void FN(decayed)(int64_t n, const R *w, const R *g, const nn_hyper *h, R *out) {
  const R l2 = (R)h->weight_decay, l1 = (R)h->l1;
  for (int64_t i = 0; i < n; i++)
    out[i] = g[i] + l2 * w[i] + (w[i] > 0 ? l1 : w[i] < 0 ? -l1 : (R)0);
}

#endif
