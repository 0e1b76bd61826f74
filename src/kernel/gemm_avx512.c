/* kernel/gemm_avx512.c: the innermost loops of matrix products with 16 floats a vector. */
#include "kernel/gemm_tiles.h"

#include "kernel/names.h"

#ifdef NN_GEMM_X86
#include <immintrin.h>
#pragma GCC target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")

#define FN(name) NN_JOIN(name, avx512)
#define LANES 16
#define ROWS 12
#define DOT_ROWS 5
#define DOT_COLS \
  { 8, 8, 8, 6, 5 }
#define OUTERS X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
#define DOTS_3(r) X(r, 1) X(r, 2) X(r, 3) X(r, 4) X(r, 5) X(r, 6) X(r, 7) X(r, 8)
#define DOTS \
  DOTS_3(1)  \
  DOTS_3(2)  \
  DOTS_3(3) X(4, 1) X(4, 2) X(4, 3) X(4, 4) X(4, 5) X(4, 6) X(5, 1) X(5, 2) X(5, 3) X(5, 4) X(5, 5)

typedef __m512 V;
#define ZERO _mm512_setzero_ps
#define LOAD _mm512_loadu_ps
#define FIRST(n) ((__mmask16)((1u << (n)) - 1))
#define LOAD_SOME(p, n) _mm512_maskz_loadu_ps(FIRST(n), p)
#define STORE _mm512_storeu_ps
#define STORE_SOME(p, v, n) _mm512_mask_storeu_ps(p, FIRST(n), v)
#define ALL _mm512_set1_ps
#define FMA _mm512_fmadd_ps
#define ADD _mm512_add_ps
#define MUL _mm512_mul_ps
#define SUM4 sum4
#define TURN turn_16

/* The sums of the lanes of four vectors. */
static inline void sum4(const V *v, float *to) {
  V ab = ADD(_mm512_unpacklo_ps(v[0], v[1]), _mm512_unpackhi_ps(v[0], v[1]));
  V cd = ADD(_mm512_unpacklo_ps(v[2], v[3]), _mm512_unpackhi_ps(v[2], v[3]));
  V s = ADD(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
  __m256 h = _mm256_add_ps(_mm512_castps512_ps256(s), _mm512_extractf32x8_ps(s, 1));
  _mm_storeu_ps(to, _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1)));
}

/* 16 x 16: elements change places within quarters of four rows, then the quarters do. */
static inline __attribute__((always_inline)) void turn_16(V *r) {
  V t[16];
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    V a = _mm512_unpacklo_ps(r[i], r[i + 1]), b = _mm512_unpackhi_ps(r[i], r[i + 1]);
    V c = _mm512_unpacklo_ps(r[i + 2], r[i + 3]), d = _mm512_unpackhi_ps(r[i + 2], r[i + 3]);
    t[i] = _mm512_shuffle_ps(a, c, 0x44);
    t[i + 1] = _mm512_shuffle_ps(a, c, 0xee);
    t[i + 2] = _mm512_shuffle_ps(b, d, 0x44);
    t[i + 3] = _mm512_shuffle_ps(b, d, 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    V a = _mm512_shuffle_f32x4(t[i], t[4 + i], 0x88),
      b = _mm512_shuffle_f32x4(t[i], t[4 + i], 0xdd);
    V c = _mm512_shuffle_f32x4(t[8 + i], t[12 + i], 0x88);
    V d = _mm512_shuffle_f32x4(t[8 + i], t[12 + i], 0xdd);
    r[i] = _mm512_shuffle_f32x4(a, c, 0x88);
    r[4 + i] = _mm512_shuffle_f32x4(b, d, 0x88);
    r[8 + i] = _mm512_shuffle_f32x4(a, c, 0xdd);
    r[12 + i] = _mm512_shuffle_f32x4(b, d, 0xdd);
  }
}

#include "kernel/gemm_body.h"
#endif
