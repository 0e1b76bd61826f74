/* kernel/random.c: see random.h. Words are made LOT blocks at a time so that the rounds
   vectorise. */
#ifndef R
#include "kernel/random.h"

#include <math.h>

#include "kernel/names.h"
#include "kernel/vmath.h"

enum { LOT = 64, WORDS = 4 * LOT }; /* fewer are unrolled instead of vectorised */

/* Words of blocks first .. first + LOT - 1, word w of block b at word[4 b + w]; the same as
   nn_rng_block's. */
NN_HOT static void lot(uint64_t seed, nn_stream stream, uint64_t first, uint32_t *word) {
  uint32_t c0[LOT], c1[LOT], c2[LOT], c3[LOT], k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int j = 0; j < LOT; j++) {
    uint64_t b = first + (uint64_t)j;
    c0[j] = (uint32_t)b;
    c1[j] = (uint32_t)(b >> 32);
    c2[j] = (uint32_t)stream;
    c3[j] = 0;
  }
  for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
    for (int j = 0; j < LOT; j++) {
      uint64_t p0 = (uint64_t)c0[j] * 0xD2511F53u, p1 = (uint64_t)c2[j] * 0xCD9E8D57u;
      c0[j] = (uint32_t)(p1 >> 32) ^ c1[j] ^ k0;
      c2[j] = (uint32_t)(p0 >> 32) ^ c3[j] ^ k1;
      c1[j] = (uint32_t)p1;
      c3[j] = (uint32_t)p0;
    }
  }
  for (int j = 0; j < LOT; j++) {
    word[4 * j] = c0[j];
    word[4 * j + 1] = c1[j];
    word[4 * j + 2] = c2[j];
    word[4 * j + 3] = c3[j];
  }
}

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static double unit(const uint32_t *w) { /* [0, 1) in steps of 2^-53 */
  return (double)(int64_t)(((uint64_t)w[0] << 32 | w[1]) >> 11) * 0x1p-53;
}

void nn_random_mask(nn_rng *rng, nn_stream stream, int64_t n, double keep, uint8_t *mask) {
  uint64_t first = nn_rng_reserve(rng, stream, (uint64_t)(n + 3) / 4),
           limit = (uint64_t)(keep * 4294967296.0);
  uint32_t w[WORDS];
  for (int64_t at = 0; at < n; at += WORDS) {
    int64_t m = least(WORDS, n - at);
    lot(rng->seed, stream, first + (uint64_t)at / 4, w);
    for (int64_t i = 0; i < m; i++) mask[at + i] = w[i] < limit;
  }
}

/* Two independent normals from two uniforms, in double for both dtypes (Box and Muller). */
enum { PAIRS = WORDS / 4 };
NN_HOT static void normals(const uint32_t *w, double *z) { /* 2 PAIRS of them */
  double r[PAIRS], turn[PAIRS], c[PAIRS], s[PAIRS];
  for (int j = 0; j < PAIRS; j++) {
    r[j] = 1 - unit(w + 4 * j); /* (0, 1]: its logarithm is finite */
    turn[j] = unit(w + 4 * j + 2);
  }
  nn_v_log_f64(PAIRS, r, r);
  nn_v_circle(PAIRS, turn, c, s);
  for (int j = 0; j < PAIRS; j++) {
    const double radius = __builtin_sqrt(-2 * r[j]);
    z[2 * j] = radius * c[j];
    z[2 * j + 1] = radius * s[j];
  }
}

void nn_random_uniform_f32(nn_rng *rng, nn_stream stream, int64_t n, double lo, double hi,
                           float *y) {
  uint64_t first = nn_rng_reserve(rng, stream, (uint64_t)(n + 3) / 4);
  float a = (float)lo, b = (float)(hi - lo), top = nextafterf((float)hi, a);
  uint32_t w[WORDS];
  for (int64_t at = 0; at < n; at += WORDS) {
    int64_t m = least(WORDS, n - at);
    lot(rng->seed, stream, first + (uint64_t)at / 4, w);
    for (int64_t i = 0; i < m; i++) {
      float v = a + b * ((float)(w[i] >> 8) * 0x1p-24f);
      y[at + i] = v > top ? top : v; /* rounding may reach hi */
    }
  }
}

void nn_random_uniform_f64(nn_rng *rng, nn_stream stream, int64_t n, double lo, double hi,
                           double *y) {
  uint64_t first = nn_rng_reserve(rng, stream, (uint64_t)(n + 1) / 2);
  double top = nextafter(hi, lo);
  uint32_t w[WORDS];
  for (int64_t at = 0; at < n; at += WORDS / 2) {
    int64_t m = least(WORDS / 2, n - at);
    lot(rng->seed, stream, first + (uint64_t)at / 2, w);
    for (int64_t i = 0; i < m; i++) {
      double v = lo + (hi - lo) * unit(w + 2 * i);
      y[at + i] = v > top ? top : v;
    }
  }
}

#define NN_SELF "kernel/random.c"
#include "kernel/each_real.h"
#else

void FN(nn_random_normal)(nn_rng *rng, nn_stream stream, int64_t n, double mean, double std, R *y) {
  uint64_t first = nn_rng_reserve(rng, stream, (uint64_t)(n + 1) / 2);
  uint32_t w[WORDS];
  double z[2 * PAIRS];
  for (int64_t at = 0; at < n; at += 2 * PAIRS) {
    int64_t m = least(2 * PAIRS, n - at);
    lot(rng->seed, stream, first + (uint64_t)at / 2, w);
    normals(w, z);
    for (int64_t i = 0; i < m; i++) y[at + i] = (R)(mean + std * z[i]);
  }
}

#endif
