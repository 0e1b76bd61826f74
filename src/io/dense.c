/* io/dense.c: see dense.h. */
#include "io/dense.h"

nn_status nn_dense(nn_ctx *ctx, nn_tensor *t, nn_tensor **dense) {
  if (t->v.dense) {
    *dense = nn_tensor_retain(t);
    return NN_OK;
  }
  NN_TRY(nn_tensor_new(ctx, t->v.dtype, &t->v.shape, dense));
  nn_status st = nn_copy_into(ctx, &(*dense)->v, &t->v);
  if (st == NN_OK) return NN_OK;
  nn_tensor_release(*dense);
  *dense = NULL;
  return st;
}

bool nn_shape_bytes(const nn_shape *s, size_t size, int64_t most, int64_t *bytes) {
  bool empty = false;
  *bytes = (int64_t)size;
  for (int d = 0; d < s->ndim; d++) {
    if (s->dim[d] < 0 || s->dim[d] > (int64_t)1 << 48) return false;
    empty |= s->dim[d] == 0;
    /* A size of 0 does not excuse the others: strides are products of them. */
    if (__builtin_mul_overflow(*bytes, s->dim[d] ? s->dim[d] : 1, bytes)) return false;
  }
  if (empty) *bytes = 0;
  return *bytes <= most;
}
