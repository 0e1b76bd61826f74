/* op/reduction.h: what the reductions along the axis of a call share (kernel/fold.h, grad/axis.h). */
#ifndef NN_OP_REDUCTION_H
#define NN_OP_REDUCTION_H

#include "grad/axis.h"
#include "kernel/fold.h"

/* Folds in[0]; fold->end finds the output's elements by nn_reduced(out). */
static inline nn_status nn_reduce(const nn_call *c, const nn_fold *fold) {
  void *y = nn_data(c->out);
  nn_axis a;
  NN_TRY(nn_call_axis(c, &a));
  return nn_fold_along(c->ctx, fold, &a, nn_data(c->in[0]), NULL, &y);
}
static inline void *nn_reduced(const void *out) {
  return *(void *const *)out;
}

/* Floating dtypes stay, integers become int64. */
static inline nn_status nn_infer_total(const nn_call *c) {
  nn_dtype d = c->in[0]->dtype;
  return nn_infer_axis(c, nn_is_real(d) ? d : NN_I64);
}

#endif
