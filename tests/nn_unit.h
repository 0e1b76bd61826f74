/*
 * nn_unit.h: one example of an operation, a layer or a loss as something that can be made, called
 * and compared, whatever it is; nn_generic.h holds every unit of a registry to the same rules with
 * it.
 *
 * Everything here hands statuses on instead of asserting, so that test_oom can let each allocation
 * fail in turn.
 */
#ifndef NN_UNIT_H
#define NN_UNIT_H

#include "grad/gradcheck.h"
#include "layer/layer.h"
#include "loss/loss.h"
#include "nn_test.h"

enum { UNIT_MAX = 24 };

/* One of op, layer and loss, and one of its examples. */
typedef struct subject {
  const nn_op *op;
  const nn_layer_class *layer;
  const nn_loss_class *loss;
  const nn_example *example;
} subject;

typedef enum unit_form {
  UNIT_PLAIN,
  UNIT_STRIDED, /* the same values, in views with gaps (of NaN) and the dimensions' order reversed
                 */
  UNIT_EMPTY,   /* a batch of none: the first size of every input is 0 */
  UNIT_SCALAR   /* every input 0-d */
} unit_form;

typedef struct unit {
  nn_ctx *ctx;
  const subject *s;
  nn_dtype dtype;
  unit_form form;
  nn_layer *layer;
  nn_loss *loss;
  int nin, nx;
  nn_tensor *in[UNIT_MAX]; /* owned */
  nn_tensor *x[UNIT_MAX];  /* the inputs, then the layer's tensors; borrowed */
  _Alignas(16) char attr[256];
} unit;

/* What a call gave: the value, and the gradients of sum(seed y) by each x. */
typedef struct outcome {
  nn_tensor *y;
  nn_tensor *more[NN_MAXAUX]; /* an operation's other results */
  int n;
  nn_tensor *grad[UNIT_MAX];
} outcome;

/* ---- names ---- */

static inline const char *subject_name(const subject *s) {
  return s->op ? s->op->name : s->layer ? s->layer->name : s->loss->name;
}
static inline const nn_param *subject_params(const subject *s) {
  return s->op ? s->op->params : s->layer ? s->layer->params : s->loss->params;
}
static inline const char *subject_text(const subject *s, char *buf, size_t size) {
  snprintf(buf, size, "%s(%s) of %s", subject_name(s), s->example->args ? s->example->args : "",
           s->example->inputs);
  return buf;
}

/* ---- making inputs ---- */

/* A view with a gap before and behind each element, last dimension outermost. */
static inline nn_status with_gaps(nn_ctx *ctx, nn_dtype dtype, const nn_shape *s, nn_tensor **out) {
  nn_value v;
  nn_tensor *whole;
  nn_value_set(&v, dtype, s);
  int64_t total = 2;
  v.offset = s->ndim ? 0 : 1;
  for (int i = 0; i < s->ndim; i++) {
    v.stride[i] = total;
    v.offset += total;
    total *= s->dim[i] + 1;
  }
  nn_value_settle(&v);
  *out = NULL;
  nn_shape flat = nn_shape_1(total);
  NN_TRY(nn_tensor_new(ctx, dtype, &flat, &whole));
  for (int64_t i = 0; i < total; i++) t_set(whole, i, nn_is_real(dtype) ? NAN : 99);
  v.storage = whole->v.storage;
  nn_status st = nn_tensor_view(ctx, &v, out);
  nn_tensor_release(whole);
  return st;
}

static inline nn_status new_input(const unit *u, nn_dtype dtype, const nn_shape *s,
                                  nn_tensor **out) {
  return u->form == UNIT_STRIDED ? with_gaps(u->ctx, dtype, s, out)
                                 : nn_tensor_new(u->ctx, dtype, s, out);
}

/* Numbers exact in float32, none near 0, where many functions have a kink. */
static inline void fill_real(nn_tensor *t, double lo, double hi, uint64_t seed) {
  for (int64_t i = 0; i < t->v.numel; i++) {
    double x = lo + (hi - lo) * t_unit(&seed);
    if (fabs(x) < 0.02) x = x < 0 ? x - 0.03 : x + 0.03;
    t_set(t, i, (double)(float)x);
  }
}

/* One word of the example's notation: "2x3" floating, "4<3" labels in 1..3, "2x3?" a mask, "s" a
   scalar. */
static inline nn_status make_input(unit *u, const char *word, int k) {
  const nn_example *e = u->s->example;
  const bool range = e->lo != 0 || e->hi != 0;
  nn_shape s = t_shape(word);
  const char *labels = strpbrk(word, "<? ");
  uint64_t seed = 100 + (uint64_t)k;
  if (u->form == UNIT_SCALAR) s.ndim = 0;
  if (u->form == UNIT_EMPTY && s.ndim > 0) s.dim[0] = 0;
  if (labels && *labels == '<') {
    NN_TRY(new_input(u, NN_I64, &s, &u->in[k]));
    int64_t most = strtoll(labels + 1, NULL, 10);
    for (int64_t i = 0; i < u->in[k]->v.numel; i++)
      t_set(u->in[k], i, (double)t_int(&seed, 1, most));
    return NN_OK;
  }
  if (labels && *labels == '?') {
    NN_TRY(new_input(u, NN_U8, &s, &u->in[k]));
    for (int64_t i = 0; i < u->in[k]->v.numel; i++) t_set(u->in[k], i, (double)t_int(&seed, 0, 1));
    return NN_OK;
  }
  NN_TRY(new_input(u, u->dtype, &s, &u->in[k]));
  fill_real(u->in[k], range ? e->lo : -1, range ? e->hi : 1, seed);
  u->in[k]->requires_grad = true;
  return NN_OK;
}

static inline nn_status make_inputs(unit *u) {
  const char *word = u->s->example->inputs;
  while (*word) {
    int k = u->nin++;
    NN_TRY(make_input(u, word, k));
    u->x[u->nx++] = u->in[k];
    word += strcspn(word, " ");
    word += strspn(word, " ");
  }
  return NN_OK;
}

/* ---- making the unit ---- */

/* Parameters get the same values in both dtypes; what a layer keeps for itself stays as it was
 * built. */
static inline nn_status settle_slots(unit *u) {
  for (int i = 0; i < u->layer->nslot; i++) {
    nn_tensor *t = u->layer->slot[i].tensor, *gaps = NULL;
    if (!u->layer->slot[i].buffer) fill_real(t, -1, 1, 200 + (uint64_t)i);
    if (u->form == UNIT_STRIDED) {
      NN_TRY(with_gaps(u->ctx, t->v.dtype, &t->v.shape, &gaps));
      for (int64_t j = 0; j < t->v.numel; j++) t_set(gaps, j, t_get(t, j));
      gaps->requires_grad = t->requires_grad;
      gaps->is_parameter = t->is_parameter;
      nn_layer_replace(u->layer, i, gaps);
      nn_tensor_release(gaps);
    }
    u->x[u->nx++] = u->layer->slot[i].tensor;
  }
  return NN_OK;
}

static inline nn_status make_layer(unit *u) {
  const nn_layer_class *class = u->s->layer;
  NN_TRY(nn_layer_new(u->ctx, class, &u->layer));
  NN_TRY(nn_param_parse(u->ctx, class->name, class->params, u->layer, u->s->example->args));
  NN_TRY(nn_layer_build(u->ctx, u->layer));
  return settle_slots(u);
}

static inline nn_status make_loss(unit *u) {
  const nn_loss_class *class = u->s->loss;
  NN_TRY(nn_loss_new(u->ctx, class, &u->loss));
  return nn_param_parse(u->ctx, class->name, class->params, u->loss, u->s->example->args);
}

static inline void unit_drop(unit *u) {
  for (int k = 0; k < u->nin; k++) nn_tensor_release(u->in[k]);
  nn_layer_release(u->layer);
  nn_loss_release(u->loss);
}

/* Makes the example; to be dropped also after a failure. */
static inline nn_status unit_make(nn_ctx *ctx, const subject *s, nn_dtype dtype, unit_form form,
                                  unit *u) {
  *u = (unit){.ctx = ctx, .s = s, .dtype = dtype, .form = form};
  int real = ctx->real;
  nn_status st = make_inputs(u);
  if (st != NN_OK) return st;
  ctx->real = (int)dtype;
  if (s->layer)
    st = make_layer(u);
  else if (s->loss)
    st = make_loss(u);
  else if (s->op->params)
    st = nn_param_parse(ctx, s->op->name, s->op->params, u->attr, s->example->args);
  ctx->real = real;
  return st;
}

/* ---- calling ---- */

extern const nn_op nn_op_cat, nn_op_reshape;

/* A layer of several tensors: its results, flat and one behind the other, so that each is checked.
 */
static inline nn_status call_layer(unit *u, nn_tensor *const *in, nn_tensor **y) {
  nn_tensor *out[NN_LAYER_MANY] = {NULL}, *flat[NN_LAYER_MANY] = {NULL};
  const int64_t dim = 1;
  const nn_ints line = {1, {-1}};
  int n = u->s->layer->nout;
  nn_status st = nn_layer_forward_many(u->ctx, u->layer, u->nin, in, out);
  for (int i = 0; i < n && st == NN_OK; i++) {
    if (out[i]->v.numel == 0) /* of nothing -1 cannot tell its size */
      st = nn_apply(u->ctx, &nn_op_reshape, &(nn_ints){1, {0}}, 1, &out[i], &flat[i]);
    else
      st = nn_apply(u->ctx, &nn_op_reshape, &line, 1, &out[i], &flat[i]);
  }
  if (st == NN_OK) st = nn_apply(u->ctx, &nn_op_cat, &dim, n, flat, y);
  for (int i = 0; i < n; i++) nn_tensor_release(out[i]), nn_tensor_release(flat[i]);
  return st;
}

/* Every call starts from the same place of the random streams. */
static inline nn_status unit_call(unit *u, nn_tensor *const *in, bool last, nn_tensor **y) {
  nn_rng_init(&u->ctx->rng, 7);
  *y = NULL;
  if (u->layer && u->layer->class->forward_many) return call_layer(u, in, y);
  if (u->layer) return nn_layer_forward(u->ctx, u->layer, in[0], last, y);
  if (u->loss) return nn_loss_forward_all(u->ctx, u->loss, u->nin, in, y);
  if (last && u->nin == 1) return nn_apply_last(u->ctx, u->s->op, u->attr, in[0], y);
  return nn_apply(u->ctx, u->s->op, u->attr, u->nin, in, y);
}

static inline nn_status make_seed(const nn_tensor *y, nn_tensor **seed) {
  uint64_t state = 300;
  NN_TRY(nn_tensor_new(y->ctx, y->v.dtype, &y->v.shape, seed));
  fill_real(*seed, -1.5, 1.5, state);
  return NN_OK;
}

static inline void outcome_drop(outcome *o) {
  nn_tensor_release(o->y);
  for (int k = 0; k < NN_MAXAUX; k++) nn_tensor_release(o->more[k]);
  for (int k = 0; k < o->n; k++) nn_tensor_release(o->grad[k]);
  *o = (outcome){0};
}

/* The call that asks for every result. */
static inline nn_status unit_call_all(unit *u, outcome *o) {
  nn_tensor *all[1 + NN_MAXAUX] = {NULL};
  if (!u->s->op || !u->s->op->results) return unit_call(u, u->in, false, &o->y);
  nn_rng_init(&u->ctx->rng, 7);
  nn_status st = nn_apply_all(u->ctx, u->s->op, u->attr, u->nin, u->in, all);
  o->y = all[0];
  for (int k = 0; k < u->s->op->results; k++) o->more[k] = all[1 + k];
  return st;
}

/* Forward, and backward where the value has a gradient. Drop the outcome also after a failure. */
static inline nn_status unit_run(unit *u, outcome *o) {
  nn_tensor *seed = NULL;
  *o = (outcome){.n = u->nx};
  size_t before = u->ctx->mem.live;
  nn_status st = unit_call_all(u, o);
  if (st != NN_OK) {
    assert_null(o->y);
    assert_int_equal(u->ctx->mem.live, before); /* a failed call leaves nothing */
    return st;
  }
  if (!nn_needs_grad(o->y) || !nn_is_real(o->y->v.dtype)) return NN_OK;
  NN_TRY(make_seed(o->y, &seed));
  st = nn_gradients(u->ctx, o->y, seed, true, u->nx, u->x, o->grad);
  nn_tensor_release(seed);
  return st;
}

/* A loss may have no gradient by its target, and says so; then the target does not require one. */
static inline void unit_settle_target(unit *u) {
  outcome o;
  nn_tensor *target = u->loss && u->nin > 1 ? u->in[u->nin - 1] : NULL;
  if (!target || !target->requires_grad) return;
  nn_status st = unit_run(u, &o);
  if (st == NN_ESTATE && strstr(u->ctx->err, "no gradient by its target"))
    target->requires_grad = false;
  outcome_drop(&o);
}

#endif
