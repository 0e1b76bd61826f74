/*
 * layer/multihead_attention.c: with q, k, v = x W^T + b cut into `heads` slices of d = dim / heads,
 * each head gives A v with A = softmax(q k^T / sqrt(d)) along the keys, and out_proj joins them
 * (Vaswani et al.: "Attention is all you need", 2017). Keys that a query may not see have weight 0; a
 * query that sees none gets zeros, never NaN. With g = dy at one head's slice: dv = A'^T g,
 * dA = g v^T, dS = A (dA - sum(dA A)), dq = dS k / sqrt(d), dk = dS^T q / sqrt(d), where A' is A after
 * dropout. A is never stored: backward computes it again, a few rows at a time.
 */
#ifndef R
#include <math.h>
#include <omp.h>
#include <string.h>

#include "kernel/blas.h"
#include "kernel/names.h"
#include "kernel/random.h"
#include "kernel/reduce.h"
#include "layer/init.h"
#include "layer/layer.h"

typedef struct attention {
  nn_layer base;
  int64_t dim, heads;
  double dropout;
  bool causal, bias;
} attention;

/* Of the operation: inputs q (n, t, dim), k and v (n, s, dim), or `packed` one (n, t, 3 dim); then, if
   `masked`, keys that nobody sees (n, s), bytes. Result (n, t, dim). */
typedef struct attention_attr {
  int64_t heads;
  double p;
  bool causal, packed, masked;
} attention_attr;

/* One call's sizes; ld: elements from one row of q, k or v to the next. */
typedef struct sizes {
  int64_t n, t, s, dim, d, ld, rows; /* rows of A that are computed together */
} sizes;

extern const nn_layer_class nn_layer_multihead_attention;
extern const nn_op nn_op_narrow;

enum {
  PIECE = 128 * 1024 /* bytes of A a thread; twice that backward */
};

static sizes sizes_of(const nn_call *c, size_t size) {
  const attention_attr *a = c->attr;
  const int64_t *q = c->in[0]->shape.dim, *k = c->in[a->packed ? 0 : 1]->shape.dim;
  sizes z = {.n = q[0], .t = q[1], .s = k[1], .ld = q[2]};
  z.dim = a->packed ? q[2] / 3 : q[2];
  z.d = z.dim / a->heads;
  z.rows = z.s > 0 ? PIECE / (int64_t)size / z.s : 1;
  if (z.rows < 1) z.rows = 1;
  if (z.rows > z.t) z.rows = z.t;
  return z;
}

static nn_status infer(const nn_call *c) {
  const attention_attr *a = c->attr;
  sizes z = sizes_of(c, sizeof(double));
  nn_shape y = {3, {z.n, z.t, z.dim}}, drop = {4, {z.n, a->heads, z.t, z.s}}, none = nn_shape_1(0);
  if (a->p > 0) NN_TRY(nn_shape_check(c->ctx, "MultiheadAttention", &drop, 1));
  nn_value_set(c->out, c->in[0]->dtype, &y);
  nn_value_set(c->aux[0], NN_U8, a->p > 0 ? &drop : &none);
  return nn_blas_check(c->ctx, "MultiheadAttention", z.t, z.s, z.ld);
}

#define NN_SELF "layer/multihead_attention.c"
#include "kernel/each_real.h"

/* aux: what dropout keeps of A (n, heads, t, s), or nothing */
static const nn_op op = {
  .name = "attention",
  .nin = 4,
  .nout_aux = 1,
  .flags = NN_OP_MIXED,
  .saves = NN_IN(0) | NN_IN(1) | NN_IN(2) | NN_IN(3) | NN_AUX(0),
  .attr_size = sizeof(attention_attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

/* ---- the layer ---- */

static nn_status build(nn_ctx *ctx, nn_layer *l) {
  const attention *k = (const attention *)l;
  nn_shape in = nn_shape_2(3 * k->dim, k->dim), out = nn_shape_2(k->dim, k->dim);
  nn_shape three = nn_shape_1(3 * k->dim), one = nn_shape_1(k->dim);
  if (k->dim > NN_DIM_MAX / 3) return nn_layer_fail(l, NN_EVALUE, "dim is too large");
  if (k->dim % k->heads)
    return nn_layer_fail(l, NN_EVALUE, "dim must be a multiple of heads, each takes dim / heads");
  NN_TRY(nn_layer_add_uniform(ctx, l, "in_proj_weight", &in, sqrt(6 / (4 * (double)k->dim))));
  if (k->bias) NN_TRY(nn_layer_add_full(ctx, l, "in_proj_bias", &three, 0, false));
  NN_TRY(nn_layer_add_uniform(ctx, l, "out_proj.weight", &out, 1 / sqrt((double)k->dim)));
  return k->bias ? nn_layer_add_full(ctx, l, "out_proj.bias", &one, 0, false) : NN_OK;
}

static nn_status check(const nn_layer *l, int nin, nn_tensor *const *in) {
  const attention *a = (const attention *)l;
  const nn_shape *q = &in[0]->v.shape;
  const int many = nin < 3 ? 1 : 3;
  nn_text t, u;
  for (int i = 0; i < many; i++) {
    const nn_shape *s = &in[i]->v.shape;
    NN_TRY(nn_layer_check_dtype(l, in[i]));
    if (s->ndim != 3 || s->dim[2] != a->dim)
      return nn_layer_fail(l, NN_ESHAPE, "%s must be N x steps x %lld, got %s",
                           many == 1 ? "the input"
                           : i == 0  ? "q"
                           : i == 1  ? "k"
                                     : "v",
                           (long long)a->dim, nn_shape_text(&t, s));
  }
  const nn_shape *k = &in[many - 2 < 0 ? 0 : 1]->v.shape;
  if (many == 3 && (k->dim[0] != q->dim[0] || !nn_shape_equal(k, &in[2]->v.shape)))
    return nn_layer_fail(
      l, NN_ESHAPE, "k and v must have one shape and q's batch of %lld, got k %s and v %s",
      (long long)q->dim[0], nn_shape_text(&t, k), nn_shape_text(&u, &in[2]->v.shape));
  if (nin == many) return NN_OK;
  const nn_shape mask = nn_shape_2(k->dim[0], k->dim[1]), *given = &in[many]->v.shape;
  if (in[many]->v.dtype == NN_U8 && nn_shape_equal(&mask, given)) return NN_OK;
  return nn_layer_fail(
    l, NN_ESHAPE,
    "the mask must be N x keys, %s of uint8 (1: no query sees this key), got %s "
    "of %s%s",
    nn_shape_text(&t, &mask), nn_shape_text(&u, given), nn_dtype_name(in[many]->v.dtype),
    nin == 2 && nn_is_real(in[many]->v.dtype) ? "; other keys and values are given as m(q, k, v)"
                                              : "");
}

/* The i-th third of the projection's rows, from 0: what makes q, k or v. */
static nn_status project(nn_ctx *ctx, const attention *a, int64_t i, nn_tensor *x, nn_tensor **y) {
  const int64_t range[3] = {1, i * a->dim + 1, a->dim};
  nn_tensor *in[3] = {x, NULL, NULL};
  nn_status st = NN_OK;
  for (int k = 0; k < (a->bias ? 2 : 1); k++)
    NN_GO(nn_apply(ctx, &nn_op_narrow, range, 1, &a->base.slot[k].tensor, &in[1 + k]));
  NN_GO(nn_linear_apply(ctx, a->bias ? 3 : 2, in, y));
done:
  nn_tensor_release(in[1]);
  nn_tensor_release(in[2]);
  return st;
}

/* q, k and v; one product where they are of one tensor. */
static nn_status projections(nn_ctx *ctx, const attention *a, bool packed, nn_tensor *const *in,
                             nn_tensor **qkv) {
  const nn_slot *w = a->base.slot;
  nn_tensor *all[3] = {in[0], w[0].tensor, a->bias ? w[1].tensor : NULL};
  if (packed) return nn_linear_apply(ctx, a->bias ? 3 : 2, all, qkv);
  for (int i = 0; i < 3; i++) NN_TRY(project(ctx, a, i, in[i], &qkv[i]));
  return NN_OK;
}

static nn_status forward_many(nn_ctx *ctx, nn_layer *l, int nin, nn_tensor *const *in,
                              nn_tensor **out) {
  const attention *a = (const attention *)l;
  nn_tensor *all[4] = {NULL}, *y = NULL, *last[3] = {NULL, l->slot[a->bias ? 2 : 1].tensor};
  const bool packed = nin < 3 || (in[0] == in[1] && in[1] == in[2]);
  attention_attr attr = {a->heads, l->training ? a->dropout : 0, a->causal, packed, nin % 2 == 0};
  const int own = packed ? 1 : 3;
  nn_status st;
  NN_TRY(check(l, nin, in));
  NN_TRY(nn_blas_check(ctx, "MultiheadAttention", in[0]->v.numel / a->dim, 3 * a->dim, a->dim));
  NN_GO(projections(ctx, a, packed, in, all));
  if (attr.masked) all[own] = nn_tensor_retain(in[nin - 1]);
  NN_GO(nn_layer_apply(l, &op, &attr, own + attr.masked, all, &y));
  last[0] = y;
  if (a->bias) last[2] = l->slot[3].tensor;
  NN_GO(nn_linear_apply(ctx, a->bias ? 3 : 2, last, out));
done:
  for (int i = 0; i < 4; i++) nn_tensor_release(all[i]);
  nn_tensor_release(y);
  return st;
}

static const nn_param params[] = {
  NN_P_SIZE(attention, dim, "size of the inputs' and the output's last dimension"),
  NN_P_SIZE(attention, heads, "how many heads; dim is a multiple of it"),
  NN_P_REAL(attention, dropout, 0, 0, 0, 1, "probability to drop an attention weight in training"),
  NN_P_BOOL(attention, causal, false, "query i sees the keys 1..i alone"),
  NN_P_BOOL(attention, bias, true, "add the bias vectors"),
  NN_P_END};

const nn_layer_class nn_layer_multihead_attention = {
  .name = "MultiheadAttention",
  .doc =
    "Scaled dot-product attention in `heads` parallel heads. m(x): of x with itself; m(q, k, v): "
    "each row of q looks up v by k. With q, k, v projected by in_proj_weight and cut into heads of "
    "d "
    "= dim / heads, a head is softmax(q k^T / sqrt(d)) v; out_proj joins them. x, q: N x steps x "
    "dim, k, v: N x keys x dim, the result like q. m(x, mask) and m(q, k, v, mask): mask N x keys "
    "of uint8, 1 where a key is padding, which no query sees; a query that sees no key gives "
    "out_proj's bias. Fields in_proj_weight (3 dim, dim; rows for q, k, v) from U(-sqrt(6 / (4 "
    "dim)), ...), in_proj_bias (3 dim) 0, out_proj.weight (dim, dim) from U(-1/sqrt(dim), "
    "1/sqrt(dim)), out_proj.bias (dim) 0. Vaswani et al. 2017.",
  .size = sizeof(attention),
  .params = params,
  .build = build,
  .forward = nn_layer_forward_one,
  .forward_many = forward_many,
  .least = 1,
  .most = 4,
  .nout = 1,
  .example = {{.inputs = "2x3x4", .args = "4, 2"},
              {.inputs = "2x3x4 2x5x4 2x5x4", .args = "4, 1, dropout = 0.25, bias = false"},
              {.inputs = "2x5x6 2x5?", .args = "6, 3, causal = true"},
              {.inputs = "2x3x4 2x4x4 2x4x4 2x4?", .args = "4, 4, causal = true, bias = false"},
              {.inputs = "1x4x2", .args = "2, 1, dropout = 0.5"}},
};
#else

/* Scores become weights: keys from `seen` on and masked ones get none. */
static void FN(weigh)(int64_t keys, int64_t seen, const uint8_t *mask, R *row) {
  bool any = false;
  for (int64_t i = 0; i < keys; i++) {
    const bool hidden = i >= seen || (mask && mask[i]);
    if (hidden) row[i] = -(R)INFINITY;
    any = any || !hidden;
  }
  if (any)
    FN(nn_softmax_row)(keys, row, row);
  else
    memset(row, 0, (size_t)keys * sizeof *row);
}

/* A head of a sample: where its slices begin, in values or in their gradients. */
typedef struct FN(head) {
  R *q, *k, *v;
} FN(head);

static FN(head) FN(head_of)(const nn_call *c, const sizes *z, nn_value *const *from, int64_t task) {
  const attention_attr *a = c->attr;
  const int64_t n = task / a->heads, at = task % a->heads * z->d;
  R *p[3];
  for (int i = 0; i < 3; i++) {
    const nn_value *v = from[a->packed ? 0 : i];
    p[i] = v ? (R *)nn_data(v) + n * (i ? z->s : z->t) * z->ld + at + (a->packed ? i * z->dim : 0)
             : NULL;
  }
  return (FN(head)){p[0], p[1], p[2]};
}

/* A of the queries from `first` to last - 1 and the keys that any of them sees: (last - first, keys).
   Returns how many keys. */
static int64_t FN(weights)(const nn_call *c, const sizes *z, int64_t task, int64_t first,
                           int64_t last, R *w) {
  const attention_attr *a = c->attr;
  const uint8_t *mask = a->masked ? nn_data(c->in[c->nin - 1]) : NULL;
  const FN(head) h = FN(head_of)(c, z, c->in, task);
  const int64_t keys = a->causal && last < z->s ? last : z->s;
  FN(nn_gemm)
  (false, true, last - first, keys, z->d, (R)(1 / sqrt((double)z->d)), h.q + first * z->ld, z->ld,
   h.k, z->ld, 0, w, keys);
  for (int64_t i = first; i < last; i++) FN(weigh)
  (keys, a->causal ? i + 1 : keys, mask ? mask + task / a->heads * z->s : NULL,
   w + (i - first) * keys);
  return keys;
}

/* Applies dropout to rows from `first` on: to = w, what is kept scaled up. */
static void FN(drop)(const nn_call *c, const sizes *z, int64_t task, int64_t first, int64_t rows,
                     int64_t keys, const R *w, R *to) {
  const R scale = (R)(1 / (1 - ((const attention_attr *)c->attr)->p));
  const uint8_t *keep = (const uint8_t *)nn_data(c->aux[0]) + (task * z->t + first) * z->s;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t k = 0; k < keys; k++)
      to[i * keys + k] = keep[i * z->s + k] ? w[i * keys + k] * scale : 0;
}

static void FN(run_head)(const nn_call *c, const sizes *z, int64_t task, R *w) {
  const attention_attr *a = c->attr;
  const FN(head) h = FN(head_of)(c, z, c->in, task);
  const int64_t n = task / a->heads, at = task % a->heads * z->d;
  R *y = (R *)nn_data(c->out) + n * z->t * z->dim + at;
  for (int64_t i = 0; i < z->t; i += z->rows) {
    const int64_t last = i + z->rows < z->t ? i + z->rows : z->t;
    const int64_t keys = FN(weights)(c, z, task, i, last, w);
    if (a->p > 0) FN(drop)(c, z, task, i, last - i, keys, w, w);
    FN(nn_gemm)
    (false, false, last - i, z->d, keys, 1, w, keys, h.v, z->ld, 0, y + i * z->dim, z->dim);
  }
}

/* dS = A (dA - sum(dA A)), over dA */
NN_HOT static void FN(score_row)(int64_t keys, const R *w, R *dw) {
  double dot = 0;
  for (int64_t k = 0; k < keys; k++) dot += (double)dw[k] * (double)w[k];
  for (int64_t k = 0; k < keys; k++) dw[k] = w[k] * (dw[k] - (R)dot);
}

/* Adds the gradients of one head. w, dw: (rows, s) each */
static void FN(pull_head)(const nn_call *c, const sizes *z, int64_t task, R *w, R *dw) {
  const attention_attr *a = c->attr;
  const FN(head) h = FN(head_of)(c, z, c->in, task), g = FN(head_of)(c, z, c->gin, task);
  const int64_t ld = z->ld, d = z->d;
  const R scale = (R)(1 / sqrt((double)d));
  const R *gy = (const R *)nn_data(c->gout) + task / a->heads * z->t * z->dim + task % a->heads * d;
  for (int64_t i = 0; i < z->t; i += z->rows) {
    const int64_t rows = i + z->rows < z->t ? z->rows : z->t - i;
    const int64_t keys = FN(weights)(c, z, task, i, i + rows, w);
    const R *dropped = w;
    if (a->p > 0) FN(drop)(c, z, task, i, rows, keys, w, dw), dropped = dw;
    if (g.v) FN(nn_gemm)
    (true, false, keys, d, rows, 1, dropped, keys, gy + i * z->dim, z->dim, 1, g.v, ld);
    if (!g.q && !g.k) continue;
    FN(nn_gemm)
    (false, true, rows, keys, d, 1, gy + i * z->dim, z->dim, h.v, ld, 0, dw, keys);
    if (a->p > 0) FN(drop)(c, z, task, i, rows, keys, dw, dw);
    for (int64_t r = 0; r < rows; r++) FN(score_row)(keys, w + r * keys, dw + r * keys);
    if (g.q) FN(nn_gemm)
    (false, false, rows, d, keys, scale, dw, keys, h.k, ld, 1, g.q + i * ld, ld);
    if (g.k) FN(nn_gemm)
    (true, false, keys, d, rows, scale, dw, keys, h.q + i * ld, ld, 1, g.k, ld);
  }
}

/* Every head of every sample, `buffers` of (rows, s) a thread. */
static nn_status FN(each_head)(const nn_call *c, int buffers) {
  const attention_attr *a = c->attr;
  const sizes z = sizes_of(c, sizeof(R));
  const int64_t tasks = z.n * a->heads, size = z.rows * z.s;
  int threads = nn_threads_for(c->ctx, tasks * z.t * z.s * z.d * 2 * buffers);
  if (threads > tasks) threads = (int)tasks;
  if (tasks * size == 0) return NN_OK;
  const size_t bytes = (size_t)(threads * buffers * size) * sizeof(R);
  R *room = nn_mem_take(c->ctx, bytes);
  if (!room) return NN_ENOMEM;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t t = 0; t < tasks; t++) {
    R *own = room + omp_get_thread_num() * buffers * size;
    if (nn_interrupted) continue;
    if (buffers == 1)
      FN(run_head)(c, &z, t, own);
    else
      FN(pull_head)(c, &z, t, own, own + size);
  }
  nn_mem_give(c->ctx, room, bytes);
  return nn_poll(c->ctx);
}

static nn_status FN(forward)(const nn_call *c) {
  const attention_attr *a = c->attr;
  if (a->p > 0)
    nn_random_mask(&c->ctx->rng, NN_RNG_DROPOUT, c->aux[0]->numel, 1 - a->p, nn_data(c->aux[0]));
  if (c->in[a->packed ? 0 : 1]->shape.dim[1] == 0) return nn_fill_into(c->ctx, c->out, 0);
  return FN(each_head)(c, 1);
}

static nn_status FN(backward)(const nn_call *c) {
  for (int i = 0; i < c->nin; i++)
    if (c->gin[i] && !c->add[i]) NN_TRY(nn_fill_into(c->ctx, c->gin[i], 0));
  return FN(each_head)(c, 2);
}

#endif
