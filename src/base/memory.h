/*
 * base/memory.h: all memory of the core. Counted, limited, pooled, 64-byte aligned.
 *
 * A block is given back with the size it was asked for, so blocks carry no header. Freed blocks
 * wait in lists by size class (eight classes to a power of two), newest first; the pool keeps no
 * more than the process has already needed at its peak, or 64 MiB. Only the thread that owns the
 * context allocates.
 */
#ifndef NN_BASE_MEMORY_H
#define NN_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct nn_ctx nn_ctx;

enum { NN_MEM_ALIGN = 64, NN_MEM_CLASSES = 320 };

typedef struct nn_memory {
  size_t live;       /* bytes in use, rounded up to their class */
  size_t peak;       /* the most that `live` has been */
  size_t pooled;     /* bytes waiting in the pool */
  size_t limit;      /* live + pooled never pass it */
  uint64_t requests; /* calls of nn_mem_take */
  uint64_t mallocs;  /* of these, how many went to the system: constant in a steady training loop */
  int64_t
    fail_in; /* tests: the request that many calls from now fails (0: the next one); < 0: never */
  void *pool[NN_MEM_CLASSES];
} nn_memory;

/* Sets the counters to nought and the limit to 90 % of the least of RAM, cgroup and RLIMIT_AS. */
void nn_mem_init(nn_memory *m);

/* A block of at least `bytes` (0 counts as 1), contents undefined. NULL with the text set: no
   memory or over the limit. */
void *nn_mem_take(nn_ctx *ctx, size_t bytes);
/* The same, filled with zeros. */
void *nn_mem_take_zero(nn_ctx *ctx, size_t bytes);
/* Gives a block back; `bytes` as asked for. NULL is fine. */
void nn_mem_give(nn_ctx *ctx, void *p, size_t bytes);
/* Returns the pool to the system. */
void nn_mem_flush(nn_memory *m);
/* What a request of `bytes` really occupies. */
size_t nn_mem_rounded(size_t bytes);

#endif
