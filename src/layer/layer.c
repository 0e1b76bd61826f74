/* layer/layer.c: see layer.h. */
#include "layer/layer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "layer/init.h"

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

nn_status nn_layer_forward_many(nn_ctx *ctx, nn_layer *l, int nin, nn_tensor *const *in,
                                nn_tensor **out) {
  const nn_layer_class *k = l->class;
  if (!k->forward_many && nin == 1) return nn_layer_forward(ctx, l, in[0], false, out);
  for (int i = 0; i < k->nout || i < 1; i++) out[i] = NULL;
  int least = k->forward_many ? k->least : 1, most = k->forward_many ? k->most : 1;
  if (nin >= least && nin <= most) return k->forward_many(ctx, l, nin, in, out);
  if (least == most)
    return nn_layer_fail(l, NN_EVALUE, "takes %d tensor%s, got %d", least, least > 1 ? "s" : "",
                         nin);
  return nn_layer_fail(l, NN_EVALUE, "takes %d to %d tensors, got %d", least, most, nin);
}

nn_status nn_layer_forward_one(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y) {
  nn_tensor *out[NN_LAYER_MANY];
  (void)last;
  *y = NULL;
  NN_TRY(nn_layer_forward_many(ctx, l, 1, &x, out));
  *y = out[0];
  for (int i = 1; i < l->class->nout; i++) nn_tensor_release(out[i]);
  return NN_OK;
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

nn_status nn_layer_add_uniform(nn_ctx *ctx, nn_layer *l, const char *name, const nn_shape *s,
                               double bound) {
  nn_tensor *t;
  NN_TRY(nn_shape_check(ctx, l->class->name, s, sizeof(double)));
  NN_TRY(nn_tensor_new(ctx, (nn_dtype)ctx->real, s, &t));
  nn_init_uniform(ctx, bound, &t->v);
  return nn_layer_add(ctx, l, name, t, false);
}

nn_status nn_layer_add_full(nn_ctx *ctx, nn_layer *l, const char *name, const nn_shape *s, double x,
                            bool buffer) {
  nn_tensor *t;
  NN_TRY(nn_shape_check(ctx, l->class->name, s, sizeof(double)));
  NN_TRY(nn_tensor_new(ctx, (nn_dtype)ctx->real, s, &t));
  nn_status st = nn_fill_into(ctx, &t->v, x);
  if (st == NN_OK) return nn_layer_add(ctx, l, name, t, buffer);
  nn_tensor_release(t);
  return st;
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

nn_status nn_layer_check_dtype(const nn_layer *l, const nn_tensor *x) {
  nn_dtype d = l->nslot ? l->slot[0].tensor->v.dtype : x->v.dtype;
  if (!nn_is_real(x->v.dtype))
    return nn_layer_fail(l, NN_ETYPE, "the input is %s; convert it, as in x:to(\"float32\")",
                         nn_dtype_name(x->v.dtype));
  if (x->v.dtype == d) return NN_OK;
  return nn_layer_fail(l, NN_ETYPE,
                       "the weights are %s, the input is %s; convert one, as in x:to(\"%s\")",
                       nn_dtype_name(d), nn_dtype_name(x->v.dtype), nn_dtype_name(d));
}

nn_status nn_layer_apply(const nn_layer *l, const nn_op *op, const void *attr, int nin,
                         nn_tensor *const *in, nn_tensor **y) {
  char name[640];
  nn_status st = nn_apply(l->ctx, op, attr, nin, in, y);
  if (st != NN_OK && st != NN_EINTR && st != NN_ECALLBACK)
    nn_fail_prefix(l->ctx, nn_layer_text(l, name, sizeof name));
  return st;
}
