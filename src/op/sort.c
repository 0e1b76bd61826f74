/* op/sort.c: the elements of each line in order, and where they stood; the gradient goes back to
   those places. */
#ifndef R
#include "kernel/names.h"
#include "op/order.h"

typedef struct sort_attr {
  int64_t dim;
  bool descending;
} sort_attr;

extern const nn_op nn_op_sort;

static nn_status axis_of(const nn_call *c, const nn_shape *s, nn_axis *axis) {
  int dim;
  return nn_order_axis(c, s, ((const sort_attr *)c->attr)->dim, axis, &dim);
}

#define NN_SELF "op/sort.c"
#include "kernel/each_type.h"

static nn_status infer(const nn_call *c) {
  nn_axis axis;
  NN_TRY(axis_of(c, &c->in[0]->shape, &axis));
  nn_value_set(c->aux[0], NN_I64, &c->in[0]->shape);
  return nn_infer_same(c);
}

static const nn_param params[] = {{.name = "dim",
                                   .kind = NN_PARAM_INT,
                                   .offset = offsetof(sort_attr, dim),
                                   .flags = NN_P_PLACE,
                                   .def = {-1},
                                   .lo = -NN_MAXDIM,
                                   .hi = NN_MAXDIM,
                                   .doc = "the dimension, from 1, negative from the end"},
                                  {.name = "descending",
                                   .kind = NN_PARAM_BOOL,
                                   .offset = offsetof(sort_attr, descending),
                                   .flags = NN_P_PLACE,
                                   .hi = 1,
                                   .doc = "the largest first"},
                                  NN_P_END};

const nn_op nn_op_sort = {
  .name = "sort",
  .doc = "The elements along a dimension (the last unless told) in order, and the indices (int64, "
         "from 1) where they stood. Equal ones keep their order; NaN counts as the largest.",
  .args = "x",
  .nin = 1,
  .nout_aux = 1,
  .results = 1,
  .saves = NN_AUX(0),
  .attr_size = sizeof(sort_attr),
  .params = params,
  .infer = infer,
  .forward = NN_ALL(forward),
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "3x5"},
              {.inputs = "4x3x2", .args = "1, true"},
              {.inputs = "2x40"},
              {.inputs = "s"}},
};
#else

static nn_status FN(forward)(const nn_call *c) {
  nn_axis a;
  nn_status st = NN_OK;
  NN_TRY(axis_of(c, &c->in[0]->shape, &a));
  const R *x = nn_data(c->in[0]), *value;
  const int64_t *place;
  int64_t *index = nn_data(c->aux[0]);
  R *y = nn_data(c->out);
  void *room = nn_mem_take(c->ctx, nn_sort_room(a.n));
  if (!room) return NN_ENOMEM;
  for (int64_t o = 0; o < a.outer; o++)
    for (int64_t r = 0; r < a.inner; r++) {
      int64_t at = o * a.n * a.inner + r;
      NN_GO(FN(nn_sort)(c->ctx, a.n, x + at, a.inner, ((const sort_attr *)c->attr)->descending, a.n,
                        room, &value, &place));
      for (int64_t i = 0; i < a.n; i++) {
        y[at + i * a.inner] = value[i];
        index[at + i * a.inner] = place[i];
      }
    }
done:
  nn_mem_give(c->ctx, room, nn_sort_room(a.n));
  return st;
}

#ifndef NN_INTEGER
static nn_status FN(backward)(const nn_call *c) {
  nn_axis a;
  NN_TRY(axis_of(c, &c->gin[0]->shape, &a));
  const int64_t *index = nn_data(c->aux[0]);
  const R *g = nn_data(c->gout);
  R *gx = nn_data(c->gin[0]);
  const bool add = c->add[0];
  for (int64_t o = 0; o < a.outer; o++)
    for (int64_t r = 0; r < a.inner; r++)
      for (int64_t i = 0, at = o * a.n * a.inner + r; i < a.n; i++) {
        int64_t to = at + (index[at + i * a.inner] - 1) * a.inner;
        gx[to] = (add ? gx[to] : 0) + g[at + i * a.inner];
      }
  return NN_OK;
}
#endif

#endif
