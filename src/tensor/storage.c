/* tensor/storage.c: see storage.h. */
#include "tensor/storage.h"

#include <string.h>

/* Small data stands behind the struct in the same block of memory: one request instead of two
   for a small tensor. */
enum { HEAD = 64, SMALL = 1024 };
_Static_assert(sizeof(nn_storage) <= HEAD, "small data would overlap the struct");

static size_t struct_bytes(const nn_storage *s) {
  return s->bytes <= SMALL ? HEAD + s->bytes : HEAD;
}

nn_status nn_storage_new(nn_ctx *ctx, size_t bytes, nn_storage **out) {
  nn_storage head = {.ctx = ctx, .refs = 1, .bytes = bytes};
  *out = NULL;
  nn_storage *s = nn_mem_take(ctx, struct_bytes(&head));
  if (!s) return NN_ENOMEM;
  *s = head;
  if (bytes <= SMALL) {
    s->data = (char *)s + HEAD;
  } else if (!(s->data = nn_mem_take(ctx, bytes))) {
    nn_mem_give(ctx, s, struct_bytes(s));
    return NN_ENOMEM;
  }
  *out = s;
  return NN_OK;
}

void nn_storage_retain(nn_storage *s) {
  s->refs++;
}

static void drop_data(nn_storage *s) {
  if (s->block)
    nn_block_release(s->block);
  else if (s->bytes > SMALL)
    nn_mem_give(s->ctx, s->data, s->bytes);
}

void nn_storage_release(nn_storage *s) {
  if (!s || --s->refs > 0) return;
  drop_data(s);
  nn_mem_give(s->ctx, s, struct_bytes(s));
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
