/* io/csv.c: opening tables, their headers, and reading them whole or in blocks. See csv.h. */
#include "io/csv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernel/walk.h"

enum { SNIFFED = 1000 };

/* ---- opening ---- */

void nn_csv_close(nn_csv *r) {
  nn_ctx *ctx = r->ctx;
  nn_input_close(&r->in);
  if (r->number.locale) freelocale(r->number.locale);
  for (int64_t c = 0; r->column && c < r->ncol; c++) nn_csv_texts_drop(ctx, &r->column[c].texts);
  nn_mem_give(ctx, r->column, (size_t)r->ncol * sizeof *r->column);
  nn_csv_texts_drop(ctx, &r->names);
  if (r->buffer) nn_mem_give(ctx, r->buffer, r->room + NN_CSV_PAD);
  nn_mem_give(ctx, r->block, (size_t)r->rblock * sizeof *r->block);
  nn_mem_give(ctx, r->mean, (size_t)r->nx * sizeof *r->mean);
  if (r->path) nn_mem_give(ctx, r->path, strlen(r->path) + 1);
  nn_mem_give(ctx, r, sizeof *r);
}

const char *nn_csv_name(const nn_csv *r, int64_t column, char buffer[32], size_t *n) {
  if (r->column[column].name >= 0) return nn_csv_text(&r->names, r->column[column].name, n);
  *n = (size_t)snprintf(buffer, 32, "column %lld", (long long)column + 1);
  return buffer;
}

/* What stands before the first row: a mark, "sep=;", empty lines. */
static nn_status skip_marks(nn_csv *r, const char **p, const char *end) {
  const unsigned char *b = (const unsigned char *)*p;
  const size_t n = (size_t)(end - *p);
  if (n >= 2 && ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff)))
    return nn_fail(r->ctx, NN_EIO, "%s: byte 0: this is UTF-16; save the table as UTF-8", r->path);
  if (n >= 3 && b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf) *p += 3;
  if (end - *p >= 6 && strncasecmp(*p, "sep=", 4) == 0 && nn_csv_line_end(*p + 5)) {
    if ((*p)[4] == '"' || (*p)[4] == '\r' || strchr("+-.0123456789", (*p)[4]))
      return nn_fail(r->ctx, NN_EIO,
                     "%s: line 1: \"sep=\" names a delimiter that numbers or quotes have", r->path);
    if (!r->delimiter) r->delimiter = (*p)[4];
    *p = nn_csv_behind(*p + 5);
    r->next.line++;
  }
  for (; *p < end && nn_csv_line_end(*p); r->next.line++) *p = nn_csv_behind(*p);
  return NN_OK;
}

/* The one of , ; tab | that the first row has most, outside of quotes. */
static char guess_delimiter(const char *p, const char *end) {
  static const char candidates[] = ",;\t|";
  int64_t count[4] = {0};
  int best = 0;
  bool inside = false;
  for (; p < end && (inside || *p != '\n'); p++) {
    const char *k = *p ? strchr(candidates, *p) : NULL;
    if (*p == '"') inside = !inside;
    if (k && !inside) count[k - candidates]++;
  }
  for (int i = 1; i < 4; i++)
    if (count[i] > count[best]) best = i;
  return candidates[best];
}

/* How many cells the first row has, and whether it looks like data. */
static nn_status count_columns(nn_csv *r, const char *p, bool *numbers) {
  nn_csv_cell cell;
  int64_t n = 0, numeric = 0, empty = 0;
  r->ncol = 0; /* no column to be named in an error yet */
  do {
    double x;
    const char *end;
    nn_csv_problem bad = nn_csv_cell_at(r, p, &cell);
    if (bad)
      return nn_fail(r->ctx, NN_EIO,
                     "%s: line %lld, column %lld: a quote or carriage return where "
                     "none may be; a cell with quotes begins and ends with one",
                     r->path, (long long)r->next.line, (long long)n + 1);
    numeric += nn_csv_cell_number(r, &cell, &x, &end);
    empty += nn_csv_is_missing(&cell);
    p = cell.end + 1;
    n++;
  } while (!nn_csv_line_end(cell.end) && n <= NN_CSV_COLUMNS);
  if (n > NN_CSV_COLUMNS)
    return nn_fail(r->ctx, NN_EIO, "%s: line %lld: more than 1000000 columns", r->path,
                   (long long)r->next.line);
  *numbers = numeric > 0 && numeric + empty == n;
  r->ncol = n;
  return NN_OK;
}

static nn_status name_columns(nn_csv *r, const char *p, const char **end) {
  for (int64_t c = 0; c < r->ncol; c++) {
    nn_csv_cell cell;
    nn_csv_problem bad;
    int64_t number, before = r->names.n;
    nn_csv_cell_at(r, p, &cell);
    for (const char *q = cell.p; q < cell.end; q++) r->next.line += *q == '\n';
    p = *end = nn_csv_behind(cell.end);
    if (cell.n == 0) continue;
    NN_TRY(nn_csv_cell_text(r->ctx, &r->names, &cell, &number, &bad));
    if (bad == NN_CSV_BAD_TEXT) return nn_csv_fail(r, bad, 0, r->next.line, c, &cell);
    if (number < before) {
      int64_t other = 0;
      while (r->column[other].name != number) other++;
      return nn_fail(r->ctx, NN_EIO, "%s: columns %lld and %lld have the same name \"%.*s\"",
                     r->path, (long long)other + 1, (long long)c + 1, (int)cell.n, cell.p);
    }
    r->column[c].name = number;
  }
  r->next.line++;
  return NN_OK;
}

static nn_status read_header(nn_csv *r, const nn_csv_options *o) {
  nn_csv_cuts cuts;
  bool numbers = false;
  NN_TRY(nn_csv_next(r, 1, &cuts));
  const char *p = r->buffer, *end = p + r->used;
  NN_TRY(skip_marks(r, &p, end));
  if (p == end) return nn_fail(r->ctx, NN_EIO, "%s: the file is empty", r->path);
  if (!r->delimiter) r->delimiter = guess_delimiter(p, end);
  NN_TRY(count_columns(r, p, &numbers));
  r->column = nn_mem_take_zero(r->ctx, (size_t)r->ncol * sizeof *r->column);
  if (!r->column) return NN_ENOMEM;
  for (int64_t c = 0; c < r->ncol; c++) r->column[c].name = -1;
  if (o->header < 0 && numbers)
    return nn_fail(r->ctx, NN_EIO,
                   "%s: line %lld: the first row holds numbers, not names; header = false reads it "
                   "as data, header = true takes it for names",
                   r->path, (long long)r->next.line);
  r->header = o->header != 0;
  if (r->header) NN_TRY(name_columns(r, p, &p));
  r->used = (size_t)(p - r->buffer);
  r->first = r->next.at + (int64_t)r->used;
  r->line = r->next.line;
  return NN_OK;
}

nn_status nn_csv_open(nn_ctx *ctx, const char *path, const nn_csv_options *o, nn_csv **out) {
  nn_csv *r = nn_mem_take_zero(ctx, sizeof *r);
  const size_t n = strlen(path) + 1;
  nn_status st = NN_ENOMEM;
  *out = NULL;
  if (!r) return st;
  r->ctx = ctx;
  r->in.fd = -1;
  r->delimiter = o->delimiter;
  r->next = (nn_csv_block){.line = 1, .row = 1};
  r->number = (nn_number_format){o->decimal, newlocale(LC_ALL_MASK, "C", (locale_t)0)};
  r->path = nn_mem_take(ctx, n);
  if (r->path) {
    memcpy(r->path, path, n);
    st = nn_input_open(ctx, r->path, &r->in);
  }
  if (st == NN_OK) st = read_header(r, o);
  if (st == NN_OK)
    *out = r;
  else
    nn_csv_close(r);
  return st;
}

/* ---- text or numbers ---- */

/* "1,5" or "12abc" is a number gone wrong rather than a text. */
static bool begins_as_number(const nn_csv_cell *cell) {
  return cell->n && strchr("0123456789+-.,", *cell->p);
}

/* What the first value of an undecided column says; *open counts those that stay undecided. */
static nn_status sniff_cell(nn_csv *r, int64_t c, const nn_csv_cell *cell, int64_t row,
                            int64_t line, bool *done) {
  nn_csv_column *k = &r->column[c];
  double x;
  const char *end;
  if (r->plan.nonfinite && nn_csv_cell_nonfinite(cell, &x)) {
    *done = true;
    return NN_OK;
  }
  if (nn_csv_is_missing(cell)) return NN_OK;
  *done = true;
  if (nn_csv_cell_number(r, cell, &x, &end)) return NN_OK;
  const bool odd = begins_as_number(cell);
  if (k->use == NN_CSV_TARGET && !(odd && memchr(cell->p, ',', cell->n)))
    k->use = NN_CSV_LABEL;
  else if (k->use == NN_CSV_X && !odd && r->plan.codes)
    k->use = NN_CSV_CODES;
  else if (k->use == NN_CSV_X && !odd)
    return nn_csv_fail(r, NN_CSV_IS_TEXT, row, line, c, cell);
  return NN_OK; /* the rest is refused when it is read */
}

/* A row: FINE, or a problem that reading it will report. */
static nn_status sniff_row(nn_csv *r, const char **p, int64_t row, int64_t line, bool *decided,
                           bool *all, bool *good) {
  nn_csv_cell cell;
  *all = true;
  for (int64_t c = 0; c < r->ncol; c++) {
    *good = nn_csv_cell_at(r, *p, &cell) == NN_CSV_FINE &&
            nn_csv_line_end(cell.end) == (c + 1 == r->ncol);
    if (!*good) return NN_OK;
    *p = nn_csv_behind(cell.end);
    if (!decided[c]) NN_TRY(sniff_cell(r, c, &cell, row, line, &decided[c]));
    *all = *all && decided[c];
  }
  return NN_OK;
}

static nn_status sniff(nn_csv *r) {
  nn_csv_cuts cuts;
  bool all = false, good = true;
  NN_TRY(nn_csv_next(r, 1, &cuts));
  const char *p = r->buffer, *end = p + r->used;
  r->used = 0; /* read again */
  bool *decided = nn_mem_take(r->ctx, (size_t)r->ncol);
  if (!decided) return NN_ENOMEM;
  for (int64_t c = 0; c < r->ncol; c++)
    decided[c] = r->column[c].use != NN_CSV_X && r->column[c].use != NN_CSV_TARGET;
  nn_status st = NN_OK;
  int64_t line = r->line;
  for (int64_t row = 1; p < end && row <= SNIFFED && st == NN_OK && good && !all;) {
    const char *start = p;
    if (nn_csv_line_end(p))
      p = nn_csv_behind(p);
    else
      st = sniff_row(r, &p, row++, line, decided, &all, &good);
    for (; start < p; start++) line += *start == '\n';
  }
  nn_mem_give(r->ctx, decided, (size_t)r->ncol);
  return st;
}

nn_status nn_csv_begin(nn_csv *r) {
  NN_TRY(sniff(r));
  r->nx = r->ny = r->ntext = 0;
  r->label = false;
  for (int64_t c = 0; c < r->ncol; c++) {
    nn_csv_column *k = &r->column[c];
    if (k->use == NN_CSV_TARGET) k->use = NN_CSV_Y;
    r->nx += k->use == NN_CSV_X || k->use == NN_CSV_CODES;
    r->ny += k->use == NN_CSV_Y;
    r->label = r->label || k->use == NN_CSV_LABEL;
    if (k->use == NN_CSV_LABEL || k->use == NN_CSV_CODES) k->text = r->ntext++;
  }
  return NN_OK;
}
