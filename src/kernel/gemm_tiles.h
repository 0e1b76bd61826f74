/* kernel/gemm_tiles.h: what gemm.c drives: the innermost loops, for one width of vector. */
#ifndef NN_KERNEL_GEMM_TILES_H
#define NN_KERNEL_GEMM_TILES_H

#include <stdbool.h>
#include <stdint.h>

/* A few rows and columns of C = alpha A B + beta C. outer: a[i * ai + p * ak], b[p * bs + j];
   dots: a[i * ai + p], b[j * bs + p]. For convolutions, where rows of B are one plane seen from several
   places: slide: a[i + p * ak], b[at[p] + j]; slide_dots: the sum over n < times of a[i * ai + n * ak +
   p], b[at[j] + n * bs + p]. */
typedef struct nn_tile {
  int64_t k, ai, ak, bs, ldc, times;
  const int64_t *at;
  const float *a, *b;
  float *c;
  float alpha, beta;
  int tail; /* outer: columns of the last vector */
} nn_tile;

typedef void (*nn_tile_fn)(const nn_tile *t);

enum { NN_TILE_ROWS = 12, NN_DOT_ROWS = 5, NN_DOT_COLS = 8 };

typedef struct nn_tiles {
  int lanes;                                 /* floats in a vector */
  int rows, dot_rows;                        /* of a tile, at most */
  int dot_cols[NN_DOT_ROWS];                 /* columns of a dots tile beside 1, 2, ... rows */
  nn_tile_fn outer[NN_TILE_ROWS][2];         /* by rows - 1, vectors - 1 */
  nn_tile_fn dots[NN_DOT_ROWS][NN_DOT_COLS]; /* by rows - 1, columns - 1 */
  nn_tile_fn slide[NN_TILE_ROWS][2], slide_dots[NN_DOT_ROWS][NN_DOT_COLS];
  /* to[p * 2 * lanes + j] = b[j * ldb + p] for p < k and j < cols <= 2 lanes */
  void (*turn)(int64_t k, int64_t cols, const float *b, int64_t ldb, float *to);
} nn_tiles;

/* x86-64 with GCC only */
extern const nn_tiles nn_tiles_avx512, nn_tiles_avx2;

/* Into how many pieces n is cut, none of which is larger than `most`; at least one. */
static inline int64_t nn_pieces(int64_t n, int64_t most) {
  return n <= most ? 1 : (n + most - 1) / most;
}
/* Where piece i of n begins, of `total`. (A division costs as much as a small tile.) */
static inline int64_t nn_piece_from(int64_t total, int64_t n, int64_t i) {
  return i == 0 ? 0 : i == n ? total : total * i / n;
}

#endif
