/*
 * optim/optim.h: what an optimizer is. One file in src/optim/ ends in one nn_optim_class;
 * optims.def lists it.
 *
 * A class gives the update as a row over contiguous weights; the base owns everything else: the
 * parameters and their groups, flat slots (momentum and the like), step counters, weight decay, L1,
 * and one fused pass for each run of adjacent parameters. A class that must see the loss at other
 * points than the weights (L-BFGS, look-ahead, random search) drives a closure instead.
 *
 * Note [Blocks]: parameters that are not yet in a block are copied into one when an optimizer is
 * made, in its order, each in a slot of whole 64 bytes padded with zeros, and so are their
 * gradients; the tensors' storages then point there, so everybody who holds them follows. A padding
 * of zeros stays zero under every update.
 *
 * Note [Conventions]: the same name means different formulas and defaults in different libraries.
 * Where it does, the class has the option `convention`; its `defaults` list what a convention
 * changes, and options that were not given take that (nn_optim_params).
 */
#ifndef NN_OPTIM_OPTIM_H
#define NN_OPTIM_OPTIM_H

#include <float.h>

#include "base/param.h"
#include "tensor/tensor.h"

enum {
  NN_MAXSLOTS = 8,      /* that a class names */
  NN_MAXROWS = 4,       /* of these, the first ones, that an update sees */
  NN_MAXCOEF = 8,       /* numbers that a step shares */
  NN_MAXNUMBERS = 2,    /* kept for each parameter */
  NN_MAXGLOBALS = 6,    /* kept for the optimizer */
  NN_MAXPARAMS = 24,    /* options, with the end */
  NN_OPTIONS_SIZE = 256 /* bytes of their struct, at most */
};

typedef struct nn_optim_class nn_optim_class;
typedef struct nn_optim nn_optim;
typedef struct nn_replay nn_replay; /* optim/replay.h */

/* Every group's options begin with these. */
typedef struct nn_hyper {
  double lr, weight_decay, l1;
  bool decay_bias, decoupled_weight_decay;
  const char *convention; /* NULL where there is only one */
} nn_hyper;

/* n weights w and gradients g (with decay added), slots as the class named them (NULL: not in
   use). coef: what `prepare` computed. */
typedef void (*nn_update)(int64_t n, void *w, const void *g, void *const *slot, const void *hyper,
                          const double *coef);

/* Computes loss and gradients anew at the parameters as they stand. */
typedef struct nn_closure {
  nn_status (*call)(void *user, double *loss);
  void *user;
} nn_closure;

/* Text that grows by lines. */
typedef struct nn_lines {
  char *text;
  size_t size, at;
} nn_lines;

/* What a convention puts in the place of an option's default. */
typedef struct nn_default {
  const char *convention, *option;
  double value[2];
} nn_default;

struct nn_optim_class {
  const char *name;
  const char *doc;
  size_t size; /* of the options' struct, which begins with nn_hyper */
  const nn_param *params;
  const nn_default *defaults;             /* by convention; ends with convention NULL */
  const char *slots[NN_MAXSLOTS + 1];     /* names of what is kept for each weight; NULL ends */
  const char *numbers[NN_MAXNUMBERS + 1]; /* names of what is kept for each parameter */
  const char *globals[NN_MAXGLOBALS + 1]; /* names of what is kept for the whole */
  int scratch;                            /* so many of the last slots are no state */
  bool decoupled; /* weight_decay shrinks the weights instead of entering g */
  bool one_group; /* the update has no meaning group by group */
  bool pairs;     /* behind its slots it keeps pairs s1, y1, s2, y2, ... */
  /* Which of the slots these options need, a bit each; NULL: all. */
  unsigned (*uses)(const void *hyper);
  /* Completes options that stand for another one's value. NULL: none do. */
  void (*settle)(void *hyper);
  /* Checks options that depend on each other; NULL: nothing to check. */
  nn_status (*check)(nn_ctx *ctx, const void *hyper);
  /* Numbers that one step shares, in double: t is the step, from 1. NULL: none. */
  void (*prepare)(const void *hyper, int64_t t, double *number, double *coef);
  nn_update update[2];
  /* The change of a weight in the step that had these coefficients, from the gradient that entered
     it and the slots as it left them. NULL: no formula for one weight. */
  double (*taken)(const double *coef, double g, const double *slot);
  /* Whether the update, without decay, is w -= lr g and nothing else. NULL: never. */
  bool (*descends)(const void *hyper);
  /* The update as lines, with the options' numbers in it. */
  void (*formula)(const void *hyper, nn_lines *to);
  /* A step that calls the closure itself; NULL: the closure is called once, then comes the update. */
  nn_status (*drive)(nn_ctx *ctx, nn_optim *o, const nn_closure *closure, double *loss);
};

/* What the last step did with a parameter, for nn_optim_explain. */
typedef struct nn_optim_last {
  double coef[NN_MAXCOEF];
  double l2, l1, shrink; /* that entered it; shrink 1: no decoupled decay */
  uint32_t version;      /* of the gradient's storage */
} nn_optim_last;

typedef struct nn_optim_param {
  nn_tensor *t; /* one reference */
  /* its storage when the optimizer was made, to notice that it was replaced; one reference */
  nn_storage *held;
  int group;
  int64_t steps;
  double number[NN_MAXNUMBERS];
  size_t at; /* bytes from the start of each slot buffer */
  int end;   /* of a run that begins here (step.c): the parameter behind it */
  nn_optim_last last;
} nn_optim_param;

struct nn_optim {
  nn_ctx *ctx;
  const nn_optim_class *class;
  int refs;
  bool busy;  /* inside a step that calls a closure */
  bool again; /* the next update is of the same parameters as the last one, and nobody has changed
                 options, storages or slots between: not to be looked at again */
  int ngroups, nparams;
  int nslots;            /* places in `slot`: the class's, then what it added */
  size_t bytes;          /* of each slot buffer */
  void **hyper;          /* (ngroups) */
  nn_optim_param *param; /* (nparams) */
  nn_storage **slot;     /* (nslots); NULL: not needed yet, stands for zeros */
  nn_storage *dense;     /* laid out like a slot: strided weights while they are updated */
  double global[NN_MAXGLOBALS];
  nn_replay *replay; /* NULL, or how small steps are played */
};

/* The base's options, first in every class's list. */
#define NN_HYPER_REAL(T, f, d, text)                                                       \
  {                                                                                        \
    .name = #f, .kind = NN_PARAM_REAL, .offset = offsetof(T, base.f), .def = {d}, .lo = 0, \
    .hi = 1e6, .doc = text                                                                 \
  }
#define NN_HYPER_BOOL(T, f, d, text)                                                       \
  {                                                                                        \
    .name = #f, .kind = NN_PARAM_BOOL, .offset = offsetof(T, base.f), .def = {d}, .hi = 1, \
    .doc = text                                                                            \
  }
#define NN_HYPER_DECAY(T, lr0, decay0, text)                                                \
  NN_HYPER_REAL(T, lr, lr0, "learning rate"), NN_HYPER_REAL(T, weight_decay, decay0, text), \
    NN_HYPER_REAL(T, l1, 0, "L1: l1 sign(w) is added to the gradient"),                     \
    NN_HYPER_BOOL(T, decay_bias, 1, "decay and L1 act on biases (tensors of one dimension) too")
#define NN_HYPER_PARAMS(T, lr0) \
  NN_HYPER_DECAY(T, lr0, 0, "L2: weight_decay w is added to the gradient")
#define NN_HYPER_DECOUPLED(T)                 \
  NN_HYPER_BOOL(T, decoupled_weight_decay, 0, \
                "weight_decay shrinks the weights by lr weight_decay instead, as in AdamW")
#define NN_HYPER_CONVENTION(T, names)                                                    \
  {                                                                                      \
    .name = "convention", .kind = NN_PARAM_ENUM, .offset = offsetof(T, base.convention), \
    .choice = "pytorch", .choices = names, .doc = "whose formula and defaults"           \
  }
/* pytorch, keras, torch7, chapter */
extern const char *const nn_conventions[];
bool nn_follows(const void *hyper, const char *convention);

/* ---- making one ---- */

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

/* The class's options with a convention's defaults (NULL: as listed); `out` has NN_MAXPARAMS. */
void nn_optim_params(const nn_optim_class *class, const char *convention, nn_param *out);
/* Reads "lr = 0.1, convention = "keras"" over the defaults of the convention that it names. */
nn_status nn_optim_parse(nn_ctx *ctx, const nn_optim_class *class, void *hyper, const char *text);

/* ---- stepping ---- */

/* One step with the gradients that the parameters hold; those without one are skipped. An error for
   a class that drives a closure. */
nn_status nn_optim_step(nn_ctx *ctx, nn_optim *o);
/* One step of any class. *loss is the closure's: at the weights before the step, unless the class
   says otherwise. When the closure fails, or its first loss is not finite, the weights are as
   before. */
nn_status nn_optim_step_with(nn_ctx *ctx, nn_optim *o, const nn_closure *closure, double *loss);
/* Whether the next step of parameter i is t -= *rate times its gradient, and nothing else, t being a
   dense tensor; that the caller has done this, of a gradient that was never stored. */
bool nn_optim_descends(const nn_optim *o, int i, double *rate);
void nn_optim_descended(nn_optim *o, int i);
/* Forgets all gradients. */
void nn_optim_zero_grad(nn_optim *o);

/* ---- looking in ---- */

/* The places that must not be NULL get their zeros: those that the options need, and all before
   `upto`. */
nn_status nn_optim_room(nn_ctx *ctx, nn_optim *o, int upto);
/* The name of slot k: the class's, or of what it added. NULL: scratch. */
const char *nn_optim_slot_name(const nn_optim *o, int k, char *buf, size_t size);
/* The place of that name, with zeros where it was not in use yet. */
nn_status nn_optim_slot_make(nn_ctx *ctx, nn_optim *o, const char *name, int *slot);
/* A view of slot k (not NULL) of parameter i, shaped like it. */
nn_status nn_optim_slot(nn_ctx *ctx, nn_optim *o, int k, int i, nn_tensor **out);
/* "Adam({lr = 0.01})": what makes its first group again. */
const char *nn_optim_text(const nn_optim *o, char *buf, size_t size);
/* The update of a group, with its numbers. */
const char *nn_optim_formula(const nn_optim *o, int group, char *buf, size_t size);

/* The last step of one weight. */
typedef struct nn_optim_story {
  double weight, before, step; /* now; before the last step; what that step added */
  double gradient, entered;    /* as backward left it; with decay and L1 */
  double slot[NN_MAXSLOTS];
} nn_optim_story;
/* `at` counts elements of parameter i in row-major order. */
nn_status nn_optim_explain(nn_ctx *ctx, nn_optim *o, int i, int64_t at, nn_optim_story *out);

/* ---- for classes ---- */

/* What a divisor gets added: at least the least normal number, so that a weight that never had a
   gradient (and the padding) is 0 / tiny and stays, also where eps is 0 or too small for a float. */
static inline double nn_eps_f64(double eps) {
  return eps > DBL_MIN ? eps : DBL_MIN;
}
static inline float nn_eps_f32(double eps) {
  return eps > (double)FLT_MIN ? (float)eps : FLT_MIN;
}

/* Adds a line, as printf. */
void nn_line(nn_lines *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The update alone, without looking whether the class wants a closure. */
nn_status nn_optim_update(nn_ctx *ctx, nn_optim *o);

/* The registry (optim/registry.c). */
extern const nn_optim_class *const nn_optims[]; /* NULL ends */
const nn_optim_class *nn_optim_class_find(const char *name);

#endif
