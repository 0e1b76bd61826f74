/*
 * log1p, erf, sin and cos over arrays (kernel/vmath.h): how far from the truth, at the ends, at every
 * place of an array, and in place.
 */
#include "kernel/vmath.h"

#include <float.h>

#include "nn_test.h"

static const struct function {
  const char *name;
  void (*f32)(int64_t n, const float *x, float *y);
  void (*f64)(int64_t n, const double *x, double *y);
  long double (*truth)(long double);
} functions[] = {{"log1p", nn_v_log1p_f32, nn_v_log1p_f64, log1pl},
                 {"sin", nn_v_sin_f32, nn_v_sin_f64, sinl},
                 {"cos", nn_v_cos_f32, nn_v_cos_f64, cosl},
                 {"erf", nn_v_erf_f32, nn_v_erf_f64, erfl}};

enum { LOT = 1000 };

/* The distance in units of the last place of the true value. */
static double ulps(long double got, long double want, int digits, int least) {
  if (isnan(want)) return isnan(got) ? 0 : HUGE_VAL;
  if (got == want) return 0;
  if (isnan(got) || isinf(got) || isinf(want)) return HUGE_VAL;
  int e = want == 0 ? least : ilogbl(want) - digits + 1;
  return (double)(fabsl(got - want) / ldexpl(1, e < least ? least : e));
}

static void check32(const struct function *f, int64_t n, const float *x) {
  float y[LOT];
  f->f32(n, x, y);
  for (int64_t i = 0; i < n; i++) {
    double error = ulps(y[i], f->truth(x[i]), FLT_MANT_DIG, -149);
    if (error > 2.5) fail_msg("%s of float32 %.9g is %.3g units off", f->name, (double)x[i], error);
  }
}

static void check64(const struct function *f, int64_t n, const double *x) {
  double y[LOT];
  f->f64(n, x, y);
  for (int64_t i = 0; i < n; i++) {
    double error = ulps(y[i], f->truth(x[i]), DBL_MANT_DIG, -1074);
    if (error > 2.5) fail_msg("%s of float64 %.17g is %.3g units off", f->name, x[i], error);
  }
}

/* Every exponent and sign of float, some thousand mantissas each. */
static void float_accuracy(void **state) {
  (void)state;
  for (size_t k = 0; k < COUNT(functions); k++) {
    float x[LOT];
    for (uint64_t u = 0; u < 0x100000000;) {
      int64_t n = 0;
      for (; n < LOT && u < 0x100000000; u += 9973) {
        uint32_t bits = (uint32_t)u;
        memcpy(&x[n++], &bits, 4);
      }
      check32(&functions[k], n, x);
    }
  }
}

/* Ranges where something happens, all bit patterns, and the neighbours of multiples of pi / 2. */
static void double_accuracy(void **state) {
  static const double ranges[][2] = {{-1.7e6, 1.7e6}, {-10, 10}, {-2e-3, 2e-3}, {-1, 2}, {0, 1e9}};
  uint64_t seed = 5;
  double x[LOT];
  (void)state;
  for (int lot = 0; lot < 280; lot++) {
    size_t r = (size_t)lot % (COUNT(ranges) + 2);
    for (int i = 0; i < LOT; i++) {
      uint64_t bits = t_bits(&seed);
      if (r == COUNT(ranges))
        memcpy(&x[i], &bits, 8);
      else if (r > COUNT(ranges))
        x[i] = nextafter((double)(bits % 1018000) * 1.5707963267948966, bits & 1 << 20 ? 0 : 1e9);
      else
        x[i] = ranges[r][0] + (ranges[r][1] - ranges[r][0]) * t_unit(&seed);
    }
    for (size_t k = 0; k < COUNT(functions); k++) check64(&functions[k], LOT, x);
  }
}

static void corners(void **state) {
  static const double x[] = {DBL_TRUE_MIN, DBL_MIN, DBL_MAX,   FLT_MAX, 0x1p-25,  0x1p-54,
                             1e-300,       1e-40,   1 - 1e-16, 1.6e6,   1600001,  3e9,
                             0.7853981633, 0.29289, 0.41421,   1e22,    0x1p-126, 0x1p120};
  (void)state;
  for (size_t k = 0; k < COUNT(functions); k++)
    for (size_t i = 0; i < 2 * COUNT(x); i++) {
      double d = i % 2 ? -x[i / 2] : x[i / 2];
      float f = (float)d;
      check64(&functions[k], 1, &d);
      check32(&functions[k], 1, &f);
    }
}

/* NaN, infinities and both zeros, as C has them. */
static void specials(void **state) {
  static const double x[] = {NAN, INFINITY, -INFINITY, 0.0, -0.0, -1};
  static const double want[4][6] = {{NAN, INFINITY, NAN, 0.0, -0.0, -INFINITY},
                                    {NAN, NAN, NAN, 0.0, -0.0, -0.8414709848078965},
                                    {NAN, NAN, NAN, 1, 1, 0.5403023058681398},
                                    {NAN, 1, -1, 0.0, -0.0, 2}}; /* 2: not looked at */
  (void)state;
  for (size_t k = 0; k < COUNT(functions); k++)
    for (size_t i = 0; i < COUNT(x); i++) {
      double y;
      float xf = (float)x[i], yf;
      functions[k].f64(1, &x[i], &y);
      functions[k].f32(1, &xf, &yf);
      if (want[k][i] == 2) continue;
      if (!t_same_bits(y, want[k][i]) || !t_same_bits((double)yf, (double)(float)want[k][i]))
        fail_msg("%s of %g is %g and %g", functions[k].name, x[i], y, (double)yf);
    }
}

/* Wherever an element stands, beside whichever others, and in place too. */
static void positions(void **state) {
  enum { LONG = 600 };
  static const double odd[] = {NAN, INFINITY, 0, -0.0, 1e-310, 3e38, -2e7, 1600000};
  float x[LONG], y[LONG], one;
  double d[LONG], e[LONG], single;
  uint64_t seed = 9;
  (void)state;
  for (int i = 0; i < LONG; i++) {
    d[i] = i % 11 == 10 && i < 300 ? odd[t_int(&seed, 0, 7)] : (t_unit(&seed) - 0.3) * 30;
    x[i] = (float)d[i];
  }
  for (size_t k = 0; k < COUNT(functions); k++)
    for (int at = 0; at < 20; at++) {
      memcpy(y, x, sizeof y);
      memcpy(e, d, sizeof e);
      functions[k].f32(LONG - 2 * at, y + at, y + at);
      functions[k].f64(LONG - 2 * at, e + at, e + at);
      for (int i = at; i < LONG - at; i++) {
        functions[k].f32(1, &x[i], &one);
        functions[k].f64(1, &d[i], &single);
        if (!t_same_bits((double)y[i], (double)one) || !t_same_bits(e[i], single))
          fail_msg("%s: element %d from %d differs", functions[k].name, i, at);
      }
    }
}

/* Points of the circle: random turns, whole eighths of one, and what stands beside those. */
static void circle(void **state) {
  if (getenv("NN_VALGRIND")) skip(); /* long double */
  const long double quarter_turn = 1.570796326794896619231L;
  double turn[LOT], c[LOT], s[LOT], one[2];
  uint64_t seed = 4;
  (void)state;
  for (int i = 0; i < LOT; i++) turn[i] = t_unit(&seed);
  for (int i = 0; i < 27; i++) turn[i] = (i / 3) / 8.0 + (i % 3 - 1) * 0x1p-53;
  turn[0] = 0x1p-53;
  turn[26] = 1;
  nn_v_circle(LOT, turn, c, s);
  for (int i = 0; i < LOT; i++) {
    const long double t = 4 * (long double)turn[i];
    const int k = (int)roundl(t);
    const long double r = (t - k) * quarter_turn, x = cosl(r), y = sinl(r);
    const long double cosine[] = {x, -y, -x, y}, sine[] = {y, x, -y, -x};
    if (ulps(c[i], cosine[k % 4], DBL_MANT_DIG, -1074) > 2.5 ||
        ulps(s[i], sine[k % 4], DBL_MANT_DIG, -1074) > 2.5)
      fail_msg("turn %.17g: %.17g, %.17g", turn[i], c[i], s[i]);
    nn_v_circle(1, &turn[i], &one[0], &one[1]);
    assert_true(t_same_bits(one[0], c[i]) && t_same_bits(one[1], s[i]));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(float_accuracy), cmocka_unit_test(double_accuracy), cmocka_unit_test(corners),
    cmocka_unit_test(specials),       cmocka_unit_test(positions),       cmocka_unit_test(circle)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
