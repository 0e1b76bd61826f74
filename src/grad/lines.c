/* grad/lines.c: see lines.h. */
#include "grad/lines.h"

/* The value, whose elements stand in the order of the lines, repeated along them. */
static nn_status widen(const nn_call *c, const nn_value *v, nn_value *wide) {
  const nn_axis_attr *a = c->attr;
  const nn_shape *s = &c->in[0]->shape;
  int dim = -1;
  int64_t step = 1;
  if (a->dim != 0) NN_TRY(nn_shape_dim(c->ctx, c->op->name, a->dim, s->ndim, &dim));
  *wide = (nn_value){.storage = v->storage, .offset = v->offset, .dtype = v->dtype, .shape = *s};
  for (int i = s->ndim - 1; i >= 0; i--) {
    bool along = dim < 0 || i == dim;
    wide->stride[i] = along ? 0 : step;
    if (!along) step *= s->dim[i];
  }
  nn_value_settle(wide);
  return NN_OK;
}

nn_status nn_lines_backward(const nn_call *c, nn_row row, const void *attr, int n,
                            const nn_value *const *v) {
  nn_value wide[NN_WALK_MAX];
  const nn_value *p[NN_WALK_MAX] = {c->gin[0]};
  for (int k = 0; k <= n; k++) {
    const nn_value *from = k == 0 ? c->gout : v[k - 1];
    p[k + 1] = from;
    if (nn_shape_equal(&from->shape, &c->in[0]->shape)) continue;
    NN_TRY(widen(c, from, &wide[k]));
    p[k + 1] = &wide[k];
  }
  return nn_walk(c->ctx, row, attr, n + 2, p, c->add[0] ? NN_WALK_ADD : 0);
}
