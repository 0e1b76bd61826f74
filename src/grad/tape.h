/*
 * grad/tape.h: what a training step called, to call it again. While ctx->tape is set, nn_apply and
 * backward note every kernel that they run, with its operands and their memory, which the tape keeps;
 * playing it runs the same kernels over the same memory, without checks, shapes, nodes or allocations.
 * For networks so small that these are most of the cost (optim/replay.h).
 */
#ifndef NN_GRAD_TAPE_H
#define NN_GRAD_TAPE_H

#include "grad/op.h"
#include "kernel/gemm.h"

typedef struct nn_tape nn_tape;

/* An empty one; NULL: no memory, with the text set. */
nn_tape *nn_tape_new(nn_ctx *ctx);
void nn_tape_free(nn_tape *t);

/* The notes. They never fail: a tape without memory for one is void. */
void nn_tape_walk(nn_tape *t, nn_row row, const void *attr, size_t attr_size, int n,
                  const nn_value *const *v, unsigned flags);
void nn_tape_copy(nn_tape *t, const nn_value *dst, const nn_value *src);
void nn_tape_sum_to(nn_tape *t, const nn_value *dst, const nn_value *src, bool add);
/* A kernel, forward or backward; nothing where its operation notes its parts. */
void nn_tape_kernel(nn_tape *t, nn_kernel kernel, const nn_call *c);
/* A leaf whose gradient backward has begun to write. */
void nn_tape_leaf(nn_tape *t, nn_tensor *leaf);
/* Something that a tape cannot say again. */
void nn_tape_spoil(nn_tape *t);

/* What the kernels of an operation with NN_OP_PARTS are made of: these run, and are noted if there is a
   tape. nn_part calls row(v[0]->numel, addresses, attr) once, over n dense values. */
void nn_part(nn_ctx *ctx, nn_row row, const void *attr, size_t attr_size, int n,
             const nn_value *const *v);
nn_status nn_part_walk(nn_ctx *ctx, nn_row row, int n, const nn_value *const *v);
void nn_part_product(nn_ctx *ctx, const nn_gemm_job *j, const nn_value *c, const nn_value *a,
                     const nn_value *b);

/* Whether all is on it. */
bool nn_tape_whole(const nn_tape *t);
/* How many notes there are, and the bytes of the memory that they keep. */
int nn_tape_length(const nn_tape *t);
size_t nn_tape_bytes(const nn_tape *t);
/* From now on operands in the storage of one of the n values are read from where that value then
   lies: nn_tape_move says it, for the same n, before each time the tape is played; NULL after it. The
   tape no longer keeps those storages. */
void nn_tape_bind(nn_tape *t, int n, const nn_value *const *v);
void nn_tape_move(nn_tape *t, const nn_value *const *v);

/* Runs notes from .. to - 1, without the direct late products unless `late`. */
nn_status nn_tape_play(nn_tape *t, int from, int to, bool late);
/* Marks the gradients of the leaves as there, or as void; without `late` those of direct products as they
   are. */
void nn_tape_mark(nn_tape *t, bool there, bool late);

/* A late product is the whole gradient of a leaf, larger than its operands, which nothing behind it
   changes. */
typedef struct nn_late {
  nn_tensor *leaf;
  const struct note *note;
  bool direct;  /* it may as well be added to the leaf at once (nn_gemm_job's `rounds`) */
  bool of_data; /* B lies in the first of the values that move (nn_tape_bind) */
  int param;    /* for the caller: who the leaf is, and its learning rate */
  float rate;
} nn_late;
/* The tape's, *n of them; they are looked for at the first question. */
nn_late *nn_tape_late(nn_tape *t, int *n);
/* What no element of it can pass in size; infinite or NaN where an operand has such an element. No
   element of the first value that moves passes `data`. */
double nn_late_bound(const nn_late *l, double data);
/* Computes it, as the gradient that it is; as leaf -= rate times it. */
void nn_late_run(const nn_late *l);
void nn_late_descend(const nn_late *l);

#endif
