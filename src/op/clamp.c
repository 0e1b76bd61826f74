/* op/clamp.c: y = x, but at least lo and at most hi; dx = dy where x lay between */
#ifndef R
#include <math.h>
#include <stdint.h>

#include "grad/op.h"
#include "kernel/names.h"

typedef struct clamp_attr {
  double lo, hi;
} clamp_attr;

extern const nn_op nn_op_clamp;

/* The ends of a parameter's range stand for no bound. */
static double least(const clamp_attr *a) {
  return a->lo <= -NN_REAL_MAX ? -(double)INFINITY : a->lo;
}
static double most(const clamp_attr *a) {
  return a->hi >= NN_REAL_MAX ? (double)INFINITY : a->hi;
}

/* A bound of whole numbers, rounded inwards by the caller, within the type. */
static int64_t whole(double x, bool wide) {
  const int64_t bottom = wide ? INT64_MIN : 0, top = wide ? INT64_MAX : UINT8_MAX;
  if (x <= (double)bottom) return bottom;
  return x >= (double)top ? top : (int64_t)x;
}

#define NN_SELF "op/clamp.c"
#include "kernel/each_type.h"

static const nn_param params[] = {NN_P_REAL(clamp_attr, lo, NN_P_PLACE, -NN_REAL_MAX, -NN_REAL_MAX,
                                            NN_REAL_MAX, "the least value; nil: no lower bound"),
                                  NN_P_REAL(clamp_attr, hi, NN_P_PLACE, NN_REAL_MAX, -NN_REAL_MAX,
                                            NN_REAL_MAX, "the greatest value; nil: no upper bound"),
                                  NN_P_END};

const nn_op nn_op_clamp = {
  .name = "clamp",
  .doc =
    "x, but at least lo and at most hi (hi where hi < lo), elementwise; NaN stays. The gradient "
    "passes where lo <= x <= hi and is 0 elsewhere.",
  .args = "x",
  .nin = 1,
  .attr_size = sizeof(clamp_attr),
  .params = params,
  .infer = nn_infer_same,
  .row = NN_ALL(row),
  .grad = {{.row = NN_BOTH(grad), .needs = NN_IN(0)}},
  .example = {{.inputs = "3x4", .args = "-0.4, 0.3"},
              {.inputs = "2x3", .args = "0.1"},
              {.inputs = "2x3", .args = "hi = 0.1"}},
};
#else

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const clamp_attr *a = attr;
#ifdef NN_INTEGER
  const bool wide = sizeof(R) == sizeof(int64_t);
  const R lo = (R)whole(ceil(least(a)), wide), hi = (R)whole(floor(most(a)), wide);
#else
  const R lo = (R)least(a), hi = (R)most(a);
#endif
  const R *x = p[1];
  R *y = p[0];
  for (int64_t i = 0; i < n; i++) {
    R v = x[i] < lo ? lo : x[i]; /* written so that NaN passes */
    y[i] = v > hi ? hi : v;
  }
}

#ifndef NN_INTEGER
NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const R lo = (R)least(attr), hi = (R)most(attr);
  const R *gy = p[1], *x = p[2];
  R *gx = p[0];
  for (int64_t i = 0; i < n; i++) gx[i] = x[i] >= lo && x[i] <= hi ? gy[i] : 0;
}
#endif

#endif
