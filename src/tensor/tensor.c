/* tensor/tensor.c: see tensor.h. */
#include "tensor/tensor.h"

#include <math.h>
#include <string.h>

void nn_value_set(nn_value *v, nn_dtype dtype, const nn_shape *shape) {
  v->storage = NULL;
  v->offset = 0;
  v->dtype = dtype;
  v->dense = true;
  v->shape.ndim = shape->ndim;
  int64_t n = 1;
  for (int i = shape->ndim - 1; i >= 0; i--) {
    v->shape.dim[i] = shape->dim[i];
    v->stride[i] = n;
    if (__builtin_mul_overflow(n, shape->dim[i], &n)) n = INT64_MAX; /* nn_shape_check refuses it */
  }
  v->numel = n;
}

void nn_value_settle(nn_value *v) {
  int64_t n = 1;
  bool dense = true;
  for (int i = v->shape.ndim - 1; i >= 0; i--) {
    if (v->shape.dim[i] != 1 && v->stride[i] != n) dense = false;
    n *= v->shape.dim[i];
  }
  v->numel = n;
  v->dense = dense || n == 0;
}

void nn_value_copy(nn_value *to, const nn_value *from) {
  enum { FEW = 4 }; /* dimensions that are copied without asking: most values have no more */
  to->storage = from->storage;
  to->offset = from->offset;
  to->numel = from->numel;
  to->dtype = from->dtype;
  to->dense = from->dense;
  to->shape.ndim = from->shape.ndim;
  memcpy(to->shape.dim, from->shape.dim, FEW * sizeof *to->shape.dim);
  memcpy(to->stride, from->stride, FEW * sizeof *to->stride);
  for (int i = FEW; i < from->shape.ndim; i++) {
    to->shape.dim[i] = from->shape.dim[i];
    to->stride[i] = from->stride[i];
  }
}

void nn_value_expand(nn_value *to, const nn_value *from, const nn_shape *shape) {
  int lead = shape->ndim - from->shape.ndim;
  to->storage = from->storage;
  to->offset = from->offset;
  to->dtype = from->dtype;
  to->shape.ndim = shape->ndim;
  for (int i = shape->ndim - 1; i >= 0; i--) { /* from the last: `to` may be `from` */
    int k = i - lead;
    to->stride[i] = k < 0 || from->shape.dim[k] != shape->dim[i] ? 0 : from->stride[k];
    to->shape.dim[i] = shape->dim[i];
  }
  nn_value_settle(to);
}

double nn_value_real_at(const nn_value *v, int64_t at) {
  const void *p = v->storage->data;
  switch (v->dtype) {
    case NN_F32: return (double)((const float *)p)[at];
    case NN_F64: return ((const double *)p)[at];
    case NN_I64: return (double)((const int64_t *)p)[at];
    case NN_U8: return ((const uint8_t *)p)[at];
  }
  return 0;
}

int64_t nn_value_int_at(const nn_value *v, int64_t at) {
  if (v->dtype == NN_I64) return ((const int64_t *)v->storage->data)[at];
  return (int64_t)nn_value_real_at(v, at);
}

/* What a tensor has beside its value. */
static void begin(nn_ctx *ctx, nn_tensor *t, bool inside) {
  t->ctx = ctx;
  t->refs = 1;
  t->requires_grad = t->is_parameter = t->has_grad = false;
  t->inside = inside;
  t->node = NULL;
  t->grad = NULL;
}

nn_status nn_tensor_of(nn_ctx *ctx, const nn_value *geometry, nn_tensor **out) {
  size_t bytes = (size_t)geometry->numel * nn_dtype_size(geometry->dtype);
  nn_storage *storage;
  void *place;
  *out = NULL;
  NN_TRY(nn_storage_new_behind(ctx, sizeof **out, bytes, &place, &storage));
  nn_tensor *t = place;
  nn_value_copy(&t->v, geometry);
  t->v.storage = storage;
  begin(ctx, t, true);
  *out = t;
  return NN_OK;
}

nn_status nn_tensor_new(nn_ctx *ctx, nn_dtype dtype, const nn_shape *shape, nn_tensor **out) {
  nn_value v;
  nn_value_set(&v, dtype, shape);
  return nn_tensor_of(ctx, &v, out);
}

nn_status nn_tensor_scalar(nn_ctx *ctx, nn_dtype dtype, double x, nn_tensor **out) {
  NN_TRY(nn_tensor_new(ctx, dtype, &(nn_shape){0}, out));
  void *p = nn_data(&(*out)->v);
  switch (dtype) {
    case NN_F32: *(float *)p = (float)x; break;
    case NN_F64: *(double *)p = x; break;
    case NN_I64: *(int64_t *)p = fabs(x) < 9.2e18 ? (int64_t)x : 0; break;
    case NN_U8: *(uint8_t *)p = x >= 0 && x < 256 ? (uint8_t)x : 0; break;
  }
  return NN_OK;
}

nn_status nn_tensor_view(nn_ctx *ctx, const nn_value *v, nn_tensor **out) {
  nn_tensor *t = nn_mem_take(ctx, sizeof *t);
  *out = t;
  if (!t) return NN_ENOMEM;
  nn_value_copy(&t->v, v);
  nn_storage_retain(v->storage);
  begin(ctx, t, false);
  return NN_OK;
}

void nn_tensor_free(nn_tensor *t) {
  if (t->node) nn_node_release(t->node);
  nn_tensor_release(t->grad);
  nn_storage *storage = t->v.storage;
  if (!t->inside) nn_mem_give(t->ctx, t, sizeof *t);
  nn_storage_release(storage);
}

nn_status nn_tensor_grad(nn_ctx *ctx, nn_tensor *t, nn_tensor **grad) {
  if (!t->grad) NN_TRY(nn_tensor_new(ctx, t->v.dtype, &t->v.shape, &t->grad));
  *grad = t->grad;
  return NN_OK;
}
