/*
 * kernel/vmath.c: see vmath.h. exp and tanh reduce x to r = x - n ln 2, |r| <= ln 2 / 2, with n
 * found by adding a large constant (the sum's low bits are the rounded integer); log reduces to a
 * mantissa around 1 and uses fdlibm's coefficients (Sun Microsystems, 1993), as do sin and cos.
 */
#ifndef R
#include "kernel/vmath.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "kernel/names.h"

typedef uint32_t word_f32; /* as wide as the type */
typedef uint64_t word_f64;

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

/* r of x = n ln 2 + r, |r| <= ln 2 / 2, and n + 127 in the low bits of *n, so that power_f32(*n) is
   2^n. */
static inline float reduce_f32(float x, uint32_t *n) {
  const float magic = 12583039.0f; /* 1.5 * 2^23 + 127 */
  float t = x * 1.44269504f + magic, k = t - magic;
  *n = bits_f32(t);
  x = x - k * 0.693359375f;
  return x - k * -2.12194440e-4f;
}

static inline double reduce_f64(double x, uint64_t *n) {
  const double magic = 6755399441056767.0; /* 1.5 * 2^52 + 1023 */
  double t = x * 1.4426950408889634 + magic, k = t - magic;
  *n = bits_f64(t);
  x = x - k * 6.93147180369123816490e-01;
  return x - k * 1.90821492927058770002e-10;
}

/* Only the exponent's field of n + 127 (1023) is looked at: what stands above it is shifted out. */
static inline float power_f32(uint32_t n) {
  return real_f32(n << 23);
}
static inline double power_f64(uint64_t n) {
  return real_f64(n << 52);
}

/* e^r - 1: within 2^-26 for the least degree that has it (Remez), in pairs (Estrin), since a loop's
   speed is that of its longest chain of operations. */
static inline float series_f32(float r) {
  float z = r * r;
  float p = (8.366590366e-3f * r + 4.166628048e-2f) + 1.394646242e-3f * z;
  return (p * z + (0.1666654348f * r + 0.5f)) * z + r;
}

static inline double series_f64(double r) {
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

/* e^x for every x: two factors reach the denormals and infinity. Written so that NaN passes; its n
   wraps harmlessly. */
static inline float exp1_f32(float x) {
  uint32_t n;
  x = x < -104.0f ? -104.0f : x;
  x = x > 89.0f ? 89.0f : x;
  float e = 1.0f + series_f32(reduce_f32(x, &n));
  int32_t whole = (int32_t)(n - 0x4B40007Fu), half = whole >> 1;
  return e * power_f32((uint32_t)half + 127u) * power_f32((uint32_t)(whole - half) + 127u);
}

static inline double exp1_f64(double x) {
  uint64_t n;
  x = x < -746.0 ? -746.0 : x;
  x = x > 710.0 ? 710.0 : x;
  double e = 1.0 + series_f64(reduce_f64(x, &n));
  int64_t whole = (int64_t)(n - 0x43380000000003FFu), half = whole >> 1;
  return e * power_f64((uint64_t)half + 1023u) * power_f64((uint64_t)(whole - half) + 1023u);
}

/* Where |x| is no more, 2^n is one normal factor. */
#define NEAR_f32 87.0f
#define NEAR_f64 708.0
/* Where tanh 2x is 1 in this type. */
#define FLAT_f32 18.1f
#define FLAT_f64 44.0

/* |x| as an integer: they are in the numbers' order, and NaN is above all. */
static inline int32_t size_f32(float x) {
  return (int32_t)(bits_f32(x) & 0x7fffffffu);
}
static inline int64_t size_f64(double x) {
  return (int64_t)(bits_f64(x) & 0x7fffffffffffffffu);
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

/* log(1 + x): the logarithm of u = 1 + x, and what rounding took from u, divided by u; around 0
   x itself is the f above. */
static inline float log1p1_f32(float x) {
  float v = 1.0f + x;
  uint32_t u = bits_f32(v) + (0x3f800000u - 0x3f3504f3u);
  float k = (float)((int32_t)(u >> 23) - 127);
  float lost = (k > 1.0f ? 1.0f - (v - x) : x - (v - 1.0f)) / v;
  float c = k == 0.0f ? 0.0f : lost;
  float f = k == 0.0f ? x : real_f32((u & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
  float s = f / (2.0f + f), z = s * s, h = 0.5f * f * f;
  float p = z * (0.66666662693f + z * (0.40000972152f + z * (0.28498786688f + z * 0.24279078841f)));
  float y = s * (h + p) + (k * 9.0580006145e-6f + c) - h + f + k * 6.9313812256e-1f;
  y = fabsf(x) < 0x1p-25f ? x : y; /* keeps -0 too */
  y = x == -1.0f ? -INFINITY : y;
  y = x < -1.0f ? NAN : y;
  return x < INFINITY ? y : x;
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

static inline double log1p1_f64(double x) {
  double v = 1.0 + x;
  uint64_t u = bits_f64(v) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
  double k = (double)((int32_t)(u >> 52) - 1023);
  double lost = (k > 1.0 ? 1.0 - (v - x) : x - (v - 1.0)) / v;
  double c = k == 0.0 ? 0.0 : lost;
  double f = k == 0.0 ? x : real_f64((u & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu) - 1.0;
  double s = f / (2.0 + f), z = s * s, h = 0.5 * f * f;
  double p = 1.531383769920937332e-01 + z * 1.479819860511658591e-01;
  p = 1.818357216161805012e-01 + z * p;
  p = 2.222219843214978396e-01 + z * p;
  p = 2.857142874366239149e-01 + z * p;
  p = 3.999999999940941908e-01 + z * p;
  p = z * (6.666666666666735130e-01 + z * p);
  double y = s * (h + p) + (k * 1.90821492927058770002e-10 + c) - h + f +
             k * 6.93147180369123816490e-01;
  y = fabs(x) < 0x1p-54 ? x : y;
  y = x == -1.0 ? -(double)INFINITY : y;
  y = x < -1.0 ? (double)NAN : y;
  return x < (double)INFINITY ? y : x;
}

/*
 * sin and cos: x = k pi/2 + r, |r| <= pi/4, exact enough while k has 20 bits; k mod 4 says which of
 * sin r and cos r it is, and its sign. `turn` is 0 for sin, 1 for cos, a quarter later. float is
 * computed in double, where the plain series are exact enough; double has fdlibm's coefficients.
 */
#define FAR 1600000.0 /* beyond, k has more bits */

static inline double quarter(double x, uint64_t *k) {
  const double magic = 6755399441055744.0; /* 1.5 * 2^52 */
  double t = x * 6.36619772367581382433e-01 + magic;
  *k = bits_f64(t);
  return t - magic;
}

static inline double trig1_f32(float given, uint64_t turn) {
  uint64_t q;
  double x = (double)given, k = quarter(x, &q);
  double r = (x - k * 1.57079631090164184570) - k * 1.58932547735281966916e-08, z = r * r;
  double s = 1.0 / 362880.0 * z - 1.0 / 5040.0;
  s = r * (1.0 + z * ((s * z + 1.0 / 120.0) * z - 1.0 / 6.0));
  double c = -1.0 / 3628800.0 * z + 1.0 / 40320.0;
  c = 1.0 - z * (0.5 - z * ((c * z - 1.0 / 720.0) * z + 1.0 / 24.0));
  q += turn;
  double y = q & 1 ? c : s;
  return q & 2 ? -y : y;
}

/* a - b in *hi, what its rounding lost in *lo */
static inline void less(double a, double b, double *hi, double *lo) {
  double d = a - b, v = d - a;
  *hi = d;
  *lo = (a - (d - v)) - (b + v);
}

static inline double trig1_f64(double x, uint64_t turn) {
  uint64_t q;
  double k = quarter(x, &q), r, t, lost, more;
  /* pi/2 in four parts; three have 33 bits, so that their products with k are exact */
  less(x - k * 1.57079632673412561417e+00, k * 6.07710050630396597660e-11, &r, &lost);
  less(r, k * 2.02226624871116645580e-21, &r, &more);
  lost = (lost + more) - k * 8.47842766036889956997e-32;
  t = r + lost;
  lost -= t - r; /* r = t + lost */
  double z = t * t, v = z * t, w = z * z;
  double s = 2.75573137070700676789e-06 +
             z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10);
  s = 8.33333333332248946124e-03 + z * (-1.98412698298579493134e-04 + z * s);
  s = t - ((z * (0.5 * lost - v * s) - lost) - v * -1.66666666666666324348e-01);
  s = x == 0.0 ? x : s; /* -0 */
  double c = w * w *
             (-2.75573143513906633035e-07 +
              z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11));
  c += z * (4.16666666666666019037e-02 +
            z * (-1.38888888888741095749e-03 + z * 2.48015872894767294178e-05));
  double h = 0.5 * z, one = 1.0 - h;
  c = one + (((1.0 - one) - h) + (z * c - t * lost));
  q += turn;
  double y = q & 1 ? c : s;
  return q & 2 ? -y : y;
}

/* cos and sin of t quarters of a turn, 0 <= t <= 4: what is taken off t is exact. */
static inline void circle(double t, double *c, double *s) {
  const double magic = 6755399441055744.0; /* 1.5 * 2^52 */
  const double sum = t + magic;
  const uint64_t q = bits_f64(sum);
  const double r = (t - (sum - magic)) * 1.57079632679489661923, z = r * r, w = z * z;
  double y = 2.75573137070700676789e-06 +
             z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10);
  y = 8.33333333332248946124e-03 + z * (-1.98412698298579493134e-04 + z * y);
  y = r + r * z * (-1.66666666666666324348e-01 + z * y);
  double x = w * w *
             (-2.75573143513906633035e-07 +
              z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11));
  x += z * (4.16666666666666019037e-02 +
            z * (-1.38888888888741095749e-03 + z * 2.48015872894767294178e-05));
  x = 1.0 - z * (0.5 - x);
  const double even = q & 1 ? y : x, odd = q & 1 ? x : y;
  *c = (q + 1) & 2 ? -even : even;
  *s = q & 2 ? -odd : odd;
}

NN_HOT void nn_v_circle(int64_t n, const double *turns, double *restrict c, double *restrict s) {
  for (int64_t i = 0; i < n; i++) circle(4 * turns[i], &c[i], &s[i]);
}

/*
 * exp, sigmoid and tanh go a piece at a time, in two loops: r and 2^n of all of it, then what is made
 * of them. Half the chain of operations means twice as many elements in flight, and that is what the
 * processor's window limits (by 30 %). A piece that has been reduced no longer needs x, so y may be x.
 */
enum { PIECE = 512 };

#define NN_SELF "kernel/vmath.c"
#include "kernel/each_real.h"

/* erf x = x + x p(x^2) for small |x|, 1 - e^-q(|x|) beyond (Juffa's polynomials). */
static inline float erf_small(float x) {
  const float z = x * x;
  float p = -5.96761703e-4f;
  p = p * z + 4.99119423e-3f;
  p = p * z + -2.67681349e-2f;
  p = p * z + 1.12819925e-1f;
  p = p * z + -3.76125336e-1f;
  p = p * z + 1.28379166e-1f;
  return p * x + x;
}

static inline float erf_exponent(float x) {
  const float a = fabsf(x), b = -3.88396438e-3f * a + 2.42546219e-2f;
  float q = (-1.72853470e-5f * a + 3.83197126e-4f) * (a * a) + b;
  q = q * a + -1.06777877e-1f;
  q = q * a + -6.34846687e-1f;
  q = q * a + -1.28717512e-1f;
  q = q * a - a;
  return q < -80.0f ? -80.0f : q;
}

NN_HOT void nn_v_erf_f32(int64_t n, const float *x, float *y) {
  float near[PIECE], far[PIECE];
  for (int64_t m; n > 0; n -= m, x += m, y += m) {
    m = n < PIECE ? n : PIECE;
    for (int64_t i = 0; i < m; i++) near[i] = erf_small(x[i]);
    for (int64_t i = 0; i < m; i++) far[i] = erf_exponent(x[i]);
    exp_f32(m, far, 0, far);
    for (int64_t i = 0; i < m; i++)
      y[i] = fabsf(x[i]) > 0.927734375f ? copysignf(1.0f - far[i], x[i]) : near[i];
  }
}

void nn_v_erf_f64(int64_t n, const double *x, double *y) {
  for (int64_t i = 0; i < n; i++) y[i] = erf(x[i]);
}
#else

/* Reduces the n numbers sign (x - shift); false: some are so large (or NaN) that 2^n has no place in one
   factor. */
static inline __attribute__((always_inline)) bool
FN(reduce_near)(int64_t n, const R *restrict x, R sign, R shift, R *restrict r, R *restrict power) {
  __typeof__(FN(size)(0)) largest = 0;
  for (int64_t i = 0; i < n; i++) {
    R z = sign * (x[i] - shift);
    largest = FN(size)(z) > largest ? FN(size)(z) : largest;
    FN(word) k;
    r[i] = FN(reduce)(z, &k);
    power[i] = FN(power)(k);
  }
  return largest <= FN(size)(FN(NEAR));
}

/* e^(x - shift) */
static inline __attribute__((always_inline)) void FN(exp)(int64_t n, const R *x, R shift, R *y) {
  R r[PIECE], power[PIECE];
  for (int64_t m; n > 0; n -= m, x += m, y += m) {
    m = n < PIECE ? n : PIECE;
    if (FN(reduce_near)(m, x, 1, shift, r, power))
      for (int64_t i = 0; i < m; i++) y[i] = (1 + FN(series)(r[i])) * power[i];
    else
      for (int64_t i = 0; i < m; i++) y[i] = FN(exp1)(x[i] - shift);
  }
}

NN_HOT void FN(nn_v_exp)(int64_t n, const R *x, R *y) {
  FN(exp)(n, x, 0, y);
}

NN_HOT void FN(nn_v_exp_less)(int64_t n, const R *x, R shift, R *y) {
  FN(exp)(n, x, shift, y);
}

NN_HOT void FN(nn_v_log)(int64_t n, const R *x, R *y) {
  for (int64_t i = 0; i < n; i++) y[i] = FN(log1)(x[i]);
}

/* tanh a = m / (m + 2) with m = e^2a - 1 = 2^n (e^r - 1) + (2^n - 1), which keeps small a exact */
NN_HOT void FN(nn_v_tanh)(int64_t n, const R *x, R *y) {
  R r[PIECE], power[PIECE];
  for (int64_t k; n > 0; n -= k, x += k, y += k) {
    k = n < PIECE ? n : PIECE;
    for (int64_t i = 0; i < k; i++) {
      FN(word) w;
      R z = 2 * fabs(x[i]);
      z = z > FN(FLAT) ? FN(FLAT) : z; /* written so that NaN passes */
      r[i] = FN(reduce)(z, &w);
      power[i] = FN(power)(w);
    }
    for (int64_t i = 0; i < k; i++) {
      R m = power[i] * FN(series)(r[i]) + (power[i] - 1);
      y[i] = copysign(m / (m + 2), x[i]);
    }
  }
}

/* 1 / (1 + e^-x); where that could overflow the result is e^x or 1. */
static inline R FN(sigmoid1)(R x) {
  R e = FN(exp1)(x);
  return fabs(x) <= FN(NEAR) ? 1 / (1 + FN(exp1)(-x)) : x > 0 ? 1 : e;
}

NN_HOT void FN(nn_v_sigmoid)(int64_t n, const R *x, R *y) {
  R r[PIECE], power[PIECE];
  for (int64_t m; n > 0; n -= m, x += m, y += m) {
    m = n < PIECE ? n : PIECE;
    if (FN(reduce_near)(m, x, -1, 0, r, power))
      for (int64_t i = 0; i < m; i++) y[i] = 1 / (1 + (1 + FN(series)(r[i])) * power[i]);
    else
      for (int64_t i = 0; i < m; i++) y[i] = FN(sigmoid1)(x[i]);
  }
}

NN_HOT void FN(nn_v_log1p)(int64_t n, const R *x, R *y) {
  for (int64_t i = 0; i < n; i++) y[i] = FN(log1p1)(x[i]);
}

NN_HOT static bool FN(trig_piece)(int64_t n, const R *x, uint64_t turn, R *y) {
  int far = 0;
  for (int64_t i = 0; i < n; i++) {
    far |= !(fabs(x[i]) < (R)FAR);
    y[i] = (R)FN(trig1)(x[i], turn);
  }
  return far != 0;
}

/* A piece at a time, so that x is still there for libm when y is x. */
static void FN(trig)(int64_t n, const R *x, uint64_t turn, R *y) {
  enum { SOME = 256 };
  R part[SOME];
  for (int64_t at = 0, m; at < n; at += m) {
    m = n - at < SOME ? n - at : SOME;
    if (FN(trig_piece)(m, x + at, turn, part))
      for (int64_t i = 0; i < m; i++)
        if (!(fabs(x[at + i]) < (R)FAR)) part[i] = turn ? cos(x[at + i]) : sin(x[at + i]);
    memcpy(y + at, part, (size_t)m * sizeof(R));
  }
}

void FN(nn_v_sin)(int64_t n, const R *x, R *y) {
  FN(trig)(n, x, 0, y);
}

void FN(nn_v_cos)(int64_t n, const R *x, R *y) {
  FN(trig)(n, x, 1, y);
}

#endif
