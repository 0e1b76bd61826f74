/*
 * base/context.h: everything that would otherwise be a global. One context a Lua state; the core
 * takes it as its first argument and keeps no state elsewhere. (The exceptions are the flags
 * that a signal handler, which has no context, sets or reads.)
 */
#ifndef NN_BASE_CONTEXT_H
#define NN_BASE_CONTEXT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/status.h"

#define NN_VERSION "0.1.0"

enum { NN_ERR_SIZE = 2048 };

/* Set by the host's Ctrl-C handler; long work in the core polls it and returns NN_EINTR. */
extern volatile sig_atomic_t nn_interrupted;
/* The signal (SIGINT, SIGTERM) that asks to stop after the batch, or 0: for loops over batches, during
   which the host holds nn_interrupted back. */
extern volatile sig_atomic_t nn_stop_asked;
/* Set while such a batch can be undone (optim/train.c): then it need not be waited for long, and the
   host sets nn_interrupted too, after a moment or, for what leaves nothing to look at, at once. */
enum { NN_YIELDS_SOON = 1, NN_YIELDS_AT_ONCE = 2 };
extern volatile sig_atomic_t nn_batch_yields;

struct nn_ctx {
  char err[NN_ERR_SIZE]; /* the text of the last failure */
  nn_memory mem;
  nn_rng rng;
  struct nn_node *newest; /* autograd: live nodes, newest first (grad/graph.h) */
  size_t nodes;           /* how many there are */
  struct nn_tape *tape;   /* NULL, or what notes the kernels that run (grad/tape.h) */
  uint32_t moves;         /* how often the data of a storage got another address */
  int no_grad;            /* > 0: nothing is recorded */
  int threads;            /* the most that a kernel or BLAS may use */
  bool deterministic;     /* the same bits for any number of threads: BLAS has one */
  int real;               /* the default floating dtype: NN_F32 or NN_F64 (tensor/dtype.h) */
  bool
    reuse; /* an op may overwrite an input that nobody else holds; NNLUA_NO_REUSE=1 turns it off */
  bool undrawn; /* new layers leave their weights undefined: a file is about to bring them */
  void *host;   /* the Lua state that runs, for callbacks; the core only carries it */
};

/* Creates a context: seed 0, one thread for each core that may be used. NULL: no memory. */
nn_ctx *nn_ctx_new(void);
/* Frees it and its pool. Every object made with it must be gone. NULL is fine. */
void nn_ctx_free(nn_ctx *ctx);

/* Writes the text and returns `code`: `return nn_fail(ctx, NN_ESHAPE, "matmul: ...", ...)`. */
nn_status nn_fail(nn_ctx *ctx, nn_status code, const char *format, ...)
  __attribute__((format(printf, 3, 4)));
/* Puts "prefix: " before the text of the last failure, to say where in a model it happened. */
void nn_fail_prefix(nn_ctx *ctx, const char *prefix);
/* NN_EINTR when the user pressed Ctrl-C, else NN_OK. */
nn_status nn_poll(nn_ctx *ctx);

#endif
