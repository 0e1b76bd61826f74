/*
 * tensor/tensor.h: values (geometry over a storage) and tensors (a value with its place in a graph
 * of gradients).
 *
 * Kernels, operations and saved values work with nn_value alone; nn_tensor adds the reference
 * count, the node that made it and the gradient. Strides and offsets count elements. Any view of a
 * storage is a value.
 */
#ifndef NN_TENSOR_TENSOR_H
#define NN_TENSOR_TENSOR_H

#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "tensor/storage.h"

typedef struct nn_value {
  nn_storage *storage; /* NULL: geometry only */
  int64_t offset;
  int64_t numel;
  nn_dtype dtype;
  bool dense; /* row-major without gaps: element i stands at offset + i */
  nn_shape shape;
  int64_t stride[NN_MAXDIM];
} nn_value;

struct nn_node; /* grad/graph.h */

typedef struct nn_tensor {
  nn_value v; /* owns one reference to v.storage, always the same one */
  nn_ctx *ctx;
  int refs;
  bool requires_grad;     /* a leaf that collects its gradient */
  bool is_parameter;      /* nn.Parameter: stays one when frozen */
  bool has_grad;          /* `grad` holds a gradient; false: its contents are void */
  bool inside;            /* this struct stands in its storage's block of memory */
  struct nn_node *node;   /* what computed it, one reference; NULL: a leaf or a constant */
  struct nn_tensor *grad; /* made at the first backward, then kept, so that its place never moves */
} nn_tensor;

/* ---- values ---- */

/* The first element. */
static inline void *nn_data(const nn_value *v) {
  return (char *)v->storage->data + (size_t)v->offset * nn_dtype_size(v->dtype);
}
/* Sets dtype and shape with row-major strides, offset 0 and no storage. */
void nn_value_set(nn_value *v, nn_dtype dtype, const nn_shape *shape);
/* Computes numel and dense after shape or strides were set by hand. */
void nn_value_settle(nn_value *v);
/* Copies geometry and storage pointer (no reference is taken), only the dimensions in use. */
void nn_value_copy(nn_value *to, const nn_value *from);
/* The value seen at `shape` with stride 0 where it is repeated; the shapes must broadcast. */
void nn_value_expand(nn_value *to, const nn_value *from, const nn_shape *shape);
/* One element by its offset in elements from the storage's start, as a double; integers up to
   2^53 are exact. */
double nn_value_real_at(const nn_value *v, int64_t at);
int64_t nn_value_int_at(const nn_value *v, int64_t at);
static inline const char *nn_value_text(nn_text *t, const nn_value *v) {
  return nn_shape_text(t, &v->shape);
}

/* ---- tensors ---- */

/* A new tensor with its own storage, contents undefined. `shape` was checked. */
nn_status nn_tensor_new(nn_ctx *ctx, nn_dtype dtype, const nn_shape *shape, nn_tensor **out);
/* The same of a geometry that nn_value_set made. */
nn_status nn_tensor_of(nn_ctx *ctx, const nn_value *geometry, nn_tensor **out);
/* The same with one element. A number that an integer dtype cannot hold is the caller's mistake:
   0. */
nn_status nn_tensor_scalar(nn_ctx *ctx, nn_dtype dtype, double x, nn_tensor **out);
/* A tensor over v's storage and geometry; no node, no gradient. */
nn_status nn_tensor_view(nn_ctx *ctx, const nn_value *v, nn_tensor **out);
static inline nn_tensor *nn_tensor_retain(nn_tensor *t) {
  t->refs++;
  return t;
}
/* Frees one without references. */
void nn_tensor_free(nn_tensor *t);
/* NULL is fine. */
static inline void nn_tensor_release(nn_tensor *t) {
  if (t && --t->refs == 0) nn_tensor_free(t);
}

/* Whether operations on it are recorded. */
static inline bool nn_needs_grad(const nn_tensor *t) {
  return t->node || t->requires_grad;
}
/* Marks the contents as changed. Every write through a tensor ends with it. */
static inline void nn_touch(const nn_value *v) {
  v->storage->version++;
}
/* Makes the gradient's tensor where there is none; its contents are void until has_grad. */
nn_status nn_tensor_grad(nn_ctx *ctx, nn_tensor *t, nn_tensor **grad);

/* Implemented in grad/graph.c: a tensor only holds and drops its node. */
void nn_node_release(struct nn_node *node);

#endif
