/*
 * op/truth_body.h: the kernels of all and any, whose elements count as 0 or other than 0. Read for
 * each dtype (kernel/each_type.h); the includer has
 *   NONE           the answer of no elements
 *   joined(a, b)   what two answers give, 0 or 1
 */
NN_HOT static void FN(piece)(int64_t n, const void *from, const void *arg, void *state) {
  const R *x = from;
  int found = NONE;
  (void)arg;
  for (int64_t i = 0; i < n; i++) found = joined(found, x[i] != 0);
  *(uint8_t *)state = (uint8_t)found;
}

static void FN(join)(void *into, int64_t m, const void *from, int64_t n) {
  uint8_t *found = into;
  (void)m, (void)n;
  *found = (uint8_t)joined(*found, *(const uint8_t *)from);
}

static void FN(end)(const void *state, int64_t n, int64_t line, const void *out) {
  uint8_t *y = nn_reduced(out);
  (void)n;
  y[line] = *(const uint8_t *)state;
}

static nn_status FN(forward)(const nn_call *c) {
  static const nn_fold fold = {sizeof(R), FN(piece), FN(join), FN(end)};
  return nn_reduce(c, &fold);
}
