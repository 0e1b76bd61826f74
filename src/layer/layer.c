/* layer/layer.c: see layer.h. */
#include "layer/layer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

nn_status nn_layer_new(nn_ctx *ctx, const nn_layer_class *class, nn_layer **out) {
  *out = NULL;
  nn_layer *l = nn_mem_take_zero(ctx, class->size);
  if (!l) return NN_ENOMEM;
  l->ctx = ctx;
  l->class = class;
  l->refs = 1;
  l->training = true;
  nn_param_defaults(class->params, l);
  *out = l;
  return NN_OK;
}

nn_status nn_layer_build(nn_ctx *ctx, nn_layer *l) {
  return l->class->build ? l->class->build(ctx, l) : NN_OK;
}

nn_layer *nn_layer_retain(nn_layer *l) {
  l->refs++;
  return l;
}

void nn_layer_release(nn_layer *l) {
  if (!l || --l->refs > 0) return;
  for (int i = 0; i < l->nslot; i++) nn_tensor_release(l->slot[i].tensor);
  for (int i = 0; i < l->nchild; i++) nn_layer_release(l->child[i]);
  nn_mem_give(l->ctx, l->slot, (size_t)l->nslot * sizeof *l->slot);
  nn_mem_give(l->ctx, l->child, (size_t)l->nchild * sizeof *l->child);
  nn_mem_give(l->ctx, l, l->class->size);
}

nn_status nn_layer_forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  const nn_layer_class *k = l->class;
  if (!k->op) return k->forward(ctx, l, x, last, y);
  const void *attr = (const char *)l + k->attr_offset;
  return last ? nn_apply_last(ctx, k->op, attr, x, y) : nn_apply(ctx, k->op, attr, 1, &x, y);
}

/* Room for one more element: the arrays are short and grow when a model is built, so each time
   by one. */
static void *grown(nn_ctx *ctx, void *old, int n, size_t size) {
  void *p = nn_mem_take(ctx, (size_t)(n + 1) * size);
  if (!p) return NULL;
  if (n) memcpy(p, old, (size_t)n * size);
  nn_mem_give(ctx, old, (size_t)n * size);
  return p;
}

nn_status nn_layer_add(nn_ctx *ctx, nn_layer *l, const char *name, nn_tensor *t, bool buffer) {
  nn_slot *slot = grown(ctx, l->slot, l->nslot, sizeof *slot);
  if (!slot) {
    nn_tensor_release(t);
    return NN_ENOMEM;
  }
  l->slot = slot;
  slot += l->nslot++;
  snprintf(slot->name, sizeof slot->name, "%s", name);
  slot->tensor = t;
  slot->buffer = buffer;
  t->requires_grad = t->is_parameter = !buffer;
  return NN_OK;
}

nn_tensor *nn_layer_find(const nn_layer *l, const char *name) {
  for (int i = 0; i < l->nslot; i++)
    if (strcmp(l->slot[i].name, name) == 0) return l->slot[i].tensor;
  return NULL;
}

void nn_layer_replace(nn_layer *l, int slot, nn_tensor *t) {
  nn_tensor_retain(t);
  nn_tensor_release(l->slot[slot].tensor);
  l->slot[slot].tensor = t;
}

bool nn_layer_contains(const nn_layer *l, const nn_layer *other) {
  bool found = l == other;
  for (int i = 0; i < l->nchild && !found; i++) found = nn_layer_contains(l->child[i], other);
  return found;
}

nn_status nn_layer_append(nn_ctx *ctx, nn_layer *l, nn_layer *child) {
  nn_layer **list = grown(ctx, l->child, l->nchild, sizeof *list);
  if (!list) return NN_ENOMEM;
  l->child = list;
  list[l->nchild++] = nn_layer_retain(child);
  return NN_OK;
}

const char *nn_layer_text(const nn_layer *l, char *buf, size_t size) {
  return nn_param_call(l->class->name, l->class->params, l, buf, size);
}

nn_status nn_layer_fail(const nn_layer *l, nn_status code, const char *format, ...) {
  char name[640];
  va_list ap;
  va_start(ap, format);
  vsnprintf(l->ctx->err, sizeof l->ctx->err, format, ap);
  va_end(ap);
  nn_fail_prefix(l->ctx, nn_layer_text(l, name, sizeof name));
  return code;
}
