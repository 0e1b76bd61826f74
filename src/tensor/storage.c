/* tensor/storage.c: see storage.h. */
#include "tensor/storage.h"

#include <string.h>

/* Small data stands behind the struct in the same block of memory: one request instead of two
   for a small tensor. */
enum { LINE = 64, SMALL = 1024 };

/* From the block's start to small data. */
static size_t head(size_t front) {
  return (front + sizeof(nn_storage) + LINE - 1) & ~(size_t)(LINE - 1);
}

static size_t block_bytes(const nn_storage *s) {
  return head(s->front) + (s->bytes <= SMALL ? s->bytes : 0);
}

nn_status nn_storage_new_behind(nn_ctx *ctx, size_t front, size_t bytes, void **place,
                                nn_storage **out) {
  nn_storage own = {.ctx = ctx, .refs = 1, .bytes = bytes, .front = front};
  *out = NULL;
  char *block = nn_mem_take(ctx, block_bytes(&own));
  if (!block) return NN_ENOMEM;
  own.data = bytes <= SMALL ? block + head(front) : nn_mem_take(ctx, bytes);
  if (!own.data) {
    nn_mem_give(ctx, block, block_bytes(&own));
    return NN_ENOMEM;
  }
  nn_storage *s = (nn_storage *)(void *)(block + front);
  *s = own;
  *place = block;
  *out = s;
  return NN_OK;
}

nn_status nn_storage_new(nn_ctx *ctx, size_t bytes, nn_storage **out) {
  void *place;
  return nn_storage_new_behind(ctx, 0, bytes, &place, out);
}

static void drop_data(nn_storage *s) {
  if (s->block)
    nn_block_release(s->block);
  else if (s->bytes > SMALL)
    nn_mem_give(s->ctx, s->data, s->bytes);
}

void nn_storage_free(nn_storage *s) {
  drop_data(s);
  nn_mem_give(s->ctx, (char *)s - s->front, block_bytes(s));
}

nn_status nn_block_new(nn_ctx *ctx, size_t bytes, nn_block **out) {
  *out = NULL;
  nn_block *b = nn_mem_take(ctx, sizeof *b);
  if (!b) return NN_ENOMEM;
  *b = (nn_block){.ctx = ctx, .refs = 1, .bytes = bytes, .data = nn_mem_take_zero(ctx, bytes)};
  if (!b->data) {
    nn_mem_give(ctx, b, sizeof *b);
    return NN_ENOMEM;
  }
  *out = b;
  return NN_OK;
}

void nn_block_release(nn_block *b) {
  if (!b || --b->refs > 0) return;
  nn_mem_give(b->ctx, b->data, b->bytes);
  nn_mem_give(b->ctx, b, sizeof *b);
}

void nn_storage_move(nn_storage *s, nn_block *b, size_t offset) {
  char *to = (char *)b->data + offset;
  memcpy(to, s->data, s->bytes);
  drop_data(s);
  b->refs++;
  s->block = b;
  s->data = to;
  s->ctx->moves++;
}
