/* kernel/gemm_avx2.c: the innermost loops of matrix products with 8 floats a vector. */
#include "kernel/gemm_tiles.h"

#include "kernel/names.h"

#ifdef NN_GEMM_X86
#include <immintrin.h>
#pragma GCC target("avx2,fma")

#define FN(name) NN_JOIN(name, avx2)
#define LANES 8
#define ROWS 6
#define DOT_ROWS 3
#define DOT_COLS \
  { 8, 5, 3 }
#define OUTERS X(1) X(2) X(3) X(4) X(5) X(6)
#define DOTS \
  X(1, 1)    \
  X(1, 2)    \
  X(1, 3)    \
  X(1, 4)    \
  X(1, 5) X(1, 6) X(1, 7) X(1, 8) X(2, 1) X(2, 2) X(2, 3) X(2, 4) X(2, 5) X(3, 1) X(3, 2) X(3, 3)

typedef __m256 V;
#define ZERO _mm256_setzero_ps
#define LOAD _mm256_loadu_ps
#define LOAD_SOME(p, n) _mm256_maskload_ps(p, first(n))
#define STORE _mm256_storeu_ps
#define STORE_SOME(p, v, n) _mm256_maskstore_ps(p, first(n), v)
#define ALL _mm256_set1_ps
#define FMA _mm256_fmadd_ps
#define ADD _mm256_add_ps
#define MUL _mm256_mul_ps
#define SUM4 sum4
#define TURN turn_8

/* The lanes before n */
static inline __m256i first(int n) {
  static const int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256((const __m256i *)(const void *)(mask + 8 - n));
}

/* The sums of the lanes of four vectors. */
static inline void sum4(const V *v, float *to) {
  V ab = ADD(_mm256_unpacklo_ps(v[0], v[1]), _mm256_unpackhi_ps(v[0], v[1]));
  V cd = ADD(_mm256_unpacklo_ps(v[2], v[3]), _mm256_unpackhi_ps(v[2], v[3]));
  V s = ADD(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
  _mm_storeu_ps(to, _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1)));
}

/* 8 x 8: elements change places within halves of four rows, then the halves do. */
static inline __attribute__((always_inline)) void turn_8(V *r) {
  V t[8];
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    V a = _mm256_unpacklo_ps(r[i], r[i + 1]), b = _mm256_unpackhi_ps(r[i], r[i + 1]);
    V c = _mm256_unpacklo_ps(r[i + 2], r[i + 3]), d = _mm256_unpackhi_ps(r[i + 2], r[i + 3]);
    t[i] = _mm256_shuffle_ps(a, c, 0x44);
    t[i + 1] = _mm256_shuffle_ps(a, c, 0xee);
    t[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
    t[i + 3] = _mm256_shuffle_ps(b, d, 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    r[i] = _mm256_permute2f128_ps(t[i], t[4 + i], 0x20);
    r[4 + i] = _mm256_permute2f128_ps(t[i], t[4 + i], 0x31);
  }
}

#include "kernel/gemm_body.h"
#endif
