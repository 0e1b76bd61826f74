/* optim/adam.h: what Adam and AdamW share: options, coefficients and rows (adam.c). */
#ifndef NN_OPTIM_ADAM_H
#define NN_OPTIM_ADAM_H

#include "optim/optim.h"

typedef struct nn_adam {
  nn_hyper base;
  double betas[2], eps;
  bool amsgrad;
} nn_adam;

#define NN_ADAM_PARAMS                                               \
  NN_P_PAIR(nn_adam, betas, NN_P_BELOW_HI, 0.9, 0.999, 0, 1,         \
            "decay of the mean of gradients, and of their squares"), \
    NN_P_REAL(nn_adam, eps, 0, 1e-8, 0, 1, "added to the root"),     \
    NN_P_BOOL(nn_adam, amsgrad, false, "use the largest mean of squares so far")

void nn_adam_prepare(const void *hyper, int64_t t, double *number, double *coef);
double nn_adam_taken(const double *coef, double g, const double *slot);
unsigned nn_adam_uses(const void *hyper);
void nn_adam_formula(const void *hyper, nn_lines *to);
void nn_adam_update_f32(int64_t n, void *w, const void *g, void *const *slot, const void *hyper,
                        const double *coef);
void nn_adam_update_f64(int64_t n, void *w, const void *g, void *const *slot, const void *hyper,
                        const double *coef);

#endif
