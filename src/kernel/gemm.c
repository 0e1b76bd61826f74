/*
 * kernel/gemm.c: see gemm.h. Two ways through a product:
 *
 *   dots   x W^T with few rows and a long k: A's and B's rows both run along k, so each element of C
 *          is a dot product; tiles of a few rows by a few columns, nothing is packed
 *   outer  the others: tiles of a few rows by two vectors of columns. B goes in panels that stay in
 *          the first-level cache, copied or turned on the way in where that pays; A in blocks for the
 *          second level; k in pieces.
 */
#include "kernel/gemm.h"

#include <omp.h>
#include <stddef.h>

#include "kernel/copy_short.h"
#include "kernel/gemm_tiles.h"
#include "kernel/names.h"

enum {
  KC = 256,             /* of k at a time: a panel of B has 32 KB */
  MC = 120,             /* rows of A at a time: a block has 120 KB */
  WIDE = 32,            /* columns of a panel, at most */
  TILE_K = 64,          /* of k in a product that is one tile, at most */
  GRAIN = 1 << 20,      /* multiplications that a thread must have to be worth waking */
  DOTS_ROWS = 96,       /* beyond, turning B costs less than adding lanes up */
  DOTS_K = 64,          /* the least k for which adding lanes up pays */
  DOTS_KC = 2048,       /* of k at a time there */
  DOTS_FLOATS = 1 << 16 /* of B's rows at a time: what stays in the second-level cache */
};

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* ---- dots ---- */

static void dots_rows(const nn_tiles *s, const nn_product *p, nn_tile t, int64_t cols) {
  int64_t strips = nn_pieces(p->m, s->dot_rows);
  const float *a = t.a, *b = t.b;
  float *c = t.c;
  for (int64_t i = 0; i < strips; i++) {
    int64_t row = nn_piece_from(p->m, strips, i), rows = nn_piece_from(p->m, strips, i + 1) - row;
    int64_t n = nn_pieces(cols, s->dot_cols[rows - 1]);
    t.a = a + row * p->lda;
    for (int64_t j = 0; j < n; j++) {
      int64_t col = nn_piece_from(cols, n, j), wide = nn_piece_from(cols, n, j + 1) - col;
      t.b = b + col * p->ldb;
      t.c = c + row * p->ldc + col;
      s->dots[rows - 1][wide - 1](&t);
    }
  }
}

static void dots(const nn_tiles *s, const nn_product *p) {
  for (int64_t at = 0; at < p->k; at += DOTS_KC) {
    int64_t k = least(p->k - at, DOTS_KC), group = DOTS_FLOATS / k;
    for (int64_t col = 0; col < p->n; col += group) {
      nn_tile t = {.k = k,
                   .ai = p->lda,
                   .bs = p->ldb,
                   .ldc = p->ldc,
                   .a = p->a + at,
                   .b = p->b + col * p->ldb + at,
                   .c = p->c + col,
                   .alpha = p->alpha,
                   .beta = at ? 1 : p->beta};
      dots_rows(s, p, t, least(p->n - col, group));
    }
  }
}

/* ---- outer ---- */

/* One block of A: rows of C, k of the product, and how its strips lie. */
typedef struct block {
  const nn_tiles *s;
  const nn_product *p;
  int64_t row, rows, at, k; /* which rows, which k */
  int64_t strips;           /* tiles one below the other */
  const float *a;           /* packed: strip after strip, k-major; NULL: A itself is read */
} block;

/* strip after strip, so that a tile reads its elements in the order in which they stand */
static void pack_a(const block *b, float *to) {
  const nn_product *p = b->p;
  for (int64_t i = 0; i < b->strips; i++) {
    int64_t lo = nn_piece_from(b->rows, b->strips, i),
            n = nn_piece_from(b->rows, b->strips, i + 1) - lo;
    const float *a = p->ta ? p->a + b->at * p->lda + b->row + lo
                           : p->a + (b->row + lo) * p->lda + b->at;
    if (p->ta)
      for (int64_t k = 0; k < b->k; k++)
        for (int64_t r = 0; r < n; r++) to[k * n + r] = a[k * p->lda + r];
    else
      for (int64_t r = 0; r < n; r++)
        for (int64_t k = 0; k < b->k; k++) to[k * n + r] = a[r * p->lda + k];
    to += b->k * n;
  }
}

/* All tiles of a block beside columns col .. col + cols - 1, which stand at `panel`. */
static void run_panel(const block *b, int64_t col, int64_t cols, const float *panel, int64_t bs) {
  const nn_product *p = b->p;
  const int lanes = b->s->lanes, vecs = cols > lanes ? 2 : 1;
  nn_tile t = {.k = b->k,
               .bs = bs,
               .ldc = p->ldc,
               .b = panel,
               .alpha = p->alpha,
               .beta = b->at ? 1 : p->beta,
               .tail = (int)cols - (vecs - 1) * lanes};
  const float *packed = b->a;
  for (int64_t i = 0; i < b->strips; i++) {
    int64_t lo = nn_piece_from(b->rows, b->strips, i),
            n = nn_piece_from(b->rows, b->strips, i + 1) - lo;
    int64_t row = b->row + lo;
    if (packed) {
      t.a = packed;
      t.ai = 1;
      t.ak = n;
      packed += b->k * n;
    } else {
      t.a = p->ta ? p->a + b->at * p->lda + row : p->a + row * p->lda + b->at;
      t.ai = p->ta ? 1 : p->lda;
      t.ak = p->ta ? p->lda : 1;
    }
    t.c = p->c + row * p->ldc + col;
    b->s->outer[n - 1][vecs - 1](&t);
  }
}

static void run_block(const block *b) {
  enum { COPIED = 4 }; /* strips that must read a panel to be worth a copy */
  const nn_product *p = b->p;
  const int64_t wide = 2 * b->s->lanes;
  _Alignas(64) float panel[KC * WIDE]; /* (k, wide) */
  for (int64_t col = 0; col < p->n; col += wide) {
    int64_t cols = least(p->n - col, wide);
    const float *from = p->tb ? p->b + col * p->ldb + b->at : p->b + b->at * p->ldb + col;
    if (p->tb)
      b->s->turn(b->k, cols, from, p->ldb, panel);
    else if (b->strips >= COPIED)
      for (int64_t k = 0; k < b->k; k++)
        nn_copy_short((size_t)cols * sizeof *from, from + k * p->ldb, panel + k * wide);
    bool own = p->tb || b->strips >= COPIED;
    run_panel(b, col, cols, own ? panel : from, own ? wide : p->ldb);
  }
}

/* A is packed where several panels will read it. */
static void outer(const nn_tiles *s, const nn_product *p) {
  _Alignas(64) float a[MC * KC];
  const int64_t parts = nn_pieces(p->k, KC), blocks = nn_pieces(p->m, MC);
  const bool pack = p->n > (p->ta ? 8 : 2) * s->lanes && p->k > 4;
  for (int64_t i = 0; i < parts; i++) {
    for (int64_t j = 0; j < blocks; j++) {
      block b = {
        .s = s, .p = p, .row = nn_piece_from(p->m, blocks, j), .at = nn_piece_from(p->k, parts, i)};
      b.rows = nn_piece_from(p->m, blocks, j + 1) - b.row;
      b.k = nn_piece_from(p->k, parts, i + 1) - b.at;
      b.strips = nn_pieces(b.rows, s->rows);
      if (pack) pack_a(&b, a);
      b.a = pack ? a : NULL;
      run_block(&b);
    }
  }
}

/* ---- the whole ---- */

/* Part i of n: rows of C, or columns where there are more of those. */
static nn_product part(const nn_product *p, int64_t n, int64_t i) {
  enum { ALIGN = 16 };
  nn_product q = *p;
  bool by_rows = p->m > p->n;
  int64_t all = nn_pieces(by_rows ? p->m : p->n, ALIGN);
  int64_t lo = nn_piece_from(all, n, i) * ALIGN, hi = nn_piece_from(all, n, i + 1) * ALIGN;
  if (by_rows) {
    q.m = least(p->m, hi) - lo;
    q.a += p->ta ? lo : lo * p->lda;
    q.c += lo * p->ldc;
  } else {
    q.n = least(p->n, hi) - lo;
    q.b += p->tb ? lo * p->ldb : lo;
    q.c += lo;
  }
  return q;
}

static int threads_for(const nn_product *p, int threads) {
  int64_t t = p->m * p->n * p->k / GRAIN;
  if (t < 2 || threads < 2 || omp_in_parallel()) return 1;
  int64_t most = nn_pieces(p->m > p->n ? p->m : p->n, 16);
  return (int)least(least(t, threads), most);
}

const nn_tiles *nn_gemm_tiles(nn_gemm_kind kind) {
#ifdef NN_GEMM_X86
  if (kind == NN_GEMM_AVX512) return &nn_tiles_avx512;
  if (kind == NN_GEMM_AVX2) return &nn_tiles_avx2;
#else
  (void)kind;
#endif
  return NULL;
}

static bool by_dots(const nn_product *p) {
  return !p->ta && p->tb && p->m <= DOTS_ROWS && p->k >= DOTS_K;
}

static void run_with(const nn_tiles *s, int threads, const nn_product *p) {
  void (*const run)(const nn_tiles *, const nn_product *) = by_dots(p) ? dots : outer;
  int n = threads_for(p, threads);
  if (n == 1) {
    run(s, p);
    return;
  }
#pragma omp parallel for num_threads(n) schedule(static)
  for (int i = 0; i < n; i++) {
    nn_product q = part(p, n, i);
    run(s, &q);
  }
}

static bool is_empty(const nn_product *p) {
  return p->m < 1 || p->n < 1 || p->k < 1;
}

bool nn_gemm_own(nn_gemm_kind kind, int threads, const nn_product *p) {
  const nn_tiles *s = nn_gemm_tiles(kind);
  if (!s || is_empty(p)) return false;
  run_with(s, threads, p);
  return true;
}

/* ---- the same again ---- */

static void run_any(const nn_gemm_job *j, const void *a, const void *b, void *c) {
  nn_product p = j->p;
  p.a = a;
  p.b = b;
  p.c = c;
  run_with(j->tiles, omp_get_max_threads(), &p);
}

/* B^T in a panel: (k, 2 lanes) */
static void turn_few(const nn_tiles *s, const nn_product *p, const float *b, float *panel) {
  enum { FEW = 64 }; /* elements, below which the processor's way to turn 16 x 16 costs more */
  const int64_t wide = 2 * s->lanes;
  if (p->k * p->n > FEW) {
    s->turn(p->k, p->n, b, p->ldb, panel);
    return;
  }
  for (int64_t k = 0; k < p->k; k++)
    for (int64_t j = 0; j < p->n; j++) panel[k * wide + j] = b[j * p->ldb + k];
}

/* One tile is the whole product: what `outer` does, without its loops. */
static void run_tile(const nn_gemm_job *j, const void *a, const void *b, void *c) {
  const nn_product *p = &j->p;
  const int lanes = j->tiles->lanes, vecs = p->n > lanes ? 2 : 1;
  const bool turned = p->tb && p->n > 1;   /* a single row of B is a column as it lies */
  _Alignas(64) float panel[TILE_K * WIDE]; /* (k, 2 lanes) */
  nn_tile t = {.k = p->k,
               .ai = p->ta ? 1 : p->lda,
               .ak = p->ta ? p->lda : 1,
               .bs = turned  ? 2 * lanes
                     : p->tb ? 1
                             : p->ldb,
               .ldc = p->ldc,
               .a = a,
               .b = turned ? panel : b,
               .c = c,
               .alpha = p->alpha,
               .beta = p->beta,
               .tail = (int)p->n - (vecs - 1) * lanes};
  if (turned) turn_few(j->tiles, p, b, panel);
  j->tiles->outer[p->m - 1][vecs - 1](&t);
}

bool nn_gemm_job_own(nn_gemm_kind kind, nn_gemm_job *j) {
  const nn_product *p = &j->p;
  const nn_tiles *s = j->tiles = nn_gemm_tiles(kind);
  if (!s || is_empty(p)) return false;
  bool one = !by_dots(p) && p->m <= s->rows && p->n <= 2 * s->lanes && p->k <= TILE_K;
  j->run = one ? run_tile : run_any;
  j->rounds = p->k <= KC && !by_dots(p);
  return true;
}
