/*
 * op/matmul.c: C = A B of matrices (n, k) and (k, m), one product for each of the leading dimensions,
 * which broadcast as NumPy's do. A list of k numbers is a row on the left, a column on the right, and
 * its dimension disappears. dA = dC B^T, dB = A^T dC, summed where they were repeated.
 *
 * What BLAS can read as it lies, transposed or with gaps between the rows, is not copied; where B is
 * one matrix, the leading dimensions of a dense A are more rows of a single product.
 */
#ifndef R
#include <limits.h>

#include "grad/op.h"
#include "kernel/blas.h"
#include "kernel/names.h"
#include "kernel/places.h"

extern const nn_op nn_op_matmul;

typedef struct sizes {
  nn_shape batch; /* the leading dimensions of the result */
  int64_t n, k, m;
  bool row, column; /* A, B is a list */
} sizes;

static bool read_sizes(const nn_call *c, sizes *s) {
  nn_shape a = c->in[0]->shape, b = c->in[1]->shape;
  if (a.ndim < 1 || b.ndim < 1) return false;
  s->row = a.ndim == 1;
  s->column = b.ndim == 1;
  s->n = s->row ? 1 : a.dim[a.ndim - 2];
  s->k = a.dim[a.ndim - 1];
  s->m = s->column ? 1 : b.dim[b.ndim - 1];
  if (b.dim[s->column ? 0 : b.ndim - 2] != s->k) return false;
  a.ndim = s->row ? 0 : a.ndim - 2;
  b.ndim = s->column ? 0 : b.ndim - 2;
  return nn_shape_broadcast(c->ctx, "matmul", &a, &b, &s->batch) == NN_OK;
}

/* A matrix, or many, as BLAS takes them. */
typedef struct operand {
  nn_value v;      /* the batch alone: its places are the matrices' first elements */
  int64_t ld;      /* elements from one stored row to the next */
  bool transposed; /* stored the other way round */
  bool dense;      /* (and not transposed): the matrices follow one another */
  nn_tensor *copy; /* NULL: read where it lies */
} operand;

/* Puts the dimension that a list lacks back: `at` counts from the end, 1 for the last. */
static void add_dim(nn_value *v, int at) {
  int d = v->shape.ndim++ - at + 1;
  for (int i = v->shape.ndim - 1; i > d; i--) {
    v->shape.dim[i] = v->shape.dim[i - 1];
    v->stride[i] = v->stride[i - 1];
  }
  v->shape.dim[d] = 1;
  v->stride[d] = 1;
}

static bool read_by_blas(const nn_value *v, operand *o) {
  int r = v->shape.ndim - 2, k = r + 1;
  int64_t rows = v->shape.dim[r], cols = v->shape.dim[k], rs = v->stride[r], cs = v->stride[k];
  o->transposed = !((cs == 1 || cols <= 1) && (rs >= cols || rows <= 1));
  if (o->transposed && !((rs == 1 || rows <= 1) && (cs >= rows || cols <= 1))) return false;
  if (o->transposed)
    o->ld = cols > 1 ? cs : rows;
  else
    o->ld = rows > 1 ? rs : cols;
  if (o->ld < 1) o->ld = 1;
  return o->ld <= INT_MAX;
}

/* `x` has its two matrix dimensions. Copied where BLAS cannot read it. */
static nn_status make_operand(nn_ctx *ctx, const nn_value *x, const nn_shape *batch, operand *o) {
  nn_shape all = *batch;
  o->copy = NULL;
  if (!read_by_blas(x, o)) {
    NN_TRY(nn_tensor_new(ctx, x->dtype, &x->shape, &o->copy));
    NN_TRY(nn_copy_into(ctx, &o->copy->v, x));
    x = &o->copy->v;
    read_by_blas(x, o);
  }
  o->dense = x->dense && !o->transposed;
  all.dim[all.ndim++] = x->shape.dim[x->shape.ndim - 2];
  all.dim[all.ndim++] = x->shape.dim[x->shape.ndim - 1];
  nn_value_expand(&o->v, x, &all);
  o->v.shape.ndim -= 2;
  o->v.numel = nn_shape_numel(&o->v.shape);
  return NN_OK;
}

/* The operands A (or its gradient), B (or its) and C (or its), with the products between them. */
typedef struct job {
  sizes s;
  operand a, b, c;
} job;

static nn_status make_job(const nn_call *call, const nn_value *a, const nn_value *b,
                          const nn_value *c, job *j) {
  nn_value x;
  j->a.copy = j->b.copy = j->c.copy = NULL;
  if (!read_sizes(call, &j->s)) return NN_ESHAPE; /* infer has refused it */
  nn_value_copy(&x, a);
  if (j->s.row) add_dim(&x, 2);
  NN_TRY(make_operand(call->ctx, &x, &j->s.batch, &j->a));
  nn_value_copy(&x, b);
  if (j->s.column) add_dim(&x, 1);
  NN_TRY(make_operand(call->ctx, &x, &j->s.batch, &j->b));
  nn_value_copy(&x, c);
  if (j->s.row) add_dim(&x, j->s.column ? 1 : 2);
  if (j->s.column) add_dim(&x, 1);
  return make_operand(call->ctx, &x, &j->s.batch, &j->c);
}

static void end_job(job *j) {
  nn_tensor_release(j->a.copy);
  nn_tensor_release(j->b.copy);
  nn_tensor_release(j->c.copy);
}

static bool stays(const operand *o) {
  for (int d = 0; d < o->v.shape.ndim; d++)
    if (o->v.shape.dim[d] > 1 && o->v.stride[d] != 0) return false;
  return true;
}

static bool repeats(const operand *o) {
  for (int d = 0; d < o->v.shape.ndim; d++)
    if (o->v.shape.dim[d] > 1 && o->v.stride[d] == 0) return true;
  return false;
}

/* One B for all of a dense A: its matrices are rows of one. */
static void merge(job *j) {
  int64_t rows, batch = j->a.v.numel;
  if (batch < 2 || !j->a.dense || !j->c.dense || !stays(&j->b) || repeats(&j->a) || repeats(&j->c))
    return;
  if (__builtin_mul_overflow(j->s.n, batch, &rows) || rows > INT_MAX) return;
  if (j->s.n == 1) { /* the step of a single row was not looked at */
    j->a.ld = j->s.k > 0 ? j->s.k : 1;
    j->c.ld = j->s.m > 0 ? j->s.m : 1;
  }
  j->s.n = rows;
  operand *all[3] = {&j->a, &j->b, &j->c};
  for (int i = 0; i < 3; i++) {
    all[i]->v.shape.ndim = 0;
    all[i]->v.numel = 1;
  }
}

#define NN_SELF "op/matmul.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  nn_text ta, tb;
  sizes s;
  if (!read_sizes(c, &s))
    return nn_fail(c->ctx, NN_ESHAPE,
                   "matmul: %s by %s: the last size of the first must be the second last of the "
                   "second, and leading sizes must be equal or 1",
                   nn_value_text(&ta, c->in[0]), nn_value_text(&tb, c->in[1]));
  NN_TRY(nn_blas_check(c->ctx, "matmul", s.n, s.m, s.k));
  nn_shape out = s.batch;
  if (!s.row) out.dim[out.ndim++] = s.n;
  if (!s.column) out.dim[out.ndim++] = s.m;
  nn_value_set(c->out, c->in[0]->dtype, &out);
  return NN_OK;
}

const nn_op nn_op_matmul = {
  .name = "matmul",
  .doc =
    "The matrix product of (..., n, k) by (..., k, m), one for each of the leading dimensions, "
    "which broadcast; a list is a row on the left and a column on the right.",
  .args = "a, b",
  .nin = 2,
  .flags = NN_OP_PROMOTE | NN_OP_FLOAT | NN_OP_STRIDED,
  .saves = NN_IN(0) | NN_IN(1),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "2x3 3x4"},
              {.inputs = "2x2x3 3x4"},
              {.inputs = "2x1x2x3 3x3x4"},
              {.inputs = "3 2x3x4"},
              {.inputs = "2x2x3 3"},
              {.inputs = "3 3"}},
};
#else

/* Z (n, m) (+)= op(X) op(Y) for every matrix of the batch. */
static nn_status FN(products)(nn_ctx *ctx, const operand *x, bool tx, const operand *y, bool ty,
                              int64_t n, int64_t k, int64_t m, bool add, const operand *z) {
  if (n == 0 || m == 0) return NN_OK;
  nn_places px = nn_places_of(&x->v), py = nn_places_of(&y->v), pz = nn_places_of(&z->v);
  const R *fx = x->v.storage->data, *fy = y->v.storage->data;
  R *to = z->v.storage->data;
  for (int64_t i = 0; i < z->v.numel; i++) {
    FN(nn_gemm)
    (x->transposed != tx, y->transposed != ty, n, m, k, 1, fx + px.at, x->ld, fy + py.at, y->ld,
     add, to + pz.at, z->ld);
    nn_places_next(&px);
    nn_places_next(&py);
    nn_places_next(&pz);
    if (i % 64 == 63) NN_TRY(nn_poll(ctx));
  }
  return NN_OK;
}

static nn_status FN(forward)(const nn_call *c) {
  job j = {0};
  nn_status st;
  if (c->in[0]->shape.dim[c->in[0]->shape.ndim - 1] == 0) return nn_fill_into(c->ctx, c->out, 0);
  NN_GO(make_job(c, c->in[0], c->in[1], c->out, &j));
  merge(&j);
  NN_GO(FN(products)(c->ctx, &j.a, false, &j.b, false, j.s.n, j.s.k, j.s.m, false, &j.c));
done:
  end_job(&j);
  return st;
}

/* dA = dC B^T (k 0) or dB = A^T dC (k 1), summed over what broadcasting repeated. */
static nn_status FN(gradient)(const nn_call *c, int k) {
  job j = {0};
  nn_status st;
  bool add = c->add[k];
  const operand *to = k == 0 ? &j.a : &j.b;
  NN_GO(make_job(c, k == 0 ? c->gin[0] : c->in[0], k == 1 ? c->gin[1] : c->in[1], c->gout, &j));
  merge(&j);
  if (repeats(to) && !add) {
    NN_GO(nn_fill_into(c->ctx, c->gin[k], 0));
    add = true;
  }
  add = add || repeats(to);
  if (k == 0)
    NN_GO(FN(products)(c->ctx, &j.c, false, &j.b, true, j.s.n, j.s.m, j.s.k, add, to));
  else
    NN_GO(FN(products)(c->ctx, &j.a, true, &j.c, false, j.s.k, j.s.n, j.s.m, add, to));
done:
  end_job(&j);
  return st;
}

static nn_status FN(backward)(const nn_call *c) {
  bool empty = c->gout->numel == 0 || c->in[0]->numel == 0 || c->in[1]->numel == 0;
  for (int k = 0; k < 2; k++) {
    if (!c->gin[k]) continue;
    if (!empty)
      NN_TRY(FN(gradient)(c, k));
    else if (!c->add[k]) /* an empty sum is zero, and BLAS would leave the memory as it was */
      NN_TRY(nn_fill_into(c->ctx, c->gin[k], 0));
  }
  return NN_OK;
}

#endif
