/*
 * op/pow.c: z = x^y; dx = dy y x^(y-1), dy = dz x^y log x. The same exponent for a whole run, the
 * usual case, needs no libm where it is a small whole number or a half.
 */
#ifndef R
#include "grad/op.h"
#include "kernel/names.h"
#include "kernel/vmath.h"

enum { PIECE = 256 };

extern const nn_op nn_op_pow;

#define NN_SELF "op/pow.c"
#include "kernel/each_real.h"

const nn_op nn_op_pow = {
  .name = "pow",
  .doc = "z = x^y, broadcasting. Integers give floats. The gradient by y at x = 0 is 0.",
  .args = "x, y",
  .nin = 2,
  .flags = NN_OP_PROMOTE | NN_OP_FLOAT,
  .infer = nn_infer_broadcast,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad_x), .needs = NN_IN(0) | NN_IN(1)},
           {.row = NN_BOTH(grad_y), .needs = NN_IN(0) | NN_IN(1)}},
  .example = {{.inputs = "2x3 2x3", .lo = 0.4, .hi = 2},
              {.inputs = "2x3 3", .lo = 0.4, .hi = 2},
              {.inputs = "4x1 1x3", .lo = 0.4, .hi = 2},
              {.inputs = "3 s", .lo = 0.4, .hi = 2}},
};
#else

NN_HOT static bool FN(same)(int64_t n, const R *y) {
  int differ = 0;
  for (int64_t i = 0; i < n; i++) differ |= y[i] != y[0];
  return !differ;
}

/* z = x^e where that takes a few products or a root; false: it does not. */
NN_HOT static bool FN(simple)(int64_t n, const R *x, R e, R *z) {
  if (e == 2)
    for (int64_t i = 0; i < n; i++) z[i] = x[i] * x[i];
  else if (e == 3)
    for (int64_t i = 0; i < n; i++) z[i] = x[i] * x[i] * x[i];
  else if (e == 4)
    for (int64_t i = 0; i < n; i++) z[i] = (x[i] * x[i]) * (x[i] * x[i]);
  else if (e == 1)
    for (int64_t i = 0; i < n; i++) z[i] = x[i];
  else if (e == 0)
    for (int64_t i = 0; i < n; i++) z[i] = 1;
  else if (e == -1)
    for (int64_t i = 0; i < n; i++) z[i] = 1 / x[i];
  else if (e == -2)
    for (int64_t i = 0; i < n; i++) z[i] = 1 / (x[i] * x[i]);
  else if (e == (R)0.5) /* + 0: the root of -0 is -0, its power 0 */
    for (int64_t i = 0; i < n; i++) z[i] = x[i] == -(R)INFINITY ? (R)INFINITY : sqrt(x[i]) + 0;
  else if (e == (R)-0.5)
    for (int64_t i = 0; i < n; i++) z[i] = x[i] == -(R)INFINITY ? 0 : 1 / (sqrt(x[i]) + 0);
  else
    return false;
  return true;
}

/* Any other exponents, at most PIECE of them. float: e^(y log x) in double, for x above 0. */
static void FN(general)(int64_t n, const R *x, const R *y, R *z) {
  bool plain = sizeof(R) == 4;
  for (int64_t i = 0; i < n && plain; i++) plain = x[i] > 0 && isfinite(x[i]) && isfinite(y[i]);
  if (!plain) {
    for (int64_t i = 0; i < n; i++) z[i] = pow(x[i], y[i]);
    return;
  }
  double part[PIECE];
  for (int64_t i = 0; i < n; i++) part[i] = (double)x[i];
  nn_v_log_f64(n, part, part);
  for (int64_t i = 0; i < n; i++) part[i] *= (double)y[i];
  nn_v_exp_f64(n, part, part);
  for (int64_t i = 0; i < n; i++) z[i] = (R)part[i];
}

/* z = x^(y + more); z may be x or y */
static void FN(power)(int64_t n, const R *x, const R *y, R more, R *z) {
  R e[PIECE];
  for (int64_t m; n > 0; n -= m, x += m, y += m, z += m) {
    m = n < PIECE ? n : PIECE;
    if (FN(same)(m, y) && FN(simple)(m, x, y[0] + more, z)) continue;
    for (int64_t i = 0; i < m; i++) e[i] = y[i] + more;
    FN(general)(m, x, e, z);
  }
}

static void FN(row)(int64_t n, void *const *p, const void *attr) {
  (void)attr;
  FN(power)(n, p[1], p[2], 0, p[0]);
}

NN_HOT static void FN(scale_x)(int64_t n, const R *g, const R *y, const R *part, R *d) {
  for (int64_t i = 0; i < n; i++) d[i] = y[i] == 0 ? 0 : g[i] * (y[i] * part[i]);
}

static void FN(grad_x)(int64_t n, void *const *p, const void *attr) {
  const R *g = p[1], *x = p[2], *y = p[3];
  R *d = p[0], part[PIECE];
  (void)attr;
  for (int64_t m; n > 0; n -= m, g += m, x += m, y += m, d += m) {
    m = n < PIECE ? n : PIECE;
    FN(power)(m, x, y, -1, part);
    FN(scale_x)(m, g, y, part, d);
  }
}

NN_HOT static void FN(scale_y)(int64_t n, const R *g, const R *x, const R *part, const R *logs,
                               R *d) {
  for (int64_t i = 0; i < n; i++) d[i] = x[i] == 0 ? 0 : g[i] * (part[i] * logs[i]);
}

static void FN(grad_y)(int64_t n, void *const *p, const void *attr) {
  const R *g = p[1], *x = p[2], *y = p[3];
  R *d = p[0], part[PIECE], logs[PIECE];
  (void)attr;
  for (int64_t m; n > 0; n -= m, g += m, x += m, y += m, d += m) {
    m = n < PIECE ? n : PIECE;
    FN(power)(m, x, y, 0, part);
    FN(nn_v_log)(m, x, logs);
    FN(scale_y)(m, g, x, part, logs, d);
  }
}

#endif
