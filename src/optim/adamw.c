/*
 * optim/adamw.c: AdamW (Loshchilov and Hutter 2019): Adam's update on weights that shrink by lr
 * weight_decay at each step. The decay does not enter the gradient, so it is not divided by the root
 * and acts on all weights alike.
 */
#include "kernel/names.h"
#include "optim/adam.h"

extern const nn_optim_class nn_optim_adamw;

static const char *const names[] = {"pytorch", "keras", NULL};

static const nn_param params[] = {
  NN_HYPER_DECAY(nn_adam, 1e-3, 0.01, "weights shrink by lr weight_decay w at each step"),
  NN_ADAM_PARAMS, NN_HYPER_CONVENTION(nn_adam, names), NN_P_END};

static const nn_default defaults[] = {
  {"keras", "weight_decay", {0.004}}, {"keras", "eps", {1e-7}}, {NULL, NULL, {0}}};

const nn_optim_class nn_optim_adamw = {
  .name = "AdamW",
  .doc = "w -= lr weight_decay w, then Adam's update without decay in the gradient.",
  .size = sizeof(nn_adam),
  .params = params,
  .defaults = defaults,
  .slots = {"m", "v", "max_v"},
  .decoupled = true,
  .uses = nn_adam_uses,
  .prepare = nn_adam_prepare,
  .update = NN_BOTH(nn_adam_update),
  .taken = nn_adam_taken,
  .formula = nn_adam_formula,
};
