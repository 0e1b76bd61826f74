/* op/neg.c: y = -x, dx = -dy */
#ifndef R
#include <stdint.h>

#include "grad/op.h"
#include "kernel/names.h"

extern const nn_op nn_op_neg;

#define NN_SELF "op/neg.c"
#include "kernel/each_type.h"

static nn_status infer(const nn_call *c) {
  nn_dtype d = c->in[0]->dtype;
  nn_value_set(c->out, d == NN_U8 ? NN_I64 : d, &c->in[0]->shape);
  return NN_OK;
}

const nn_op nn_op_neg = {
  .name = "neg",
  .doc = "y = -x, elementwise; uint8, which has no negative numbers, gives int64.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_REUSE | NN_OP_LIGHT,
  .infer = infer,
  .row = NN_ALL(row),
  .grad = {{.row = NN_BOTH(grad)}},
  .example = {{.inputs = "2x3"}, {.inputs = "s"}},
};
#else

#ifdef NN_INTEGER
NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1];
  int64_t *y = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) y[i] = (int64_t)(0 - NN_WRAP(x[i]));
}
#else
NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1];
  R *y = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) y[i] = -x[i];
}

static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  FN(row)(n, p, attr);
}
#endif

#endif
