/* fuzz_number.c: numbers in text, against strtod and strtof. */
#include "fuzz.h"
#include "io/csv_number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static nn_number_format f = {.decimal = '.'};
  char text[4097];
  double x = 0;
  if (!f.locale) f.locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (size > 4096) return 0;
  memcpy(text, data, size);
  text[size] = 0;
  const char *end = nn_number_read(&f, text, &x);
  if (!end) return 0;
  text[end - text] = 0;
  char *last;
  double want = strtod(text, &last);
  if (last != end || memcmp(&x, &want, sizeof x) != 0) abort();
  const float y = nn_number_float(&f, text, end, x), least = strtof(text, NULL);
  if (memcmp(&y, &least, sizeof y) != 0) abort();
  return 0;
}
