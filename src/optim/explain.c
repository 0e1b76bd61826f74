/*
 * optim/explain.c: an optimizer in words: its update with the numbers in it, and the last step of one
 * weight.
 *
 * Note [Last step]: nothing is copied while training. The slots still stand as the step left them,
 * the gradient until the next backward, so the class computes from these what the step added
 * (`taken`), and the weight before is the one now without it. Where decay made the gradient depend on
 * that weight, the two are solved for together: a fixed point that contracts by lr weight_decay. (L1
 * jumps at 0: a weight within lr l1 of it may have come from either side, and is taken to have kept
 * its sign.)
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "optim/optim.h"

/* ---- formulas ---- */

void nn_line(nn_lines *to, const char *format, ...) {
  va_list ap;
  if (to->at && to->at + 1 < to->size) to->text[to->at++] = '\n';
  va_start(ap, format);
  int n = vsnprintf(to->text + to->at, to->size - to->at, format, ap);
  va_end(ap);
  if (n > 0) to->at += (size_t)n < to->size - to->at ? (size_t)n : to->size - to->at - 1;
}

/* What stands before the class's own lines: how g comes from the gradient. */
static void decay_lines(const nn_optim_class *class, const nn_hyper *h, nn_lines *to) {
  bool decoupled = class->decoupled || h->decoupled_weight_decay;
  const char *whose = h->decay_bias ? "" : " (not for biases)";
  char l2[48] = "", l1[48] = "";
  if (h->weight_decay != 0 && !decoupled) snprintf(l2, sizeof l2, " + %g w", h->weight_decay);
  if (h->l1 != 0) snprintf(l1, sizeof l1, " + %g sign(w)", h->l1);
  nn_line(to, "g = dJ/dw%s%s%s", l2, l1, *l2 || *l1 ? whose : "");
  if (h->weight_decay != 0 && decoupled)
    nn_line(to, "w = w (1 - %g %g)%s", h->lr, h->weight_decay, whose);
}

const char *nn_optim_formula(const nn_optim *o, int group, char *buf, size_t size) {
  nn_lines to = {.text = buf, .size = size};
  buf[0] = 0;
  if (o->class->taken) decay_lines(o->class, o->hyper[group], &to);
  if (o->class->formula) o->class->formula(o->hyper[group], &to);
  return buf;
}

/* ---- one weight ---- */

/* Where element `at` of a value stands, in elements from the start of its storage. */
static int64_t place(const nn_value *v, int64_t at) {
  int64_t to = v->offset;
  for (int d = v->shape.ndim - 1; d >= 0; d--) {
    to += at % v->shape.dim[d] * v->stride[d];
    at /= v->shape.dim[d];
  }
  return to;
}

static nn_status check_last(nn_ctx *ctx, const nn_optim *o, int i) {
  const nn_optim_param *p = &o->param[i];
  if (!o->class->taken)
    return nn_fail(ctx, NN_ESTATE, "explain: %s has no formula for a single weight",
                   o->class->name);
  if (p->steps == 0)
    return nn_fail(ctx, NN_ESTATE, "explain: parameter %d has taken no step yet", i + 1);
  if (!p->t->grad || p->t->grad->v.storage->version != p->last.version)
    return nn_fail(ctx, NN_ESTATE,
                   "explain: the gradient of parameter %d was computed anew since its last step; "
                   "explain a step before the next backward",
                   i + 1);
  return NN_OK;
}

static double sign(double x) {
  return (x > 0) - (x < 0);
}

nn_status nn_optim_explain(nn_ctx *ctx, nn_optim *o, int i, int64_t at, nn_optim_story *out) {
  enum { ROUNDS = 200 };
  NN_TRY(check_last(ctx, o, i));
  const nn_optim_param *p = &o->param[i];
  const nn_optim_last *last = &p->last;
  nn_value slot;
  *out = (nn_optim_story){.weight = nn_value_real_at(&p->t->v, place(&p->t->v, at)),
                          .gradient = nn_value_real_at(&p->t->grad->v, place(&p->t->grad->v, at))};
  nn_value_set(&slot, p->t->v.dtype, &p->t->v.shape);
  for (int k = 0; k < NN_MAXSLOTS && o->class->slots[k]; k++) {
    slot.storage = o->slot[k];
    int64_t first = (int64_t)(p->at / nn_dtype_size(slot.dtype));
    if (slot.storage) out->slot[k] = nn_value_real_at(&slot, first + at);
  }
  out->before = out->weight;
  for (int round = 0; round < ROUNDS; round++) {
    double w = out->before;
    out->entered = out->gradient + last->l2 * w + last->l1 * sign(w);
    out->step = o->class->taken(last->coef, out->entered, out->slot);
    out->before = (out->weight - out->step) / last->shrink;
    if (out->before == w || !isfinite(out->before)) break;
  }
  out->step = out->weight - out->before;
  return NN_OK;
}
