/* op/step.c: see step.h. */
#ifndef R
#include "op/step.h"

#include "kernel/names.h"

#define NN_SELF "op/step.c"
#include "kernel/each_type.h"

#elif defined(NN_INTEGER)

NN_HOT void FN(nn_step_stay)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1];
  R *y = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) y[i] = x[i];
}
#else

void FN(nn_step_grad)(int64_t n, void *const *p, const void *attr) {
  R *gx = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) gx[i] = 0;
}

#endif
