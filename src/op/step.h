/* op/step.h: what step functions share: ceil, floor, round, sign. Between the steps they are constant,
   so the gradient is 0. */
#ifndef NN_OP_STEP_H
#define NN_OP_STEP_H

#include "grad/op.h"

/* The row for integers, which are whole already. */
void nn_step_stay_i64(int64_t n, void *const *p, const void *attr);
void nn_step_stay_u8(int64_t n, void *const *p, const void *attr);
/* The row of the gradient. */
void nn_step_grad_f32(int64_t n, void *const *p, const void *attr);
void nn_step_grad_f64(int64_t n, void *const *p, const void *attr);

#endif
