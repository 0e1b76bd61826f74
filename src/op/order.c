/* op/order.c: see order.h. */
#ifndef R
#include "op/order.h"

#include "kernel/names.h"
#include "kernel/sort.h"

nn_status nn_order_axis(const nn_call *c, const nn_shape *s, nn_axis *axis, int *dim) {
  const int64_t given = ((const nn_order_attr *)c->attr)->dim;
  *axis = (nn_axis){1, 1, 1};
  *dim = -1;
  if (s->ndim == 0 && (given == -1 || given == 1)) return NN_OK;
  NN_TRY(nn_shape_dim(c->ctx, c->op->name, given, s->ndim, dim));
  *axis = nn_shape_axis(s, *dim);
  return NN_OK;
}

/* The lines of x, of which y holds the first k elements. */
static nn_status lines(const nn_call *c, const nn_value *x, const nn_value *y, nn_axis *axis,
                       int64_t *k) {
  int dim;
  NN_TRY(nn_order_axis(c, &x->shape, axis, &dim));
  *k = dim < 0 ? 1 : y->shape.dim[dim];
  return NN_OK;
}

#define NN_SELF "op/order.c"
#include "kernel/each_type.h"
#else

nn_status FN(nn_order_forward)(const nn_call *c) {
  const bool falling = ((const nn_order_attr *)c->attr)->falling;
  nn_axis a;
  int64_t k;
  nn_status st = NN_OK;
  NN_TRY(lines(c, c->in[0], c->out, &a, &k));
  const R *x = nn_data(c->in[0]), *value;
  const int64_t *place;
  int64_t *index = nn_data(c->aux[0]);
  R *y = nn_data(c->out);
  void *room = nn_mem_take(c->ctx, nn_sort_room(a.n));
  if (!room) return NN_ENOMEM;
  for (int64_t o = 0; o < a.outer; o++)
    for (int64_t r = 0; r < a.inner; r++) {
      NN_GO(FN(nn_sort)(c->ctx, a.n, x + o * a.n * a.inner + r, a.inner, falling, k, room, &value,
                        &place));
      for (int64_t i = 0, at = o * k * a.inner + r; i < k; i++, at += a.inner) {
        y[at] = value[i];
        index[at] = place[i];
      }
    }
done:
  nn_mem_give(c->ctx, room, nn_sort_room(a.n));
  return st;
}

#ifndef NN_INTEGER
nn_status FN(nn_order_backward)(const nn_call *c) {
  nn_axis a = {1, 1, 1};
  int64_t k = 1;
  NN_TRY(lines(c, c->gin[0], c->gout, &a, &k));
  const bool all = k == a.n, add = c->add[0] || !all; /* all: every place is written once */
  const int64_t *index = nn_data(c->aux[0]);
  const R *g = nn_data(c->gout);
  R *gx = nn_data(c->gin[0]);
  if (!c->add[0] && !all) NN_TRY(nn_fill_into(c->ctx, c->gin[0], 0));
  /* What stands side by side in memory: one place of many lines, or many of one line. */
  const int64_t across = a.inner > 1, run = across ? a.inner : k;
  for (int64_t o = 0; o < a.outer; o++, gx += a.n * a.inner)
    for (int64_t j = 0; j < k * a.inner; j += run, g += run, index += run)
      for (int64_t r = 0; r < run; r++) {
        R *to = gx + (index[r] - 1) * a.inner + r * across;
        *to = (add ? *to : 0) + g[r];
      }
  return NN_OK;
}
#endif

#endif
