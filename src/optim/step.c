/*
 * optim/step.c: one step of an optimizer: parameters that lie side by side, share a group and a
 * step count, and all have a gradient, are one run; a run is one pass over memory, in pieces that
 * stay in the cache while decay and update read them.
 */
#ifndef R
#include <math.h>
#include <string.h>

#include "kernel/names.h"
#include "kernel/walk.h"
#include "optim/optim.h"

enum { PIECE = 1024, LINE = 64 };

typedef struct run {
  const nn_optim_class *class;
  const nn_hyper *hyper;
  nn_dtype dtype;
  int64_t n;
  char *w;
  const char *g;
  char *slot[NN_MAXROWS];
  nn_optim_last last; /* what this step does, for explain */
} run;

#define NN_SELF "optim/step.c"
#include "kernel/each_real.h"

/* ---- a run ---- */

/* A piece with decay: the gradient with it goes to `room`, the weights shrink in their place. */
static const void *decay(const run *r, int64_t n, char *w, const void *g, double *room) {
  bool f32 = r->dtype == NN_F32;
  const nn_optim_last *l = &r->last;
  if (l->l2 != 0 || l->l1 != 0) {
    if (f32)
      decayed_f32(n, (const float *)(const void *)w, g, l->l2, l->l1, (float *)(void *)room);
    else
      decayed_f64(n, (const double *)(const void *)w, g, l->l2, l->l1, room);
    g = room;
  }
  if (l->shrink != 1 && f32) shrunk_f32(n, (float *)(void *)w, l->shrink);
  if (l->shrink != 1 && !f32) shrunk_f64(n, (double *)(void *)w, l->shrink);
  return g;
}

static void do_range(const run *r, int64_t lo, int64_t hi) {
  size_t size = nn_dtype_size(r->dtype);
  bool plain = r->last.l2 == 0 && r->last.l1 == 0 && r->last.shrink == 1;
  void *slot[NN_MAXROWS] = {0};
  for (int64_t at = lo, n; at < hi; at += n) {
    double room[PIECE]; /* for either dtype, aligned for both */
    char *w = r->w + (size_t)at * size;
    const void *g = r->g + (size_t)at * size;
    n = hi - at;
    if (!plain) {
      n = n < PIECE ? n : PIECE;
      g = decay(r, n, w, g, room);
    }
    for (int k = 0; k < NN_MAXROWS; k++)
      if (r->slot[k]) slot[k] = r->slot[k] + (size_t)at * size;
    r->class->update[r->dtype](n, w, g, slot, r->hyper, r->last.coef);
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

/* ---- which parameters make a run ---- */

static bool decays(const nn_optim *o, const nn_optim_param *p) {
  const nn_hyper *h = o->hyper[p->group];
  return (h->weight_decay != 0 || h->l1 != 0) && (h->decay_bias || p->t->v.shape.ndim > 1);
}

static size_t padded(const nn_tensor *t) {
  size_t bytes = (size_t)t->v.numel * nn_dtype_size(t->v.dtype);
  return (bytes + LINE - 1) & ~(size_t)(LINE - 1);
}

static bool same_numbers(const nn_optim *o, const nn_optim_param *a, const nn_optim_param *b) {
  for (int k = 0; o->class->numbers[k]; k++)
    if (a->number[k] != b->number[k]) return false;
  return true;
}

/* Whether b goes on where a ends: weights, gradients and slots alike. */
static bool follows(const nn_optim *o, const nn_optim_param *a, const nn_optim_param *b) {
  size_t step = padded(a->t);
  const nn_storage *wa = a->t->v.storage, *wb = b->t->v.storage;
  const nn_storage *ga = a->t->grad->v.storage, *gb = b->t->grad->v.storage;
  if (!b->t->v.dense || a->t->v.offset != 0 || b->t->v.offset != 0) return false;
  return a->group == b->group && a->steps == b->steps && a->t->v.dtype == b->t->v.dtype &&
         wa->block && wa->block == wb->block && ga->block && ga->block == gb->block &&
         decays(o, a) == decays(o, b) && (char *)wa->data + step == (char *)wb->data &&
         (char *)ga->data + step == (char *)gb->data && a->at + step == b->at &&
         same_numbers(o, a, b);
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

/* ---- the step ---- */

/* Everything but the weights' address, for the parameters i..j-1. Field by field: clearing the whole
   first costs more than a small update. */
static void plan(nn_optim *o, int i, int j, run *r) {
  nn_optim_param *p = &o->param[i], *end = &o->param[j - 1];
  const nn_hyper *h = o->hyper[p->group];
  bool decoupled = o->class->decoupled || h->decoupled_weight_decay, on = decays(o, p);
  r->class = o->class;
  r->hyper = h;
  r->dtype = p->t->v.dtype;
  r->g = nn_data(&p->t->grad->v);
  r->n = (int64_t)((end->at - p->at) / nn_dtype_size(r->dtype)) + end->t->v.numel;
  r->last.l1 = on ? h->l1 : 0;
  r->last.l2 = on && !decoupled ? h->weight_decay : 0;
  r->last.shrink = on && decoupled ? 1 - h->lr * h->weight_decay : 1;
  for (int k = 0; k < NN_MAXROWS; k++) r->slot[k] = NULL;
  for (int k = 0; k < NN_MAXROWS && o->class->slots[k]; k++)
    if (o->slot[k]) r->slot[k] = (char *)o->slot[k]->data + p->at;
  for (int k = 0; k < NN_MAXCOEF; k++) r->last.coef[k] = 0;
  if (o->class->prepare) o->class->prepare(h, p->steps + 1, p->number, r->last.coef);
}

static void note(nn_optim *o, int i, int j, const run *r) {
  for (int k = i; k < j; k++) {
    nn_optim_param *p = &o->param[k];
    p->steps++;
    memcpy(p->number, o->param[i].number, sizeof p->number);
    p->last = r->last;
    p->last.version = p->t->grad->v.storage->version;
    nn_touch(&p->t->v);
  }
}

/* A parameter that is a strided view is updated in a dense copy. */
static nn_status step_strided(nn_ctx *ctx, nn_optim *o, int i) {
  nn_optim_param *p = &o->param[i];
  nn_value dense;
  nn_value_set(&dense, p->t->v.dtype, &p->t->v.shape);
  dense.storage = o->dense;
  dense.offset = (int64_t)(p->at / nn_dtype_size(dense.dtype));
  NN_TRY(nn_copy_into(ctx, &dense, &p->t->v));
  run r;
  plan(o, i, i + 1, &r);
  r.w = nn_data(&dense);
  do_run(ctx, &r);
  NN_TRY(nn_copy_into(ctx, &p->t->v, &dense));
  note(o, i, i + 1, &r);
  return NN_OK;
}

/* All that can fail comes before the first weight changes. */
static nn_status make_ready(nn_ctx *ctx, nn_optim *o) {
  NN_TRY(check_held(ctx, o));
  NN_TRY(nn_optim_room(ctx, o, 0));
  for (int i = 0; i < o->nparams && !o->dense; i++)
    if (!o->param[i].t->v.dense) NN_TRY(nn_storage_new(ctx, o->bytes, &o->dense));
  return NN_OK;
}

/* The parameter behind the run that begins with i. */
static int find_end(const nn_optim *o, int i) {
  int j = i + 1;
  while (j < o->nparams && o->param[j].t->has_grad && follows(o, &o->param[j - 1], &o->param[j]))
    j++;
  return j;
}

nn_status nn_optim_update(nn_ctx *ctx, nn_optim *o) {
  const bool again = o->again;
  o->again = false;
  if (!again) NN_TRY(make_ready(ctx, o));
  for (int i = 0, j; i < o->nparams; i = j) {
    nn_optim_param *p = &o->param[i];
    j = i + 1;
    if (!p->t->has_grad || p->t->v.numel == 0) continue;
    if (!p->t->v.dense) {
      NN_TRY(step_strided(ctx, o, i));
      continue;
    }
    j = again ? p->end : find_end(o, i);
    run r;
    plan(o, i, j, &r);
    r.w = nn_data(&p->t->v);
    do_run(ctx, &r);
    note(o, i, j, &r);
    p->end = j;
  }
  return NN_OK;
}

bool nn_optim_descends(const nn_optim *o, int i, double *rate) {
  const nn_optim_param *p = &o->param[i];
  const nn_hyper *h = o->hyper[p->group];
  *rate = h->lr;
  return o->class->descends && o->class->descends(h) && !decays(o, p) && p->t->v.dense &&
         p->held == p->t->v.storage;
}

void nn_optim_descended(nn_optim *o, int i) {
  o->param[i].steps++;
  nn_touch(&o->param[i].t->v);
  nn_touch(&o->param[i].t->grad->v); /* what it holds is of an earlier step */
}

nn_status nn_optim_step(nn_ctx *ctx, nn_optim *o) {
  if (o->class->drive)
    return nn_fail(ctx, NN_ESTATE,
                   "%s: step needs a closure that computes the loss and its gradients anew: "
                   "opt:step(function() opt:zero_grad(); local l = loss(model(x), y); "
                   "l:backward(); return l end)",
                   o->class->name);
  return nn_optim_update(ctx, o);
}

nn_status nn_optim_step_with(nn_ctx *ctx, nn_optim *o, const nn_closure *closure, double *loss) {
  nn_status st;
  *loss = 0;
  if (o->busy)
    return nn_fail(ctx, NN_ESTATE, "%s: step was called inside the closure of a step",
                   o->class->name);
  o->busy = true;
  if (o->class->drive) {
    NN_GO(make_ready(ctx, o));
    NN_GO(o->class->drive(ctx, o, closure, loss));
  } else {
    NN_GO(closure->call(closure->user, loss));
    if (isfinite(*loss)) NN_GO(nn_optim_update(ctx, o));
  }
done:
  o->busy = o->again = false;
  return st;
}

#else

/* The gradient with L2 and L1 in it; sign(0) is 0. */
NN_HOT static void FN(decayed)(int64_t n, const R *w, const R *g, double l2, double l1, R *out) {
  const R a = (R)l2, b = (R)l1;
  for (int64_t i = 0; i < n; i++) out[i] = g[i] + a * w[i] + (w[i] > 0 ? b : w[i] < 0 ? -b : (R)0);
}

NN_HOT static void FN(shrunk)(int64_t n, R *w, double by) {
  const R a = (R)by;
  for (int64_t i = 0; i < n; i++) w[i] *= a;
}

#endif
