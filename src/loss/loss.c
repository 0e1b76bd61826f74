/* loss/loss.c: see loss.h. */
#include "loss/loss.h"

#include <stdio.h>
#include <string.h>

#include "grad/axis.h"

extern const nn_op nn_op_mean, nn_op_sum;

const char *const nn_reductions[] = {"mean", "sum", "none", NULL};

nn_reduction nn_loss_reduction(const nn_loss *l) {
  return l->reduction[0] == 'm'   ? NN_REDUCE_MEAN
         : l->reduction[0] == 's' ? NN_REDUCE_SUM
                                  : NN_REDUCE_NONE;
}

nn_status nn_loss_new(nn_ctx *ctx, const nn_loss_class *class, nn_loss **out) {
  *out = NULL;
  nn_loss *l = nn_mem_take_zero(ctx, class->size);
  if (!l) return NN_ENOMEM;
  l->ctx = ctx;
  l->class = class;
  l->refs = 1;
  nn_param_defaults(class->params, l);
  *out = l;
  return NN_OK;
}

nn_loss *nn_loss_retain(nn_loss *l) {
  l->refs++;
  return l;
}

void nn_loss_release(nn_loss *l) {
  if (!l || --l->refs > 0) return;
  nn_param_drop(l->ctx, l->class->params, l);
  nn_mem_give(l->ctx, l, l->class->size);
}

nn_status nn_loss_forward(nn_ctx *ctx, nn_loss *l, nn_tensor *prediction, nn_tensor *target,
                          nn_tensor **out) {
  return nn_loss_forward_all(ctx, l, 2, (nn_tensor *const[]){prediction, target}, out);
}

const char *const *nn_loss_args(const nn_loss *l) {
  static const char *const usual[] = {"prediction", "target", NULL};
  return l->class->args[0] ? l->class->args : usual;
}

static nn_status wrong_count(nn_ctx *ctx, const nn_loss *l, int want, int n) {
  const char *const *args = nn_loss_args(l);
  char list[128] = "";
  for (int i = 0; i < want; i++) {
    size_t at = strlen(list);
    snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", args[i]);
  }
  return nn_fail(ctx, NN_EVALUE,
                 "%s: compares %d tensors, loss(%s), got %d; in nn.fit, give a function of the "
                 "prediction and the target that calls it",
                 l->class->name, want, list, n);
}

nn_status nn_loss_forward_all(nn_ctx *ctx, nn_loss *l, int n, nn_tensor *const *in,
                              nn_tensor **out) {
  const char *const *args = nn_loss_args(l);
  int want = 0;
  *out = NULL;
  while (args[want]) want++;
  if (n != want) return wrong_count(ctx, l, want, n);
  if (l->class->forward_all) return l->class->forward_all(ctx, l, in, out);
  return l->class->forward(ctx, l, in[0], in[1], out);
}

/* ---- terms ---- */

nn_status nn_loss_reduce(nn_ctx *ctx, nn_loss *l, nn_tensor *terms, nn_tensor **out) {
  const nn_axis_attr all = {0};
  nn_reduction how = nn_loss_reduction(l);
  *out = terms;
  if (how == NN_REDUCE_NONE) return NN_OK;
  nn_status st = nn_apply(ctx, how == NN_REDUCE_MEAN ? &nn_op_mean : &nn_op_sum, &all, 1, &terms,
                          out);
  nn_tensor_release(terms);
  return st;
}

nn_status nn_loss_of_terms(nn_ctx *ctx, nn_loss *l, const nn_op *op, const void *attr, int n,
                           nn_tensor *const *in, nn_tensor **out) {
  nn_tensor *terms;
  *out = NULL;
  NN_TRY(nn_apply(ctx, op, attr, n, in, &terms));
  return nn_loss_reduce(ctx, l, terms, out);
}

nn_status nn_loss_of_pair(nn_ctx *ctx, nn_loss *l, const nn_op *op, const void *attr,
                          nn_tensor *prediction, nn_tensor *target, nn_tensor **out) {
  *out = NULL;
  NN_TRY(nn_loss_same_shape(l, prediction, target));
  return nn_loss_of_terms(ctx, l, op, attr, 2, (nn_tensor *const[]){prediction, target}, out);
}

nn_status nn_loss_each(nn_loss *l, const char *what, const nn_tensor *t, bool (*fits)(double x),
                       const char *must) {
  const nn_value *v = &t->v;
  int64_t at = v->offset, index[NN_MAXDIM] = {0};
  for (int64_t i = 0; i < v->numel; i++) {
    double x = nn_value_real_at(v, at);
    if (!fits(x))
      return nn_fail(l->ctx, NN_EVALUE, "%s: the %s must be %s; element %lld is %g", l->class->name,
                     what, must, (long long)i + 1, x);
    if (v->dense) {
      at++;
      continue;
    }
    for (int d = v->shape.ndim - 1; d >= 0; d--) { /* the next element of any view */
      at += v->stride[d];
      if (++index[d] < v->shape.dim[d]) break;
      at -= v->stride[d] * v->shape.dim[d];
      index[d] = 0;
    }
  }
  return NN_OK;
}

bool nn_loss_is_part(double x) {
  return !(x < 0 || x > 1);
}

nn_status nn_loss_fits_last(nn_loss *l, const char *name, const nn_reals *list,
                            const nn_tensor *prediction) {
  const nn_shape *s = &prediction->v.shape;
  nn_text t;
  if (list->n <= 1 || (s->ndim > 0 && s->dim[s->ndim - 1] == list->n)) return NN_OK;
  return nn_fail(l->ctx, NN_ESHAPE,
                 "%s: '%s' has %lld numbers, one for each column of the prediction, which is %s",
                 l->class->name, name, (long long)list->n, nn_shape_text(&t, s));
}

nn_status nn_loss_numbers(nn_ctx *ctx, const nn_reals *list, nn_dtype dtype, nn_tensor **out) {
  nn_shape s = nn_shape_1(list->n);
  if (list->n == 0) return nn_tensor_scalar(ctx, dtype, 1, out);
  NN_TRY(nn_tensor_new(ctx, dtype, &s, out));
  for (int64_t i = 0; i < list->n; i++) {
    if (dtype == NN_F32)
      ((float *)nn_data(&(*out)->v))[i] = (float)list->v[i];
    else
      ((double *)nn_data(&(*out)->v))[i] = list->v[i];
  }
  return NN_OK;
}

/* ---- shapes ---- */

nn_status nn_loss_same_shape(nn_loss *l, const nn_tensor *prediction, const nn_tensor *target) {
  const nn_shape *p = &prediction->v.shape, *t = &target->v.shape;
  nn_text a, b;
  if (nn_shape_equal(p, t)) return NN_OK;
  bool view = prediction->v.numel == target->v.numel;
  return nn_fail(l->ctx, NN_ESHAPE,
                 "%s: the prediction is %s and the target %s; a loss never broadcasts%s%s%s",
                 l->class->name, nn_shape_text(&a, p), nn_shape_text(&b, t),
                 view ? "; perhaps you mean target:view_as(prediction), or target:view{" : "",
                 view && p->ndim == 2 && p->dim[1] == 1 ? "-1, 1"
                 : view                                 ? "..."
                                                        : "",
                 view ? "}" : "");
}
