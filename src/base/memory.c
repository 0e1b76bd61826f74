/* base/memory.c: see memory.h. The only file of the core that calls the system's allocator. */
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/context.h"

/* A pooled block must look freed to AddressSanitizer, but for the link in its first word. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define HIDE(p, n) ASAN_POISON_MEMORY_REGION((char *)(p) + sizeof(void *), (n) - sizeof(void *))
#define SHOW(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define HIDE(p, n) ((void)0)
#define SHOW(p, n) ((void)0)
#endif

/* Kept out of nn_mem_take and nn_mem_give, which would save registers for it at each call. */
#define RARE __attribute__((cold, noinline))

enum { MIB = 1 << 20 };
static const size_t POOL_ALWAYS = 64 * (size_t)MIB;
static const size_t LARGEST = (size_t)1 << 46;

/* Eight classes to a doubling: 64, 128, ... 512, 576, 640, ... 1024, 1152, ... Waste is at most
   an eighth. */
static int class_of(size_t bytes, size_t *size) {
  if (bytes <= 512) {
    size_t units = bytes ? (bytes + 63) / 64 : 1;
    *size = units * 64;
    return (int)units - 1;
  }
  int k = 63 -
          __builtin_clzll((unsigned long long)(bytes - 1)); /* 2^k < bytes <= 2^(k+1), k >= 9 */
  size_t eighth = ((bytes - 1) >> (k - 3)) - 8;             /* 0..7 */
  *size = (eighth + 9) << (k - 3);
  return 8 + (k - 9) * 8 + (int)eighth;
}

size_t nn_mem_rounded(size_t bytes) {
  size_t size = 0;
  if (bytes <= LARGEST) class_of(bytes, &size);
  return size;
}

static size_t read_limit(const char *path) {
  char text[32] = "";
  FILE *f = fopen(path, "re");
  if (!f) return SIZE_MAX;
  const char *line = fgets(text, sizeof text, f);
  fclose(f);
  unsigned long long v = line ? strtoull(text, NULL, 10) : 0; /* "max" of cgroup 2 is no number */
  return v > 0 ? (size_t)v : SIZE_MAX;
}

static size_t default_limit(void) {
  size_t least = SIZE_MAX;
  long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  if (pages > 0 && page > 0) least = (size_t)pages * (size_t)page;
  const char *const files[] = {"/sys/fs/cgroup/memory.max",
                               "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    size_t v = read_limit(files[i]);
    if (v < least) least = v;
  }
  struct rlimit r;
  if (getrlimit(RLIMIT_AS, &r) == 0 && r.rlim_cur != RLIM_INFINITY && (size_t)r.rlim_cur < least)
    least = (size_t)r.rlim_cur;
  return least == SIZE_MAX ? SIZE_MAX : least / 10 * 9;
}

void nn_mem_init(nn_memory *m) {
  *m = (nn_memory){.limit = default_limit(), .fail_in = -1};
}

RARE static void *refuse(nn_ctx *ctx, size_t bytes) {
  nn_memory *m = &ctx->mem;
  nn_fail(ctx, NN_ENOMEM,
          "not enough memory: asked for %.1f MiB, %.1f MiB live, the limit is %.1f MiB "
          "(nnlua --memory, or nn.memory_limit, sets it)",
          (double)bytes / MIB, (double)m->live / MIB, (double)m->limit / MIB);
  return NULL;
}

/* Large blocks in large pages where the system has them (classes from 16 MiB on are whole ones): the first
   touch takes a fifth of the time, and a page's end stops the processor's prefetching less often. */
static void *allocate(size_t size) {
  enum { PAGE = 2 * MIB };
  if (size < 8 * (size_t)PAGE) return aligned_alloc(NN_MEM_ALIGN, size);
  void *p = aligned_alloc(PAGE, size);
  if (p) (void)madvise(p, size, MADV_HUGEPAGE);
  return p;
}

RARE static void *from_system(nn_memory *m, size_t size) {
  if (m->live + m->pooled > m->limit - size) nn_mem_flush(m);
  void *p = allocate(size);
  if (!p && m->pooled) {
    nn_mem_flush(m);
    p = allocate(size);
  }
  if (p) m->mallocs++;
  return p;
}

void *nn_mem_take(nn_ctx *ctx, size_t bytes) {
  nn_memory *m = &ctx->mem;
  size_t size;
  m->requests++;
  if (m->fail_in >= 0 && m->fail_in-- == 0) return refuse(ctx, bytes);
  if (bytes > LARGEST) return refuse(ctx, bytes);
  int k = class_of(bytes, &size);
  if (size > m->limit || m->live > m->limit - size) return refuse(ctx, bytes);
  void *p = m->pool[k];
  if (p) {
    SHOW(p, size);
    memcpy(&m->pool[k], p, sizeof(void *));
    m->pooled -= size;
  } else if (!(p = from_system(m, size))) {
    return refuse(ctx, bytes);
  }
  m->live += size;
  if (m->live > m->peak) m->peak = m->live;
  return p;
}

void *nn_mem_take_zero(nn_ctx *ctx, size_t bytes) {
  void *p = nn_mem_take(ctx, bytes);
  if (p) memset(p, 0, bytes);
  return p;
}

void nn_mem_give(nn_ctx *ctx, void *p, size_t bytes) {
  if (!p) return;
  nn_memory *m = &ctx->mem;
  size_t size;
  int k = class_of(bytes, &size);
  m->live -= size;
  /* Full: of blocks that an earlier phase of the program left, since what is in use now fits below the
     peak. They go back to the system, and this phase's own blocks take their place. A sixteenth more
     than the peak is allowed, as small blocks come and go beside two large ones that alternate. */
  if (m->pooled + size > POOL_ALWAYS && m->live + m->pooled + size > m->peak + m->peak / 16)
    nn_mem_flush(m);
  memcpy(p, &m->pool[k], sizeof(void *));
  m->pool[k] = p;
  m->pooled += size;
  HIDE(p, size);
}

RARE void nn_mem_flush(nn_memory *m) {
  for (int k = 0; k < NN_MEM_CLASSES; k++) {
    while (m->pool[k]) {
      void *p = m->pool[k];
      memcpy(&m->pool[k], p, sizeof(void *));
      SHOW(p, NN_MEM_ALIGN);
      free(p);
    }
  }
  m->pooled = 0;
}
