/*
 * fuzz.h: what every libFuzzer program here has: the bytes as a file in memory, and a context of 64 MiB
 * that must be empty again after each. `make fuzz` builds and runs tests/fuzz/fuzz_*.c, each on the
 * corpus of its name in tests/fuzz/corpus/.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The path of a file with these bytes. */
static inline const char *fuzz_file(const uint8_t *data, size_t size) {
  static int fd = -1;
  static char path[64];
  if (fd < 0) {
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size) abort();
  return path;
}

static inline nn_ctx *fuzz_context(void) {
  static nn_ctx *ctx;
  if (!ctx) {
    ctx = nn_ctx_new();
    if (!ctx) abort();
    ctx->mem.limit = (size_t)64 << 20;
    ctx->threads = 1;
  }
  return ctx;
}

/* A refusal says why; nothing is left behind. */
static inline int fuzz_done(nn_ctx *ctx, nn_status st) {
  if ((st != NN_OK && !ctx->err[0]) || ctx->mem.live != 0) {
    fprintf(stderr, "status %d, \"%s\", %zu bytes live\n", (int)st, ctx->err, ctx->mem.live);
    abort();
  }
  ctx->err[0] = 0;
  return 0;
}

#endif
