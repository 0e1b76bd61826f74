/*
 * loss/poisson_nll.c: -log of the Poisson probability of the count t, but for what does not depend
 * on the prediction: e^x - t x where x is the logarithm of the rate (log_input), else x - t log(x +
 * eps). `full` adds Stirling's t log t - t + log(2 pi t) / 2 where t > 1.
 * dx = (e^x - t) dy or (1 - t / (x + eps)) dy.
 */
#ifndef R
#include "kernel/names.h"
#include "kernel/vmath.h"
#include "loss/loss.h"

typedef struct poisson_attr {
  double eps;
  bool log_input, full;
} poisson_attr;

typedef struct poisson_nll {
  nn_loss base;
  poisson_attr a;
} poisson_nll;

extern const nn_loss_class nn_loss_poisson_nll;

enum { PIECE = 256 }; /* elements whose exponentials stay in the cache */

#define NN_SELF "loss/poisson_nll.c"
#include "kernel/each_real.h"

static const nn_op op = {
  .name = "PoissonNLLLoss",
  .nin = 2,
  .attr_size = sizeof(poisson_attr),
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad_x), .needs = NN_IN(0) | NN_IN(1)},
           {.row = NN_BOTH(grad_t), .needs = NN_IN(0) | NN_IN(1)}},
};

static nn_status loss_forward(nn_ctx *ctx, nn_loss *l, nn_tensor *prediction, nn_tensor *target,
                              nn_tensor **out) {
  return nn_loss_of_pair(ctx, l, &op, &((const poisson_nll *)l)->a, prediction, target, out);
}

static const nn_param params[] = {{.name = "log_input",
                                   .kind = NN_PARAM_BOOL,
                                   .offset = offsetof(poisson_nll, a.log_input),
                                   .def = {1},
                                   .hi = 1,
                                   .doc = "the prediction is the logarithm of the rate"},
                                  {.name = "full",
                                   .kind = NN_PARAM_BOOL,
                                   .offset = offsetof(poisson_nll, a.full),
                                   .hi = 1,
                                   .doc = "add Stirling's approximation of log t!"},
                                  {.name = "eps",
                                   .kind = NN_PARAM_REAL,
                                   .offset = offsetof(poisson_nll, a.eps),
                                   .def = {1e-8},
                                   .lo = 0,
                                   .hi = NN_REAL_MAX,
                                   .doc = "keeps log 0 away where log_input = false"},
                                  NN_P_REDUCTION(poisson_nll),
                                  NN_P_END};

const nn_loss_class nn_loss_poisson_nll = {
  .name = "PoissonNLLLoss",
  .doc = "For targets t that are counts: e^x - t x, where the prediction x, of the same shape, is "
         "the logarithm of the expected count, or x - t log(x + eps) with log_input = false, where "
         "it is the count: minus the logarithm of Poisson's probability without log t!, which full "
         "= true adds by Stirling's formula t log t - t + log(2 pi t) / 2 where t > 1.",
  .size = sizeof(poisson_nll),
  .params = params,
  .forward = loss_forward,
  .example =
    {{.inputs = "4x3 4x3", .lo = 0.1, .hi = 3},
     {.inputs = "4x3 4x3", .args = "full = true, reduction = \"sum\"", .lo = 0.1, .hi = 3},
     {.inputs = "3x2 3x2", .args = "log_input = false, reduction = \"none\"", .lo = 0.1, .hi = 3}},
};
#else

/* y += t log t - t + log(2 pi t) / 2 where t > 1; at most PIECE of them */
static void FN(stirling)(int64_t n, const R *t, R *y) {
  R v[PIECE] = {0};
  const R two_pi_log = (R)1.8378770664093454836;
  for (int64_t i = 0; i < n; i++) v[i] = t[i] > 1 ? t[i] : 1;
  FN(nn_v_log)(n, v, v);
  for (int64_t i = 0; i < n; i++)
    y[i] += t[i] > 1 ? t[i] * v[i] - t[i] + (two_pi_log + v[i]) / 2 : 0;
}

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const poisson_attr *a = attr;
  const R eps = (R)a->eps, *x = p[1], *t = p[2];
  R *y = p[0], v[PIECE];
  for (int64_t m; n > 0; n -= m, x += m, t += m, y += m) {
    m = n < PIECE ? n : PIECE;
    if (a->log_input) {
      FN(nn_v_exp)(m, x, v);
      for (int64_t i = 0; i < m; i++) y[i] = v[i] - t[i] * x[i];
    } else {
      for (int64_t i = 0; i < m; i++) v[i] = x[i] + eps;
      FN(nn_v_log)(m, v, v);
      for (int64_t i = 0; i < m; i++) y[i] = x[i] - t[i] * v[i];
    }
    if (a->full) FN(stirling)(m, t, y);
  }
}

NN_HOT static void FN(grad_x)(int64_t n, void *const *p, const void *attr) {
  const poisson_attr *a = attr;
  const R eps = (R)a->eps, *gy = p[1], *x = p[2], *t = p[3];
  R *g = p[0], v[PIECE];
  for (int64_t m; n > 0; n -= m, gy += m, x += m, t += m, g += m) {
    m = n < PIECE ? n : PIECE;
    if (a->log_input) FN(nn_v_exp)(m, x, v);
    for (int64_t i = 0; i < m; i++)
      g[i] = gy[i] * (a->log_input ? v[i] - t[i] : 1 - t[i] / (x[i] + eps));
  }
}

NN_HOT static void FN(grad_t)(int64_t n, void *const *p, const void *attr) {
  const poisson_attr *a = attr;
  const R eps = (R)a->eps, *gy = p[1], *x = p[2], *t = p[3];
  R *g = p[0], v[PIECE], s[PIECE];
  for (int64_t m; n > 0; n -= m, gy += m, x += m, t += m, g += m) {
    m = n < PIECE ? n : PIECE;
    for (int64_t i = 0; i < m; i++) v[i] = a->log_input ? 1 : x[i] + eps;
    for (int64_t i = 0; i < m; i++) s[i] = t[i] > 1 ? t[i] : 1;
    FN(nn_v_log)(m, v, v);
    FN(nn_v_log)(m, s, s);
    for (int64_t i = 0; i < m; i++) {
      R more = a->full && t[i] > 1 ? s[i] + 1 / (2 * t[i]) : 0;
      g[i] = gy[i] * (more - (a->log_input ? x[i] : v[i]));
    }
  }
}

#endif
