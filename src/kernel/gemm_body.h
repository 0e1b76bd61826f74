/*
 * kernel/gemm_body.h: the innermost loops of matrix products, compiled once for each width of vector. The
 * includer sets
 *   FN(name) LANES            the name's ending; floats in a vector
 *   ROWS DOT_ROWS DOT_COLS    the largest tiles; DOT_COLS beside 1, 2, ... rows
 *   OUTERS DOTS               lists X(rows) and X(rows, cols) of the tiles that there shall be
 *   V ZERO LOAD LOAD_SOME STORE STORE_SOME ALL FMA ADD MUL SUM4 TURN   vectors and what one does to them
 */
/* A loop that is written out, so that the vectors of an array live in registers. */
#define foreach(i, n) _Pragma("GCC unroll 32") for (int i = 0; i < (n); i++)
#define INNER static inline __attribute__((always_inline)) void

/* A column of A and a row of B at a time: A's elements are spread over a vector each. B's rows stand
   `bs` apart, or with `placed` at t->at. */
INNER FN(outer)(const nn_tile *t, const int rows, const int vecs, const int64_t ai,
                const bool placed) {
  const float *a = t->a, *b = t->b;
  V acc[ROWS][2];
  foreach (i, rows)
    foreach (j, vecs) acc[i][j] = ZERO();
  for (int64_t p = 0; p < t->k; p++, a += t->ak) {
    V x[2];
    b = placed ? t->b + t->at[p] : t->b + p * t->bs;
    foreach (j, vecs) x[j] = j < vecs - 1 ? LOAD(b + j * LANES) : LOAD_SOME(b + j * LANES, t->tail);
    foreach (i, rows) {
      V y = ALL(a[i * ai]);
      foreach (j, vecs) acc[i][j] = FMA(y, x[j], acc[i][j]);
    }
  }
  const V alpha = ALL(t->alpha), beta = ALL(t->beta);
  if (t->alpha != 1)
    foreach (i, rows)
      foreach (j, vecs) acc[i][j] = MUL(alpha, acc[i][j]);
  if (t->beta != 0)
    foreach (i, rows)
      foreach (j, vecs) {
        const float *c = t->c + i * t->ldc + j * LANES;
        V y = j < vecs - 1 ? LOAD(c) : LOAD_SOME(c, t->tail);
        acc[i][j] = ADD(acc[i][j], MUL(beta, y));
      }
  foreach (i, rows) {
    float *c = t->c + i * t->ldc;
    if (vecs > 1) STORE(c, acc[i][0]);
    if (t->tail == LANES)
      STORE(c + (vecs - 1) * LANES, acc[i][vecs - 1]);
    else
      STORE_SOME(c + (vecs - 1) * LANES, acc[i][vecs - 1], t->tail);
  }
}

/* acc (rows, cols) += x y^T of the vectors at p */
INNER FN(dots_step)(const float *a, int64_t ai, const float *const *b, int64_t p, int n,
                    const int rows, const int cols, V *acc) {
  V y[NN_DOT_COLS];
  foreach (j, cols) y[j] = n == LANES ? LOAD(b[j] + p) : LOAD_SOME(b[j] + p, n);
  foreach (i, rows) {
    V x = n == LANES ? LOAD(a + i * ai + p) : LOAD_SOME(a + i * ai + p, n);
    foreach (j, cols) acc[i * cols + j] = FMA(x, y[j], acc[i * cols + j]);
  }
}

/* Each element the dot product of a row of A and a row of B, or with `placed` the sum of those of
   t->times pairs of rows. */
INNER FN(dots)(const nn_tile *t, const int rows, const int cols, const bool placed) {
  V acc[(NN_DOT_ROWS * NN_DOT_COLS + 3) / 4 * 4];
  float sum[(NN_DOT_ROWS * NN_DOT_COLS + 3) / 4 * 4] = {0};
  const int64_t whole = t->k / LANES * LANES, times = placed ? t->times : 1;
  const float *a = t->a, *b[NN_DOT_COLS];
  foreach (i, (rows * cols + 3) / 4 * 4) acc[i] = ZERO();
  foreach (j, cols) b[j] = placed ? t->b + t->at[j] : t->b + j * t->bs;
  for (int64_t n = 0; n < times; n++) {
    for (int64_t p = 0; p < whole; p += LANES)
      FN(dots_step)(a, t->ai, b, p, LANES, rows, cols, acc);
    if (whole < t->k) FN(dots_step)(a, t->ai, b, whole, (int)(t->k - whole), rows, cols, acc);
    a += t->ak;
    foreach (j, cols) b[j] += t->bs;
  }
  foreach (i, (rows * cols + 3) / 4) SUM4(acc + 4 * i, sum + 4 * i);
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < cols; j++) {
      float *c = t->c + i * t->ldc + j, y = t->alpha * sum[i * cols + j];
      *c = t->beta != 0 ? y + t->beta * *c : y;
    }
}

/* LANES columns (or `cols`) and as many p (or n) of B, turned */
INNER FN(turn_block)(int n, int cols, const float *b, int64_t ldb, float *to) {
  V r[LANES];
  foreach (j, LANES) {
    r[j] = ZERO();
    if (j < cols) r[j] = LOAD_SOME(b + j * ldb, n);
  }
  TURN(r);
  foreach (p, LANES)
    if (p < n) STORE(to + p * 2 * LANES, r[p]);
}

static void FN(turn)(int64_t k, int64_t cols, const float *b, int64_t ldb, float *to) {
  for (int64_t j = 0; j < cols; j += LANES) {
    int some = (int)(cols - j < LANES ? cols - j : LANES);
    for (int64_t p = 0; p < k; p += LANES) {
      int n = (int)(k - p < LANES ? k - p : LANES);
      const float *from = b + j * ldb + p;
      if (n == LANES && some == LANES)
        FN(turn_block)(LANES, LANES, from, ldb, to + p * 2 * LANES + j);
      else
        FN(turn_block)(n, some, from, ldb, to + p * 2 * LANES + j);
    }
  }
}

/* A packed: its rows stand side by side, at offsets that the compiler knows. */
#define OUTER(r, v)                                   \
  static void FN(outer_##r##_##v)(const nn_tile *t) { \
    if (t->ai == 1)                                   \
      FN(outer)(t, r, v, 1, false);                   \
    else                                              \
      FN(outer)(t, r, v, t->ai, false);               \
  }                                                   \
  static void FN(slide_##r##_##v)(const nn_tile *t) { \
    FN(outer)(t, r, v, 1, true);                      \
  }
#define X(r) OUTER(r, 1) OUTER(r, 2)
OUTERS
#undef X
#define X(r, c)                                            \
  static void FN(dots_##r##_##c)(const nn_tile *t) {       \
    FN(dots)(t, r, c, false);                              \
  }                                                        \
  static void FN(slide_dots_##r##_##c)(const nn_tile *t) { \
    FN(dots)(t, r, c, true);                               \
  }
DOTS
#undef X

  const nn_tiles FN(nn_tiles) = {
    .lanes = LANES,
    .rows = ROWS,
    .dot_rows = DOT_ROWS,
    .dot_cols = DOT_COLS,
#define X(r) [r - 1] = {FN(outer_##r##_1), FN(outer_##r##_2)},
    .outer = {OUTERS},
#undef X
#define X(r) [r - 1] = {FN(slide_##r##_1), FN(slide_##r##_2)},
    .slide = {OUTERS},
#undef X
#define X(r, c) [r - 1][c - 1] = FN(dots_##r##_##c),
    .dots = {DOTS},
#undef X
#define X(r, c) [r - 1][c - 1] = FN(slide_dots_##r##_##c),
    .slide_dots = {DOTS},
#undef X
    .turn = FN(turn),
};
