/*
 * layer/swish.c: y = x s with s = sigmoid(beta x); dx = dy s (1 + beta x (1 - s)).
 * Ramachandran, Zoph, Le: "Searching for activation functions", 2017.
 */
#ifndef R
#include "kernel/names.h"
#include "kernel/vmath.h"
#include "layer/layer.h"

typedef struct swish {
  nn_layer base;
  double beta;
} swish;

extern const nn_layer_class nn_layer_swish;

enum {
  PIECE = 256
}; /* elements whose s stays in the cache; y may be x, so s cannot be kept in y */

#define NN_SELF "recipe/swish.c" /* the file's own path: in src/layer/ it is "layer/swish.c" */
#include "kernel/each_real.h"

static const nn_op op = {
  .name = "swish",
  .nin = 1,
  .infer = nn_infer_same,
  .attr_size = sizeof(double),
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad), .needs = NN_IN(0)}},
};

static const nn_param params[] = {
  NN_P_REAL(swish, beta, NN_P_PLACE, 1, 0, 100, "how steep it is; 0 gives x / 2"), NN_P_END};

const nn_layer_class nn_layer_swish = {
  .name = "Swish",
  .doc = "x sigmoid(beta x), elementwise.",
  .size = sizeof(swish),
  .params = params,
  .op = &op,
  .attr_offset = offsetof(swish, beta),
  .example = {{.inputs = "2x3"}, {.inputs = "2x3x2", .args = "2.5"}},
};
#else

/* s = sigmoid(beta x), at most PIECE of them */
static void FN(gate)(int64_t n, R beta, const R *x, R *s) {
  for (int64_t i = 0; i < n; i++) s[i] = beta * x[i];
  FN(nn_v_sigmoid)(n, s, s);
}

/* p: the output, the input */
NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R beta = (R) * (const double *)attr, *x = p[1];
  R *y = p[0], s[PIECE];
  for (int64_t m; n > 0; n -= m, x += m, y += m) {
    m = n < PIECE ? n : PIECE;
    FN(gate)(m, beta, x, s);
    for (int64_t i = 0; i < m; i++) y[i] = x[i] * s[i];
  }
}

/* p: the input's gradient, the output's gradient, then what .needs names */
NN_HOT static void FN(grad)(int64_t n, void *const *p, const void *attr) {
  const R beta = (R) * (const double *)attr, *gy = p[1], *x = p[2];
  R *gx = p[0], s[PIECE];
  for (int64_t m; n > 0; n -= m, x += m, gy += m, gx += m) {
    m = n < PIECE ? n : PIECE;
    FN(gate)(m, beta, x, s);
    for (int64_t i = 0; i < m; i++) gx[i] = gy[i] * (s[i] * (1 + beta * x[i] * (1 - s[i])));
  }
}

#endif
