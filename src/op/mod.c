/* op/mod.c: z = x - floor(x / y) y, the remainder with the divisor's sign */
#ifndef R
#include <stdint.h>
#include <string.h>
#include <tgmath.h>

#include "grad/op.h"
#include "kernel/names.h"

enum { PIECE = 256 };
#define FAR 0x1p28

extern const nn_op nn_op_mod;

#define NN_SELF "op/mod.c"
#include "kernel/each_type.h"

/* p[0] is only read here; `found` is what attr points to. */
static void find_zero(int64_t n, void *const *p, const void *attr, bool wide) {
  bool *const *found = attr;
  bool any = false;
  for (int64_t i = 0; i < n; i++)
    any |= wide ? ((const int64_t *)p[0])[i] == 0 : ((const uint8_t *)p[0])[i] == 0;
  if (!any) return;
#pragma omp atomic write
  **found = true;
}
static void zero_i64(int64_t n, void *const *p, const void *attr) {
  find_zero(n, p, attr, true);
}
static void zero_u8(int64_t n, void *const *p, const void *attr) {
  find_zero(n, p, attr, false);
}

/* Integers have no remainder by 0, which would stop the program: rows cannot refuse, so it is
   looked for first. */
static nn_status infer(const nn_call *c) {
  const nn_value *y = c->in[1];
  bool zero = false, *found = &zero;
  NN_TRY(nn_infer_broadcast(c));
  if (nn_is_real(y->dtype) || c->out->numel == 0) return NN_OK;
  NN_TRY(nn_walk(c->ctx, y->dtype == NN_I64 ? zero_i64 : zero_u8, &found, 1, &y, 0));
  return zero ? nn_fail(c->ctx, NN_EVALUE, "mod: integer modulo zero") : NN_OK;
}

const nn_op nn_op_mod = {
  .name = "mod",
  .doc =
    "z = x % y = x - floor(x / y) y, broadcasting, as Lua's %: the remainder has the sign of y. "
    "Integers modulo 0 are an error, floats give NaN.",
  .args = "x, y",
  .nin = 2,
  .flags = NN_OP_PROMOTE,
  .infer = infer,
  .row = NN_ALL(row),
  .grad = {{.pass = true}, {.row = NN_BOTH(grad_y), .needs = NN_IN(0) | NN_IN(1)}},
  .example = {{.inputs = "2x3 2x3", .lo = 0.4, .hi = 2},
              {.inputs = "2x3 3", .lo = -2, .hi = -0.4},
              {.inputs = "4x1 1x3"},
              {.inputs = "3 s"}},
};
#else

static inline R FN(remainder)(R x, R y) {
#ifdef NN_INTEGER
  R m = (uint64_t)y + 1 == 0 ? 0 : (R)(x % y); /* the least number by -1 would overflow */
  const bool apart = ((uint64_t)m ^ (uint64_t)y) >> 63 != 0;
#else
  R m = fmod(x, y);
  const bool apart = (m < 0) != (y < 0);
#endif
  return m == 0 ? 0 : apart ? (R)(m + y) : m;
}

#ifdef NN_INTEGER
static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1], *y = p[2];
  R *z = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) z[i] = FN(remainder)(x[i], y[i]);
}
#else
/* By the quotient in double: a float's is exact enough below 2^28. Returns whether all were. */
NN_HOT static bool FN(by_quotient)(int64_t n, const R *x, const R *y, R *z) {
  int far = 0;
  for (int64_t i = 0; i < n; i++) {
    double a = (double)x[i], b = (double)y[i], q = a / b;
    far |= !(fabs(q) < FAR && fabs(b) < HUGE_VAL);
    z[i] = (R)(a - floor(q) * b + 0);
  }
  return !far;
}

static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1], *y = p[2];
  R *z = p[0], part[PIECE];
  (void)attr;
  for (int64_t m; n > 0; n -= m, x += m, y += m, z += m) {
    m = n < PIECE ? n : PIECE;
    bool quick = sizeof(R) == 4;
    if (!quick || !FN(by_quotient)(m, x, y, part))
      for (int64_t i = 0; i < m; i++)
        if (!quick || !(fabs((double)x[i] / (double)y[i]) < FAR && fabs(y[i]) < (R)HUGE_VAL))
          part[i] = FN(remainder)(x[i], y[i]);
    memcpy(z, part, (size_t)m * sizeof(R));
  }
}
#endif

#ifndef NN_INTEGER
/* d/dy (x - floor(x / y) y), with the quotient that the remainder left */
static void FN(grad_y)(int64_t n, void *const *p, const void *attr) {
  const R *g = p[1], *x = p[2], *y = p[3];
  R *d = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) d[i] = -g[i] * rint((x[i] - FN(remainder)(x[i], y[i])) / y[i]);
}
#endif

#endif
