/*
 * nn_generic.h: the rules that every operation, layer and loss keeps, checked on its examples. A
 * unit that is registered is tested: nothing here is edited for a new one.
 */
#ifndef NN_GENERIC_H
#define NN_GENERIC_H

#include "nn_unit.h"

#define MAKE(u, s, dtype, form) OK(unit_make(ctx, s, dtype, form, u)), unit_settle_target(u)

/* ---- comparing outcomes ---- */

static inline double largest(const nn_tensor *t) {
  double most = 0;
  for (int64_t i = 0; i < t->v.numel; i++)
    if (isfinite(t_get(t, i))) most = fmax(most, fabs(t_get(t, i)));
  return most;
}

static inline void check_near(const nn_tensor *a, const nn_tensor *b, double tol, const char *what,
                              const char *name) {
  if (!a && !b) return;
  assert_non_null(a);
  assert_non_null(b);
  assert_true(nn_shape_equal(&a->v.shape, &b->v.shape));
  double scale = fmax(largest(b), 1e-3);
  for (int64_t i = 0; i < a->v.numel; i++) {
    double x = t_get(a, i), y = t_get(b, i);
    if (t_same_bits(x, y) || fabs(x - y) <= tol * scale) continue;
    fail_msg("%s: %s differs at %lld: %.17g and %.17g", name, what, (long long)i, x, y);
  }
}

/* tol 0: the same bits. */
static inline void check_outcomes(const outcome *a, const outcome *b, double tol,
                                  const char *name) {
  char what[32];
  check_near(a->y, b->y, tol, "the value", name);
  for (int k = 0; k < NN_MAXAUX; k++)
    check_near(a->more[k], b->more[k], tol, "a further result", name);
  for (int k = 0; k < a->n; k++) {
    snprintf(what, sizeof what, "gradient %d", k + 1);
    check_near(a->grad[k], b->grad[k], tol, what, name);
  }
}

/* ---- one rule each ---- */

static inline nn_status call_back(nn_ctx *ctx, void *user, nn_tensor *const *x, nn_tensor **y) {
  (void)ctx, (void)x; /* x begins with the unit's own inputs */
  unit *u = user;
  return unit_call(u, u->in, false, y);
}

/* Every gradient in float64, elementwise, against central differences. */
static inline void check_gradients(nn_ctx *ctx, const subject *s, const char *name) {
  unit u;
  nn_gradcheck_report r;
  if (s->op && s->op->no_grad) return;
  MAKE(&u, s, NN_F64, UNIT_PLAIN);
  OK(nn_gradcheck(ctx, call_back, &u, u.nx, u.x, NULL, 0, &r));
  if (r.error >= 1e-6 || r.checked == 0)
    fail_msg("%s: the gradient of input %d at element %lld is %.12g, differences give %.12g", name,
             r.input + 1, (long long)r.element, r.analytic, r.numeric);
  unit_drop(&u);
}

/* What has no gradient records nothing; nothing does under no_grad. */
static inline void check_recording(nn_ctx *ctx, const subject *s, const char *name) {
  unit u;
  nn_tensor *y;
  MAKE(&u, s, NN_F64, UNIT_PLAIN);
  OK(unit_call(&u, u.in, false, &y));
  bool records = nn_needs_grad(y);
  if (records == (s->op && s->op->no_grad)) fail_msg("%s: records %d", name, records);
  nn_tensor_release(y);
  ctx->no_grad++;
  OK(unit_call(&u, u.in, false, &y));
  ctx->no_grad--;
  assert_null(y->node);
  nn_tensor_release(y);
  assert_int_equal(ctx->nodes, 0);
  unit_drop(&u);
}

/* float32 gives what float64 gives, to its own precision. */
static inline void check_float32(nn_ctx *ctx, const subject *s, const char *name) {
  unit a, b;
  outcome oa, ob;
  MAKE(&a, s, NN_F32, UNIT_PLAIN);
  MAKE(&b, s, NN_F64, UNIT_PLAIN);
  OK(unit_run(&a, &oa));
  OK(unit_run(&b, &ob));
  check_outcomes(&oa, &ob, 1e-5, name);
  outcome_drop(&oa), outcome_drop(&ob);
  unit_drop(&a), unit_drop(&b);
}

/* Views with gaps give the bits of dense tensors, and nothing is written into the gaps. */
static inline void check_strided(nn_ctx *ctx, const subject *s, nn_dtype dtype, const char *name) {
  unit a, b;
  outcome oa, ob;
  MAKE(&a, s, dtype, UNIT_PLAIN);
  MAKE(&b, s, dtype, UNIT_STRIDED);
  OK(unit_run(&a, &oa));
  OK(unit_run(&b, &ob));
  check_outcomes(&ob, &oa, 0, name);
  outcome_drop(&oa), outcome_drop(&ob);
  unit_drop(&a), unit_drop(&b);
}

/* The value and the gradient when the input is the result of `before` and, with `reuse`, given up.
 */
static inline void run_behind(unit *u, const char *before, bool reuse, outcome *o, bool *same) {
  nn_ctx *ctx = u->ctx;
  nn_tensor *x = t_call(ctx, before, NULL, u->in[0], NULL), *in[UNIT_MAX] = {x}, *seed;
  const void *buffer = x->v.storage->data;
  *o = (outcome){.n = 1};
  ctx->reuse = reuse;
  OK(unit_call(u, in, true, &o->y));
  ctx->reuse = true;
  nn_tensor_release(x);
  *same = o->y != x && o->y->v.storage->data == buffer;
  if (!nn_needs_grad(o->y)) return;
  OK(make_seed(o->y, &seed));
  OK(nn_gradients(ctx, o->y, seed, false, 1, u->in, o->grad));
  nn_tensor_release(seed);
}

/* Writing over an input that nobody else holds changes no bit, and is done where the op allows it.
 */
static inline void check_reuse(nn_ctx *ctx, const subject *s, const char *name) {
  static const char *const before[] = {"clone",
                                       "sigmoid"}; /* sigmoid's gradient reads its output */
  unit u;
  if (s->loss || (s->op && s->op->nin != 1) || (s->layer && s->layer->forward_many)) return;
  MAKE(&u, s, NN_F64, UNIT_PLAIN);
  for (size_t i = 0; i < COUNT(before) && nn_is_real(u.in[0]->v.dtype); i++) {
    outcome on, off;
    bool over, not_over;
    run_behind(&u, before[i], true, &on, &over);
    run_behind(&u, before[i], false, &off, &not_over);
    check_outcomes(&on, &off, 0, name);
    const nn_op *op = s->op ? s->op : s->layer->op;
    if (op && op->flags & NN_OP_REUSE && over != (i == 0))
      fail_msg("%s: behind %s the buffer is%s reused", name, before[i], over ? "" : " not");
    outcome_drop(&on), outcome_drop(&off);
  }
  unit_drop(&u);
}

/* The first gradient is stored over whatever stands there, the second is added. */
static inline void check_twice(nn_ctx *ctx, const subject *s, const char *name) {
  unit u;
  outcome o;
  nn_tensor *y, *seed, *g;
  MAKE(&u, s, NN_F64, UNIT_PLAIN);
  OK(unit_run(&u, &o));
  if (!nn_needs_grad(o.y)) goto done;
  for (int k = 0; k < u.nx; k++) {
    if (!u.x[k]->requires_grad) continue;
    OK(nn_tensor_grad(ctx, u.x[k], &g));
    OK(nn_fill_into(ctx, &g->v, NAN));
  }
  OK(unit_call(&u, u.in, false, &y));
  OK(make_seed(y, &seed));
  OK(nn_backward(ctx, y, seed, true));
  for (int k = 0; k < u.nx; k++)
    if (u.x[k]->requires_grad) check_near(u.x[k]->grad, o.grad[k], 0, "the first gradient", name);
  OK(nn_backward(ctx, y, seed, false));
  for (int k = 0; k < u.nx; k++) {
    if (!u.x[k]->requires_grad) continue;
    for (int64_t i = 0; i < u.x[k]->v.numel; i++) t_set(o.grad[k], i, 2 * t_get(o.grad[k], i));
    check_near(u.x[k]->grad, o.grad[k], 1e-15, "twice the gradient", name);
  }
  nn_tensor_release(seed);
  nn_tensor_release(y);
done:
  outcome_drop(&o);
  unit_drop(&u);
}

/* A batch of none and tensors without dimensions: a result or a refusal, and gradients that fit;
   what a layer's parameters get from no sample is zero. */
static inline void check_edges(nn_ctx *ctx, const subject *s, unit_form form, const char *name) {
  unit u;
  outcome o;
  MAKE(&u, s, NN_F32, form);
  nn_status st = unit_run(&u, &o);
  if (st == NN_ENOMEM || st == NN_EINTR) fail_msg("%s: status %d: %s", name, st, ctx->err);
  if (st != NN_OK) assert_true(strlen(ctx->err) > 10);
  for (int k = 0; st == NN_OK && k < o.n; k++) {
    if (!o.grad[k]) continue;
    assert_true(nn_shape_equal(&o.grad[k]->v.shape, &u.x[k]->v.shape));
    if (k >= u.nin && form == UNIT_EMPTY && largest(o.grad[k]) != 0)
      fail_msg("%s: an empty batch gives gradient %d", name, k + 1);
  }
  outcome_drop(&o);
  unit_drop(&u);
}

/* Ctrl-C: refused, nothing left, and the next call is as good as ever. */
static inline void check_interrupt(nn_ctx *ctx, const subject *s, const char *name) {
  unit u;
  outcome a, b;
  nn_tensor *y;
  MAKE(&u, s, NN_F32, UNIT_PLAIN);
  OK(unit_run(&u, &a));
  size_t live = ctx->mem.live;
  nn_interrupted = 1;
  nn_status st = unit_call(&u, u.in, false, &y);
  nn_interrupted = 0;
  if (st != NN_EINTR && y != u.in[0]) fail_msg("%s: not interrupted", name);
  nn_tensor_release(y);
  assert_int_equal(ctx->mem.live, live);
  OK(unit_run(&u, &b));
  check_outcomes(&a, &b, 0, name);
  outcome_drop(&a), outcome_drop(&b);
  unit_drop(&u);
}

/* ---- arguments ---- */

static inline bool same_arg(const nn_arg *a, const nn_arg *b) {
  if (a->kind != b->kind || a->b != b->b || a->i != b->i || !t_same_bits(a->r, b->r)) return false;
  if (a->kind == NN_ARG_TEXT && strcmp(a->s, b->s) != 0) return false;
  for (int i = 0; i < a->n; i++)
    if (!t_same_bits(a->list[i], b->list[i])) return false;
  return a->n == b->n;
}

/* Printed and read again, a struct is what it was. */
static inline void check_round_trip(nn_ctx *ctx, const char *owner, const nn_param *params,
                                    const void *of, void *copy) {
  char text[512];
  nn_param_print(params, of, text, sizeof text);
  nn_status st = nn_param_parse(ctx, owner, params, copy, text);
  if (st != NN_OK) fail_msg("%s: \"%s\": %s", owner, text, ctx->err);
  for (const nn_param *p = params; p->kind != NN_PARAM_END; p++) {
    nn_arg a = nn_param_get(p, of), b = nn_param_get(p, copy);
    if (!same_arg(&a, &b)) fail_msg("%s: '%s' is lost in \"%s\"", owner, p->name, text);
  }
  nn_param_drop(ctx, params, copy);
}

/* A value other than the default, within the range. */
static inline nn_arg other_value(const nn_param *p) {
  double hi = fmin(p->hi, p->lo + 4), between = p->lo + (hi - p->lo) / 3;
  double whole = p->lo + (hi - p->lo >= 3 ? 3 : hi - p->lo);
  nn_arg v = {.kind = NN_ARG_REAL, .r = between};
  switch (p->kind) {
    case NN_PARAM_INT: v = (nn_arg){.kind = NN_ARG_INT, .i = (int64_t)whole}; break;
    case NN_PARAM_BOOL: v = (nn_arg){.kind = NN_ARG_BOOL, .b = p->def[0] == 0}; break;
    case NN_PARAM_ENUM:
      v = (nn_arg){.kind = NN_ARG_TEXT, .s = p->choices[0]};
      for (const char *const *c = p->choices; *c; c++) v.s = *c;
      break;
    case NN_PARAM_PAIR: v = (nn_arg){.kind = NN_ARG_LIST, .n = 2, .list = {between, p->lo}}; break;
    case NN_PARAM_INTS: v = (nn_arg){.kind = NN_ARG_LIST, .n = 2, .list = {whole, whole}}; break;
    case NN_PARAM_REALS:
      v = (nn_arg){.kind = NN_ARG_LIST, .n = 2, .list = {between, p->lo + 1}};
      break;
    case NN_PARAM_REAL:
    case NN_PARAM_END: break;
  }
  if (p->kind == NN_PARAM_PAIR && p->flags & NN_P_ABOVE_LO) v.list[1] = between;
  return v;
}

static inline void check_params(nn_ctx *ctx, const char *owner, const nn_param *params, size_t size,
                                const char *args) {
  void *a = calloc(1, size + 16), *b = calloc(1, size + 16);
  nn_status st = nn_param_parse(ctx, owner, params, a, "no_such_option = 1");
  if (st == NN_OK) fail_msg("%s takes any option", owner);
  if (!strstr(ctx->err, owner) || !strstr(ctx->err, "no_such_option"))
    fail_msg("%s: the message does not help: %s", owner, ctx->err);
  if (params) {
    OK(nn_param_parse(ctx, owner, params, a, args));
    check_round_trip(ctx, owner, params, a, b);
    for (const nn_param *p = params; p->kind != NN_PARAM_END; p++) {
      nn_arg v = other_value(p), wrong = {.kind = NN_ARG_OTHER, .s = "a function"};
      FAILS(nn_param_set(ctx, owner, p, a, &wrong), NN_EVALUE, p->name);
      OK(nn_param_set(ctx, owner, p, a, &v));
      assert_true(p->doc && strlen(p->doc) > 3);
    }
    check_round_trip(ctx, owner, params, a, b);
    nn_param_drop(ctx, params, a);
  }
  free(a);
  free(b);
}

/* ---- all of them ---- */

static inline void check_arguments(nn_ctx *ctx, const subject *s) {
  size_t size = s->op ? s->op->attr_size : s->layer ? s->layer->size : s->loss->size;
  check_params(ctx, subject_name(s), subject_params(s), size, s->example->args);
}

static inline void check_subject(nn_ctx *ctx, const subject *s) {
  char name[256];
  subject_text(s, name, sizeof name);
  check_gradients(ctx, s, name);
  check_recording(ctx, s, name);
  check_float32(ctx, s, name);
  check_strided(ctx, s, NN_F32, name);
  check_strided(ctx, s, NN_F64, name);
  check_reuse(ctx, s, name);
  check_twice(ctx, s, name);
  check_edges(ctx, s, UNIT_EMPTY, name);
  check_edges(ctx, s, UNIT_SCALAR, name);
  check_interrupt(ctx, s, name);
  assert_int_equal(ctx->nodes, 0);
  assert_int_equal(ctx->mem.live, 0);
}

/* ---- failing allocations ---- */

/* From nothing to nothing: make, forward, backward. */
static inline nn_status once(nn_ctx *ctx, const subject *s, bool fixed_target, outcome *o) {
  unit u;
  *o = (outcome){0};
  nn_status st = unit_make(ctx, s, NN_F32, UNIT_PLAIN, &u);
  if (st == NN_OK && fixed_target) u.in[1]->requires_grad = false;
  if (st == NN_OK) st = unit_run(&u, o);
  unit_drop(&u);
  return st;
}

static inline bool target_is_fixed(nn_ctx *ctx, const subject *s) {
  unit u;
  OK(unit_make(ctx, s, NN_F32, UNIT_PLAIN, &u));
  bool before = u.nin > 1 && u.in[1]->requires_grad;
  unit_settle_target(&u);
  bool fixed = before && !u.in[1]->requires_grad;
  unit_drop(&u);
  return fixed;
}

/* Allocation 0, 1, 2, ... fails: refused with NN_ENOMEM, nothing leaks, and a retry is right.
   Returns how many there are. */
static inline int check_oom(nn_ctx *ctx, const subject *s) {
  outcome want, got;
  char name[256];
  bool fixed = target_is_fixed(ctx, s);
  subject_text(s, name, sizeof name);
  OK(once(ctx, s, fixed, &want));
  const size_t live = ctx->mem.live;
  for (int n = 0;; n++) {
    ctx->mem.fail_in = n;
    nn_status st = once(ctx, s, fixed, &got);
    bool unused = ctx->mem.fail_in >= 0;
    ctx->mem.fail_in = -1;
    if (st != NN_OK && st != NN_ENOMEM) fail_msg("%s: status %d: %s", name, st, ctx->err);
    if (!unused && st == NN_OK) fail_msg("%s: allocation %d fails unnoticed", name, n);
    if (st == NN_OK) check_outcomes(&got, &want, 0, name);
    outcome_drop(&got);
    if (ctx->mem.live != live) fail_msg("%s: allocation %d leaks", name, n);
    if (st == NN_OK) {
      outcome_drop(&want);
      return n;
    }
    if (n % 3 != 0) continue; /* a retry each third time: it is the same from any of them */
    OK(once(ctx, s, fixed, &got));
    check_outcomes(&got, &want, 0, name);
    outcome_drop(&got);
  }
}

#endif
