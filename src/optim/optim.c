/* optim/optim.c: see optim.h. Groups, packing and slots; step.c does the pass. */
#include "optim/optim.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "optim/replay.h"

enum { LINE = 64 };

static size_t padded(const nn_tensor *t) {
  size_t bytes = (size_t)t->v.numel * nn_dtype_size(t->v.dtype);
  return (bytes + LINE - 1) & ~(size_t)(LINE - 1);
}

static int named_slots(const nn_optim_class *class) {
  int n = 0;
  while (class->slots[n]) n++;
  return n;
}

nn_status nn_optim_new(nn_ctx *ctx, const nn_optim_class *class, nn_optim **out) {
  assert(class->size <= NN_OPTIONS_SIZE);
  nn_optim *o = nn_mem_take_zero(ctx, sizeof *o);
  *out = o;
  if (!o) return NN_ENOMEM;
  o->ctx = ctx;
  o->class = class;
  o->refs = 1;
  return NN_OK;
}

nn_optim *nn_optim_retain(nn_optim *o) {
  o->refs++;
  return o;
}

void nn_optim_release(nn_optim *o) {
  if (!o || --o->refs > 0) return;
  nn_replay_free(o->replay);
  for (int i = 0; i < o->nparams; i++) {
    nn_tensor_release(o->param[i].t);
    nn_storage_release(o->param[i].held);
  }
  for (int i = 0; i < o->ngroups; i++) nn_mem_give(o->ctx, o->hyper[i], o->class->size);
  for (int k = 0; k < o->nslots; k++) nn_storage_release(o->slot[k]);
  nn_storage_release(o->dense);
  nn_mem_give(o->ctx, o->slot, (size_t)o->nslots * sizeof *o->slot);
  nn_mem_give(o->ctx, o->param, (size_t)o->nparams * sizeof *o->param);
  nn_mem_give(o->ctx, o->hyper, (size_t)o->ngroups * sizeof *o->hyper);
  nn_mem_give(o->ctx, o, sizeof *o);
}

/* ---- groups ---- */

static nn_status check_param(nn_ctx *ctx, const nn_optim *o, const nn_tensor *t, int place) {
  if (!nn_is_real(t->v.dtype))
    return nn_fail(ctx, NN_ETYPE, "%s: parameter %d is %s; only floating tensors can be trained",
                   o->class->name, place, nn_dtype_name(t->v.dtype));
  if (t->node)
    return nn_fail(
      ctx, NN_ESTATE,
      "%s: parameter %d is the result of an operation; only leaves can be trained (detach() it)",
      o->class->name, place);
  return NN_OK;
}

/* Room for n more parameters; the old ones are copied. */
static nn_status grow_params(nn_ctx *ctx, nn_optim *o, int n) {
  size_t size = sizeof *o->param;
  nn_optim_param *p = nn_mem_take(ctx, (size_t)(o->nparams + n) * size);
  if (!p) return NN_ENOMEM;
  if (o->nparams) memcpy(p, o->param, (size_t)o->nparams * size);
  memset(p + o->nparams, 0, (size_t)n * size);
  nn_mem_give(ctx, o->param, (size_t)o->nparams * size);
  o->param = p;
  o->nparams += n;
  return NN_OK;
}

static nn_status grow_groups(nn_ctx *ctx, nn_optim *o) {
  void **h = nn_mem_take(ctx, (size_t)(o->ngroups + 1) * sizeof *h);
  void *mine = nn_mem_take_zero(ctx, o->class->size);
  if (!h || !mine) {
    nn_mem_give(ctx, h, (size_t)(o->ngroups + 1) * sizeof *h);
    nn_mem_give(ctx, mine, o->class->size);
    return NN_ENOMEM;
  }
  if (o->ngroups) memcpy(h, o->hyper, (size_t)o->ngroups * sizeof *h);
  nn_mem_give(ctx, o->hyper, (size_t)o->ngroups * sizeof *h);
  nn_param_defaults(o->class->params, mine);
  h[o->ngroups++] = mine;
  o->hyper = h;
  return NN_OK;
}

nn_status nn_optim_add_group(nn_ctx *ctx, nn_optim *o, int n, nn_tensor *const *params,
                             void **hyper) {
  int first = o->nparams;
  for (int i = 0; i < n; i++) {
    NN_TRY(check_param(ctx, o, params[i], first + i + 1));
    for (int j = 0; j < first; j++)
      if (o->param[j].t == params[i])
        return nn_fail(ctx, NN_EVALUE, "%s: parameter %d of this group is in a group before it too",
                       o->class->name, i + 1);
  }
  NN_TRY(grow_groups(ctx, o));
  NN_TRY(grow_params(ctx, o, n));
  int at = first;
  for (int i = 0; i < n; i++) { /* a tied parameter counts once */
    bool seen = false;
    for (int j = first; j < at; j++) seen = seen || o->param[j].t == params[i];
    if (seen) continue;
    nn_storage_retain(params[i]->v.storage);
    o->param[at++] = (nn_optim_param){
      .t = nn_tensor_retain(params[i]), .held = params[i]->v.storage, .group = o->ngroups - 1};
  }
  if (at <
      /* the array keeps its size, so that it is given back with the size it was taken with */
      o->nparams) {
    nn_optim_param *p = nn_mem_take(ctx, (size_t)at * sizeof *p);
    if (!p) return nn_fail(ctx, NN_ENOMEM, "%s: not enough memory", o->class->name);
    memcpy(p, o->param, (size_t)at * sizeof *p);
    nn_mem_give(ctx, o->param, (size_t)o->nparams * sizeof *p);
    o->param = p;
    o->nparams = at;
  }
  *hyper = o->hyper[o->ngroups - 1];
  return NN_OK;
}

/* ---- packing ---- */

/* The whole of a storage that belongs to nobody's block yet. */
static bool packable(const nn_tensor *t) {
  return t->v.dense && t->v.offset == 0 && !t->v.storage->block &&
         t->v.storage->bytes == (size_t)t->v.numel * nn_dtype_size(t->v.dtype);
}

static nn_status pack(nn_ctx *ctx, nn_optim *o) {
  enum { LARGE = 1 << 20 };
  size_t bytes = 0, at = 0;
  nn_block *weights = NULL, *grads = NULL;
  nn_tensor *g;
  for (int i = 0; i < o->nparams; i++) {
    NN_TRY(nn_tensor_grad(ctx, o->param[i].t, &g));
    if (packable(o->param[i].t)) bytes += padded(o->param[i].t);
  }
  if (bytes == 0) return NN_OK;
  nn_status st = nn_block_new(ctx, bytes, &weights);
  if (st == NN_OK) st = nn_block_new(ctx, bytes, &grads);
  for (int i = 0; st == NN_OK && i < o->nparams; i++) {
    nn_tensor *t = o->param[i].t;
    if (!packable(t)) continue;
    nn_storage_move(t->v.storage, weights, at);
    if (packable(t->grad)) {
      if (!t->has_grad) memset(nn_data(&t->grad->v), 0, t->grad->v.storage->bytes);
      nn_storage_move(t->grad->v.storage, grads, at);
    }
    at += padded(t);
  }
  if (bytes > LARGE) nn_mem_flush(&ctx->mem); /* nothing will fit where the weights were */
  nn_block_release(weights);
  nn_block_release(grads);
  return st;
}

static nn_status new_zeros(nn_ctx *ctx, size_t bytes, nn_storage **out) {
  NN_TRY(nn_storage_new(ctx, bytes, out));
  memset((*out)->data, 0, bytes);
  return NN_OK;
}

static nn_status more_places(nn_ctx *ctx, nn_optim *o, int n) {
  nn_storage **slot = nn_mem_take_zero(ctx, (size_t)n * sizeof *slot);
  if (!slot) return NN_ENOMEM;
  if (o->nslots) memcpy(slot, o->slot, (size_t)o->nslots * sizeof *slot);
  nn_mem_give(ctx, o->slot, (size_t)o->nslots * sizeof *slot);
  o->slot = slot;
  o->nslots = n;
  return NN_OK;
}

nn_status nn_optim_room(nn_ctx *ctx, nn_optim *o, int upto) {
  unsigned mask = 0;
  int named = named_slots(o->class), n = upto > named ? upto : named;
  if (n > o->nslots) NN_TRY(more_places(ctx, o, n));
  for (int g = 0; g < o->ngroups; g++) mask |= o->class->uses ? o->class->uses(o->hyper[g]) : ~0u;
  for (int k = 0; k < n; k++)
    if (!o->slot[k] && (k < upto || mask >> k & 1)) NN_TRY(new_zeros(ctx, o->bytes, &o->slot[k]));
  return NN_OK;
}

static void lay_out(nn_optim *o) {
  o->bytes = 0;
  for (int i = 0; i < o->nparams; i++) {
    o->param[i].at = o->bytes;
    o->bytes += padded(o->param[i].t);
  }
}

static nn_status check_groups(nn_ctx *ctx, const nn_optim *o) {
  const nn_optim_class *class = o->class;
  if (o->nparams == 0)
    return nn_fail(ctx, NN_EVALUE, "%s: there are no parameters to train (the list is empty)",
                   class->name);
  if (class->one_group && o->ngroups > 1)
    return nn_fail(ctx, NN_EVALUE,
                   "%s: takes one list of parameters, got %d groups; its step has one length for "
                   "all",
                   class->name, o->ngroups);
  for (int g = 0; g < o->ngroups; g++) {
    if (class->settle) class->settle(o->hyper[g]);
    if (class->check) NN_TRY(class->check(ctx, o->hyper[g]));
  }
  return NN_OK;
}

nn_status nn_optim_build(nn_ctx *ctx, nn_optim *o) {
  NN_TRY(check_groups(ctx, o));
  lay_out(o);
  NN_TRY(nn_optim_room(ctx, o, 0));
  return pack(ctx, o);
}

void nn_optim_zero_grad(nn_optim *o) {
  for (int i = 0; i < o->nparams; i++) o->param[i].t->has_grad = false;
}

const char *nn_optim_slot_name(const nn_optim *o, int k, char *buf, size_t size) {
  int n = named_slots(o->class);
  if (k < n) return k < n - o->class->scratch ? o->class->slots[k] : NULL;
  snprintf(buf, size, "%c%d", (k - n) % 2 ? 'y' : 's', (k - n) / 2 + 1);
  return buf;
}

/* The place of a slot's name, or -1. */
static int find_slot(const nn_optim *o, const char *name) {
  const nn_optim_class *class = o->class;
  int named = named_slots(class);
  char room[16];
  for (int k = 0; k < named - class->scratch; k++)
    if (strcmp(class->slots[k], name) == 0) return k;
  if (!class->pairs || (*name != 's' && *name != 'y')) return -1;
  long pair = strtol(name + 1, NULL, 10);
  if (pair < 1 || pair > 100000) return -1;
  int k = named + 2 * ((int)pair - 1) + (*name == 'y');
  return strcmp(nn_optim_slot_name(o, k, room, sizeof room), name) == 0 ? k : -1;
}

nn_status nn_optim_slot_make(nn_ctx *ctx, nn_optim *o, const char *name, int *slot) {
  int k = find_slot(o, name);
  if (k < 0) return nn_fail(ctx, NN_EVALUE, "%s keeps no '%.40s'", o->class->name, name);
  if (k >= o->nslots) NN_TRY(more_places(ctx, o, k + 1));
  if (!o->slot[k]) NN_TRY(new_zeros(ctx, o->bytes, &o->slot[k]));
  *slot = k;
  return NN_OK;
}

nn_status nn_optim_slot(nn_ctx *ctx, nn_optim *o, int k, int i, nn_tensor **out) {
  const nn_tensor *t = o->param[i].t;
  nn_value v;
  nn_value_set(&v, t->v.dtype, &t->v.shape);
  v.storage = o->slot[k];
  v.offset = (int64_t)(o->param[i].at / nn_dtype_size(t->v.dtype));
  return nn_tensor_view(ctx, &v, out);
}
