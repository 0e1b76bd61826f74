/*
 * heap.c: Lua's small blocks from free lists of our own, newest first. A loop over tensors makes and
 * drops a userdata at every operation, and malloc would hand out blocks that have long left the cache.
 *
 * The lists live in one region of addresses, which is touched as it is needed, so that a block's
 * origin is told by its address. What does not fit there, and all that is larger, is left to the
 * allocator that the state was made with. Memory of the region is used again, never given back.
 */
#include <lua.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "host/host.h"

#ifdef __SANITIZE_ADDRESS__
enum { WATCHED = 1 }; /* malloc's blocks are */
#else
enum { WATCHED = 0 };
#endif

enum { UNIT = 16, LARGEST = 256, CLASSES = LARGEST / UNIT };
static const size_t REGION = (size_t)64 << 20;

/* At the region's start. */
typedef struct heap {
  lua_Alloc other;
  void *ud;
  char *next, *end; /* what was never handed out */
  void *freed[CLASSES];
} heap;

static size_t class_of(size_t n) {
  return (n - 1) / UNIT;
}

/* NULL: the region is full. */
static void *take(heap *h, size_t n) {
  size_t k = class_of(n), size = (k + 1) * UNIT;
  void *block = h->freed[k];
  if (block) {
    memcpy(&h->freed[k], block, sizeof(void *));
  } else if ((size_t)(h->end - h->next) >= size) {
    block = h->next;
    h->next += size;
  }
  return block;
}

static void give(heap *h, void *block, size_t n) {
  size_t k = class_of(n);
  memcpy(block, &h->freed[k], sizeof(void *));
  h->freed[k] = block;
}

/* A lua_Alloc. A block that only shrinks must not fail: it stays where it is then. */
static void *allocate(void *ud, void *old, size_t before, size_t n) {
  heap *h = ud;
  bool ours = (char *)old > (char *)h && (char *)old < h->end;
  if (!ours && (old || n == 0 || n > LARGEST)) return h->other(h->ud, old, before, n);
  if (n == 0) {
    give(h, old, before);
    return NULL;
  }
  if (old && n <= LARGEST && class_of(n) == class_of(before)) return old;
  void *block = n <= LARGEST ? take(h, n) : NULL;
  if (!block) block = h->other(h->ud, NULL, 0, n);
  if (!block) return old && n <= before ? old : NULL;
  if (old) {
    memcpy(block, old, before < n ? before : n);
    give(h, old, before);
  }
  return block;
}

void host_heap_use(lua_State *L) {
  struct rlimit addresses;
  if (WATCHED) return;
  if (getrlimit(RLIMIT_AS, &addresses) == 0 && addresses.rlim_cur != RLIM_INFINITY)
    return; /* tensors need them more */
  heap *h = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                 -1, 0);
  if (h == MAP_FAILED) return;
  h->other = lua_getallocf(L, &h->ud);
  h->next = (char *)h + ((sizeof *h + UNIT - 1) & ~(size_t)(UNIT - 1));
  h->end = (char *)h + REGION;
  lua_setallocf(L, allocate, h);
}
