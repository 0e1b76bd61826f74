/*
 * layer/linear.c: fully connected layer, y = act(x W^T + b). x: (..., in), W: (out, in), b: (out),
 * y: (..., out). With g = dy act'(y): dx = g W, dW = g^T x, db = sum of g over the rows. The
 * activation, where Sequential found one behind, is an elementwise operation whose gradient needs
 * its output alone, and is computed by its own rows.
 */
#ifndef R
#include <math.h>

#include "grad/tape.h"
#include "kernel/blas.h"
#include "kernel/gemm.h"
#include "kernel/names.h"
#include "kernel/reduce.h"
#include "layer/init.h"
#include "layer/layer.h"

typedef struct linear {
  nn_layer base;
  int64_t in, out;
  bool bias;
  const char *init;
} linear;

typedef struct linear_attr {
  const nn_op *act; /* NULL: none */
} linear_attr;

/* ---- the parts of the kernels: rows over whole values, see nn_part ---- */

typedef struct columns {
  const nn_ctx *ctx;
  int64_t rows, n;
  bool add;
} columns;

#define NN_SELF "layer/linear.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  nn_shape s = c->in[0]->shape;
  s.dim[s.ndim - 1] = c->in[1]->shape.dim[0];
  nn_value_set(c->out, c->in[0]->dtype, &s);
  return NN_OK;
}

static const nn_op op = {
  .name = "linear",
  .nin = 3,
  .flags = NN_OP_PARTS,
  .saves = NN_IN(0) | NN_IN(1) | NN_OUT,
  .attr_size = sizeof(linear_attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

/* Without an activation backward has no use for the output. */
static const nn_op op_plain = {
  .name = "linear",
  .nin = 3,
  .flags = NN_OP_PARTS,
  .saves = NN_IN(0) | NN_IN(1),
  .attr_size = sizeof(linear_attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

nn_status nn_linear_forward(nn_ctx *ctx, nn_layer *l, const nn_op *act, nn_tensor *x,
                            nn_tensor **y) {
  const linear *k = (const linear *)l;
  const nn_shape *s = &x->v.shape;
  nn_tensor *in[3] = {x, l->slot[0].tensor, k->bias ? l->slot[1].tensor : NULL};
  nn_text t;
  *y = NULL;
  if (s->ndim < 1 || s->dim[s->ndim - 1] != k->in)
    return nn_layer_fail(
      l, NN_ESHAPE, "the input's last dimension must be %lld, got %s%s", (long long)k->in,
      nn_shape_text(&t, s),
      s->ndim > 2 && x->v.numel == s->dim[0] * k->in ? "; put a Flatten() before it" : "");
  if (x->v.dtype != in[1]->v.dtype)
    return nn_layer_fail(
      l, NN_ETYPE, "the weights are %s, the input is %s; convert one, as in x:to(\"%s\")",
      nn_dtype_name(in[1]->v.dtype), nn_dtype_name(x->v.dtype), nn_dtype_name(in[1]->v.dtype));
  NN_TRY(nn_blas_check(ctx, "Linear", x->v.numel / k->in, k->out, k->in));
  return nn_apply(ctx, act ? &op : &op_plain, &(linear_attr){act}, k->bias ? 3 : 2, in, y);
}

nn_status nn_linear_apply(nn_ctx *ctx, int nin, nn_tensor *const *in, nn_tensor **y) {
  return nn_apply(ctx, &op_plain, &(linear_attr){NULL}, nin, in, y);
}

static nn_status layer_forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  (void)last;
  return nn_linear_forward(ctx, l, NULL, x, y);
}

static nn_status build(nn_ctx *ctx, nn_layer *l) {
  const linear *k = (const linear *)l;
  nn_shape w = nn_shape_2(k->out, k->in), b = nn_shape_1(k->out);
  nn_tensor *t;
  NN_TRY(nn_shape_check(ctx, "Linear", &w, sizeof(double)));
  NN_TRY(nn_tensor_new(ctx, (nn_dtype)ctx->real, &w, &t));
  nn_status st = nn_init_fill(ctx, k->init, k->in, k->out, &t->v);
  if (st != NN_OK) {
    nn_tensor_release(t);
    return st;
  }
  NN_TRY(nn_layer_add(ctx, l, "weight", t, false));
  if (!k->bias) return NN_OK;
  NN_TRY(nn_tensor_new(ctx, (nn_dtype)ctx->real, &b, &t));
  nn_init_uniform(ctx, 1 / sqrt((double)k->in), &t->v);
  return nn_layer_add(ctx, l, "bias", t, false);
}

static const nn_param params[] = {
  NN_P_SIZE(linear, in, "input features"), NN_P_SIZE(linear, out, "output features"),
  NN_P_BOOL(linear, bias, true, "add a bias vector"),
  NN_P_ENUM(linear, init, "pytorch", nn_init_names,
            "initial weights; the bias always starts in U(-1/sqrt(in), 1/sqrt(in))"),
  NN_P_END};

const nn_layer_class nn_layer_linear = {
  .name = "Linear",
  .doc = "Fully connected: y = x W^T + b. x: (..., in), y: (..., out). Fields weight (out, in), by "
         "default from U(-1/sqrt(in), 1/sqrt(in)) as in PyTorch, and bias (out), always from "
         "there. init = \"xavier_uniform\" (Glorot and Bengio 2010) suits tanh and sigmoid, "
         "\"kaiming_uniform\" (He et al. 2015) ReLU.",
  .size = sizeof(linear),
  .params = params,
  .build = build,
  .forward = layer_forward,
  .pure = true,
  .example = {{.inputs = "2x3", .args = "3, 4"},
              {.inputs = "2x2x3", .args = "3, 1, bias = false"},
              {.inputs = "3", .args = "3, 2"}},
};
#else

/* p: y, b; y += b in every row of *attr elements */
NN_HOT static void FN(add_rows)(int64_t n, void *const *p, const void *attr) {
  const int64_t wide = *(const int64_t *)attr;
  const R *b = p[1];
  R *y = p[0];
  for (; n > 0; n -= wide, y += wide)
    for (int64_t i = 0; i < wide; i++) y[i] += b[i];
}

/* p: the sums of the columns, the matrix */
static void FN(sum_columns)(int64_t n, void *const *p, const void *attr) {
  const columns *k = attr;
  (void)n;
  FN(nn_sum_cols)(k->ctx, k->rows, k->n, p[1], 1, k->add, p[0]);
}

/* C (m, n) (+)= op(A) op(B) of dense matrices, k deep */
static void FN(multiply)(const nn_call *call, bool ta, bool tb, int64_t m, int64_t n, int64_t k,
                         const nn_value *a, const nn_value *b, bool add, const nn_value *c) {
  nn_gemm_job j = {.p = {.ta = ta,
                         .tb = tb,
                         .m = m,
                         .n = n,
                         .k = k,
                         .alpha = 1,
                         .beta = add,
                         .lda = ta ? m : k,
                         .ldb = tb ? k : n,
                         .ldc = n}};
  FN(nn_gemm_job)(&j);
  nn_part_product(call->ctx, &j, c, a, b);
}

static nn_status FN(forward)(const nn_call *c) {
  const nn_op *act = ((const linear_attr *)c->attr)->act;
  int64_t out = c->in[1]->shape.dim[0], in = c->in[1]->shape.dim[1], rows = c->in[0]->numel / in;
  FN(multiply)(c, false, true, rows, out, in, c->in[0], c->in[1], false, c->out);
  if (c->nin > 2)
    nn_part(c->ctx, FN(add_rows), &out, sizeof out, 2, (const nn_value *[]){c->out, c->in[2]});
  if (!act) return NN_OK;
  return nn_part_walk(c->ctx, act->row[NN_R], 2, (const nn_value *[]){c->out, c->out});
}

/* From the gradient by x W^T + b. */
static void FN(gradients)(const nn_call *c, const nn_value *g) {
  int64_t out = c->in[1]->shape.dim[0], in = c->in[1]->shape.dim[1], rows = g->numel / out;
  if (c->gin[0]) FN(multiply)(c, false, false, rows, in, out, g, c->in[1], c->add[0], c->gin[0]);
  if (c->gin[1]) FN(multiply)(c, true, false, out, in, rows, g, c->in[0], c->add[1], c->gin[1]);
  if (c->nin > 2 && c->gin[2]) {
    const columns k = {c->ctx, rows, out, c->add[2]};
    nn_part(c->ctx, FN(sum_columns), &k, sizeof k, 2, (const nn_value *[]){c->gin[2], g});
  }
}

/* An empty batch: BLAS would leave the memory as it was. */
static nn_status FN(nothing)(const nn_call *c) {
  if (c->ctx->tape) nn_tape_spoil(c->ctx->tape);
  for (int k = 0; k < c->nin; k++)
    if (c->gin[k] && !c->add[k]) NN_TRY(nn_fill_into(c->ctx, c->gin[k], 0));
  return NN_OK;
}

static nn_status FN(backward)(const nn_call *c) {
  const nn_op *act = ((const linear_attr *)c->attr)->act;
  const nn_value *g = c->gout;
  nn_tensor *own = NULL;
  nn_status st = NN_OK;
  if (g->numel == 0) return FN(nothing)(c);
  if (act) {
    NN_GO(nn_tensor_new(c->ctx, NN_R, &g->shape, &own));
    NN_GO(
      nn_part_walk(c->ctx, act->grad[0].row[NN_R], 3, (const nn_value *[]){&own->v, g, c->out}));
    g = &own->v;
  }
  FN(gradients)(c, g);
done:
  nn_tensor_release(own);
  return st;
}

#endif
