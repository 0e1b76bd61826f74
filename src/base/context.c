/* base/context.c: the context, and how a failure gets its text. */
#include "base/context.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

volatile sig_atomic_t nn_interrupted;
volatile sig_atomic_t nn_stop_asked;
volatile sig_atomic_t nn_batch_yields;

/* The cores that this process may run on: affinity counts, a busy neighbour does not. */
static int usable_cores(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int n = CPU_COUNT(&set);
  return n < 1 ? 1 : n;
}

nn_ctx *nn_ctx_new(void) {
  nn_memory boot;
  nn_mem_init(&boot);
  nn_ctx tmp = {.mem = boot};
  nn_ctx *ctx = nn_mem_take_zero(&tmp, sizeof *ctx);
  if (!ctx) return NULL;
  /* the context's own block is counted by nobody: live bytes fall to nought when all objects are
     gone */
  nn_mem_init(&ctx->mem);
  nn_rng_init(&ctx->rng, 0);
  ctx->threads = usable_cores();
  const char *off = getenv("NNLUA_NO_REUSE");
  ctx->reuse = !(off && *off && strcmp(off, "0") != 0);
  return ctx;
}

void nn_ctx_free(nn_ctx *ctx) {
  if (!ctx) return;
  nn_mem_flush(&ctx->mem);
  nn_ctx tmp = {.mem = {.live = nn_mem_rounded(sizeof *ctx)}};
  nn_mem_give(&tmp, ctx, sizeof *ctx);
  nn_mem_flush(&tmp.mem);
}

nn_status nn_fail(nn_ctx *ctx, nn_status code, const char *format, ...) {
  va_list ap;
  va_start(ap, format);
  vsnprintf(ctx->err, sizeof ctx->err, format, ap);
  va_end(ap);
  return code;
}

void nn_fail_prefix(nn_ctx *ctx, const char *prefix) {
  char text[NN_ERR_SIZE];
  memcpy(text, ctx->err, sizeof text);
  text[sizeof text - 1] = 0;
  int n = snprintf(ctx->err, sizeof ctx->err, "%s: ", prefix);
  if (n < 0 || (size_t)n >= sizeof ctx->err) return;
  size_t room = sizeof ctx->err - (size_t)n - 1, len = strlen(text);
  if (len > room) len = room;
  memcpy(ctx->err + n, text, len);
  ctx->err[(size_t)n + len] = 0;
}

nn_status nn_poll(nn_ctx *ctx) {
  return nn_interrupted ? nn_fail(ctx, NN_EINTR, "interrupted") : NN_OK;
}
