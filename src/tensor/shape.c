/* tensor/shape.c: see shape.h. */
#include "tensor/shape.h"

#include <stdio.h>
#include <string.h>

#include "tensor/dtype.h"

const char *const nn_dtype_names[NN_NDTYPE + 1] = {"float32", "float64", "int64", "uint8", NULL};

const char *nn_dtype_name(nn_dtype d) {
  return nn_dtype_names[d];
}

int nn_dtype_find(const char *name) {
  for (int d = 0; d < NN_NDTYPE; d++)
    if (strcmp(name, nn_dtype_names[d]) == 0) return d;
  return -1;
}

nn_shape nn_shape_1(int64_t a) {
  return (nn_shape){1, {a}};
}
nn_shape nn_shape_2(int64_t a, int64_t b) {
  return (nn_shape){2, {a, b}};
}

int64_t nn_shape_numel(const nn_shape *s) {
  int64_t n = 1;
  for (int i = 0; i < s->ndim; i++) n *= s->dim[i];
  return n;
}

nn_status nn_shape_check(nn_ctx *ctx, const char *who, const nn_shape *s, size_t size) {
  int64_t bytes = (int64_t)size;
  bool over = false, empty = false;
  nn_text t;
  for (int i = 0; i < s->ndim; i++) {
    if (s->dim[i] < 0)
      return nn_fail(ctx, NN_ESHAPE, "%s: a size cannot be negative, got %s", who,
                     nn_shape_text(&t, s));
    empty |= s->dim[i] == 0;
    over |= __builtin_mul_overflow(bytes, s->dim[i] ? s->dim[i] : 1, &bytes);
  }
  if (over || (!empty && bytes > (int64_t)1 << 46))
    return nn_fail(ctx, NN_ENOMEM, "%s: a tensor of %s is larger than any memory", who,
                   nn_shape_text(&t, s));
  return NN_OK;
}

nn_status nn_shape_broadcast(nn_ctx *ctx, const char *who, const nn_shape *a, const nn_shape *b,
                             nn_shape *out) {
  int n = a->ndim > b->ndim ? a->ndim : b->ndim;
  nn_shape s = {.ndim = n};
  for (int i = 0; i < n; i++) {
    int ia = i - (n - a->ndim), ib = i - (n - b->ndim);
    int64_t da = ia < 0 ? 1 : a->dim[ia], db = ib < 0 ? 1 : b->dim[ib];
    if (da != db && da != 1 && db != 1) {
      nn_text ta, tb;
      return nn_fail(
        ctx, NN_ESHAPE,
        "%s: shapes %s and %s do not broadcast: counted from the last, sizes must be equal or 1",
        who, nn_shape_text(&ta, a), nn_shape_text(&tb, b));
    }
    s.dim[i] = da == 1 ? db : da;
  }
  *out = s;
  return NN_OK;
}

nn_status nn_shape_dim(nn_ctx *ctx, const char *who, int64_t given, int ndim, int *dim) {
  int64_t d = given < 0 ? given + ndim : given - 1;
  if (given == 0 || d < 0 || d >= ndim)
    return nn_fail(
      ctx, NN_EINDEX,
      ndim ? "%s: dimension %lld is out of range 1..%d (counting starts at 1; -1 is the last)"
           : "%s: dimension %lld asked of a tensor that has no dimensions",
      who, (long long)given, ndim);
  *dim = (int)d;
  return NN_OK;
}

nn_axis nn_shape_axis(const nn_shape *s, int dim) {
  nn_axis a = {1, 1, 1};
  for (int i = 0; i < s->ndim; i++) {
    int64_t *part = dim < 0 || i == dim ? &a.n : i < dim ? &a.outer : &a.inner;
    *part *= s->dim[i];
  }
  return a;
}

const char *nn_shape_text(nn_text *t, const nn_shape *s) {
  size_t at = 0;
  if (s->ndim == 0) snprintf(t->s, sizeof t->s, "scalar");
  for (int i = 0; i < s->ndim; i++) {
    int w = snprintf(t->s + at, sizeof t->s - at, i ? "x%lld" : "%lld", (long long)s->dim[i]);
    if (w < 0 || at + (size_t)w >= sizeof t->s) break;
    at += (size_t)w;
  }
  return t->s;
}
