/* loss/classes.c: see classes.h. */
#include "loss/classes.h"

extern const nn_op nn_op_permute, nn_op_reshape;

/* The scores' shape without the classes. */
static nn_shape places(const nn_shape *s) {
  nn_shape p = {.ndim = s->ndim - 1, .dim = {s->dim[0]}};
  for (int d = 2; d < s->ndim; d++) p.dim[d - 1] = s->dim[d];
  return p;
}

static nn_status check_scores(nn_loss *l, const nn_shape *s) {
  nn_text a;
  if (s->ndim < 2)
    return nn_fail(l->ctx, NN_ESHAPE, "%s: the prediction must be N x C raw scores, got %s",
                   l->class->name, nn_shape_text(&a, s));
  if (s->dim[1] > 1) return NN_OK;
  return nn_fail(
    l->ctx, NN_ESHAPE,
    "%s: one score a row leaves nothing to choose; two classes need two scores, got %s",
    l->class->name, nn_shape_text(&a, s));
}

nn_status nn_classes_check(nn_loss *l, const nn_tensor *scores, const nn_tensor *target,
                           bool probabilities) {
  const nn_shape *s = &scores->v.shape, *t = &target->v.shape;
  const char *who = l->class->name;
  nn_text a, b, w;
  NN_TRY(check_scores(l, s));
  nn_shape want = places(s);
  bool labels = nn_shape_equal(&want, t), same = probabilities && nn_shape_equal(s, t);
  if (labels && target->v.dtype != NN_I64)
    return nn_fail(l->ctx, NN_ETYPE,
                   "%s: labels must be int64, got %s; convert them, labels:to(\"int64\")", who,
                   nn_dtype_name(target->v.dtype));
  if (same && target->v.dtype != scores->v.dtype)
    return nn_fail(l->ctx, NN_ETYPE, "%s: probabilities must be %s like the scores, got %s", who,
                   nn_dtype_name(scores->v.dtype), nn_dtype_name(target->v.dtype));
  if (labels || same) return NN_OK;
  const char *cure = target->v.numel != nn_shape_numel(&want) ? ""
                     : want.ndim == 1                         ? "; perhaps you mean labels:view{-1}"
                                      : "; the labels' shape is the scores' without the classes";
  if (probabilities)
    return nn_fail(l->ctx, NN_ESHAPE,
                   "%s: the prediction is %s, so the target must be %s labels or %s probabilities, "
                   "got %s%s",
                   who, nn_shape_text(&a, s), nn_shape_text(&w, &want), a.s, nn_shape_text(&b, t),
                   cure);
  return nn_fail(l->ctx, NN_ESHAPE,
                 "%s: the prediction is %s, so the target must be %s labels, got %s%s", who,
                 nn_shape_text(&a, s), nn_shape_text(&w, &want), nn_shape_text(&b, t), cure);
}

nn_status nn_classes_weight(nn_loss *l, const nn_reals *weight, int64_t classes) {
  if (weight->n == 0 || weight->n == classes) return NN_OK;
  return nn_fail(l->ctx, NN_ESHAPE,
                 "%s: 'weight' has %lld numbers, one for each class, but %lld scores a row mean "
                 "%lld classes",
                 l->class->name, (long long)weight->n, (long long)classes, (long long)classes);
}

nn_status nn_classes_rows(nn_ctx *ctx, nn_tensor *scores, nn_tensor **rows) {
  const nn_shape *s = &scores->v.shape;
  nn_ints order = {s->ndim, {1}}, flat = {2, {scores->v.numel / s->dim[1], s->dim[1]}};
  nn_tensor *last;
  *rows = NULL;
  if (s->ndim == 2) {
    *rows = nn_tensor_retain(scores);
    return NN_OK;
  }
  for (int d = 1; d < s->ndim; d++) order.v[d] = d + 1 < s->ndim ? d + 2 : 2;
  NN_TRY(nn_apply(ctx, &nn_op_permute, &order, 1, &scores, &last));
  nn_status st = nn_apply(ctx, &nn_op_reshape, &flat, 1, &last, rows);
  nn_tensor_release(last);
  return st;
}

nn_status nn_classes_unfold(nn_ctx *ctx, nn_tensor *losses, const nn_tensor *scores,
                            nn_tensor **out) {
  nn_shape s = places(&scores->v.shape);
  nn_ints to = {s.ndim, {0}};
  *out = losses;
  if (losses->v.shape.ndim == 0 || s.ndim == 1) return NN_OK;
  for (int d = 0; d < s.ndim; d++) to.v[d] = s.dim[d];
  nn_status st = nn_apply(ctx, &nn_op_reshape, &to, 1, &losses, out);
  nn_tensor_release(losses);
  return st;
}

nn_status nn_classes_labels(nn_ctx *ctx, const char *owner, const int64_t *label, int64_t rows,
                            int64_t classes, int64_t ignore) {
  int64_t least = INT64_MAX, most = INT64_MIN, bad = -1;
  for (int64_t r = 0; r < rows; r++) {
    if (label[r] == ignore) continue;
    least = label[r] < least ? label[r] : least;
    most = label[r] > most ? label[r] : most;
    if (bad < 0 && (label[r] < 1 || label[r] > classes)) bad = r;
  }
  if (bad < 0) return NN_OK;
  const char *cure = least == 0 && most < classes ? ": make them start at 1, labels = labels:add(1)"
                     : least < 1                  ? "; they start at 1"
                                                  : "; a class needs a score: widen the last layer";
  return nn_fail(ctx, NN_EVALUE,
                 "%s: the label of row %lld is %lld, but %lld scores a row mean labels in 1..%lld; "
                 "the labels here run from %lld to %lld%s",
                 owner, (long long)bad + 1, (long long)label[bad], (long long)classes,
                 (long long)classes, (long long)least, (long long)most, cure);
}
