/* op/masked_select.c: the elements where the mask is not 0, in row-major order, as a list; the
   gradient goes back to their places. */
#ifndef R
#include "grad/op.h"
#include "kernel/names.h"
#include "kernel/places.h"

extern const nn_op nn_op_masked_select;

/* x and the mask in their common shape. */
static nn_status widen(const nn_call *c, const nn_value *x, nn_value *wide, nn_value *mask) {
  nn_shape s;
  NN_TRY(nn_shape_broadcast(c->ctx, "masked_select", &x->shape, &c->in[1]->shape, &s));
  nn_value_expand(wide, x, &s);
  nn_value_expand(mask, c->in[1], &s);
  return NN_OK;
}

#define NN_SELF "op/masked_select.c"
#include "kernel/each_type.h"

static nn_status infer(const nn_call *c) {
  nn_value x, mask;
  if (c->in[1]->dtype != NN_U8)
    return nn_fail(c->ctx, NN_ETYPE,
                   "masked_select: the mask must be uint8 (x:gt(0) gives one), got %s",
                   nn_dtype_name(c->in[1]->dtype));
  NN_TRY(widen(c, c->in[0], &x, &mask));
  nn_shape s = nn_shape_1(nn_mask_count(&mask));
  nn_value_set(c->out, c->in[0]->dtype, &s);
  return NN_OK;
}

const nn_op nn_op_masked_select = {
  .name = "masked_select",
  .doc = "The elements where the mask (uint8, broadcast) is not 0, as a list in row-major order, "
         "copied.",
  .args = "x, mask",
  .nin = 2,
  .flags = NN_OP_MIXED | NN_OP_STRIDED,
  .saves = NN_IN(1),
  .infer = infer,
  .forward = NN_ALL(forward),
  .backward = NN_BOTH(backward),
  .example = {{.inputs = "3x4 3x4?"}, {.inputs = "3x4 4?"}, {.inputs = "4 3x1?"}},
};
#else

static nn_status FN(forward)(const nn_call *c) {
  nn_value wide, mask;
  NN_TRY(widen(c, c->in[0], &wide, &mask));
  nn_places p = nn_places_of(&wide), q = nn_places_of(&mask);
  const R *x = wide.storage->data;
  const uint8_t *m = mask.storage->data;
  R *y = nn_data(c->out);
  if (wide.dense && mask.dense) {
    x += wide.offset;
    m += mask.offset;
    for (int64_t i = 0, k = 0; k < c->out->numel; i++) { /* no jump that nobody can foresee */
      y[k] = x[i];
      k += m[i] != 0;
    }
    return NN_OK;
  }
  for (int64_t i = 0; i < mask.numel; i++, nn_places_next(&p), nn_places_next(&q))
    if (m[q.at]) *y++ = x[p.at];
  return NN_OK;
}

#ifndef NN_INTEGER
static nn_status FN(backward)(const nn_call *c) {
  nn_value wide, mask, from;
  if (!c->add[0]) NN_TRY(nn_fill_into(c->ctx, c->gin[0], 0));
  NN_TRY(widen(c, c->gin[0], &wide, &mask));
  nn_value_copy(&from, c->gout);
  nn_places p = nn_places_of(&wide), q = nn_places_of(&mask), r = nn_places_of(&from);
  const R *g = from.storage->data;
  const uint8_t *m = mask.storage->data;
  R *gx = wide.storage->data;
  for (int64_t i = 0; i < mask.numel; i++, nn_places_next(&p), nn_places_next(&q)) {
    if (!m[q.at]) continue;
    gx[p.at] += g[r.at];
    nn_places_next(&r);
  }
  return NN_OK;
}
#endif

#endif
