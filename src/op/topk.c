/* op/topk.c: the k largest elements of each line, the largest first, and where they stood. */
#ifndef R
#include "kernel/names.h"
#include "op/order.h"

typedef struct topk_attr {
  int64_t k, dim;
  bool largest;
} topk_attr;

extern const nn_op nn_op_topk;

static nn_status axis_of(const nn_call *c, const nn_shape *s, nn_axis *axis, int *dim) {
  return nn_order_axis(c, s, ((const topk_attr *)c->attr)->dim, axis, dim);
}

#define NN_SELF "op/topk.c"
#include "kernel/each_type.h"

static nn_status infer(const nn_call *c) {
  const topk_attr *t = c->attr;
  nn_shape s = c->in[0]->shape;
  nn_axis axis;
  int dim;
  NN_TRY(axis_of(c, &s, &axis, &dim));
  if (t->k > axis.n)
    return nn_fail(c->ctx, NN_EVALUE,
                   "topk: wants the first %lld of %lld elements (dimension %lld)", (long long)t->k,
                   (long long)axis.n, (long long)t->dim);
  if (dim < 0 && t->k == 0) return nn_fail(c->ctx, NN_EVALUE, "topk: wants at least 1 of a scalar");
  if (dim >= 0) s.dim[dim] = t->k;
  nn_value_set(c->aux[0], NN_I64, &s);
  nn_value_set(c->out, c->in[0]->dtype, &s);
  return NN_OK;
}

static const nn_param params[] = {NN_P_AT(topk_attr, k, 0, NN_DIM_MAX, "how many"),
                                  {.name = "dim",
                                   .kind = NN_PARAM_INT,
                                   .offset = offsetof(topk_attr, dim),
                                   .flags = NN_P_PLACE,
                                   .def = {-1},
                                   .lo = -NN_MAXDIM,
                                   .hi = NN_MAXDIM,
                                   .doc = "the dimension, from 1, negative from the end"},
                                  {.name = "largest",
                                   .kind = NN_PARAM_BOOL,
                                   .offset = offsetof(topk_attr, largest),
                                   .flags = NN_P_PLACE,
                                   .def = {1},
                                   .hi = 1,
                                   .doc = "false: the smallest instead, the smallest first"},
                                  NN_P_END};

const nn_op nn_op_topk = {
  .name = "topk",
  .doc = "The k largest elements along a dimension (the last unless told), the largest first, and "
         "the indices (int64, from 1) where they stood. Of equal ones the first come first.",
  .args = "x",
  .nin = 1,
  .nout_aux = 1,
  .results = 1,
  .saves = NN_AUX(0),
  .attr_size = sizeof(topk_attr),
  .params = params,
  .infer = infer,
  .forward = NN_ALL(forward),
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "3x5", .args = "2"},
              {.inputs = "4x3x2", .args = "3, 1, false"},
              {.inputs = "2x50", .args = "40"},
              {.inputs = "s", .args = "1"}},
};
#else

static nn_status FN(forward)(const nn_call *c) {
  const topk_attr *t = c->attr;
  nn_axis a;
  int dim;
  nn_status st = NN_OK;
  NN_TRY(axis_of(c, &c->in[0]->shape, &a, &dim));
  const R *x = nn_data(c->in[0]), *value;
  const int64_t *place;
  int64_t *index = nn_data(c->aux[0]);
  R *y = nn_data(c->out);
  void *room = nn_mem_take(c->ctx, nn_sort_room(a.n));
  if (!room) return NN_ENOMEM;
  for (int64_t o = 0; o < a.outer; o++)
    for (int64_t r = 0; r < a.inner; r++) {
      NN_GO(FN(nn_sort)(c->ctx, a.n, x + o * a.n * a.inner + r, a.inner, t->largest, t->k, room,
                        &value, &place));
      for (int64_t i = 0, at = o * t->k * a.inner + r; i < t->k; i++, at += a.inner) {
        y[at] = value[i];
        index[at] = place[i];
      }
    }
done:
  nn_mem_give(c->ctx, room, nn_sort_room(a.n));
  return st;
}

#ifndef NN_INTEGER
static nn_status FN(backward)(const nn_call *c) {
  const topk_attr *t = c->attr;
  nn_axis a;
  int dim;
  NN_TRY(axis_of(c, &c->gin[0]->shape, &a, &dim));
  if (!c->add[0]) NN_TRY(nn_fill_into(c->ctx, c->gin[0], 0));
  const int64_t *index = nn_data(c->aux[0]);
  const R *g = nn_data(c->gout);
  R *gx = nn_data(c->gin[0]);
  for (int64_t o = 0; o < a.outer; o++)
    for (int64_t i = 0; i < t->k; i++)
      for (int64_t r = 0; r < a.inner; r++) {
        int64_t at = (o * t->k + i) * a.inner + r;
        gx[(o * a.n + index[at] - 1) * a.inner + r] += g[at];
      }
  return NN_OK;
}
#endif

#endif
