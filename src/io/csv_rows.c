/* io/csv_rows.c: rows of text to rows of numbers, by several threads. See csv.h. */
#include <math.h>
#include <string.h>

#include "io/csv.h"

enum { SMALL = 1 << 16 }; /* bytes that one thread reads faster alone */

/* Where a text stands; it is numbered when all parts are there, in their order. */
typedef struct span {
  const char *p;
  unsigned n : 31;
  unsigned quoted : 1;
  uint32_t row; /* in its part, from 0 */
} span;

/* A thread's share. The rows that it keeps lie one behind the other. */
typedef struct part {
  const nn_csv *r;
  const char *p, *end;
  char *x, *y;
  span *spans;
  int64_t rows, kept, lines;
  nn_csv_problem bad;
  int64_t column; /* where it is bad; FEW, MANY: how many cells */
  nn_csv_cell cell;
} part;

static size_t row_bytes(const nn_csv *r, bool x) {
  if (!x && r->label) return sizeof(int64_t);
  return (size_t)(x ? r->nx : r->ny) * nn_dtype_size(r->plan.dtype);
}

/* Stores a number that stands at p; false: it is too large. */
static inline bool store(part *w, const nn_csv_column *k, double x, const char *p,
                         const char *end) {
  const nn_csv *r = w->r;
  void *row = k->use == NN_CSV_X ? w->x : w->y;
  if (r->plan.dtype == NN_F32) {
    float f = p ? nn_number_float(&r->number, p, end, x) : (float)x;
    ((float *)row)[k->to] = f;
    return !isinf(f);
  }
  ((double *)row)[k->to] = x;
  return !isinf(x);
}

static bool fail(part *w, nn_csv_problem bad, int64_t column, const nn_csv_cell *cell) {
  w->bad = bad;
  w->column = column;
  w->cell = *cell;
  return false;
}

/* A missing one, by the plan; *drop: the row goes. */
static bool missing(part *w, int64_t c, const nn_csv_cell *cell, bool *drop) {
  const nn_csv_column *k = &w->r->column[c];
  const nn_csv_plan *plan = &w->r->plan;
  if (plan->missing == NN_CSV_DROP) {
    *drop = true;
    return true;
  }
  if (k->use != NN_CSV_X) return fail(w, NN_CSV_LABEL_MISSING, c, cell);
  if (plan->missing == NN_CSV_ERROR) return fail(w, NN_CSV_IS_MISSING, c, cell);
  store(w, k, plan->missing == NN_CSV_MEAN ? (double)NAN : plan->value, NULL, NULL);
  return true;
}

/* Any cell, whatever is in it. */
static bool use_cell(part *w, int64_t c, const nn_csv_cell *cell, bool *drop) {
  const nn_csv_column *k = &w->r->column[c];
  double x;
  const char *end;
  if (k->use == NN_CSV_SKIP) return true;
  if (k->use == NN_CSV_LABEL || k->use == NN_CSV_CODES) {
    if (cell->n == 0) return missing(w, c, cell, drop);
    w->spans[k->text] = (span){cell->p, (unsigned)cell->n & 0x7fffffff, cell->quoted,
                               (uint32_t)w->rows};
    return true;
  }
  if (nn_csv_cell_number(w->r, cell, &x, &end)) {
    const char *p = cell->p;
    while (*p == ' ') p++;
    return store(w, k, x, p, end) || fail(w, NN_CSV_TOO_LARGE, c, cell);
  }
  if (w->r->plan.nonfinite && nn_csv_cell_nonfinite(cell, &x)) {
    store(w, k, x, NULL, NULL);
    return true;
  }
  if (nn_csv_is_missing(cell)) return missing(w, c, cell, drop);
  return fail(w, NN_CSV_NOT_NUMBER, c, cell);
}

/* The cells from p on when the row should have ended there, or ended too early after `c` cells. */
static bool wrong_count(part *w, const char *p, int64_t c) {
  nn_csv_cell cell = {0};
  nn_csv_problem bad = NN_CSV_FINE;
  if (!p) return fail(w, NN_CSV_FEW, c, &cell);
  do {
    bad = nn_csv_cell_at(w->r, p, &cell);
    p = cell.end + 1;
    c++;
  } while (!bad && !nn_csv_line_end(cell.end));
  return fail(w, NN_CSV_MANY, c, &cell);
}

/* What is behind a good number in the plain form; else the long way. */
static const char *read_cell(part *w, int64_t c, const char *p, bool *drop) {
  const nn_csv *r = w->r;
  const nn_csv_column *k = &r->column[c];
  const bool last = c + 1 == r->ncol;
  nn_csv_cell cell;
  double x;
  if (k->use == NN_CSV_X || k->use == NN_CSV_Y) {
    const char *q = nn_number_read(&r->number, p, &x);
    if (q && (last ? nn_csv_line_end(q) : *q == r->delimiter) && store(w, k, x, p, q))
      return nn_csv_behind(q);
  }
  nn_csv_problem bad = nn_csv_cell_at(r, p, &cell);
  if (bad) return fail(w, bad, c, &cell), NULL;
  if (nn_csv_line_end(cell.end) != last)
    return wrong_count(w, last ? cell.end + 1 : NULL, c + 1), NULL;
  if (!use_cell(w, c, &cell, drop)) return NULL;
  for (const char *q = cell.p; q < cell.end; q++) w->lines += *q == '\n';
  return nn_csv_behind(cell.end);
}

static void read_part(part *w) {
  const nn_csv *r = w->r;
  const size_t xs = row_bytes(r, true), ys = row_bytes(r, false);
  while (w->p < w->end) {
    bool drop = false;
    if (nn_csv_line_end(w->p)) { /* an empty line */
      w->p = nn_csv_behind(w->p);
      w->lines++;
      continue;
    }
    for (int64_t c = 0; c < r->ncol; c++)
      if (!(w->p = read_cell(w, c, w->p, &drop))) return;
    w->lines++;
    w->rows++;
    if (drop) continue;
    w->kept++;
    if (xs) w->x += xs;
    if (ys) w->y += ys;
    if (r->ntext) w->spans += r->ntext;
  }
}

/* ---- all parts ---- */

/* Each part left room for its empty lines and dropped rows. */
static void close_up(part *w, int parts, const nn_csv_cuts *cuts, char *x, char *y, span *spans) {
  const nn_csv *r = w->r;
  const size_t xs = row_bytes(r, true), ys = row_bytes(r, false), ss = (size_t)r->ntext;
  int64_t to = w[0].kept;
  for (int k = 1; k < parts; k++) {
    const size_t a = (size_t)to, b = (size_t)cuts->lines[k], n = (size_t)w[k].kept;
    to += w[k].kept;
    if (a == b) continue;
    if (xs) memmove(x + a * xs, x + b * xs, n * xs);
    if (ys) memmove(y + a * ys, y + b * ys, n * ys);
    if (ss) memmove(spans + a * ss, spans + b * ss, n * ss * sizeof *spans);
  }
}

/* Numbers the texts, row by row; where one is refused, *at and *column say which. */
static nn_status number_texts(nn_csv *r, int64_t kept, const span *spans, void *x, int64_t *y,
                              const span **at, int64_t *column, nn_csv_problem *bad) {
  for (int64_t i = 0; i < kept; i++) {
    for (int64_t c = 0; c < r->ncol; c++) {
      nn_csv_column *k = &r->column[c];
      if (k->use != NN_CSV_LABEL && k->use != NN_CSV_CODES) continue;
      const span *s = &spans[i * r->ntext + k->text];
      nn_csv_cell cell = {.p = s->p, .n = s->n, .quoted = s->quoted};
      int64_t number, to = i * r->nx + k->to;
      *at = s, *column = c;
      NN_TRY(nn_csv_cell_text(r->ctx, &k->texts, &cell, &number, bad));
      if (*bad) return NN_OK;
      if (k->use == NN_CSV_LABEL)
        y[i] = number + 1;
      else if (r->plan.dtype == NN_F32)
        ((float *)x)[to] = (float)(number + 1);
      else
        ((double *)x)[to] = (double)(number + 1);
    }
  }
  return NN_OK;
}

static nn_status part_failed(const nn_csv *r, const part *w, int k, const nn_csv_cuts *cuts) {
  int64_t row = r->next.row + w[k].rows;
  for (int j = 0; j < k; j++) row += w[j].rows;
  return nn_csv_fail(r, w[k].bad, row, r->next.line + cuts->lines[k] + w[k].lines, w[k].column,
                     &w[k].cell);
}

static nn_status text_failed(const nn_csv *r, const part *w, const nn_csv_cuts *cuts, const span *s,
                             int64_t column, nn_csv_problem bad) {
  int64_t row = r->next.row + s->row, line = r->next.line;
  size_t at = (size_t)(s->p - r->buffer);
  for (int k = 0; k + 1 < cuts->parts && cuts->cut[k + 1] <= at; k++) row += w[k].rows;
  for (size_t i = 0; i < at; i++) line += r->buffer[i] == '\n';
  return nn_csv_fail(r, bad, row, line, column, &(nn_csv_cell){.p = s->p, .n = s->n});
}

static nn_status gather(nn_csv *r, part *w, const nn_csv_cuts *cuts, char *x, char *y,
                        const span *spans, int64_t *kept) {
  const span *at = NULL;
  int64_t column = 0;
  nn_csv_problem bad = NN_CSV_FINE;
  *kept = 0;
  for (int k = 0; k < cuts->parts; k++) {
    if (w[k].bad) return part_failed(r, w, k, cuts);
    *kept += w[k].kept;
  }
  if (!r->ntext) return NN_OK;
  NN_TRY(number_texts(r, *kept, spans, x, (int64_t *)(void *)y, &at, &column, &bad));
  return bad ? text_failed(r, w, cuts, at, column, bad) : NN_OK;
}

nn_status nn_csv_parse(nn_csv *r, const nn_csv_cuts *cuts, void *x, void *y, int64_t *rows,
                       int64_t *kept) {
  part w[NN_CSV_PARTS];
  const size_t xs = row_bytes(r, true), ys = row_bytes(r, false), nt = (size_t)r->ntext;
  const size_t bytes = nt * (size_t)nn_csv_most(r, cuts) * sizeof(span);
  const int parts = cuts->parts, most = cuts->cut[parts] < SMALL ? 1 : r->ctx->threads;
  const int threads = most < parts ? most : parts;
  span *spans = bytes ? nn_mem_take(r->ctx, bytes) : NULL;
  *rows = *kept = 0;
  if (bytes && !spans) return NN_ENOMEM;
  for (int k = 0; k < parts; k++) {
    const size_t first = (size_t)cuts->lines[k];
    w[k] = (part){.r = r, .p = r->buffer + cuts->cut[k], .end = r->buffer + cuts->cut[k + 1]};
    w[k].x = xs ? (char *)x + first * xs : NULL;
    w[k].y = ys ? (char *)y + first * ys : NULL;
    w[k].spans = spans ? spans + first * nt : NULL;
  }
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
  for (int k = 0; k < parts; k++) read_part(&w[k]);
  close_up(w, parts, cuts, x, y, spans);
  nn_status st = gather(r, w, cuts, x, y, spans, kept);
  for (int k = 0; k < parts; k++) *rows += w[k].rows;
  nn_mem_give(r->ctx, spans, bytes);
  return st;
}
