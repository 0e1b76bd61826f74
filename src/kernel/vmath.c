/*
 * kernel/vmath.c: see vmath.h. exp and tanh reduce x to r = x - n ln 2, |r| <= ln 2 / 2, with n
 * found by adding a large constant (the sum's low bits are the rounded integer); log reduces to a
 * mantissa around 1 and uses fdlibm's coefficients (Sun Microsystems, 1993).
 */
#ifndef R
#include "kernel/vmath.h"

#include <math.h>
#include <string.h>

#include "kernel/names.h"

static inline uint32_t bits_f32(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}
static inline float real_f32(uint32_t u) {
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}
static inline uint64_t bits_f64(double x) {
  uint64_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}
static inline double real_f64(uint64_t u) {
  double x;
  memcpy(&x, &u, sizeof x);
  return x;
}

/* e^r - 1 for the reduced r of x; *n is the power of two. */
static inline float reduced_f32(float x, int32_t *n) {
  const float magic = 12582912.0f; /* 1.5 * 2^23 */
  float t = x * 1.44269504f + magic, k = t - magic;
  *n = (int32_t)(bits_f32(t) - 0x4B400000u);
  float r = x - k * 0.693359375f;
  r = r - k * -2.12194440e-4f;
  float p = 1.9875691500e-4f; /* Cephes' expf */
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * (r * r) + r;
}

static inline double reduced_f64(double x, int64_t *n) {
  const double magic = 6755399441055744.0; /* 1.5 * 2^52 */
  double t = x * 1.4426950408889634 + magic, k = t - magic;
  *n = (int64_t)(bits_f64(t) - 0x4338000000000000u);
  double r = x - k * 6.93147180369123816490e-01;
  r = r - k * 1.90821492927058770002e-10;
  double p = 1.0 /
             6227020800.0; /* the series to r^13 is exact to half a unit for |r| <= ln 2 / 2 */
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  return p * (r * r) + r;
}

/* 2^n; the exponent's field wraps harmlessly where x was NaN */
static inline float power_f32(int32_t n) {
  return real_f32(((uint32_t)n + 127u) << 23);
}
static inline double power_f64(int64_t n) {
  return real_f64(((uint64_t)n + 1023u) << 52);
}

static inline float exp1_f32(float x) {
  int32_t n;
  x = x < -104.0f ? -104.0f : x; /* written so that NaN passes */
  x = x > 89.0f ? 89.0f : x;
  float e = reduced_f32(x, &n) + 1.0f;
  int32_t half = n >> 1; /* two factors reach the denormals and infinity */
  return e * power_f32(half) * power_f32((int32_t)((uint32_t)n - (uint32_t)half));
}

static inline double exp1_f64(double x) {
  int64_t n;
  x = x < -746.0 ? -746.0 : x;
  x = x > 710.0 ? 710.0 : x;
  double e = reduced_f64(x, &n) + 1.0;
  int64_t half = n >> 1;
  return e * power_f64(half) * power_f64((int64_t)((uint64_t)n - (uint64_t)half));
}

/* tanh a = m / (m + 2) with m = e^2a - 1 = 2^n (e^r - 1) + (2^n - 1), which keeps small a exact */
static inline float tanh1_f32(float x) {
  int32_t n;
  float z = 2.0f * fabsf(x);
  z = z > 18.1f ? 18.1f : z;
  float q = reduced_f32(z, &n), s = power_f32(n);
  float m = s * q + (s - 1.0f);
  return copysignf(m / (m + 2.0f), x);
}

static inline double tanh1_f64(double x) {
  int64_t n;
  double z = 2.0 * fabs(x);
  z = z > 44.0 ? 44.0 : z;
  double q = reduced_f64(z, &n), s = power_f64(n);
  double m = s * q + (s - 1.0);
  return copysign(m / (m + 2.0), x);
}

static inline float log1_f32(float x) {
  float tiny = x < 1.17549435e-38f ? 8388608.0f : 1.0f; /* denormals: times 2^23 */
  uint32_t u = bits_f32(x * tiny) + (0x3f800000u - 0x3f3504f3u);
  float k = (float)((int32_t)(u >> 23) - 127) - (tiny > 1.0f ? 23.0f : 0.0f);
  float f = real_f32((u & 0x007fffffu) + 0x3f3504f3u) - 1.0f; /* mantissa in sqrt(1/2) .. sqrt(2) */
  float s = f / (2.0f + f), z = s * s, h = 0.5f * f * f;
  float p = z * (0.66666662693f + z * (0.40000972152f + z * (0.28498786688f + z * 0.24279078841f)));
  float y = s * (h + p) + k * 9.0580006145e-6f - h + f + k * 6.9313812256e-1f;
  y = x == 0.0f ? -INFINITY : y;
  y = x < 0.0f ? NAN : y;
  return x < INFINITY ? y : x; /* +inf and NaN are their own logarithms */
}

static inline double log1_f64(double x) {
  double tiny = x < 2.2250738585072014e-308 ? 18014398509481984.0 : 1.0; /* 2^54 */
  uint64_t u = bits_f64(x * tiny) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
  double k = (double)((int32_t)(u >> 52) - 1023) - (tiny > 1.0 ? 54.0 : 0.0);
  double f = real_f64((u & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu) - 1.0;
  double s = f / (2.0 + f), z = s * s, h = 0.5 * f * f;
  double p = 1.531383769920937332e-01 + z * 1.479819860511658591e-01;
  p = 1.818357216161805012e-01 + z * p;
  p = 2.222219843214978396e-01 + z * p;
  p = 2.857142874366239149e-01 + z * p;
  p = 3.999999999940941908e-01 + z * p;
  p = z * (6.666666666666735130e-01 + z * p);
  double y = s * (h + p) + k * 1.90821492927058770002e-10 - h + f + k * 6.93147180369123816490e-01;
  y = x == 0.0 ? -(double)INFINITY : y;
  y = x < 0.0 ? (double)NAN : y;
  return x < (double)INFINITY ? y : x;
}

#define NN_SELF "kernel/vmath.c"
#include "kernel/each_real.h"
#else

NN_HOT void FN(nn_v_exp)(int64_t n, const R *x, R *y) {
  for (int64_t i = 0; i < n; i++) y[i] = FN(exp1)(x[i]);
}

NN_HOT void FN(nn_v_log)(int64_t n, const R *x, R *y) {
  for (int64_t i = 0; i < n; i++) y[i] = FN(log1)(x[i]);
}

NN_HOT void FN(nn_v_tanh)(int64_t n, const R *x, R *y) {
  for (int64_t i = 0; i < n; i++) y[i] = FN(tanh1)(x[i]);
}

NN_HOT void FN(nn_v_sigmoid)(int64_t n, const R *x, R *y) {
  for (int64_t i = 0; i < n; i++) y[i] = 1 / (1 + FN(exp1)(-x[i]));
}

#endif
