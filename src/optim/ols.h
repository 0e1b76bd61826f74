/* optim/ols.h: least squares in one step. */
#ifndef NN_OPTIM_OLS_H
#define NN_OPTIM_OLS_H

#include "tensor/tensor.h"

/*
 * w and b with the least sum of (X w + b - y)^2. X: (n, d) or (n); y: (n) or (n, k), of one floating
 * dtype. w: (d, k) without the dimensions that X or y has not; b: (k) or a scalar, NULL without
 * `intercept`. Where the columns of X depend on each other, the shortest such w.
 */
nn_status nn_ols(nn_ctx *ctx, const nn_tensor *x, const nn_tensor *y, bool intercept, nn_tensor **w,
                 nn_tensor **b);

#endif
