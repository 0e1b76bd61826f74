/* op/sin.c: y = sin x, dx = dy cos x */
#ifndef R
#include "grad/op.h"
#include "kernel/names.h"
#include "kernel/vmath.h"

extern const nn_op nn_op_sin;

enum { PIECE = 256 }; /* elements whose part of the gradient stays in the cache */

#define NN_SELF "op/sin.c"
#include "kernel/each_real.h"

const nn_op nn_op_sin = {
  .name = "sin",
  .doc = "y = sin x, elementwise, x in radians; NaN of an infinity.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad), .needs = NN_IN(0)}},
  .example = {{.inputs = "2x3", .lo = -7, .hi = 7}, {.inputs = "s"}},
};
#else

static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1];
  R *y = p[0];
  (void)attr;
  FN(nn_v_sin)(n, x, y);
}

NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *x = p[2];
  R *gx = p[0], cosine[PIECE];
  (void)attr;
  for (int64_t m; n > 0; n -= m, x += m, gy += m, gx += m) {
    m = n < PIECE ? n : PIECE;
    FN(nn_v_cos)(m, x, cosine);
    for (int64_t i = 0; i < m; i++) gx[i] = gy[i] * cosine[i];
  }
}

#endif
