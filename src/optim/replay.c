/* optim/replay.c: see replay.h. */
#include "optim/replay.h"

#include <math.h>
#include <string.h>

#include "grad/tape.h"

enum {
  PLANS = 2,           /* a full batch and the last one of an epoch */
  KEY = 8192,          /* bytes that tell steps apart; larger models gain little */
  MOST_BYTES = 1 << 20 /* that a plan may keep */
};

/* All that decides which kernels a step runs: layers, their tensors and options, loss, shapes. */
typedef struct key {
  size_t n;
  char bytes[KEY];
} key;

typedef struct plan {
  nn_tape *tape; /* NULL: free */
  key key;
  nn_layer *model; /* references, so that their addresses stay theirs */
  nn_loss *loss;
  nn_value value; /* of the loss; its storage is kept */
  int turn;       /* notes before this one are forward */
  uint64_t used;  /* when, in steps */
} plan;

struct nn_replay {
  nn_ctx *ctx;
  uint64_t steps, played, descended;
  key last;               /* of the step before */
  key refused;            /* of one that was noted in vain: it keeps too much */
  plan plan[PLANS], next; /* next: being noted */
};

/* ---- keys ---- */

static inline bool put(key *k, const void *what, size_t n) {
  if (k->n + n > KEY) return false;
  memcpy(k->bytes + k->n, what, n);
  k->n += n;
  return true;
}

/* Only a pure layer has a key. */
static bool put_layer(key *k, const nn_layer *l) {
  const nn_layer_class *class = l->class;
  const int counts[2] = {l->nslot, l->nchild};
  if (!class->pure && !class->op) return false;
  bool fits = put(k, &l, sizeof(l)) && put(k, counts, sizeof counts) &&
              put(k, (const char *)l + sizeof *l, class->size - sizeof *l);
  for (int i = 0; i < l->nslot && fits; i++) {
    const nn_tensor *t = l->slot[i].tensor;
    fits = put(k, &t, sizeof(t)) && put(k, &t->v.storage, sizeof t->v.storage) &&
           put(k, &t->requires_grad, sizeof t->requires_grad) && !t->node;
  }
  for (int i = 0; i < l->nchild && fits; i++) fits = put_layer(k, l->child[i]);
  return fits;
}

static bool put_geometry(key *k, const nn_value *v) {
  const size_t dims = (size_t)v->shape.ndim * sizeof(int64_t);
  return put(k, &v->dtype, sizeof v->dtype) && put(k, &v->shape.ndim, sizeof v->shape.ndim) &&
         put(k, v->shape.dim, dims) && put(k, v->stride, dims);
}

static bool make_key(key *k, const nn_layer *model, const nn_loss *loss, const nn_tensor *x,
                     const nn_tensor *y) {
  const size_t head = offsetof(nn_loss, reduction);
  k->n = 0;
  if (!loss->class->pure || nn_needs_grad(x) || nn_needs_grad(y)) return false;
  if (x->v.storage == y->v.storage) return false; /* they could not be told apart */
  return put_layer(k, model) && put(k, &loss, sizeof(loss)) &&
         put(k, (const char *)loss + head, loss->class->size - head) && put_geometry(k, &x->v) &&
         put_geometry(k, &y->v);
}

static bool same(const key *a, const key *b) {
  return a->n == b->n && a->n > 0 && memcmp(a->bytes, b->bytes, a->n) == 0;
}

/* ---- plans ---- */

static void drop(plan *p) {
  if (p->tape) nn_tape_free(p->tape);
  nn_storage_release(p->value.storage);
  if (p->model) nn_layer_release(p->model);
  if (p->loss) nn_loss_release(p->loss);
  *p = (plan){0};
}

void nn_replay_free(nn_replay *r) {
  if (!r) return;
  for (int i = 0; i < PLANS; i++) drop(&r->plan[i]);
  drop(&r->next);
  nn_mem_give(r->ctx, r, sizeof *r);
}

uint64_t nn_replay_played(const nn_replay *r) {
  return r ? r->played : 0;
}

uint64_t nn_replay_descended(const nn_replay *r) {
  return r ? r->descended : 0;
}

nn_replay_step nn_replay_begin(nn_ctx *ctx, nn_replay **r, nn_layer *model, nn_loss *loss,
                               const nn_tensor *x, const nn_tensor *y) {
  nn_replay_step s = {NULL, -1, false};
  key k;
  if (!ctx->reuse || ctx->tape || ctx->no_grad > 0 || !make_key(&k, model, loss, x, y)) return s;
  if (!*r && !(*r = nn_mem_take_zero(ctx, sizeof **r))) return s;
  nn_replay *p = s.replay = *r;
  p->ctx = ctx;
  p->steps++;
  for (int i = 0; i < PLANS && s.plan < 0; i++)
    if (p->plan[i].tape && same(&p->plan[i].key, &k)) s.plan = i;
  if (s.plan < 0 && same(&p->last, &k) && !same(&p->refused, &k)) {
    p->next.tape = ctx->tape = nn_tape_new(ctx);
    s.note = p->next.tape != NULL;
  }
  memcpy(&p->last, &k, offsetof(key, bytes) + k.n);
  return s;
}

nn_status nn_replay_play(const nn_replay_step *s, const nn_tensor *x, const nn_tensor *y,
                         bool descend, double *value) {
  nn_replay *r = s->replay;
  plan *p = &r->plan[s->plan];
  const nn_value *const given[] = {&x->v, &y->v};
  p->used = r->steps;
  nn_tape_move(p->tape, given);
  nn_status st = nn_tape_play(p->tape, 0, p->turn, true);
  if (st == NN_OK) *value = nn_value_real_at(&p->value, p->value.offset);
  if (st == NN_OK && isfinite(*value)) {
    st = nn_tape_play(p->tape, p->turn, nn_tape_length(p->tape), !descend);
    nn_tape_mark(p->tape, st == NN_OK, !descend);
  }
  nn_tape_move(p->tape, NULL);
  r->played++;
  return st;
}

/* ---- descent ---- */

static nn_late *late_of(const nn_replay_step *s, int *n) {
  return nn_tape_late(s->replay->plan[s->plan].tape, n);
}

/* The optimizer's number of the leaf, or -1. */
static int find_param(const nn_optim *o, const nn_tensor *leaf) {
  int i = o->nparams - 1;
  while (i >= 0 && o->param[i].t != leaf) i--;
  return i;
}

bool nn_replay_descends(const nn_replay_step *s, const nn_optim *o, const nn_tensor *x) {
  int n;
  nn_late *l = late_of(s, &n);
  bool any = false;
  if (x->v.storage->block) return false; /* data that are weights change with them */
  for (int i = 0; i < n; i++) {
    double rate;
    if (!l[i].direct) continue;
    l[i].param = find_param(o, l[i].leaf);
    if (l[i].param < 0 || !nn_optim_descends(o, l[i].param, &rate)) return false;
    l[i].rate = (float)rate;
    any = true;
  }
  return any;
}

bool nn_replay_bounds(const nn_replay_step *s, const nn_tensor *t) {
  int n;
  const nn_late *l = late_of(s, &n);
  for (int i = 0; i < n; i++)
    if (l[i].leaf == t) return true;
  return false;
}

double nn_replay_bound(const nn_replay_step *s, double most) {
  int n;
  const nn_late *l = late_of(s, &n);
  double bound = 0;
  for (int i = 0; i < n; i++) {
    double b = nn_late_bound(&l[i], most);
    if (!(b <= bound)) bound = b;
  }
  return bound;
}

void nn_replay_stay(const nn_replay_step *s) {
  int n;
  const nn_late *l = late_of(s, &n);
  for (int i = 0; i < n; i++)
    if (l[i].direct) nn_late_run(&l[i]);
}

void nn_replay_descend(const nn_replay_step *s, nn_optim *o) {
  int n;
  const nn_late *l = late_of(s, &n);
  for (int i = 0; i < n; i++) {
    if (!l[i].direct) continue;
    nn_late_descend(&l[i]);
    nn_optim_descended(o, l[i].param);
  }
  s->replay->descended++;
}

/* ---- taking notes ---- */

void nn_replay_turn(const nn_replay_step *s, const nn_tensor *loss) {
  plan *p = &s->replay->next;
  p->turn = nn_tape_length(p->tape);
  nn_value_copy(&p->value, &loss->v);
  nn_storage_retain(p->value.storage);
}

void nn_replay_end(const nn_replay_step *s, nn_status st, nn_layer *model, nn_loss *loss,
                   const nn_tensor *x, const nn_tensor *y) {
  nn_replay *r = s->replay;
  plan *p = &r->next, *to = &r->plan[0];
  const nn_value *const given[] = {&x->v, &y->v};
  r->ctx->tape = NULL;
  p->model = nn_layer_retain(model);
  p->loss = nn_loss_retain(loss);
  bool backward = p->value.storage && nn_tape_length(p->tape) > p->turn;
  nn_tape_bind(p->tape, 2, given);
  if (st != NN_OK || !backward || !nn_tape_whole(p->tape) || nn_tape_bytes(p->tape) > MOST_BYTES) {
    if (st == NN_OK) memcpy(&r->refused, &r->last, sizeof r->last);
    drop(p);
    return;
  }
  memcpy(&p->key, &r->last, sizeof p->key);
  p->used = r->steps;
  for (int i = 1; i < PLANS; i++)
    if (to->tape && (!r->plan[i].tape || r->plan[i].used < to->used)) to = &r->plan[i];
  drop(to);
  *to = *p;
  *p = (plan){0};
}
