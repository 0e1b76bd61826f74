/* loss/l1.c: |p - t|; dp = sign(p - t) dy, dt = -dp; 0 where they are equal. */
#ifndef R
#include "kernel/names.h"
#include "loss/loss.h"

typedef struct l1 {
  nn_loss base;
} l1;

extern const nn_loss_class nn_loss_l1;

#define NN_SELF "loss/l1.c"
#include "kernel/each_real.h"

static const nn_op op = {
  .name = "L1Loss",
  .nin = 2,
  .infer = nn_infer_same,
  .row = NN_BOTH(row),
  .grad = {{.row = NN_BOTH(grad_p), .needs = NN_IN(0) | NN_IN(1)},
           {.row = NN_BOTH(grad_t), .needs = NN_IN(0) | NN_IN(1)}},
};

static nn_status loss_forward(nn_ctx *ctx, nn_loss *l, nn_tensor *prediction, nn_tensor *target,
                              nn_tensor **out) {
  return nn_loss_of_pair(ctx, l, &op, NULL, prediction, target, out);
}

static const nn_param params[] = {NN_P_REDUCTION(l1), NN_P_END};

const nn_loss_class nn_loss_l1 = {
  .name = "L1Loss",
  .doc = "|prediction - target|, the absolute error, both of the same shape: outliers weigh no "
         "more than their distance, so the best constant is the median. The gradient is the sign, "
         "0 where both are equal.",
  .size = sizeof(l1),
  .params = params,
  .forward = loss_forward,
  .example = {{.inputs = "4x3 4x3"},
              {.inputs = "4 4", .args = "reduction = \"sum\""},
              {.inputs = "2x2 2x2", .args = "reduction = \"none\""}},
};
#else

static inline R FN(option)(const void *attr) {
  (void)attr;
  return 0;
}

static inline R FN(term)(R d, R none) {
  (void)none;
  return fabs(d);
}

/* NaN stays NaN */
static inline R FN(slope)(R d, R none) {
  (void)none;
  return d > 0 ? 1 : d < 0 ? -1 : d;
}
#include "loss/difference_body.h"

#endif
