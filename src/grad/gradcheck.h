/*
 * grad/gradcheck.h: holds a function's gradients against differences of its values.
 *
 * For y = f(x) and a seed s of y's shape, the gradient of sum(s y) by every element of every input
 * that requires one is compared with central differences of fourth order,
 * (8 (F(x+h) - F(x-h)) - (F(x+2h) - F(x-2h))) / 12h, all in float64.
 *
 * The random streams stand at the same place before each evaluation, so that a dropout keeps its
 * mask; afterwards they stand where one evaluation leaves them. No leaf's own gradient changes, and
 * the inputs end with the values they had, also after a failure.
 */
#ifndef NN_GRAD_GRADCHECK_H
#define NN_GRAD_GRADCHECK_H

#include "tensor/tensor.h"

/* y = f(x): *y is a new reference to a float64 tensor, NULL on failure. It must be a function of
   x and `user` alone, and of the same shape each time; f may also read the tensors x by other
   ways, as a layer reads its parameters. */
typedef nn_status (*nn_gradcheck_fn)(nn_ctx *ctx, void *user, nn_tensor *const *x, nn_tensor **y);

typedef struct nn_gradcheck_report {
  int64_t checked; /* how many elements were compared */
  double error;    /* the worst relative error; infinite where one side is not finite */
  int input;       /* where it is: which input (from 0), ... */
  int64_t element; /* ... which element, in row-major order (from 0) */
  double analytic, numeric;
} nn_gradcheck_report;

/* Compares the gradients of f at x[0..n-1]. Inputs that require a gradient must be float64
   leaves; the others are only handed on. `seed` has y's shape; NULL: numbers of both signs
   between 1/2 and 3/2 in size, always the same. `step` is h; 0: 1e-4. A function with a kink
   within 2 h of x is not differentiable here, and differs.  The relative error is |a - m| /
   max(|a|, |m|), where of |a - m| is first taken what rounding in the values of y can explain;
   it has a sign in view: a gradient of the wrong sign has error 2. Returns NN_OK when everything
   was computed, whatever the error is; NN_ETYPE for inputs or outputs of another kind, NN_ESHAPE
   for a seed that does not fit, and what f or backward returned when they failed. */
nn_status nn_gradcheck(nn_ctx *ctx, nn_gradcheck_fn f, void *user, int n, nn_tensor *const *x,
                       nn_tensor *seed, double step, nn_gradcheck_report *report);

#endif
