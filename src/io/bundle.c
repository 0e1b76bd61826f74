/* io/bundle.c: see bundle.h. */
#include "io/bundle.h"

#include <string.h>

static char *copy(nn_ctx *ctx, const char *text, size_t length) {
  char *new = nn_mem_take(ctx, length + 1);
  if (!new) return NULL;
  memcpy(new, text, length);
  new[length] = 0;
  return new;
}

static nn_status grow(nn_bundle *b) {
  int64_t room = b->room ? 2 * b->room : 16;
  nn_named *item = nn_mem_take(b->ctx, (size_t)room * sizeof *item);
  if (!item) return NN_ENOMEM;
  if (b->n) memcpy(item, b->item, (size_t)b->n * sizeof *item);
  nn_mem_give(b->ctx, b->item, (size_t)b->room * sizeof *item);
  b->item = item;
  b->room = room;
  return NN_OK;
}

nn_status nn_bundle_add(nn_bundle *b, const char *name, size_t length, const char *text,
                        nn_tensor *t) {
  if (b->n == b->room) NN_TRY(grow(b));
  nn_named item = {.name = copy(b->ctx, name, length)};
  if (!item.name) return NN_ENOMEM;
  if (text && !(item.text = copy(b->ctx, text, strlen(text)))) {
    nn_mem_give(b->ctx, item.name, length + 1);
    return NN_ENOMEM;
  }
  item.tensor = t ? nn_tensor_retain(t) : NULL;
  b->item[b->n++] = item;
  return NN_OK;
}

void nn_bundle_drop(nn_bundle *b) {
  for (int64_t i = 0; i < b->n; i++) {
    nn_named *item = &b->item[i];
    nn_mem_give(b->ctx, item->name, strlen(item->name) + 1);
    if (item->text) nn_mem_give(b->ctx, item->text, strlen(item->text) + 1);
    nn_tensor_release(item->tensor);
  }
  nn_mem_give(b->ctx, b->item, (size_t)b->room * sizeof *b->item);
  *b = (nn_bundle){.ctx = b->ctx};
}
