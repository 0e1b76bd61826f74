/*
 * io/csv_number.h: decimal numbers in text, correctly rounded, whatever the locale says.
 *
 * [+-] digits [. digits] [e [+-] digits], with a digit before or after the point. Up to 19 digits with
 * an exponent that is not far out (nearly all that one meets) are rounded exactly by integer
 * arithmetic; a short number needs one multiplication or division of exact doubles (W. D. Clinger: "How
 * to read floating point numbers accurately", PLDI 1990). strtod in the C locale does the rest.
 */
#ifndef NN_IO_CSV_NUMBER_H
#define NN_IO_CSV_NUMBER_H

#include <locale.h>
#include <stdbool.h>

typedef struct nn_number_format {
  char decimal;    /* '.' or ',' */
  locale_t locale; /* newlocale(LC_ALL_MASK, "C", 0) */
} nn_number_format;

/* The number at p: its end, or NULL when there is none or its text is very long (1000 characters).
   What cannot be held becomes infinite. The text ends somewhere with a byte that no number has. */
const char *nn_number_read(const nn_number_format *f, const char *p, double *x);
/* The same rounded to float, once: through a double it would be rounded twice. `x` is what
   nn_number_read gave for p to `end`. */
float nn_number_float(const nn_number_format *f, const char *p, const char *end, double x);

#endif
