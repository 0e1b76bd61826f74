/*
 * op/selu.c: y = s x where x > 0, s a (e^x - 1) elsewhere, with the constants that keep mean 0 and
 * variance 1 from layer to layer. e^x - 1 as in elu.c. Klambauer et al. 2017.
 */
#ifndef R

#include "grad/op.h"
#include "kernel/names.h"
#include "kernel/vmath.h"

extern const nn_op nn_op_selu;

enum { PIECE = 256 }; /* elements whose exponentials stay in the cache */

#define SCALE 1.0507009873554804934193349852946
#define ALPHA 1.6732632423543772848170429916717

#define NN_SELF "op/selu.c"
#include "kernel/each_real.h"

const nn_op nn_op_selu = {
  .name = "selu",
  .doc = "1.0507 times ELU with alpha 1.6733, elementwise: keeps mean 0 and variance 1 from layer "
         "to layer.",
  .args = "x",
  .nin = 1,
  .flags = NN_OP_FLOAT,
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad), .needs = NN_IN(0)}},
  .example = {{.inputs = "2x3", .lo = -2, .hi = 2}, {.inputs = "s"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R s = (R)SCALE, a = (R)(SCALE * ALPHA), *x = p[1];
  R *y = p[0], t[PIECE];
  (void)attr;
  for (int64_t m; n > 0; n -= m, x += m, y += m) {
    m = n < PIECE ? n : PIECE;
    for (int64_t i = 0; i < m; i++) t[i] = (x[i] > 0 ? 0 : x[i]) / 2;
    FN(nn_v_tanh)(m, t, t);
    for (int64_t i = 0; i < m; i++) y[i] = x[i] > 0 ? s * x[i] : a * (2 * t[i] / (1 - t[i]));
  }
}

NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const R s = (R)SCALE, a = (R)(SCALE * ALPHA), *gy = p[1], *x = p[2];
  R *gx = p[0], e[PIECE];
  (void)attr;
  for (int64_t m; n > 0; n -= m, x += m, gy += m, gx += m) {
    m = n < PIECE ? n : PIECE;
    for (int64_t i = 0; i < m; i++) e[i] = x[i] > 0 ? 0 : x[i];
    FN(nn_v_exp)(m, e, e);
    for (int64_t i = 0; i < m; i++) gx[i] = gy[i] * (x[i] > 0 ? s : a * e[i]);
  }
}

#endif
