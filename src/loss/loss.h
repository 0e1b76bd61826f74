/*
 * loss/loss.h: what a loss is. One file in src/loss/ ends in one nn_loss_class; losses.def lists
 * it. A loss compares a prediction with a target of the same shape, or of labels; it never
 * broadcasts.
 */
#ifndef NN_LOSS_LOSS_H
#define NN_LOSS_LOSS_H

#include "grad/op.h"

typedef struct nn_loss_class nn_loss_class;

/* A loss's struct begins with this; `reduction` is every loss's last option. */
typedef struct nn_loss {
  nn_ctx *ctx;
  const nn_loss_class *class;
  int refs;
  const char *reduction; /* "mean", "sum", "none" */
} nn_loss;

struct nn_loss_class {
  const char *name;
  const char *doc;
  size_t size;
  const nn_param *params;
  /* One of the two: of a prediction and a target, or of as many tensors as `args` names. */
  nn_status (*forward)(nn_ctx *ctx, nn_loss *l, nn_tensor *prediction, nn_tensor *target,
                       nn_tensor **out);
  nn_status (*forward_all)(nn_ctx *ctx, nn_loss *l, nn_tensor *const *in, nn_tensor **out);
  bool pure; /* checks nothing but shapes and dtypes outside its operations (optim/replay.h) */
  const char *args[NN_MAXIN]; /* NULL ends; none: "prediction", "target" */
  nn_example example[NN_MAXEXAMPLES];
};

extern const char *const nn_reductions[]; /* mean, sum, none */
#define NN_P_REDUCTION(T)                                                                    \
  {                                                                                          \
    .name = "reduction", .kind = NN_PARAM_ENUM, .offset = offsetof(T, base.reduction),       \
    .choice = "mean", .choices = nn_reductions, .doc = "what is made of the samples' losses" \
  }

/* How an op sees the reduction. */
typedef enum nn_reduction { NN_REDUCE_MEAN, NN_REDUCE_SUM, NN_REDUCE_NONE } nn_reduction;
nn_reduction nn_loss_reduction(const nn_loss *l);

/* A loss with every option at its default. */
nn_status nn_loss_new(nn_ctx *ctx, const nn_loss_class *class, nn_loss **out);
void nn_loss_release(nn_loss *l);
nn_loss *nn_loss_retain(nn_loss *l);
nn_status nn_loss_forward(nn_ctx *ctx, nn_loss *l, nn_tensor *prediction, nn_tensor *target,
                          nn_tensor **out);

/* The same for any loss: n tensors, as many as nn_loss_args names. */
nn_status nn_loss_forward_all(nn_ctx *ctx, nn_loss *l, int n, nn_tensor *const *in,
                              nn_tensor **out);
/* The names of the tensors that it compares, NULL ends. */
const char *const *nn_loss_args(const nn_loss *l);

/* For losses that are terms, one an element: applies the elementwise operation to n tensors, then
   reduces by l's reduction. */
nn_status nn_loss_of_terms(nn_ctx *ctx, nn_loss *l, const nn_op *op, const void *attr, int n,
                           nn_tensor *const *in, nn_tensor **out);
/* The same of a prediction and a target, which must have one shape. */
nn_status nn_loss_of_pair(nn_ctx *ctx, nn_loss *l, const nn_op *op, const void *attr,
                          nn_tensor *prediction, nn_tensor *target, nn_tensor **out);
/* What the reduction makes of terms (consumed, also on failure). */
nn_status nn_loss_reduce(nn_ctx *ctx, nn_loss *l, nn_tensor *terms, nn_tensor **out);
/* Fails at the first element that does not fit; `what` is "prediction" or "target", `must` says
   what fits, and the cure. */
nn_status nn_loss_each(nn_loss *l, const char *what, const nn_tensor *t, bool (*fits)(double x),
                       const char *must);
bool nn_loss_is_part(double x); /* in 0..1, or NaN, which the loss will show */
/* Fails unless there is one number, or one for each place of the last dimension. */
nn_status nn_loss_fits_last(nn_loss *l, const char *name, const nn_reals *list,
                            const nn_tensor *prediction);
/* An option's numbers as a tensor (n) of that dtype, without a gradient; none given: a scalar 1. */
nn_status nn_loss_numbers(nn_ctx *ctx, const nn_reals *list, nn_dtype dtype, nn_tensor **out);

/* Fails unless both have the same shape; names both and the likely cure. */
nn_status nn_loss_same_shape(nn_loss *l, const nn_tensor *prediction, const nn_tensor *target);

/* The registry (loss/registry.c). */
extern const nn_loss_class *const nn_losses[]; /* NULL ends */
const nn_loss_class *nn_loss_class_find(const char *name);

#endif
