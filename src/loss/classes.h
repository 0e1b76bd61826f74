/*
 * loss/classes.h: what losses over classes share. Scores are N x C, or N x C x d1 x ... with a label
 * for each place; inside they are always rows of C scores.
 */
#ifndef NN_LOSS_CLASSES_H
#define NN_LOSS_CLASSES_H

#include "loss/loss.h"

/* Fails unless the scores are N x C x ... and the target int64 labels N x ..., or, where
   `probabilities`, floating of the scores' shape. */
nn_status nn_classes_check(nn_loss *l, const nn_tensor *scores, const nn_tensor *target,
                           bool probabilities);
/* Fails unless an option gives a number for each of the classes, or none. */
nn_status nn_classes_weight(nn_loss *l, const nn_reals *weight, int64_t classes);
/* N x C x d1 ... as (N d1 ..., C), differentiable; and back: rows' losses as N x d1 ... (consumed,
   also on failure). */
nn_status nn_classes_rows(nn_ctx *ctx, nn_tensor *scores, nn_tensor **rows);
nn_status nn_classes_unfold(nn_ctx *ctx, nn_tensor *losses, const nn_tensor *scores,
                            nn_tensor **out);
/* Fails at a label outside 1..classes other than `ignore`, with the likely cure. */
nn_status nn_classes_labels(nn_ctx *ctx, const char *owner, const int64_t *label, int64_t rows,
                            int64_t classes, int64_t ignore);

#endif
