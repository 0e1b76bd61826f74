/* tests/test_csv_number.c: decimal numbers as text, against strtod and strtof, bit for bit. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/csv_number.h"
#include "nn_test.h"

static const nn_number_format *point(void) {
  static nn_number_format f = {.decimal = '.'};
  if (!f.locale) f.locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  return &f;
}

/* The whole text is a number, and these bits. */
static void check(const char *text) {
  double x, want = strtod(text, NULL);
  const char *end = nn_number_read(point(), text, &x);
  if (!end || *end) fail_msg("%s is not read to its end", text);
  if (!t_same_bits(x, want)) fail_msg("%s: %a, not %a", text, x, want);
  float f = nn_number_float(point(), text, end, x), least = strtof(text, NULL);
  if (memcmp(&f, &least, sizeof f) != 0)
    fail_msg("%s: float %a, not %a", text, (double)f, (double)least);
}

static const char *const plain[] = {
  "0",
  "-0",
  "+0",
  "0.0",
  "-0.00e5",
  "1",
  "+1",
  "-1",
  "007",
  ".5",
  "5.",
  "-.5",
  "1e5",
  "1E+5",
  "1e-5",
  "0.1",
  "0.3",
  "123456789.123456789",
  "9007199254740993",
  "9007199254740992.5",
  "9007199254740991",
  "18446744073709551615",
  "18446744073709551616",
  "9999999999999999999",
  "1.7976931348623157e308",
  "2.2250738585072014e-308",
  "4.9e-324",
  "2.4e-324",
  "1e-400",
  "1e400",
  "-1e400",
  "0e999999999999",
  "0.000000000000000000000000000000001",
  "1e22",
  "1e23",
  "1e27",
  "1e28",
  "1e-22",
  "1e-27",
  "1e-28",
  "8.5e22",
  "7.2057594037927933e16",
  "1.00000000000000011102230246251565",
  "1.000000000000000111022302462515654042363166809082031250",
  "1.000000000000000111022302462515654042363166809082031251",
  "3.4028235677973366e38",
  "3.4028234e38",
  "1.17549435e-38",
  "1.1754942e-38",
  "1e-45",
  "7e-46",
  "7.1e-46",
  "1.4e-45",
  "16777217",
  "16777217.0000001",
  "16777219",
  "0.50000002980232239",
  "1.0000000596046448",
  "1.00000005960464477539",
  "1.000000059604644775390625",
  "1.00000005960464477539062500001",
  "0000000000000000000000000000000000000001.5",
  "0.00000000000000000000000000001234567890123456789",
  "123456789012345678901234567890",
  "0.1e-1",
  "100000000000000000000000",
  "6.02214076e23",
  "1.602176634e-19",
  "6.62607015e-34",
};

static void test_plain(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(plain); i++) check(plain[i]);
}

static void test_ends(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int length; /* 0: no number */
    double x;
  } cases[] = {
    {"", 0, 0},           {",", 0, 0},    {".", 0, 0},       {"-", 0, 0},     {"+-1", 0, 0},
    {"e5", 0, 0},         {"-.e1", 0, 0}, {"inf", 0, 0},     {"nan", 0, 0},   {"abc", 0, 0},
    {" 1", 0, 0},         {"1,2", 1, 1},  {"1.5.2", 3, 1.5}, {"1e", 1, 1},    {"1e+", 1, 1},
    {"2e-x", 1, 2},       {"0x10", 1, 0}, {"1_000", 1, 1},   {"1 000", 1, 1}, {"3%", 1, 3},
    {"1.5e3e4", 5, 1500}, {"1..2", 2, 1}, {"12abc", 2, 12},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    double x = -77;
    const char *end = nn_number_read(point(), cases[i].text, &x);
    int length = end ? (int)(end - cases[i].text) : 0;
    if (length != cases[i].length || (end && x != cases[i].x))
      fail_msg("'%s': %d characters, %g", cases[i].text, length, x);
  }
}

/* Texts made from random bits, in the forms in which programs write numbers. */
static void test_random(void **state) {
  (void)state;
  uint64_t seed = 5;
  char text[400];
  for (int i = 0; i < 300000; i++) {
    uint64_t bits = t_bits(&seed);
    double x;
    memcpy(&x, &bits, sizeof x);
    if (i % 4 == 1) x = t_unit(&seed) * 2000 - 1000;
    if (i % 4 == 2) x = (double)(float)t_unit(&seed);
    if (i % 4 == 3) x = ldexp(t_unit(&seed), (int)t_int(&seed, -140, 120));
    if (!isfinite(x)) continue;
    int digits = (int)t_int(&seed, 0, 21);
    switch (t_bits(&seed) % 3) {
      case 0: snprintf(text, sizeof text, "%.*g", digits, x); break;
      case 1: snprintf(text, sizeof text, "%.*e", digits, x); break;
      default: snprintf(text, sizeof text, "%.*f", digits, x);
    }
    check(text);
  }
}

/* Digits in all lengths, with a point and an exponent anywhere. */
static void test_digits(void **state) {
  (void)state;
  uint64_t seed = 6;
  char text[80];
  for (int i = 0; i < 300000; i++) {
    int n = (int)t_int(&seed, 1, 26), at = (int)t_int(&seed, 0, n), k = 0;
    if (t_bits(&seed) & 1) text[k++] = '-';
    for (int j = 0; j < n; j++) {
      if (j == at) text[k++] = '.';
      text[k++] = (char)('0' + t_int(&seed, 0, 9));
    }
    text[k] = 0;
    if (t_bits(&seed) & 1) snprintf(text + k, 10, "e%d", (int)t_int(&seed, -60, 60));
    check(text);
  }
}

/* Just between two floats, and a little beside: a double in the middle would be rounded twice. */
static void test_middles(void **state) {
  (void)state;
  uint64_t seed = 7;
  char text[200];
  for (int i = 0; i < 20000; i++) {
    uint32_t bits = (uint32_t)t_int(&seed, 0, 0x7f000000);
    float f;
    memcpy(&f, &bits, sizeof f);
    double middle = ((double)f + (double)nextafterf(f, INFINITY)) / 2;
    snprintf(text, sizeof text, "%.120e", middle);
    check(text);
    char *e = strchr(text, 'e');
    e[-1] = '1'; /* a hair above */
    check(text);
    snprintf(text, sizeof text, "%.17g", middle);
    check(text);
  }
}

static void test_comma(void **state) {
  (void)state;
  nn_number_format comma = {',', point()->locale};
  static const struct {
    const char *text;
    double x;
  } cases[] = {{"1,5", 1.5},
               {"-0,25e1", -2.5},
               {",5", 0.5},
               {"1,23456789012345678901234e-30", 1.23456789012345678901234e-30}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    double x;
    const char *end = nn_number_read(&comma, cases[i].text, &x);
    assert_true(end && !*end && x == cases[i].x);
    assert_true(nn_number_float(&comma, cases[i].text, end, x) == (float)cases[i].x);
  }
  double x;
  assert_int_equal(*nn_number_read(&comma, "1.5", &x), '.');
}

/* The process's locale changes nothing. */
static void test_locale(void **state) {
  (void)state;
  static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"};
  for (size_t i = 0; i < COUNT(names); i++) {
    double x;
    if (!setlocale(LC_ALL, names[i])) continue;
    const char *text = "1.234567890123456789012345e-40", *end = nn_number_read(point(), text, &x);
    setlocale(LC_ALL, "C");
    assert_true(!*end && x == strtod(text, NULL));
  }
}

/* A text of more than 1000 characters is refused rather than cut. */
static void test_long(void **state) {
  (void)state;
  char text[1100];
  double x;
  memset(text, '0', sizeof text);
  text[0] = '1';
  text[1] = '.';
  text[1000] = 0;
  text[999] = '1';
  check(text);
  text[1000] = '1';
  text[1001] = 0;
  assert_null(nn_number_read(point(), text, &x));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(test_plain),   TEST(test_ends),  TEST(test_random), TEST(test_digits),
    TEST(test_middles), TEST(test_comma), TEST(test_locale), TEST(test_long),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  freelocale(point()->locale);
  return failed;
}
