/* io/csv_number.c: see csv_number.h. */
#include "io/csv_number.h"

#include <float.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 19, POWER = 27, SHORT = 22, LONGEST = 1000, FAR = 100000 };

static const double ten[SHORT + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static inline bool is_digit(char c) {
  return (unsigned char)(c - '0') < 10;
}

/* ---- rounding ---- */

/* top * 2^k, where `rest` says that something below it is not zero; top > 0. */
static double rounded(uint64_t top, bool rest, int k) {
  int lead = __builtin_clzll(top);
  top <<= lead;
  uint64_t kept = top >> 11, below = top & 0x7ff;
  kept += below > 0x400 || (below == 0x400 && (rest || (kept & 1)));
  uint64_t power = (uint64_t)(k - lead + 11 + 1023)
                   << 52; /* 2^(k - lead + 11), far from the ends */
  double scale;
  memcpy(&scale, &power, sizeof scale);
  return (double)kept * scale;
}

/* m * 10^e for |e| <= POWER: a product or a quotient of integers, with its remainder. */
static double exact(uint64_t m, int e) {
  uint64_t five = 1;
  for (int i = e < 0 ? -e : e; i > 0; i--) five *= 5;
  if (e >= 0) {
    unsigned __int128 v = (unsigned __int128)m * five;
    uint64_t high = (uint64_t)(v >> 64);
    if (!high) return rounded((uint64_t)v, false, e);
    int s = 64 - __builtin_clzll(high);
    return rounded((uint64_t)(v >> s), (v & (((unsigned __int128)1 << s) - 1)) != 0, s + e);
  }
  int a = __builtin_clzll(m), b = __builtin_clzll(five);
  uint64_t d = five << b;
  unsigned __int128 n = (unsigned __int128)(m << a) << 63;
  uint64_t q = (uint64_t)(n / d);
  return rounded(q, n % d != 0, e + b - a - 63);
}

/* The text as strtod wants it. */
static const char *copy(const nn_number_format *f, const char *p, const char *end,
                        char to[LONGEST + 1]) {
  size_t n = (size_t)(end - p);
  memcpy(to, p, n);
  to[n] = 0;
  char *point = f->decimal == '.' ? NULL : memchr(to, f->decimal, n);
  if (point) *point = '.';
  return to;
}

/* ---- reading ---- */

/* [e [+-] digits] at p; nothing is read where no digit follows. */
static const char *exponent(const char *p, int *e) {
  const char *q = p + 1;
  int x = 0;
  bool minus = *q == '-';
  if (*q == '-' || *q == '+') q++;
  if (!is_digit(*q)) return p;
  for (; is_digit(*q); q++) x = x < FAR ? 10 * x + (*q - '0') : x;
  *e += minus ? -x : x;
  return q;
}

/* How many digits from p to end count: without leading zeros. */
static int64_t significant(const char *p, const char *end, char decimal) {
  int64_t n = 0;
  while (p < end && (*p == '0' || *p == decimal)) p++;
  for (; p < end; p++) n += is_digit(*p);
  return n;
}

const char *nn_number_read(const nn_number_format *f, const char *p, double *x) {
  const char *start = p, *digits;
  char text[LONGEST + 1];
  uint64_t m = 0;
  const bool minus = *p == '-';
  int64_t n, after = 0;
  if (*p == '-' || *p == '+') p++;
  for (digits = p; is_digit(*p); p++) m = 10 * m + (uint64_t)(*p - '0');
  n = p - digits;
  if (*p == f->decimal) {
    const char *point = p++;
    for (; is_digit(*p); p++) m = 10 * m + (uint64_t)(*p - '0');
    after = p - point - 1;
    n += after;
  }
  if (n == 0) return NULL;
  const char *end = p;
  int e = after > FAR ? -FAR : -(int)after;
  if ((*p | 0x20) == 'e') p = exponent(p, &e);
  if (n > DIGITS && significant(digits, end, f->decimal) > DIGITS) {
    /* too many digits for m */
  } else if (m <= (uint64_t)1 << 53 && -SHORT <= e && e <= SHORT) {
    double v = e < 0 ? (double)m / ten[-e] : (double)m * ten[e];
    *x = minus ? -v : v;
    return p;
  } else if (-POWER <= e && e <= POWER) { /* m > 0: of zero, only e is far */
    double v = m ? exact(m, e) : 0;
    *x = minus ? -v : v;
    return p;
  }
  if (p - start > LONGEST) return NULL;
  *x = strtod_l(copy(f, start, p, text), NULL, f->locale);
  return p;
}

float nn_number_float(const nn_number_format *f, const char *p, const char *end, double x) {
  char text[LONGEST + 1];
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  /* A double just between two floats may itself have been rounded to there. Below the normal floats
     the middle lies elsewhere. */
  const bool middle = (bits & 0x1fffffff) == 0x10000000;
  const double size = x < 0 ? -x : x;
  if (!middle && (size >= (double)FLT_MIN || size == 0)) return (float)x;
  return strtof_l(copy(f, p, end, text), NULL, f->locale);
}
