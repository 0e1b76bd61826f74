/* op/addmm.c: beta c + alpha a b, c broadcast; dc = beta dy (summed), da = alpha dy b^T,
   db = alpha a^T dy. */
#ifndef R
#include "grad/op.h"
#include "kernel/blas.h"
#include "kernel/names.h"

typedef struct addmm_attr {
  double beta, alpha;
} addmm_attr;

extern const nn_op nn_op_addmm;

#define NN_SELF "op/addmm.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  const nn_shape *a = &c->in[1]->shape, *b = &c->in[2]->shape;
  nn_text ta, tb, tc;
  if (a->ndim != 2 || b->ndim != 2 || a->dim[1] != b->dim[0])
    return nn_fail(c->ctx, NN_ESHAPE,
                   "addmm: %s by %s: wants two matrices, the columns of the first as many as the "
                   "rows of the second",
                   nn_shape_text(&ta, a), nn_shape_text(&tb, b));
  NN_TRY(nn_blas_check(c->ctx, "addmm", a->dim[0], b->dim[1], a->dim[1]));
  nn_shape s = nn_shape_2(a->dim[0], b->dim[1]), wide;
  NN_TRY(nn_shape_broadcast(c->ctx, "addmm", &c->in[0]->shape, &s, &wide));
  if (!nn_shape_equal(&s, &wide))
    return nn_fail(c->ctx, NN_ESHAPE, "addmm: %s cannot be added to a product of %s",
                   nn_value_text(&tc, c->in[0]), nn_shape_text(&ta, &s));
  nn_value_set(c->out, c->in[0]->dtype, &s);
  return NN_OK;
}

static const nn_param params[] = {
  NN_P_REAL(addmm_attr, beta, NN_P_PLACE, 1, -NN_REAL_MAX, NN_REAL_MAX, "the factor of c"),
  NN_P_REAL(addmm_attr, alpha, NN_P_PLACE, 1, -NN_REAL_MAX, NN_REAL_MAX, "the factor of a b"),
  NN_P_END};

const nn_op nn_op_addmm = {
  .name = "addmm",
  .doc = "beta c + alpha a b of two matrices a and b; c broadcasts. beta = 0: c is not read.",
  .args = "c, a, b",
  .nin = 3,
  .flags = NN_OP_PROMOTE | NN_OP_FLOAT,
  .saves = NN_IN(1) | NN_IN(2),
  .attr_size = sizeof(addmm_attr),
  .params = params,
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "2x4 2x3 3x4"},
              {.inputs = "4 2x3 3x4", .args = "0.5, -2"},
              {.inputs = "s 2x3 3x2", .args = "2"},
              {.inputs = "2x1 2x3 3x2", .args = "0"}},
};
#else

static nn_status FN(forward)(const nn_call *c) {
  const addmm_attr *t = c->attr;
  const nn_shape *a = &c->in[1]->shape, *b = &c->in[2]->shape;
  int64_t n = a->dim[0], k = a->dim[1], m = b->dim[1];
  R *y = nn_data(c->out);
  if (t->beta == 0)
    NN_TRY(nn_fill_into(c->ctx, c->out, 0));
  else
    NN_TRY(nn_copy_into(c->ctx, c->out, c->in[0]));
  if (k == 0)
    for (int64_t i = 0; i < n * m; i++) y[i] *= (R)t->beta;
  else if (n * m > 0)
    FN(nn_gemm)
  (false, false, n, m, k, (R)t->alpha, nn_data(c->in[1]), k, nn_data(c->in[2]), m, (R)t->beta, y,
   m);
  return NN_OK;
}

static nn_status FN(scaled)(const nn_call *c, const nn_value *to, double beta) {
  nn_tensor *t = NULL;
  nn_status st = NN_OK;
  if (beta == 1) return nn_sum_to(c->ctx, to, c->gout, c->add[0]);
  NN_GO(nn_tensor_new(c->ctx, to->dtype, &c->gout->shape, &t));
  const R *g = nn_data(c->gout);
  R *p = nn_data(&t->v);
  for (int64_t i = 0; i < t->v.numel; i++) p[i] = (R)beta * g[i];
  NN_GO(nn_sum_to(c->ctx, to, &t->v, c->add[0]));
done:
  nn_tensor_release(t);
  return st;
}

static nn_status FN(backward)(const nn_call *c) {
  const addmm_attr *t = c->attr;
  int64_t n = c->in[1]->shape.dim[0], k = c->in[1]->shape.dim[1], m = c->in[2]->shape.dim[1];
  const R *g = nn_data(c->gout);
  if (c->gin[0]) NN_TRY(FN(scaled)(c, c->gin[0], t->beta));
  for (int i = 1; i < 3; i++)
    if (c->gin[i] && !c->add[i] && n * m == 0) NN_TRY(nn_fill_into(c->ctx, c->gin[i], 0));
  if (n * m == 0 || k == 0) return NN_OK;
  if (c->gin[1]) FN(nn_gemm)
  (false, true, n, k, m, (R)t->alpha, g, m, nn_data(c->in[2]), m, c->add[1], nn_data(c->gin[1]), k);
  if (c->gin[2]) FN(nn_gemm)
  (true, false, k, m, n, (R)t->alpha, nn_data(c->in[1]), k, g, m, c->add[2], nn_data(c->gin[2]), m);
  return NN_OK;
}

#endif
