/* op/where.c: a where the mask is not 0, b elsewhere; all three broadcast. The gradient goes to
   the one that was taken. */
#ifndef R
#include "grad/op.h"
#include "kernel/names.h"

extern const nn_op nn_op_where;

#define NN_SELF "op/where.c"
#include "kernel/each_type.h"

static const nn_row take[NN_NDTYPE] = NN_ALL(take);
static const nn_row keep[NN_NREAL] = NN_BOTH(keep);

static nn_status infer(const nn_call *c) {
  const nn_value *mask = c->in[0], *a = c->in[1], *b = c->in[2];
  nn_shape s;
  if (mask->dtype != NN_U8)
    return nn_fail(c->ctx, NN_ETYPE,
                   "where: the mask must be uint8 (x:gt(0) gives one, m:to(\"uint8\") makes one), "
                   "got %s",
                   nn_dtype_name(mask->dtype));
  if (a->dtype != b->dtype)
    return nn_fail(c->ctx, NN_ETYPE, "where: %s with %s; convert one of them, as in x:to(\"%s\")",
                   nn_dtype_name(a->dtype), nn_dtype_name(b->dtype), nn_dtype_name(a->dtype));
  NN_TRY(nn_shape_broadcast(c->ctx, "where", &a->shape, &b->shape, &s));
  NN_TRY(nn_shape_broadcast(c->ctx, "where", &mask->shape, &s, &s));
  nn_value_set(c->out, a->dtype, &s);
  return NN_OK;
}

static nn_status forward(const nn_call *c) {
  nn_value wide[3];
  for (int k = 0; k < 3; k++) nn_value_expand(&wide[k], c->in[k], &c->out->shape);
  return nn_walk(c->ctx, take[c->out->dtype], NULL, 4,
                 (const nn_value *[]){c->out, &wide[0], &wide[1], &wide[2]}, 0);
}

/* The gradient of a (k 1) or b (k 2): the output's where the mask has chosen it, else 0. */
static nn_status give(const nn_call *c, int k) {
  const nn_value *g = c->gout, *to = c->gin[k];
  const bool taken = k == 1;
  nn_tensor *full = NULL;
  nn_value mask;
  nn_status st = NN_OK;
  nn_row row = keep[g->dtype];
  nn_value_expand(&mask, c->in[0], &g->shape);
  if (nn_shape_equal(&to->shape, &g->shape))
    return nn_walk(c->ctx, row, &taken, 3, (const nn_value *[]){to, g, &mask},
                   c->add[k] ? NN_WALK_ADD : 0);
  NN_GO(nn_tensor_new(c->ctx, g->dtype, &g->shape, &full));
  NN_GO(nn_walk(c->ctx, row, &taken, 3, (const nn_value *[]){&full->v, g, &mask}, 0));
  NN_GO(nn_sum_to(c->ctx, to, &full->v, c->add[k]));
done:
  nn_tensor_release(full);
  return st;
}

static nn_status backward(const nn_call *c) {
  for (int k = 1; k < 3; k++)
    if (c->gin[k]) NN_TRY(give(c, k));
  return NN_OK;
}

const nn_op nn_op_where = {
  .name = "where",
  .doc = "a where the mask (uint8) is not 0, b elsewhere; the three broadcast. nn.where takes "
         "numbers for a and b too.",
  .args = "mask, a, b",
  .nin = 3,
  .flags = NN_OP_MIXED | NN_OP_STRIDED,
  .saves = NN_IN(0),
  .infer = infer,
  .forward = {forward, forward, forward, forward},
  .backward = {backward, backward},
  .example = {{.inputs = "2x3? 2x3 2x3"},
              {.inputs = "2x3? 3 s"},
              {.inputs = "3? 2x1 2x3"},
              {.inputs = "3x1? 1x4 1"}},
};
#else

NN_HOT static void FN(take)(int64_t n, void *const *p, const void *attr) {
  const uint8_t *m = p[1];
  const R *a = p[2], *b = p[3];
  R *y = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) y[i] = m[i] ? a[i] : b[i];
}

#ifndef NN_INTEGER
NN_HOT static void FN(keep)(int64_t n, void *const *p, const void *attr) {
  const bool taken = *(const bool *)attr;
  const R *g = p[1];
  const uint8_t *m = p[2];
  R *gx = p[0];
  for (int64_t i = 0; i < n; i++) gx[i] = (m[i] != 0) == taken ? g[i] : 0;
}
#endif

#endif
