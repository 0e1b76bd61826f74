/* io/csv_cell.c: one cell of a table: where it ends, what it holds, and what is wrong with it. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "io/csv.h"

enum { SHOWN = 40, STARTS = 4 };

static bool is_blank(const nn_csv *r, char c) {
  return (c == ' ' || c == '\t') && c != r->delimiter;
}
static bool is_end(const nn_csv *r, const char *p) {
  return *p == r->delimiter || nn_csv_line_end(p);
}

/* p is behind the opening quote. The rows were cut so that the closing one is there; but for this loop
   that should not have to be believed. */
static nn_csv_problem quoted_cell(const nn_csv *r, const char *p, nn_csv_cell *cell) {
  const char *last = r->buffer + r->held - 1;
  *cell = (nn_csv_cell){.p = p, .end = p};
  while (p < last && (*p != '"' || p[1] == '"')) {
    cell->quoted = cell->quoted || *p == '"';
    p += *p == '"' ? 2 : 1;
  }
  if (p >= last) return NN_CSV_QUOTE_INSIDE;
  cell->n = (size_t)(p - cell->p);
  for (p++; is_blank(r, *p);) p++;
  cell->end = p;
  if (is_end(r, p)) return NN_CSV_FINE;
  return *p == '\r' ? NN_CSV_LONE_CR : NN_CSV_AFTER_QUOTE;
}

nn_csv_problem nn_csv_cell_at(const nn_csv *r, const char *p, nn_csv_cell *cell) {
  while (is_blank(r, *p)) p++;
  if (*p == '"') return quoted_cell(r, p + 1, cell);
  *cell = (nn_csv_cell){.p = p};
  bool quote = false, cr = false;
  for (; !is_end(r, p); p++) {
    quote = quote || *p == '"';
    cr = cr || *p == '\r';
  }
  cell->end = p;
  while (p > cell->p && is_blank(r, p[-1])) p--;
  cell->n = (size_t)(p - cell->p);
  return quote ? NN_CSV_QUOTE_INSIDE : cr ? NN_CSV_LONE_CR : NN_CSV_FINE;
}

/* What programs write where a number is missing. A text is missing only when it is empty: there may be
   a class called NA. */
bool nn_csv_is_missing(const nn_csv_cell *cell) {
  static const char *const texts[] = {"na", "nan", "n/a", "#n/a", "null", "none", "?", "-nan"};
  size_t n = cell->n;
  const char *p = cell->p;
  for (; n > 0 && *p == ' '; p++) n--; /* within quotes */
  for (; n > 0 && p[n - 1] == ' ';) n--;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (n == strlen(texts[i]) && strncasecmp(p, texts[i], n) == 0) return true;
  return n == 0;
}

bool nn_csv_cell_number(const nn_csv *r, const nn_csv_cell *cell, double *x, const char **end) {
  const char *p = cell->p, *last = p + cell->n;
  while (p < last && *p == ' ') p++;
  while (last > p && last[-1] == ' ') last--;
  const char *q = p < last ? nn_number_read(&r->number, p, x) : NULL;
  *end = q;
  return q == last && q;
}

bool nn_csv_cell_nonfinite(const nn_csv_cell *cell, double *x) {
  const char *p = cell->p, *last = p + cell->n;
  while (p < last && *p == ' ') p++;
  while (last > p && last[-1] == ' ') last--;
  const bool minus = p < last && *p == '-';
  if (p < last && (*p == '-' || *p == '+')) p++;
  const size_t n = (size_t)(last - p);
  const bool nan = n == 3 && strncasecmp(p, "nan", n) == 0;
  if (!nan && (n < 3 || (n != 3 && n != 8) || strncasecmp(p, "infinity", n) != 0)) return false;
  *x = nan ? (double)NAN : minus ? -HUGE_VAL : HUGE_VAL;
  return true;
}

nn_status nn_csv_cell_text(nn_ctx *ctx, nn_csv_texts *t, const nn_csv_cell *cell, int64_t *number,
                           nn_csv_problem *bad) {
  char plain[NN_CSV_NAME];
  const char *p = cell->p;
  size_t n = cell->n;
  *bad = n > NN_CSV_NAME || memchr(p, 0, n) || !nn_utf8_valid(p, n) ? NN_CSV_BAD_TEXT : NN_CSV_FINE;
  if (*bad) return NN_OK;
  if (cell->quoted) { /* "" stands for " */
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
      plain[k++] = p[i];
      i += p[i] == '"';
    }
    p = plain;
    n = k;
  }
  int64_t before = t->n;
  NN_TRY(nn_csv_intern(ctx, t, p, n, number));
  if (t->n > before && t->n > NN_CSV_TEXTS) *bad = NN_CSV_MANY_TEXTS;
  return NN_OK;
}

/* ---- errors ---- */

/* The cell's text for people: at most SHOWN bytes, what does not print as \xNN. */
static const char *show(const nn_csv_cell *cell, char to[STARTS * SHOWN + 8]) {
  char *q = to;
  size_t n = cell->n < SHOWN ? cell->n : SHOWN;
  while (n > 0 && n < cell->n && (cell->p[n] & 0xc0) == 0x80) n--; /* not within a character */
  const bool valid = nn_utf8_valid(cell->p, n);
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)cell->p[i];
    if (c < 32 || c == 127 || (c > 127 && !valid))
      q += snprintf(q, 5, "\\x%02x", c);
    else
      *q++ = (char)c;
  }
  for (int i = 0; i < 3 && n < cell->n; i++) *q++ = '.';
  *q = 0;
  return to;
}

/* What is often behind a cell that is no number. */
static const char *advice(const nn_csv *r, int64_t row, int64_t column, const nn_csv_cell *cell) {
  char text[64];
  double x = 0;
  const char *comma = memchr(cell->p, ',', cell->n);
  if (row == 1 && !r->header) return "; if the first row names the columns: header = true";
  if (comma && r->number.decimal == '.' && cell->n < sizeof text) {
    memcpy(text, cell->p, cell->n);
    text[cell->n] = 0;
    text[comma - cell->p] = '.';
    const char *end = nn_number_read(&r->number, text, &x);
    if (end && !*end) return "; if this is a decimal comma: decimal = \",\"";
  }
  if (nn_csv_cell_nonfinite(cell, &x)) return "; nonfinite = true lets infinite numbers in";
  if (r->column[column].use == NN_CSV_Y)
    return "; are the numbers in this column labels? classes = true";
  return "";
}

static const char *complaint(nn_csv_problem bad) {
  switch (bad) {
    case NN_CSV_QUOTE_INSIDE:
      return "has a quote inside; a cell with quotes begins and ends with one, and has them twice "
             "within";
    case NN_CSV_AFTER_QUOTE: return "is followed by something else behind its closing quote";
    case NN_CSV_LONE_CR:
      return "has a carriage return without a line feed; lines end in LF or CR LF";
    case NN_CSV_NOT_NUMBER: return "is not a number";
    case NN_CSV_IS_TEXT:
      return "is a text; leave the column out (columns = {...}), or turn its texts into numbers "
             "(text = \"codes\")";
    case NN_CSV_BAD_TEXT:
      return "is not text in UTF-8, has a zero byte, or is over 4096 bytes long";
    case NN_CSV_MANY_TEXTS: return "is text number 65537 that differs from all before: no classes";
    default: return "";
  }
}

nn_status nn_csv_fail(const nn_csv *r, nn_csv_problem bad, int64_t row, int64_t line,
                      int64_t column, const nn_csv_cell *cell) {
  char where[64], number[32], name[SHOWN * STARTS + 8], text[SHOWN * STARTS + 8];
  double x;
  size_t n;
  nn_ctx *ctx = r->ctx;
  if (row > 0)
    snprintf(where, sizeof where, "row %lld (line %lld)", (long long)row, (long long)line);
  else
    snprintf(where, sizeof where, "line %lld, the header", (long long)line);
  if (bad == NN_CSV_FEW || bad == NN_CSV_MANY)
    return nn_fail(ctx, NN_EIO, "%s: %s has %lld cells, expected %lld%s", r->path, where,
                   (long long)column, (long long)r->ncol,
                   bad == NN_CSV_FEW && column == 1 ? "; is the delimiter another?" : "");
  const char *p = nn_csv_name(r, column, number, &n);
  show(&(nn_csv_cell){.p = p, .n = n}, name);
  show(cell, text);
  if (bad == NN_CSV_IS_MISSING)
    return nn_fail(ctx, NN_EIO,
                   "%s: %s, column %lld \"%s\": a number is missing (\"%s\"); missing = \"mean\", "
                   "\"drop\" or a number says what to do%s",
                   r->path, where, (long long)column + 1, name, text,
                   nn_csv_cell_nonfinite(cell, &x) ? ", nonfinite = true keeps it as NaN" : "");
  if (bad == NN_CSV_LABEL_MISSING)
    return nn_fail(ctx, NN_EIO,
                   "%s: %s, column %lld \"%s\": %s is missing (\"%s\"); missing = \"drop\" leaves "
                   "such rows out",
                   r->path, where, (long long)column + 1, name,
                   r->column[column].use == NN_CSV_Y       ? "the target"
                   : r->column[column].use == NN_CSV_LABEL ? "the label"
                                                           : "the text",
                   text);
  if (bad == NN_CSV_TOO_LARGE)
    return nn_fail(ctx, NN_EIO, "%s: %s, column %lld \"%s\": \"%s\" is too large for %s%s", r->path,
                   where, (long long)column + 1, name, text, nn_dtype_name(r->plan.dtype),
                   r->plan.dtype == NN_F32 ? "; dtype = \"float64\"" : "");
  return nn_fail(ctx, NN_EIO, "%s: %s, column %lld \"%s\": \"%s\" %s%s", r->path, where,
                 (long long)column + 1, name, text, complaint(bad),
                 bad == NN_CSV_NOT_NUMBER || bad == NN_CSV_IS_TEXT ? advice(r, row, column, cell)
                                                                   : "");
}
