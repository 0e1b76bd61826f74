/* op/tril.c: the lower triangle of each matrix, the rest 0; the gradient likewise. The loops serve
   triu too. */
#ifndef R
#include <string.h>

#include "kernel/names.h"
#include "op/triangle.h"

extern const nn_op nn_op_tril, nn_op_triu;

/* The columns of row i that are kept: first .. end - 1. */
typedef struct span {
  int64_t first, end;
} span;

static int64_t within(int64_t i, int64_t n) {
  return i < 0 ? 0 : i > n ? n : i;
}

static span kept(const nn_call *c, int64_t row, int64_t cols) {
  int64_t k = row + ((const nn_triangle_attr *)c->attr)->diagonal;
  if (c->op == &nn_op_triu) return (span){within(k, cols), cols};
  return (span){0, within(k + 1, cols)};
}

nn_status nn_triangle_infer(const nn_call *c) {
  nn_text t;
  if (c->in[0]->shape.ndim < 2)
    return nn_fail(c->ctx, NN_ESHAPE, "%s: wants a matrix (two dimensions or more), got %s",
                   c->op->name, nn_value_text(&t, c->in[0]));
  return nn_infer_same(c);
}

nn_status nn_triangle_forward(const nn_call *c) {
  const nn_shape *s = &c->out->shape;
  int64_t n = s->dim[s->ndim - 2], m = s->dim[s->ndim - 1];
  int64_t rows = c->out->numel ? c->out->numel / m : 0;
  size_t size = nn_dtype_size(c->out->dtype);
  const char *x = nn_data(c->in[0]);
  char *y = nn_data(c->out);
  for (int64_t r = 0; r < rows; r++, x += (size_t)m * size, y += (size_t)m * size) {
    span k = kept(c, r % n, m);
    size_t first = (size_t)k.first * size, end = (size_t)k.end * size;
    memset(y, 0, (size_t)m * size);
    if (k.first < k.end) memcpy(y + first, x + first, end - first);
  }
  return NN_OK;
}

#define NN_SELF "op/tril.c"
#include "kernel/each_real.h"

const nn_param nn_triangle_params[] = {{.name = "diagonal",
                                        .kind = NN_PARAM_INT,
                                        .offset = offsetof(nn_triangle_attr, diagonal),
                                        .flags = NN_P_PLACE,
                                        .def = {0},
                                        .lo = -NN_DIM_MAX,
                                        .hi = NN_DIM_MAX,
                                        .doc = "0: the main one, 1: the one above it, -1: below"},
                                       NN_P_END};

const nn_op nn_op_tril = {
  .name = "tril",
  .doc = "The lower triangle of each matrix (the last two dimensions), the rest 0. diagonal = -1 "
         "leaves out the main diagonal, 1 adds the one above it.",
  .args = "x",
  .nin = 1,
  .attr_size = sizeof(nn_triangle_attr),
  .params = nn_triangle_params,
  .infer = nn_triangle_infer,
  .forward = {nn_triangle_forward, nn_triangle_forward, nn_triangle_forward, nn_triangle_forward},
  .backward = NN_BOTH(nn_triangle_backward),
  .example = {{.inputs = "3x3"}, {.inputs = "2x3x4", .args = "1"}, {.inputs = "4x2", .args = "-2"}},
};
#else

nn_status FN(nn_triangle_backward)(const nn_call *c) {
  const nn_shape *s = &c->gout->shape;
  int64_t n = s->dim[s->ndim - 2], m = s->dim[s->ndim - 1];
  int64_t rows = c->gout->numel ? c->gout->numel / m : 0;
  const R *g = nn_data(c->gout);
  R *gx = nn_data(c->gin[0]);
  if (!c->add[0]) NN_TRY(nn_fill_into(c->ctx, c->gin[0], 0));
  for (int64_t r = 0; r < rows; r++, g += m, gx += m) {
    span k = kept(c, r % n, m);
    for (int64_t j = k.first; j < k.end; j++) gx[j] += g[j];
  }
  return NN_OK;
}

#endif
