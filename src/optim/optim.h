/*
 * optim/optim.h: what an optimizer is. One file in src/optim/ ends in one nn_optim_class;
 * optims.def lists it.
 *
 * A class gives the update as a row over contiguous weights; the base owns everything else: the
 * parameters and their groups, flat slots (momentum and the like), step counters, weight decay, L1,
 * and one fused pass for each run of adjacent parameters. Note [Blocks]: parameters that are not
 * yet in a block are copied into one when an optimizer is made, in its order, each in a slot of
 * whole 64 bytes padded with zeros, and so are their gradients; the tensors' storages then point
 * there, so everybody who holds them follows. A padding of zeros stays zero under every update.
 */
#ifndef NN_OPTIM_OPTIM_H
#define NN_OPTIM_OPTIM_H

#include "base/param.h"
#include "tensor/tensor.h"

enum { NN_MAXSLOTS = 4, NN_MAXCOEF = 6 };

typedef struct nn_optim_class nn_optim_class;

/* Every group's options begin with these. */
typedef struct nn_hyper {
  double lr, weight_decay, l1;
  bool decay_bias;
} nn_hyper;

/* n weights w and gradients g (with decay added), slots as the class named them. coef: what
   `prepare` computed. */
typedef void (*nn_update)(int64_t n, void *w, const void *g, void *const *slot, const void *hyper,
                          const double *coef);

struct nn_optim_class {
  const char *name;
  const char *doc;
  size_t size; /* of the options' struct, which begins with nn_hyper */
  const nn_param *params;
  const char *slots[NN_MAXSLOTS + 1]; /* names of the state kept for each weight; NULL ends */
  bool decoupled;                     /* weight_decay is the row's own business (AdamW) */
  /* Checks options that depend on each other; NULL: nothing to check. */
  nn_status (*check)(nn_ctx *ctx, const void *hyper);
  /* Numbers that one step shares, in double: t is the step, from 1. NULL: none. */
  void (*prepare)(const void *hyper, int64_t t, double *coef);
  nn_update update[2];
};

typedef struct nn_optim_param {
  nn_tensor *t; /* one reference */
  nn_storage *
    /* its storage when the optimizer was made, to notice that it was replaced; one reference */
    held;
  int group;
  int64_t steps;
  size_t at; /* bytes from the start of each slot buffer */
} nn_optim_param;

typedef struct nn_optim {
  nn_ctx *ctx;
  const nn_optim_class *class;
  int refs;
  int ngroups, nparams, nslots;
  size_t bytes;          /* of each slot buffer */
  void **hyper;          /* (ngroups) */
  nn_optim_param *param; /* (nparams) */
  nn_storage *slot[NN_MAXSLOTS];
} nn_optim;

/* The base's options, first in every class's list. */
#define NN_HYPER_REAL(T, f, d, text)                                                       \
  {                                                                                        \
    .name = #f, .kind = NN_PARAM_REAL, .offset = offsetof(T, base.f), .def = {d}, .lo = 0, \
    .hi = 1e6, .doc = text                                                                 \
  }
#define NN_HYPER_PARAMS(T, lr0)                                                             \
  NN_HYPER_REAL(T, lr, lr0, "learning rate"),                                               \
    NN_HYPER_REAL(T, weight_decay, 0, "L2: weight_decay w is added to the gradient"),       \
    NN_HYPER_REAL(T, l1, 0, "L1: l1 sign(w) is added to the gradient"), {                   \
    .name = "decay_bias", .kind = NN_PARAM_BOOL, .offset = offsetof(T, base.decay_bias),    \
    .def = {1}, .hi = 1, .doc = "decay and L1 act on biases (tensors of one dimension) too" \
  }

/* An optimizer without groups. Add groups, then build. */
nn_status nn_optim_new(nn_ctx *ctx, const nn_optim_class *class, nn_optim **out);
/* A group of n parameters (retained) with default options; *hyper is its struct, to be set
   before build. */
nn_status nn_optim_add_group(nn_ctx *ctx, nn_optim *o, int n, nn_tensor *const *params,
                             void **hyper);
/* Checks options, packs parameters and makes the slots. */
nn_status nn_optim_build(nn_ctx *ctx, nn_optim *o);
nn_optim *nn_optim_retain(nn_optim *o);
void nn_optim_release(nn_optim *o);

/* One step with the gradients that the parameters hold; those without one are skipped. */
nn_status nn_optim_step(nn_ctx *ctx, nn_optim *o);
/* Forgets all gradients. */
void nn_optim_zero_grad(nn_optim *o);
/* A view of slot k of parameter i, shaped like it. */
nn_status nn_optim_slot(nn_ctx *ctx, nn_optim *o, int k, int i, nn_tensor **out);

/* The registry (optim/registry.c). */
extern const nn_optim_class *const nn_optims[]; /* NULL ends */
const nn_optim_class *nn_optim_class_find(const char *name);

#endif
