/* layer/recurrent.c: see recurrent.h. */
#ifndef R
#include "layer/recurrent.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernel/blas.h"
#include "kernel/names.h"

extern const nn_op nn_op_add, nn_op_cat, nn_op_narrow, nn_op_reshape, nn_op_select, nn_op_stack,
  nn_op_transpose;

#define NN_SELF "layer/recurrent.c"
#include "kernel/each_real.h"

/* ---- parameters ---- */

nn_status nn_recurrent_build(nn_ctx *ctx, nn_layer *l, int gates) {
  const nn_recurrent *r = (const nn_recurrent *)l;
  const double bound = 1 / sqrt((double)r->hidden_size);
  const int directions = r->bidirectional ? 2 : 1;
  static const char *const names[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
  nn_shape s[4];
  if (r->hidden_size > (int64_t)NN_DIM_MAX / 4)
    return nn_layer_fail(l, NN_EVALUE, "hidden_size is too large");
  for (int64_t k = 0; k < r->layers; k++) {
    int64_t in = k == 0 ? r->input_size : r->hidden_size * directions;
    s[0] = nn_shape_2(gates * r->hidden_size, in);
    s[1] = nn_shape_2(gates * r->hidden_size, r->hidden_size);
    s[2] = s[3] = nn_shape_1(gates * r->hidden_size);
    for (int d = 0; d < directions; d++)
      for (int i = 0; i < (r->bias ? 4 : 2); i++) {
        char name[32];
        snprintf(name, sizeof name, "%s_l%d%s", names[i], (int)k, d ? "_reverse" : "");
        NN_TRY(nn_layer_add_uniform(ctx, l, name, &s[i], bound));
      }
  }
  return NN_OK;
}

/* ---- one pass ---- */

typedef struct passage {
  nn_ctx *ctx;
  const nn_recurrent *r;
  const nn_cell *cell;
  nn_tensor *state[2]; /* (layers x directions, n, h), borrowed; NULL: zeros */
  nn_pass_attr attr;
  nn_tensor **h, **c; /* the last states, one a layer and direction, in room for all */
  int done;           /* how many there are */
} passage;

static nn_status pick(nn_ctx *ctx, nn_tensor *x, int64_t dim, int64_t index, nn_tensor **y) {
  const int64_t attr[2] = {dim, index};
  return nn_apply(ctx, &nn_op_select, attr, 1, &x, y);
}

/* gx = x W_ih^T + b */
static nn_status input_product(passage *p, nn_tensor *x, nn_tensor *const *w, nn_tensor **gx) {
  nn_tensor *sum = NULL, *in[3] = {x, w[0], NULL};
  const bool bias = p->r->bias;
  nn_status st = NN_OK;
  if (bias && !p->cell->own_bias) NN_GO(nn_apply(p->ctx, &nn_op_add, NULL, 2, w + 2, &sum));
  if (bias) in[2] = sum ? sum : w[2];
  NN_GO(nn_linear_apply(p->ctx, bias ? 3 : 2, in, gx));
done:
  nn_tensor_release(sum);
  return st;
}

/* Parts of the result of an operation with a cell state: h of all rows, and the last c. */
static nn_status take_apart(passage *p, nn_tensor *flat, nn_tensor **y, nn_tensor **c) {
  const nn_shape s = nn_pass_shape(&p->attr);
  const int64_t rows = p->attr.n * p->attr.t * p->attr.h, last = p->attr.n * p->attr.h;
  const int64_t first[3] = {1, 1, rows}, second[3] = {1, rows + 1, last};
  nn_tensor *a = NULL, *b = NULL;
  const nn_ints shape = {3, {s.dim[0], s.dim[1], s.dim[2]}}, small = {2, {p->attr.n, p->attr.h}};
  nn_status st;
  NN_GO(nn_apply(p->ctx, &nn_op_narrow, first, 1, &flat, &a));
  NN_GO(nn_apply(p->ctx, &nn_op_reshape, &shape, 1, &a, y));
  NN_GO(nn_apply(p->ctx, &nn_op_narrow, second, 1, &flat, &b));
  NN_GO(nn_apply(p->ctx, &nn_op_reshape, &small, 1, &b, c));
done:
  nn_tensor_release(a);
  nn_tensor_release(b);
  return st;
}

/* One layer in one direction; y (..., h), and its last state behind those that are done. */
static nn_status pass(passage *p, nn_tensor *x, nn_tensor *const *w, bool reverse, nn_tensor **y) {
  nn_ctx *ctx = p->ctx;
  nn_tensor *in[5] = {NULL, w[1]}, *flat = NULL, *from[2] = {NULL, NULL};
  int nin = 2, k = p->done++;
  const bool cells = p->cell->cell_state;
  nn_status st;
  p->attr.reverse = reverse;
  NN_GO(input_product(p, x, w, &in[0]));
  if (p->attr.bias) in[nin++] = w[3];
  for (int i = 0; i < (p->attr.state ? 1 + cells : 0); i++) {
    NN_GO(pick(ctx, p->state[i], 1, k + 1, &from[i]));
    in[nin++] = from[i];
  }
  NN_GO(nn_apply(ctx, p->cell->op, &p->attr, nin, in, cells ? &flat : y));
  if (cells) NN_GO(take_apart(p, flat, y, &p->c[k]));
  NN_GO(pick(ctx, *y, p->attr.batch_first ? 2 : 1, reverse ? 1 : -1, &p->h[k]));
done:
  nn_tensor_release(in[0]);
  nn_tensor_release(flat);
  for (int i = 0; i < 2; i++) nn_tensor_release(from[i]);
  return st;
}

/* One layer in its one or two directions; x (steps, n, features). */
static nn_status both_ways(passage *p, nn_tensor *x, int64_t layer, nn_tensor **y) {
  const int directions = p->r->bidirectional ? 2 : 1, each = p->r->bias ? 4 : 2;
  const int64_t dim = 3;
  nn_tensor *part[2] = {NULL, NULL};
  nn_status st = NN_OK;
  p->attr.batch_first = p->r->batch_first && layer + 1 == p->r->layers;
  p->attr.sn = p->attr.batch_first ? p->attr.t : 1;
  p->attr.st = p->attr.batch_first ? 1 : p->attr.n;
  for (int d = 0; d < directions; d++) {
    nn_tensor *w[4] = {NULL};
    for (int i = 0; i < each; i++)
      w[i] = p->r->base.slot[(layer * directions + d) * each + i].tensor;
    NN_GO(pass(p, x, w, d == 1, &part[d]));
  }
  if (directions == 2)
    st = nn_apply(p->ctx, &nn_op_cat, &dim, 2, part, y);
  else
    *y = nn_tensor_retain(part[0]);
done:
  for (int d = 0; d < 2; d++) nn_tensor_release(part[d]);
  return st;
}

/* ---- all layers ---- */

static nn_status check(nn_layer *l, const nn_cell *cell, int nin, nn_tensor *const *in) {
  const nn_recurrent *r = (const nn_recurrent *)l;
  const nn_shape *x = &in[0]->v.shape;
  nn_text t, u;
  NN_TRY(nn_layer_check_dtype(l, in[0]));
  if (x->ndim != 3 || x->dim[2] != r->input_size || x->dim[r->batch_first ? 1 : 0] == 0)
    return nn_layer_fail(l, NN_ESHAPE, "the input must be %s x %lld, got %s",
                         r->batch_first ? "N x steps" : "steps x N", (long long)r->input_size,
                         nn_shape_text(&t, x));
  if (nin != 1 && nin != (cell->cell_state ? 3 : 2))
    return nn_layer_fail(l, NN_EVALUE, "the state must be %s",
                         cell->cell_state ? "{h, c}" : "one tensor");
  nn_shape s = {
    3, {r->layers * (r->bidirectional ? 2 : 1), x->dim[r->batch_first ? 0 : 1], r->hidden_size}};
  for (int i = 1; i < nin; i++) {
    NN_TRY(nn_layer_check_dtype(l, in[i]));
    if (!nn_shape_equal(&in[i]->v.shape, &s))
      return nn_layer_fail(l, NN_ESHAPE,
                           "the state must be %s (layers%s x N x hidden_size), got %s",
                           nn_shape_text(&t, &s), r->bidirectional ? " times directions" : "",
                           nn_shape_text(&u, &in[i]->v.shape));
  }
  return nn_blas_check(l->ctx, l->class->name, x->dim[0] * x->dim[1], 4 * r->hidden_size,
                       r->input_size);
}

/* The states of all layers and directions as one tensor (count, n, h). */
static nn_status join(passage *p, nn_tensor *const *part, nn_tensor **out) {
  const int64_t dim = 1;
  return nn_apply(p->ctx, &nn_op_stack, &dim, p->done, part, out);
}

static nn_status each_layer(passage *p, nn_tensor *x, nn_tensor **out) {
  const nn_recurrent *r = p->r;
  const int64_t dims[2] = {1, 2};
  nn_tensor *at = NULL, *next = NULL;
  nn_status st = NN_OK;
  if (r->batch_first)
    NN_GO(nn_apply(p->ctx, &nn_op_transpose, dims, 1, &x, &at));
  else
    at = nn_tensor_retain(x);
  for (int64_t k = 0; k < r->layers; k++) {
    NN_GO(both_ways(p, at, k, &next));
    nn_tensor_release(at);
    at = next;
    next = NULL;
    if (k + 1 == r->layers || !r->base.training || r->dropout == 0) continue;
    NN_GO(nn_dropout_apply(p->ctx, r->dropout, at, &next));
    nn_tensor_release(at);
    at = next;
    next = NULL;
  }
  NN_GO(join(p, p->h, &out[1]));
  if (p->cell->cell_state) NN_GO(join(p, p->c, &out[2]));
  out[0] = nn_tensor_retain(at);
done:
  nn_tensor_release(at);
  nn_tensor_release(next);
  return st;
}

nn_status nn_recurrent_forward(nn_layer *l, const nn_cell *cell, int nin, nn_tensor *const *in,
                               nn_tensor **out) {
  nn_recurrent *r = (nn_recurrent *)l;
  const int count = (int)r->layers * (r->bidirectional ? 2 : 1);
  const size_t bytes = 2 * (size_t)count * sizeof(nn_tensor *);
  const int64_t *d = in[0]->v.shape.dim;
  NN_TRY(check(l, cell, nin, in));
  passage p = {.ctx = l->ctx, .r = r, .cell = cell};
  p.attr = (nn_pass_attr){.n = d[r->batch_first ? 0 : 1],
                          .t = d[r->batch_first ? 1 : 0],
                          .h = r->hidden_size,
                          .state = nin > 1};
  p.attr.bias = r->bias && cell->own_bias;
  p.attr.relu = r->nonlinearity && strcmp(r->nonlinearity, "relu") == 0;
  for (int i = 1; i < nin; i++) p.state[i - 1] = in[i];
  if (!(p.h = nn_mem_take_zero(l->ctx, bytes))) return NN_ENOMEM;
  p.c = p.h + count;
  nn_status st = each_layer(&p, in[0], out);
  for (int i = 0; i < 2 * count; i++) nn_tensor_release(p.h[i]);
  nn_mem_give(l->ctx, p.h, bytes);
  for (int i = 0; st != NN_OK && i < l->class->nout; i++) {
    nn_tensor_release(out[i]);
    out[i] = NULL;
  }
  return st;
}
#else

void FN(nn_pass_previous)(const nn_pass_attr *a, const R *y, const R *h0, R *prev) {
  const size_t row = (size_t)a->h * sizeof *y;
  for (int64_t i = 0; i < a->t; i++) {
    R *to = prev + nn_pass_time(a, i) * a->n * a->h;
    const R *from = i ? y + nn_pass_time(a, i - 1) * a->st * a->h : h0;
    const int64_t step = (i ? a->sn : 1) * a->h;
    if (!from)
      memset(to, 0, (size_t)a->n * row);
    else if (step == a->h)
      memcpy(to, from, (size_t)a->n * row);
    else
      for (int64_t n = 0; n < a->n; n++) memcpy(to + n * a->h, from + n * step, row);
  }
}

void FN(nn_pass_give)(const nn_call *c, int k, int64_t n, const R *d) {
  if (!c->gin[k]) return;
  R *to = nn_data(c->gin[k]);
  for (int64_t i = 0; i < n; i++) to[i] = c->add[k] ? to[i] + d[i] : d[i];
}

#endif
