/*
 * op/pick_body.h: the rows of maximum and minimum, which take one of two elements. Read for each
 * dtype (kernel/each_type.h), after the includer's FN(beats)(a, b): whether a number a is taken
 * where b stands beside it. NaN wins over both, so that it is noticed; equal ones share the gradient.
 */
static inline bool FN(wins)(R a, R b) {
#ifdef NN_INTEGER
  return FN(beats)(a, b);
#else
  return FN(beats)(a, b) || a != a;
#endif
}

NN_HOT static void FN(row)(int64_t n, void *const *p, const void *attr) {
  const R *x = p[1], *y = p[2];
  R *z = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) z[i] = FN(wins)(x[i], y[i]) ? x[i] : y[i];
}

#ifndef NN_INTEGER
NN_HOT static void FN(grad_x)(int64_t n, void *const *p, const void *attr) {
  const R *g = p[1], *x = p[2], *y = p[3];
  R *d = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) d[i] = FN(wins)(x[i], y[i]) ? g[i] : x[i] == y[i] ? g[i] / 2 : 0;
}

NN_HOT static void FN(grad_y)(int64_t n, void *const *p, const void *attr) {
  const R *g = p[1], *x = p[2], *y = p[3];
  R *d = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) d[i] = FN(wins)(y[i], x[i]) ? g[i] : y[i] == x[i] ? g[i] / 2 : 0;
}
#endif
