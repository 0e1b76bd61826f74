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
  nn_status (*forward)(nn_ctx *ctx, nn_loss *l, nn_tensor *prediction, nn_tensor *target,
                       nn_tensor **out);
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

/* Fails unless both have the same shape; names both and the likely cure. */
nn_status nn_loss_same_shape(nn_loss *l, const nn_tensor *prediction, const nn_tensor *target);

/* The registry (loss/registry.c). */
extern const nn_loss_class *const nn_losses[]; /* NULL ends */
const nn_loss_class *nn_loss_class_find(const char *name);

#endif
