/*
 * kernel/fold.h: reductions along an axis of a dense array, made of two functions: what a
 * contiguous piece gives, and how what two neighbouring pieces gave is joined.
 *
 * Pieces have a fixed size and are joined in order, so the bits do not depend on the threads. Lines
 * that are not contiguous are gathered, sixteen at a time.
 */
#ifndef NN_KERNEL_FOLD_H
#define NN_KERNEL_FOLD_H

#include "tensor/tensor.h"

/* What is known of a run of elements; each reduction lays its own struct over it. */
typedef union nn_fold_state {
  double real[3];
  int64_t whole[3];
} nn_fold_state;

typedef struct nn_fold {
  size_t size; /* bytes of an element */
  /* The state of n elements, 0 too; some thousand at most. */
  void (*piece)(int64_t n, const void *x, const void *arg, void *state);
  /* Adds to `into`, of m elements, the n that follow. */
  void (*join)(void *into, int64_t m, const void *from, int64_t n);
  /* Writes the result of a line, counted from 0 in the order of (outer, inner). Called from several
     threads, a line once. */
  void (*end)(const void *state, int64_t n, int64_t line, const void *out);
} nn_fold;

/* `arg` and `out` are handed to the functions as they are. Fails on Ctrl-C only. */
nn_status nn_fold_along(nn_ctx *ctx, const nn_fold *f, const nn_axis *a, const void *x,
                        const void *arg, const void *out);

#endif
