/* op/unique.c: the different values in order, and how often each occurs. */
#ifndef R
#include "grad/op.h"
#include "kernel/names.h"
#include "kernel/sort.h"

extern const nn_op nn_op_unique;

static nn_status infer(const nn_call *c) {
  nn_shape s = nn_shape_1(c->in[0]->numel);
  nn_value_set(c->out, c->in[0]->dtype, &s);
  nn_value_set(c->aux[0], NN_I64, &s);
  return NN_OK;
}

/* How many there are is known only when they have been found: both lists are made for the most and
   shortened. */
static void shorten(nn_value *v, int64_t n) {
  v->shape.dim[0] = n;
  nn_value_settle(v);
}

#define NN_SELF "op/unique.c"
#include "kernel/each_type.h"

const nn_op nn_op_unique = {
  .name = "unique",
  .doc = "The different values, in order, as a list; and how often each occurs (int64). All NaN "
         "count as one.",
  .args = "x",
  .nin = 1,
  .nout_aux = 1,
  .results = 1,
  .infer = infer,
  .forward = NN_ALL(forward),
  .no_grad = true,
  .example = {{.inputs = "2x3"}, {.inputs = "20<4"}, {.inputs = "4x5?"}, {.inputs = "s"}},
};
#else

static bool FN(same)(R a, R b) {
#ifdef NN_INTEGER
  return a == b;
#else
  return a == b || (a != a && b != b);
#endif
}

static nn_status FN(forward)(const nn_call *c) {
  int64_t n = c->in[0]->numel, found = 0, *count = nn_data(c->aux[0]);
  const int64_t *place;
  const R *v;
  R *y = nn_data(c->out);
  void *room = nn_mem_take(c->ctx, nn_sort_room(n));
  if (!room) return NN_ENOMEM;
  nn_status st = FN(nn_sort)(c->ctx, n, nn_data(c->in[0]), 1, false, n, room, &v, &place);
  for (int64_t i = 0; st == NN_OK && i < n; i++) {
    if (i == 0 || !FN(same)(v[i], v[i - 1])) {
      y[found] = v[i];
      count[found++] = 0;
    }
    count[found - 1]++;
  }
  nn_mem_give(c->ctx, room, nn_sort_room(n));
  shorten(c->out, found);
  shorten(c->aux[0], found);
  return st;
}

#endif
