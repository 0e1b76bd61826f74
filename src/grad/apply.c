/* grad/apply.c: one call of an operation, from the script's tensors to a recorded result. */
#include <stdio.h>
#include <string.h>

#include "grad/graph.h"
#include "grad/tape.h"

extern const nn_op nn_op_to; /* op/to.c: the differentiable conversion that promotion uses */

typedef struct work {
  nn_call c;
  nn_tensor **in;   /* what the kernel reads: the given tensor, or a converted or dense copy */
  nn_tensor **own;  /* those copies, to release; else NULL */
  nn_tensor **grad; /* where gradients go: the given tensor or its conversion */
  nn_value **value;
  nn_value out, aux[NN_MAXAUX];
  nn_tensor *result, *side[NN_MAXAUX];
  nn_tensor *few[3 * NN_MAXIN]; /* room for the arrays of a few inputs, which is the rule */
  nn_value *few_values[NN_MAXIN];
  void *many; /* and for longer lists */
} work;

static size_t many_bytes(int nin) {
  return (size_t)nin * (3 * sizeof(nn_tensor *) + sizeof(nn_value *));
}

/* Member by member: an initializer would clear the whole first, which costs as much as the rest. */
static void begin_call(nn_call *c, nn_ctx *ctx, const nn_op *op, const void *attr) {
  c->ctx = ctx;
  c->op = op;
  c->attr = attr;
  c->nin = 0;
  c->out = c->aux[0] = c->aux[1] = NULL;
  c->gout = NULL;
  c->gin = NULL;
  c->add = NULL;
}
_Static_assert(NN_MAXAUX == 2, "begin_call clears two");

static nn_status begin(work *w, nn_ctx *ctx, const nn_op *op, const void *attr, int nin,
                       nn_tensor *const *in) {
  w->result = NULL;
  w->many = NULL;
  for (int i = 0; i < NN_MAXAUX; i++) w->side[i] = NULL;
  w->in = w->few;
  w->value = w->few_values;
  begin_call(&w->c, ctx, op, attr);
  if (nin > NN_MAXIN) {
    if (!(w->many = nn_mem_take(ctx, many_bytes(nin)))) return NN_ENOMEM;
    w->in = w->many;
    w->value = (nn_value **)(void *)(w->in + 3 * nin);
  }
  w->own = w->in + nin;
  w->grad = w->own + nin;
  for (int k = 0; k < nin; k++) {
    w->in[k] = w->grad[k] = in[k];
    w->own[k] = NULL;
  }
  w->c.nin = nin;
  w->c.in = w->value;
  return NN_OK;
}

static void end(work *w) {
  nn_tensor_release(w->result);
  for (int i = 0; i < w->c.op->nout_aux; i++) nn_tensor_release(w->side[i]);
  for (int k = 0; k < w->c.nin; k++)
    if (w->own[k]) nn_tensor_release(w->own[k]);
  if (w->many) nn_mem_give(w->c.ctx, w->many, many_bytes(w->c.nin));
}

/* ---- dtypes ---- */

static nn_status common_dtype(nn_ctx *ctx, const nn_op *op, int nin, nn_tensor *const *in,
                              nn_dtype *out) {
  nn_dtype d = in[0]->v.dtype;
  for (int k = 1; k < nin; k++) {
    nn_dtype e = in[k]->v.dtype;
    if (d == e) continue;
    if (nn_is_real(d) && nn_is_real(e))
      return nn_fail(ctx, NN_ETYPE,
                     "%s: float32 with float64; convert one of them, as in x:to(\"float64\")",
                     op->name);
    d = nn_is_real(d) ? d : nn_is_real(e) ? e : NN_I64;
  }
  *out = d;
  return NN_OK;
}

static nn_status convert(nn_ctx *ctx, work *w, int k, nn_dtype d) {
  int64_t to = d;
  if (w->in[k]->v.dtype == d) return NN_OK;
  nn_tensor *t = NULL;
  NN_TRY(nn_apply(ctx, &nn_op_to, &to, 1, &w->in[k], &t));
  nn_tensor_release(w->own[k]);
  w->own[k] = w->in[k] = w->grad[k] = t;
  return NN_OK;
}

/* "matmul: not defined for int64, but for float32, float64" */
static nn_status undefined(nn_ctx *ctx, const nn_op *op, nn_dtype d) {
  char names[64] = "";
  size_t at = 0;
  for (int e = 0; e < NN_NDTYPE; e++) {
    if (!op->row[e] && !op->forward[e]) continue;
    int w = snprintf(names + at, sizeof names - at, "%s%s", at ? ", " : "", nn_dtype_names[e]);
    if (w > 0 && at + (size_t)w < sizeof names) at += (size_t)w;
  }
  return nn_fail(ctx, NN_ETYPE, "%s: not defined for %s, but for %s; convert it by x:to(dtype)",
                 op->name, nn_dtype_name(d), names);
}

static bool same_dtype(const work *w) {
  for (int k = 1; k < w->c.nin; k++)
    if (w->in[k]->v.dtype != w->in[0]->v.dtype) return false;
  return true;
}

static nn_status settle_dtypes(nn_ctx *ctx, const nn_op *op, work *w) {
  nn_dtype d = w->in[0]->v.dtype;
  if (nn_is_real(d) && same_dtype(w) && (op->row[d] || op->forward[d])) return NN_OK;
  if (op->flags & NN_OP_PROMOTE) NN_TRY(common_dtype(ctx, op, w->c.nin, w->in, &d));
  if (op->flags & NN_OP_FLOAT && !nn_is_real(d)) d = (nn_dtype)ctx->real;
  if (op->flags & (NN_OP_PROMOTE | NN_OP_FLOAT))
    for (int k = 0; k < (op->flags & NN_OP_MIXED ? 1 : w->c.nin); k++)
      NN_TRY(convert(ctx, w, k, d));
  else if (!(op->flags & NN_OP_MIXED))
    for (int k = 1; k < w->c.nin; k++)
      if (w->in[k]->v.dtype != d)
        return nn_fail(ctx, NN_ETYPE, "%s: %s with %s; convert one of them, as in x:to(\"%s\")",
                       op->name, nn_dtype_name(d), nn_dtype_name(w->in[k]->v.dtype),
                       nn_dtype_name(d));
  if (op->view || op->row[d] || op->forward[d]) return NN_OK;
  return undefined(ctx, op, d);
}

/* ---- computing ---- */

static nn_status make_dense(nn_ctx *ctx, work *w, int k) {
  nn_tensor *t = NULL;
  if (w->in[k]->v.dense) return NN_OK;
  NN_TRY(nn_tensor_new(ctx, w->in[k]->v.dtype, &w->in[k]->v.shape, &t));
  nn_status st = nn_copy_into(ctx, &t->v, &w->in[k]->v);
  if (st != NN_OK) {
    nn_tensor_release(t);
    return st;
  }
  if (ctx->tape) nn_tape_copy(ctx->tape, &t->v, &w->in[k]->v);
  nn_tensor_release(w->own[k]);
  w->own[k] = w->in[k] = t;
  w->value[k] = &t->v;
  return NN_OK;
}

static nn_status run_rows(nn_ctx *ctx, const nn_op *op, work *w) {
  nn_value wide[NN_MAXIN];
  const nn_value *v[1 + NN_MAXIN] = {w->c.out};
  for (int k = 0; k < w->c.nin; k++) {
    v[1 + k] = w->value[k];
    if (nn_shape_equal(&w->value[k]->shape, &w->c.out->shape)) continue;
    nn_value_expand(&wide[k], w->value[k], &w->c.out->shape);
    v[1 + k] = &wide[k];
  }
  nn_row row = op->row[w->in[0]->v.dtype];
  if (ctx->tape) nn_tape_walk(ctx->tape, row, w->c.attr, op->attr_size, 1 + w->c.nin, v, 0);
  return nn_walk(ctx, row, w->c.attr, 1 + w->c.nin, v, op->flags & NN_OP_LIGHT ? NN_WALK_LIGHT : 0);
}

/* Nobody but the caller holds the input, no saved value shares its storage, and the result fits
   it. */
static bool can_reuse(nn_ctx *ctx, const nn_op *op, const work *w) {
  const nn_tensor *x = w->in[0];
  return ctx->reuse && op->flags & NN_OP_REUSE && x->refs == 1 && x->v.storage->refs == 1 &&
         !x->v.storage->block && x->v.dense && x->v.dtype == w->out.dtype &&
         x->v.numel == w->out.numel && !x->requires_grad;
}

static nn_status make_outputs(nn_ctx *ctx, const nn_op *op, work *w, bool last) {
  if (last && can_reuse(ctx, op, w)) {
    w->out.storage = w->in[0]->v.storage;
    w->out.offset = w->in[0]->v.offset;
    NN_TRY(nn_tensor_view(ctx, &w->out, &w->result));
    nn_touch(&w->result->v);
  } else {
    NN_TRY(nn_shape_check(ctx, op->name, &w->out.shape, nn_dtype_size(w->out.dtype)));
    NN_TRY(nn_tensor_of(ctx, &w->out, &w->result));
  }
  w->c.out = &w->result->v;
  for (int i = 0; i < op->nout_aux; i++) {
    NN_TRY(nn_tensor_of(ctx, &w->aux[i], &w->side[i]));
    w->c.aux[i] = &w->side[i]->v;
  }
  return NN_OK;
}

static nn_status compute(nn_ctx *ctx, const nn_op *op, work *w, bool last) {
  for (int k = 0; k < w->c.nin; k++) w->value[k] = &w->in[k]->v;
  w->c.out = &w->out;
  for (int i = 0; i < op->nout_aux; i++) w->c.aux[i] = &w->aux[i];
  if (op->view) {
    if (!(op->flags & NN_OP_STRIDED)) NN_TRY(make_dense(ctx, w, 0));
    NN_TRY(op->view(&w->c));
    return nn_tensor_view(ctx, &w->out, &w->result);
  }
  NN_TRY(op->infer(&w->c));
  nn_dtype d = w->in[0]->v.dtype;
  bool rows = op->row[d] != NULL;
  for (int k = 0; k < w->c.nin && !rows && !(op->flags & NN_OP_STRIDED); k++)
    NN_TRY(make_dense(ctx, w, k));
  NN_TRY(make_outputs(ctx, op, w, last));
  if (ctx->tape && !rows) nn_tape_kernel(ctx->tape, op->forward[d], &w->c);
  return rows ? run_rows(ctx, op, w) : op->forward[d](&w->c);
}

/* What backward will read, given which inputs want a gradient. */
static unsigned saves_of(const nn_op *op, const work *w) {
  unsigned saves = op->saves;
  for (int k = 0; k < w->c.nin; k++)
    if (k < NN_MAXIN && nn_needs_grad(w->grad[k])) saves |= op->grad[k].needs; /* lists have none */
  return saves;
}

static bool wants_record(nn_ctx *ctx, const nn_op *op, const work *w) {
  if (ctx->no_grad > 0 || op->no_grad || !nn_is_real(w->result->v.dtype)) return false;
  for (int k = 0; k < w->c.nin; k++)
    if (nn_needs_grad(w->grad[k])) return true;
  return false;
}

static nn_status apply(nn_ctx *ctx, const nn_op *op, const void *attr, int nin,
                       nn_tensor *const *in, bool last, int results, nn_tensor **out) {
  work w;
  nn_status st;
  for (int i = 0; i <= results; i++) out[i] = NULL;
  NN_GO(begin(&w, ctx, op, attr, nin, in));
  NN_GO(nn_poll(ctx));
  NN_GO(settle_dtypes(ctx, op, &w));
  NN_GO(compute(ctx, op, &w, last));
  w.c.out = &w.result->v;
  if (wants_record(ctx, op, &w)) NN_GO(nn_record(&w.c, saves_of(op, &w), w.grad, w.result));
  out[0] = w.result;
  w.result = NULL;
  for (int i = 0; i < results; i++) {
    out[1 + i] = w.side[i];
    w.side[i] = NULL;
  }
done:
  end(&w);
  return st;
}

nn_status nn_apply(nn_ctx *ctx, const nn_op *op, const void *attr, int nin, nn_tensor *const *in,
                   nn_tensor **out) {
  return apply(ctx, op, attr, nin, in, false, 0, out);
}

nn_status nn_apply_all(nn_ctx *ctx, const nn_op *op, const void *attr, int nin,
                       nn_tensor *const *in, nn_tensor **out) {
  return apply(ctx, op, attr, nin, in, false, op->results, out);
}

nn_status nn_apply_last(nn_ctx *ctx, const nn_op *op, const void *attr, nn_tensor *in,
                        nn_tensor **out) {
  return apply(ctx, op, attr, 1, &in, true, 0, out);
}

/* ---- in place ---- */

nn_status nn_check_writable(nn_ctx *ctx, const char *who, const nn_tensor *t) {
  if (ctx->no_grad > 0 || !nn_needs_grad(t)) return NN_OK;
  return nn_fail(ctx, NN_ESTATE,
                 t->node
                   ? "%s: the tensor was computed from others that require a gradient, so writing "
                     "into it would lose theirs; write into x:clone() or under nn.no_grad"
                   : "%s: the tensor requires a gradient; change it under nn.no_grad",
                 who);
}

/* Another view of the same storage: elements could be overwritten before they are read. */
static bool overlaps(const nn_value *a, const nn_value *b) {
  if (a->storage != b->storage || a->numel == 0 || b->numel == 0) return false;
  if (a->offset != b->offset || !nn_shape_equal(&a->shape, &b->shape)) return true;
  for (int i = 0; i < a->shape.ndim; i++)
    if (a->shape.dim[i] > 1 && a->stride[i] != b->stride[i]) return true;
  return false;
}

static nn_status into(nn_ctx *ctx, const nn_op *op, work *w) {
  const nn_value *x = w->value[0];
  nn_value wide[NN_MAXIN], out = {0};
  const nn_value *v[1 + NN_MAXIN] = {x};
  nn_text a, b;
  w->c.out = &out;
  NN_TRY(op->infer(&w->c));
  if (out.dtype != x->dtype || !nn_shape_equal(&out.shape, &x->shape))
    return nn_fail(ctx, NN_ESHAPE,
                   "%s_: the result is %s %s, which does not fit the %s %s tensor in place",
                   op->name, nn_value_text(&a, &out), nn_dtype_name(out.dtype),
                   nn_value_text(&b, x), nn_dtype_name(x->dtype));
  for (int k = 0; k < w->c.nin; k++) {
    if (k > 0 && overlaps(x, w->value[k])) {
      nn_tensor *t = NULL;
      NN_TRY(nn_tensor_new(ctx, w->value[k]->dtype, &w->value[k]->shape, &t));
      nn_tensor_release(w->own[k]);
      w->own[k] = t;
      NN_TRY(nn_copy_into(ctx, &t->v, w->value[k]));
      w->value[k] = &t->v;
    }
    v[1 + k] = w->value[k];
    if (nn_shape_equal(&v[1 + k]->shape, &x->shape)) continue;
    nn_value_expand(&wide[k], v[1 + k], &x->shape);
    v[1 + k] = &wide[k];
  }
  NN_TRY(nn_walk(ctx, op->row[x->dtype], w->c.attr, 1 + w->c.nin, v, NN_WALK_FINISH));
  nn_touch(x);
  return NN_OK;
}

nn_status nn_apply_into(nn_ctx *ctx, const nn_op *op, const void *attr, int nin,
                        nn_tensor *const *in) {
  work w;
  nn_status st;
  nn_dtype d = in[0]->v.dtype;
  for (int k = 0; k < nin; k++) NN_TRY(nn_check_writable(ctx, op->name, in[k]));
  if (ctx->tape) nn_tape_spoil(ctx->tape);
  if (!op->row[d] || (op->flags & NN_OP_FLOAT && !nn_is_real(d)))
    return nn_fail(ctx, NN_ETYPE, "%s_: its result does not fit a %s tensor in place", op->name,
                   nn_dtype_name(d));
  NN_GO(begin(&w, ctx, op, attr, nin, in));
  NN_GO(settle_dtypes(ctx, op, &w));
  if (w.in[0] != in[0]) {
    st = nn_fail(ctx, NN_ETYPE, "%s_: a %s result does not fit a %s tensor in place", op->name,
                 nn_dtype_name(w.in[0]->v.dtype), nn_dtype_name(d));
    goto done;
  }
  for (int k = 0; k < nin; k++) w.value[k] = &w.in[k]->v;
  NN_GO(into(ctx, op, &w));
done:
  end(&w);
  return st;
}

/* ---- usual shapes ---- */

nn_status nn_infer_same(const nn_call *c) {
  nn_value_set(c->out, c->in[0]->dtype, &c->in[0]->shape);
  return NN_OK;
}

nn_status nn_infer_broadcast(const nn_call *c) {
  const nn_shape *s = &c->in[0]->shape;
  nn_shape wide;
  for (int k = 1; k < c->nin; k++) {
    if (nn_shape_equal(s, &c->in[k]->shape)) continue;
    NN_TRY(nn_shape_broadcast(c->ctx, c->op->name, s, &c->in[k]->shape, &wide));
    s = &wide;
  }
  nn_value_set(c->out, c->in[0]->dtype, s);
  return NN_OK;
}

nn_status nn_infer_mask(const nn_call *c) {
  NN_TRY(nn_infer_broadcast(c));
  nn_shape s = c->out->shape;
  nn_value_set(c->out, NN_U8, &s);
  return NN_OK;
}
