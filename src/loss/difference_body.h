/*
 * loss/difference_body.h: the rows of losses that see the difference d = prediction - target alone.
 * Read for float and double (kernel/each_real.h), after the includer's
 *   FN(option)(attr)       what the others read of the operation's attr, once a run
 *   FN(term)(d, option)    the loss of an element
 *   FN(slope)(d, option)   its derivative, an odd function: slope(-d) is the derivative by the target
 */
NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R option = FN(option)(attr), *x = p[1], *t = p[2];
  R *y = p[0];
  for (int64_t i = 0; i < n; i++) y[i] = FN(term)(x[i] - t[i], option);
}

NN_HOT static void FN(grad_p)(int64_t n, void *const *p, const void *attr) {
  const R option = FN(option)(attr), *gy = p[1], *x = p[2], *t = p[3];
  R *g = p[0];
  for (int64_t i = 0; i < n; i++) g[i] = gy[i] * FN(slope)(x[i] - t[i], option);
}

NN_HOT static void FN(grad_t)(int64_t n, void *const *p, const void *attr) {
  const R option = FN(option)(attr), *gy = p[1], *x = p[2], *t = p[3];
  R *g = p[0];
  for (int64_t i = 0; i < n; i++) g[i] = gy[i] * FN(slope)(t[i] - x[i], option);
}
