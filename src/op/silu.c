/*
 * op/silu.c: y = x s with s = sigmoid(x), dx = dy s (1 + x (1 - s)). Elfwing, Uchibe, Doya 2017.
 */
#ifndef R

#include "grad/op.h"
#include "kernel/names.h"
#include "kernel/vmath.h"

extern const nn_op nn_op_silu;

enum { PIECE = 256 }; /* elements whose exponentials stay in the cache */

#define NN_SELF "op/silu.c"
#include "kernel/each_real.h"

const nn_op nn_op_silu = {
  .name = "silu",
  .doc = "x sigmoid(x), elementwise; also called swish.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad), .needs = NN_IN(0)}},
  .example = {{.inputs = "2x3", .lo = -3, .hi = 3}, {.inputs = "s"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1];
  R *y = p[0], s[PIECE];
  (void)attr;
  for (int64_t m; n > 0; n -= m, x += m, y += m) {
    m = n < PIECE ? n : PIECE;
    FN(nn_v_sigmoid)(m, x, s);
    for (int64_t i = 0; i < m; i++) y[i] = s[i] == 0 ? 0 : x[i] * s[i]; /* -inf: 0, the limit */
  }
}

NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const R *gy = p[1], *x = p[2];
  R *gx = p[0], s[PIECE];
  (void)attr;
  for (int64_t m; n > 0; n -= m, x += m, gy += m, gx += m) {
    m = n < PIECE ? n : PIECE;
    FN(nn_v_sigmoid)(m, x, s);
    for (int64_t i = 0; i < m; i++) gx[i] = gy[i] * (s[i] * (1 + x[i] * (1 - s[i])));
  }
}

#endif
