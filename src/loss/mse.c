/* loss/mse.c: the mean of squared differences; "mean" is the chapter's (1/n) sum (p - t)^2. dp =
   2 (p - t) dy / n. */
#ifndef R
#include "kernel/names.h"
#include "kernel/reduce.h"
#include "loss/loss.h"

typedef struct mse {
  nn_loss base;
} mse;

typedef struct mse_attr {
  nn_reduction reduction;
} mse_attr;

extern const nn_loss_class nn_loss_mse;

static double weight_of(const nn_call *c) {
  const mse_attr *a = c->attr;
  return a->reduction == NN_REDUCE_MEAN ? 1 / (double)c->in[0]->numel : 1;
}

#define NN_SELF "loss/mse.c"
#include "kernel/each_real.h"

static nn_status infer(const nn_call *c) {
  const mse_attr *a = c->attr;
  nn_shape none = {0};
  nn_value_set(c->out, c->in[0]->dtype, a->reduction == NN_REDUCE_NONE ? &c->in[0]->shape : &none);
  return NN_OK;
}

static const nn_op op = {
  .name = "MSELoss",
  .nin = 2,
  .saves = NN_IN(0) | NN_IN(1),
  .attr_size = sizeof(mse_attr),
  .infer = infer,
  .forward = NN_BOTH(forward),
  .backward = NN_BOTH(backward),
};

static nn_status loss_forward(nn_ctx *ctx, nn_loss *l, nn_tensor *prediction, nn_tensor *target,
                              nn_tensor **out) {
  mse_attr attr = {nn_loss_reduction(l)};
  nn_tensor *in[2] = {prediction, target};
  *out = NULL;
  NN_TRY(nn_loss_same_shape(l, prediction, target));
  return nn_apply(ctx, &op, &attr, 2, in, out);
}

static const nn_param params[] = {NN_P_REDUCTION(mse), NN_P_END};

const nn_loss_class nn_loss_mse = {
  .name = "MSELoss",
  .doc =
    "(1/n) sum (prediction - target)^2 over all n elements, both of the same shape; it never "
    "broadcasts. The gradient is 2 (prediction - target) / n, and the best constant is the mean.",
  .size = sizeof(mse),
  .params = params,
  .forward = loss_forward,
  .pure = true,
  .example = {{.inputs = "4x3 4x3"},
              {.inputs = "4 4", .args = "reduction = \"sum\""},
              {.inputs = "2x2 2x2", .args = "reduction = \"none\""}},
};
#else

NN_HOT static double FN(total)(int64_t n, const R *p, const R *t) {
  enum { LANES = 16 };
  double lane[LANES] = {0}, sum = 0;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) {
      R d = p[i + l] - t[i + l];
      lane[l] += (double)(d * d);
    }
  const int used = n < LANES ? (int)n : LANES;
  for (int l = 0; i < n; i++, l++) lane[l] += (double)((p[i] - t[i]) * (p[i] - t[i]));
  for (int l = 0; l < used; l++) sum += lane[l];
  return sum;
}

static nn_status FN(forward)(const nn_call *c) {
  const mse_attr *a = c->attr;
  const R *p = nn_data(c->in[0]), *t = nn_data(c->in[1]);
  R *y = nn_data(c->out);
  if (a->reduction == NN_REDUCE_NONE)
    for (int64_t i = 0; i < c->in[0]->numel; i++) y[i] = (p[i] - t[i]) * (p[i] - t[i]);
  else
    *y = (R)(weight_of(c) * FN(total)(c->in[0]->numel, p, t));
  return NN_OK;
}

/* step 0: one dy for all elements */
NN_HOT static void FN(grad)(int64_t n, const R *p, const R *t, const R *gy, int64_t step, R w,
                            bool add, R *g) {
  for (int64_t i = 0; i < n; i++) g[i] = (add ? g[i] : 0) + w * gy[i * step] * (p[i] - t[i]);
}

static nn_status FN(backward)(const nn_call *c) {
  const mse_attr *a = c->attr;
  const R *p = nn_data(c->in[0]), *t = nn_data(c->in[1]), *gy = nn_data(c->gout);
  int64_t n = c->in[0]->numel, step = a->reduction == NN_REDUCE_NONE;
  R w = (R)(2 * weight_of(c));
  if (c->gin[0]) FN(grad)(n, p, t, gy, step, w, c->add[0], nn_data(c->gin[0]));
  if (c->gin[1]) FN(grad)(n, p, t, gy, step, -w, c->add[1], nn_data(c->gin[1]));
  return NN_OK;
}

#endif
