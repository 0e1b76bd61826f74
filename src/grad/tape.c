/* grad/tape.c: see tape.h. */
#include "grad/tape.h"

#include <string.h>

#include "kernel/reduce.h"

/* DIRECT: one call of a row over dense values, whose addresses are known, like those of a PRODUCT */
typedef enum sort { DIRECT, PRODUCT, WALK, COPY, SUM, KERNEL } sort;

enum { ONE_CALL = 1 << 16 }; /* elements that a walk goes through in one call of its row, at most */

/* One call. Its arrays stand behind it in the same block of memory. */
typedef struct note {
  sort kind;
  bool add;
  bool late; /* a direct product of nn_tape_late */
  nn_row row;
  int64_t count; /* of elements */
  void *attr;
  void *address[NN_WALK_MAX]; /* (n) of a direct call or a product: C, A, B */
  unsigned flags;
  int n;           /* values */
  nn_value *value; /* (n) */
  nn_value **at;   /* (2 nin) of a kernel: its inputs, then their gradients; of a walk (n) */
  nn_kernel kernel;
  nn_call call;
  size_t bytes; /* of the block */
} note;

/* An operand that lies in memory which changes from step to step: where a note keeps its address, or the
   value of a note that keeps none. */
typedef struct moving {
  void **address; /* NULL: none */
  nn_value *v;
  int which;
  int64_t delta; /* in elements */
} moving;

struct nn_tape {
  nn_ctx *ctx;
  bool bad, found; /* found: the addresses are known */
  uint32_t moves;  /* ctx->moves then */
  bool searched;   /* for late products */
  int n, room, nleaves, leaves_room, nmoving, moving_room, nlate, late_room;
  nn_late *late;
  note **note;
  nn_tensor **leaf;
  moving *moving;
};

nn_tape *nn_tape_new(nn_ctx *ctx) {
  nn_tape *t = nn_mem_take_zero(ctx, sizeof *t);
  if (t) t->ctx = ctx;
  return t;
}

void nn_tape_free(nn_tape *t) {
  if (!t) return;
  nn_ctx *ctx = t->ctx;
  nn_tape_move(t, NULL); /* what is not kept is not released */
  for (int i = 0; i < t->n; i++) {
    note *e = t->note[i];
    for (int k = 0; k < e->n; k++) nn_storage_release(e->value[k].storage);
    nn_mem_give(ctx, e, e->bytes);
  }
  for (int i = 0; i < t->nleaves; i++) nn_tensor_release(t->leaf[i]);
  nn_mem_give(ctx, t->note, (size_t)t->room * sizeof *t->note);
  nn_mem_give(ctx, t->leaf, (size_t)t->leaves_room * sizeof *t->leaf);
  nn_mem_give(ctx, t->moving, (size_t)t->moving_room * sizeof *t->moving);
  nn_mem_give(ctx, t->late, (size_t)t->late_room * sizeof *t->late);
  nn_mem_give(ctx, t, sizeof *t);
}

/* Room for one more element of an array; false and the tape is void: no memory. */
static bool grow(nn_tape *t, void **list, int n, int *room, size_t size) {
  if (n < *room) return true;
  int more = *room ? 2 * *room : 8;
  void *p = nn_mem_take(t->ctx, (size_t)more * size);
  if (!p) {
    t->bad = true;
    return false;
  }
  if (n) memcpy(p, *list, (size_t)n * size);
  nn_mem_give(t->ctx, *list, (size_t)*room * size);
  *list = p;
  *room = more;
  return true;
}

/* ---- taking notes ---- */

static size_t align16(size_t n) {
  return (n + 15) & ~(size_t)15;
}

/* A note with room for n values, `pointers` pointers to them and `size` bytes for an attr. */
static note *new_note(nn_tape *t, sort kind, int n, int pointers, size_t size) {
  if (t->bad || !grow(t, (void **)&t->note, t->n, &t->room, sizeof *t->note)) return NULL;
  size_t values = align16(sizeof(note)), at = values + align16((size_t)n * sizeof(nn_value));
  size_t tail = at + align16((size_t)pointers * sizeof(nn_value *)), bytes = tail + size;
  char *block = nn_mem_take_zero(t->ctx, bytes);
  if (!block) {
    t->bad = true;
    return NULL;
  }
  note *e = (note *)(void *)block;
  e->kind = kind;
  e->bytes = bytes;
  e->value = (nn_value *)(void *)(block + values);
  e->at = (nn_value **)(void *)(block + at);
  e->attr = size ? block + tail : NULL;
  t->note[t->n++] = e;
  return e;
}

/* A copy of the value, whose storage, if any, is kept. */
static nn_value *keep(note *e, const nn_value *v) {
  nn_value *to = &e->value[e->n++];
  nn_value_copy(to, v);
  if (v->storage) nn_storage_retain(v->storage);
  return to;
}

static note *note_row(nn_tape *t, sort kind, nn_row row, const void *attr, size_t attr_size, int n,
                      const nn_value *const *v) {
  note *e = new_note(t, kind, n, n, attr ? attr_size : 0);
  if (!e) return NULL;
  if (e->attr) memcpy(e->attr, attr, attr_size);
  e->row = row;
  e->count = v[0]->numel;
  for (int k = 0; k < n; k++) e->at[k] = keep(e, v[k]);
  return e;
}

void nn_tape_walk(nn_tape *t, nn_row row, const void *attr, size_t attr_size, int n,
                  const nn_value *const *v, unsigned flags) {
  bool direct = flags == 0 && v[0]->numel > 0 && v[0]->numel <= ONE_CALL;
  for (int k = 0; k < n; k++) direct = direct && v[k]->dense;
  note *e = note_row(t, direct ? DIRECT : WALK, row, attr, attr_size, n, v);
  if (e) e->flags = flags;
}

void nn_part(nn_ctx *ctx, nn_row row, const void *attr, size_t attr_size, int n,
             const nn_value *const *v) {
  void *address[NN_WALK_MAX];
  for (int k = 0; k < n; k++) address[k] = nn_data(v[k]);
  if (ctx->tape) note_row(ctx->tape, DIRECT, row, attr, attr_size, n, v);
  row(v[0]->numel, address, attr);
}

void nn_part_product(nn_ctx *ctx, const nn_gemm_job *j, const nn_value *c, const nn_value *a,
                     const nn_value *b) {
  const nn_value *const v[] = {c, a, b};
  if (ctx->tape) note_row(ctx->tape, PRODUCT, NULL, j, sizeof *j, 3, v);
  j->run(j, nn_data(a), nn_data(b), nn_data(c));
}

nn_status nn_part_walk(nn_ctx *ctx, nn_row row, int n, const nn_value *const *v) {
  if (ctx->tape) nn_tape_walk(ctx->tape, row, NULL, 0, n, v, 0);
  return nn_walk(ctx, row, NULL, n, v, 0);
}

static void pair(nn_tape *t, sort kind, const nn_value *dst, const nn_value *src, bool add) {
  note *e = new_note(t, kind, 2, 0, 0);
  if (!e) return;
  e->add = add;
  keep(e, dst);
  keep(e, src);
}

void nn_tape_copy(nn_tape *t, const nn_value *dst, const nn_value *src) {
  pair(t, COPY, dst, src, false);
}

void nn_tape_sum_to(nn_tape *t, const nn_value *dst, const nn_value *src, bool add) {
  pair(t, SUM, dst, src, add);
}

void nn_tape_kernel(nn_tape *t, nn_kernel kernel, const nn_call *c) {
  enum { OTHERS = 2 + NN_MAXAUX }; /* output, auxiliary values, the output's gradient */
  if (c->op->flags & NN_OP_PARTS) return;
  if (c->op->drop_attr || c->nin > NN_MAXIN) { /* what the attr owns may go; lists are rare */
    nn_tape_spoil(t);
    return;
  }
  int gradients = c->gin ? c->nin : 0;
  size_t size = c->op->attr_size, adds = align16(size);
  note *e = new_note(t, KERNEL, c->nin + gradients + OTHERS, c->nin + gradients,
                     adds + (size_t)gradients * sizeof(bool));
  if (!e) return;
  bool *add = gradients ? (bool *)e->attr + adds : NULL;
  e->kernel = kernel;
  e->call = *c;
  e->call.in = e->at;
  e->call.attr = e->attr;
  if (size && e->attr) memcpy(e->attr, c->attr, size);
  for (int k = 0; k < c->nin; k++) e->at[k] = keep(e, c->in[k]);
  if (c->out) e->call.out = keep(e, c->out);
  for (int i = 0; i < NN_MAXAUX; i++)
    if (c->aux[i]) e->call.aux[i] = keep(e, c->aux[i]);
  if (c->gout) e->call.gout = keep(e, c->gout);
  e->call.gin = gradients ? e->at + c->nin : NULL;
  e->call.add = add;
  for (int k = 0; k < gradients; k++) {
    e->call.gin[k] = c->gin[k] ? keep(e, c->gin[k]) : NULL;
    add[k] = c->add[k];
  }
}

void nn_tape_leaf(nn_tape *t, nn_tensor *leaf) {
  if (t->bad || !grow(t, (void **)&t->leaf, t->nleaves, &t->leaves_room, sizeof(nn_tensor *)))
    return;
  t->leaf[t->nleaves++] = nn_tensor_retain(leaf);
}

void nn_tape_spoil(nn_tape *t) {
  t->bad = true;
}

bool nn_tape_whole(const nn_tape *t) {
  return !t->bad;
}

int nn_tape_length(const nn_tape *t) {
  return t->n;
}

size_t nn_tape_bytes(const nn_tape *t) {
  size_t bytes = 0;
  for (int i = 0; i < t->n; i++)
    for (int k = 0; k < t->note[i]->n; k++) {
      const nn_storage *s = t->note[i]->value[k].storage;
      if (s && !s->block)
        bytes += s->bytes / (size_t)s->refs; /* roughly once for all its holders */
    }
  return bytes;
}

/* ---- memory that changes ---- */

static bool has_addresses(const note *e) {
  return e->kind == DIRECT || e->kind == PRODUCT;
}

/* Value k of a note. */
static void bind_value(nn_tape *t, note *e, int k, int n, const nn_value *const *to) {
  nn_value *v = &e->value[k];
  void **address = has_addresses(e) ? &e->address[k] : NULL;
  for (int i = 0; i < n; i++) {
    if (!v->storage || v->storage != to[i]->storage) continue;
    if (!grow(t, (void **)&t->moving, t->nmoving, &t->moving_room, sizeof(moving))) return;
    t->moving[t->nmoving++] = (moving){address, v, i, v->offset - to[i]->offset};
    nn_storage_release(v->storage);
    v->storage = NULL;
    return;
  }
}

void nn_tape_bind(nn_tape *t, int n, const nn_value *const *v) {
  for (int i = 0; i < t->n; i++)
    for (int k = 0; k < t->note[i]->n && !t->bad; k++) bind_value(t, t->note[i], k, n, v);
}

/* Data moves when an optimizer is made. */
static void find_addresses(nn_tape *t) {
  for (int i = 0; i < t->n; i++) {
    note *e = t->note[i];
    for (int k = 0; has_addresses(e) && k < e->n; k++)
      if (e->value[k].storage) e->address[k] = nn_data(&e->value[k]);
  }
  t->found = true;
  t->moves = t->ctx->moves;
}

void nn_tape_move(nn_tape *t, const nn_value *const *v) {
  if (v && (!t->found || t->moves != t->ctx->moves)) find_addresses(t);
  for (int i = 0; i < t->nmoving; i++) {
    const moving *m = &t->moving[i];
    const nn_value *to = v ? v[m->which] : NULL;
    if (!m->address) {
      m->v->storage = to ? to->storage : NULL;
      m->v->offset = to ? to->offset + m->delta : 0;
    } else if (to) {
      *m->address = (char *)nn_data(to) + m->delta * (int64_t)nn_dtype_size(to->dtype);
    }
  }
}

/* ---- late products ---- */

static bool is_among(const nn_storage *s, nn_value *const *v, int n) {
  for (int k = 0; k < n; k++)
    if (v[k] && v[k]->storage == s) return true;
  return false;
}

static bool is_written(const note *e, const nn_storage *s) {
  if (e->kind != KERNEL) return e->value[0].storage == s;
  const nn_call *c = &e->call;
  if (c->gin) return is_among(s, c->gin, c->nin);
  return is_among(s, (nn_value *const[]){c->out, c->aux[0], c->aux[1]}, 3);
}

static bool is_mentioned(const note *e, const nn_storage *s) {
  for (int k = 0; k < e->n; k++)
    if (e->value[k].storage == s) return true;
  return false;
}

/* Whether looking at A and B instead of C, and one pass instead of three, are worth a step of its own. */
static bool is_worth_it(const nn_product *p) {
  enum { MANY = 1024 };
  return p->m * p->n >= MANY && p->k * (p->m + p->n) < p->m * p->n;
}

/* Note i is a product whose C nobody else knows, and whose A and B stay and are no weights. */
static bool can_wait(const nn_tape *t, int i) {
  const note *e = t->note[i];
  const nn_gemm_job *j = e->attr; /* of a product */
  const nn_storage *c = e->value[0].storage, *a = e->value[1].storage, *b = e->value[2].storage;
  if (e->kind != PRODUCT || j->p.beta != 0 || !is_worth_it(&j->p)) return false;
  if ((a && a->block) || (b && b->block)) return false;
  for (int k = 0; k < t->n; k++) {
    if (k != i && is_mentioned(t->note[k], c)) return false;
    if (k > i && ((a && is_written(t->note[k], a)) || (b && is_written(t->note[k], b))))
      return false;
  }
  return true;
}

static bool is_data(const nn_tape *t, const nn_value *v) {
  for (int i = 0; i < t->nmoving; i++)
    if (t->moving[i].v == v) return t->moving[i].which == 0;
  return false;
}

static void find_late(nn_tape *t) {
  t->searched = true;
  for (int i = 0; i < t->n; i++) {
    note *e = t->note[i];
    for (int k = 0; e->kind == PRODUCT && k < t->nleaves; k++) {
      nn_tensor *leaf = t->leaf[k];
      if (leaf->grad->v.storage != e->value[0].storage || !leaf->v.dense || !can_wait(t, i))
        continue;
      if (!grow(t, (void **)&t->late, t->nlate, &t->late_room, sizeof(nn_late))) return;
      t->late[t->nlate++] = (nn_late){.leaf = leaf,
                                      .note = e,
                                      .direct = ((const nn_gemm_job *)e->attr)->rounds,
                                      .of_data = is_data(t, &e->value[2])};
      e->late = t->late[t->nlate - 1].direct;
    }
  }
}

nn_late *nn_tape_late(nn_tape *t, int *n) {
  if (!t->searched) find_late(t);
  *n = t->nlate;
  return t->late;
}

static double largest(const note *e, int k) {
  const nn_value *v = &e->value[k];
  return v->dtype == NN_F32 ? nn_largest_f32(v->numel, e->address[k])
                            : nn_largest_f64(v->numel, e->address[k]);
}

double nn_late_bound(const nn_late *l, double data) {
  const note *e = l->note;
  const double k = (double)((const nn_gemm_job *)e->attr)->p.k;
  const double rounding = 1 + 1e-6 * k; /* of the additions */
  return rounding * k * largest(e, 1) * (l->of_data ? data : largest(e, 2));
}

static void multiply(const note *e) {
  const nn_gemm_job *j = e->attr;
  j->run(j, e->address[1], e->address[2], e->address[0]);
}

void nn_late_run(const nn_late *l) {
  multiply(l->note);
  l->leaf->has_grad = true;
  nn_touch(&l->leaf->grad->v);
}

void nn_late_descend(const nn_late *l) {
  const note *e = l->note;
  nn_gemm_job j = *(const nn_gemm_job *)e->attr;
  j.p.alpha = -l->rate;
  j.p.beta = 1;
  j.run(&j, e->address[1], e->address[2], nn_data(&l->leaf->v));
}

/* ---- playing ---- */

static nn_status play(nn_ctx *ctx, const note *e) {
  switch (e->kind) {
    case DIRECT: e->row(e->count, e->address, e->attr); return NN_OK;
    case PRODUCT: multiply(e); return NN_OK;
    case WALK: return nn_walk(ctx, e->row, e->attr, e->n, (const nn_value *const *)e->at, e->flags);
    case COPY: return nn_copy_into(ctx, &e->value[0], &e->value[1]);
    case SUM: return nn_sum_to(ctx, &e->value[0], &e->value[1], e->add);
    case KERNEL: return e->kernel(&e->call);
  }
  return NN_OK;
}

nn_status nn_tape_play(nn_tape *t, int from, int to, bool late) {
  NN_TRY(nn_poll(t->ctx));
  for (int i = from; i < to; i++)
    if (late || !t->note[i]->late) NN_TRY(play(t->ctx, t->note[i]));
  return NN_OK;
}

static bool is_late(const nn_tape *t, const nn_tensor *leaf) {
  for (int i = 0; i < t->nlate; i++)
    if (t->late[i].leaf == leaf) return t->late[i].direct;
  return false;
}

void nn_tape_mark(nn_tape *t, bool there, bool late) {
  for (int i = 0; i < t->nleaves; i++) {
    if (!late && is_late(t, t->leaf[i])) continue;
    t->leaf[i]->has_grad = there;
    if (there) nn_touch(&t->leaf[i]->grad->v);
  }
}
