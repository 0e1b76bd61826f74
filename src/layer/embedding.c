/* layer/embedding.c: a vector for each index, a row of the weights. Its gradient is the sum of the
   gradients where it was looked up. */
#ifndef R
#include <stdio.h>
#include <string.h>

#include "kernel/names.h"
#include "layer/init.h"
#include "layer/layer.h"

typedef struct attr {
  int64_t padding; /* this index gets no gradient; 0: none */
} attr;

typedef struct embedding {
  nn_layer base;
  int64_t num_embeddings, embedding_dim;
  attr attr;
} embedding;

extern const nn_layer_class nn_layer_embedding;

/* "[2, 5]": where element i of the indices stands, as scripts count. */
static const char *place_text(const nn_shape *s, int64_t i, char *buf, size_t size) {
  int64_t at[NN_MAXDIM] = {0};
  for (int d = s->ndim - 1; d >= 0; d--) at[d] = i % s->dim[d] + 1, i /= s->dim[d];
  int n = snprintf(buf, size, "[");
  for (int d = 0; d < s->ndim && (size_t)n < size; d++)
    n += snprintf(buf + n, size - (size_t)n, "%s%lld", d ? ", " : "", (long long)at[d]);
  if ((size_t)n < size) snprintf(buf + n, size - (size_t)n, "]");
  return buf;
}

static nn_status check(const nn_call *c) {
  const nn_value *v = c->in[1];
  const int64_t n = c->in[0]->shape.dim[0], *index = nn_data(v);
  char where[160];
  for (int64_t i = 0; i < v->numel; i++)
    if (index[i] < 1 || index[i] > n)
      return nn_fail(
        c->ctx, NN_EINDEX, "the index at %s is %lld, must be in 1..%lld (counting starts at 1)",
        place_text(&v->shape, i, where, sizeof where), (long long)index[i], (long long)n);
  return NN_OK;
}

static nn_status infer(const nn_call *c) {
  nn_shape s = c->in[1]->shape;
  if (s.ndim == NN_MAXDIM)
    return nn_fail(c->ctx, NN_ESHAPE, "a tensor has at most %d dimensions", NN_MAXDIM);
  s.dim[s.ndim++] = c->in[0]->shape.dim[1];
  nn_value_set(c->out, c->in[0]->dtype, &s);
  return NN_OK;
}

#define NN_SELF "layer/embedding.c"
#include "kernel/each_real.h"

static const nn_op op = {
  .name = "embedding",
  .nin = 2,
  .flags = NN_OP_MIXED,
  .saves = NN_IN(1),
  .attr_size = sizeof(attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

static nn_status layer_forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  nn_tensor *in[2] = {l->slot[0].tensor, x};
  (void)ctx, (void)last;
  *y = NULL;
  if (x->v.dtype != NN_I64)
    return nn_layer_fail(l, NN_ETYPE, "indices must be int64, got %s; x:to(\"int64\") converts",
                         nn_dtype_name(x->v.dtype));
  return nn_layer_apply(l, &op, &((const embedding *)l)->attr, 2, in, y);
}

static nn_status build(nn_ctx *ctx, nn_layer *l) {
  const embedding *k = (const embedding *)l;
  nn_shape s = nn_shape_2(k->num_embeddings, k->embedding_dim);
  nn_tensor *t;
  if (k->attr.padding > k->num_embeddings)
    return nn_layer_fail(l, NN_EVALUE, "'padding_idx' must be in 1..%lld",
                         (long long)k->num_embeddings);
  NN_TRY(nn_shape_check(ctx, "Embedding", &s, sizeof(double)));
  NN_TRY(nn_tensor_new(ctx, (nn_dtype)ctx->real, &s, &t));
  nn_init_normal(ctx, 1, &t->v);
  size_t row = (size_t)k->embedding_dim * nn_dtype_size(t->v.dtype);
  if (k->attr.padding) memset((char *)nn_data(&t->v) + (size_t)(k->attr.padding - 1) * row, 0, row);
  return nn_layer_add(ctx, l, "weight", t, false);
}

static const nn_param params[] = {
  NN_P_SIZE(embedding, num_embeddings, "how many indices there are"),
  NN_P_SIZE(embedding, embedding_dim, "length of each vector"),
  {.name = "padding_idx",
   .kind = NN_PARAM_INT,
   .offset = offsetof(embedding, attr.padding),
   .lo = 0,
   .hi = NN_DIM_MAX,
   .doc = "an index whose vector starts as zeros and gets no gradient; 0: none"},
  NN_P_END};

const nn_layer_class nn_layer_embedding = {
  .name = "Embedding",
  .doc = "y[..., :] = weight[x[...], :]: a learned vector for each index in 1..num_embeddings. x: "
         "int64 of any shape; y: that shape x embedding_dim. Field weight (num_embeddings, "
         "embedding_dim) starts in N(0, 1); only the rows that were looked up get a gradient, the "
         "sum over where they were. Bengio et al. 2003.",
  .size = sizeof(embedding),
  .params = params,
  .build = build,
  .forward = layer_forward,
  .example = {{.inputs = "2x3<4", .args = "4, 3"}, {.inputs = "6<3", .args = "3, 2"}},
};
#else

static nn_status FN(forward)(const nn_call *c) {
  const int64_t d = c->in[0]->shape.dim[1], n = c->in[1]->numel, *index = nn_data(c->in[1]);
  const R *w = nn_data(c->in[0]);
  R *y = nn_data(c->out);
  NN_TRY(check(c));
  int threads = nn_threads_for(c->ctx, n * d);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t i = 0; i < n; i++) memcpy(y + i * d, w + (index[i] - 1) * d, (size_t)d * sizeof *y);
  return NN_OK;
}

/* In the order of the indices: the same bits however many threads there are. */
static nn_status FN(backward)(const nn_call *c) {
  const int64_t d = c->in[0]->shape.dim[1], n = c->in[1]->numel, *index = nn_data(c->in[1]);
  const int64_t padding = ((const attr *)c->attr)->padding;
  const R *gy = nn_data(c->gout);
  if (!c->gin[0]) return NN_OK;
  R *gw = nn_data(c->gin[0]);
  if (!c->add[0]) memset(gw, 0, (size_t)c->gin[0]->numel * sizeof *gw);
  for (int64_t i = 0; i < n; i++) {
    R *to = gw + (index[i] - 1) * d;
    for (int64_t j = 0; j < d && index[i] != padding; j++) to[j] += gy[i * d + j];
  }
  return NN_OK;
}

#endif
