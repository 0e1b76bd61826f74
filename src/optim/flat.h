/*
 * optim/flat.h: all parameters as one vector, for optimizers that drive a closure. A vector is a
 * slot; the weights themselves come and go by copy, whatever their strides. Frozen parameters are
 * neither read nor moved: their part of every vector stays zero.
 */
#ifndef NN_OPTIM_FLAT_H
#define NN_OPTIM_FLAT_H

#include "optim/optim.h"

/* slot k = the weights */
nn_status nn_flat_load(nn_ctx *ctx, nn_optim *o, int k);
/* The weights = slot k, where a write counts as a change in place. */
nn_status nn_flat_store(nn_ctx *ctx, nn_optim *o, int k);
/* slot k = the gradient; 0 where there is none */
nn_status nn_flat_gradient(nn_ctx *ctx, nn_optim *o, int k);
/* slot y = slot x */
void nn_flat_copy(nn_optim *o, int x, int y);
/* slot y += c slot x; of parameter i alone */
void nn_flat_axpy(nn_optim *o, double c, int x, int y);
void nn_flat_axpy_at(nn_optim *o, int i, double c, int x, int y);
/* slot x *= c */
void nn_flat_scale(nn_optim *o, double c, int x);
double nn_flat_dot(const nn_optim *o, int x, int y);
/* The sum and the largest of the absolute values; the latter NaN when one is. */
double nn_flat_sum_abs(const nn_optim *o, int x);
double nn_flat_max_abs(const nn_optim *o, int x);
/* Where parameter i stands in slot k. */
void *nn_flat_at(const nn_optim *o, int i, int k);
/* Whether parameter i takes part. */
bool nn_flat_has(const nn_optim *o, int i);

#endif
