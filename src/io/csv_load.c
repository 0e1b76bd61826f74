/* io/csv_load.c: tables as tensors: whole, or block by block where they are larger than memory. See
   csv.h. */
#include <math.h>
#include <string.h>

#include "io/csv.h"

enum { FIRST_BLOCKS = 64 };

/* What has been read so far, with room for more. */
typedef struct table {
  nn_tensor *x, *y;
  int64_t rows, room;
} table;

static void drop(table *t) {
  nn_tensor_release(t->x);
  nn_tensor_release(t->y);
}

static nn_status enlarge(nn_csv *r, int64_t width, nn_dtype dtype, const table *t, int64_t room,
                         nn_tensor **tensor) {
  nn_tensor *larger = NULL;
  const nn_shape s = nn_shape_2(room, width);
  NN_TRY(nn_shape_check(r->ctx, r->path, &s, nn_dtype_size(dtype)));
  NN_TRY(nn_tensor_new(r->ctx, dtype, &s, &larger));
  if (t->rows)
    memcpy(nn_data(&larger->v), nn_data(&(*tensor)->v),
           (size_t)(t->rows * width) * nn_dtype_size(dtype));
  nn_tensor_release(*tensor);
  *tensor = larger;
  return NN_OK;
}

static nn_status resize(nn_csv *r, table *t, int64_t room) {
  if (r->nx) NN_TRY(enlarge(r, r->nx, r->plan.dtype, t, room, &t->x));
  if (r->ny) NN_TRY(enlarge(r, r->ny, r->plan.dtype, t, room, &t->y));
  if (r->label) NN_TRY(enlarge(r, 1, NN_I64, t, room, &t->y));
  t->room = room;
  return NN_OK;
}

/* Room for `more` rows. The first time for as many as the file will have when all of it is like its
   first `bytes` (0: just for these rows); then half as many again. */
static nn_status reserve(nn_csv *r, table *t, int64_t more, int64_t bytes) {
  int64_t room = t->rows + more;
  if (room <= t->room) return NN_OK;
  const int64_t length = nn_input_length(&r->in);
  if (t->room)
    room += t->room / 2;
  else if (bytes && length > bytes)
    room = (int64_t)((double)more * ((double)length / (double)bytes) * 1.02) + 16;
  return resize(r, t, room);
}

static void *row_of(const nn_tensor *t, int64_t row) {
  if (!t) return NULL;
  return (char *)nn_data(&t->v) + (size_t)(row * t->v.shape.dim[1]) * nn_dtype_size(t->v.dtype);
}

/* Parses what nn_csv_next found, behind what the table holds. */
static nn_status append(nn_csv *r, const nn_csv_cuts *cuts, int64_t bytes, table *t, int64_t *rows,
                        int64_t *kept) {
  NN_TRY(reserve(r, t, nn_csv_most(r, cuts), bytes));
  NN_TRY(nn_csv_parse(r, cuts, row_of(t->x, t->rows), row_of(t->y, t->rows), rows, kept));
  t->rows += *kept;
  r->next.row += *rows;
  r->next.line += cuts->lines[cuts->parts];
  return NN_OK;
}

/* The rows that are there, over the same memory; labels are a list. */
static nn_status trim(nn_ctx *ctx, nn_tensor *t, int64_t rows, bool list, nn_tensor **out) {
  nn_value v;
  nn_shape s = nn_shape_2(rows, t ? t->v.shape.dim[1] : 0);
  *out = NULL;
  if (!t) return NN_OK;
  s.ndim = list ? 1 : 2;
  nn_value_set(&v, t->v.dtype, &s);
  v.storage = t->v.storage;
  return nn_tensor_view(ctx, &v, out);
}

static nn_status finish(nn_csv *r, table *t, nn_tensor **x, nn_tensor **y) {
  nn_status st = NN_OK;
  *x = *y = NULL;
  if (t->rows < t->room / 4 * 3) st = resize(r, t, t->rows); /* the estimate was far too high */
  if (st == NN_OK) st = trim(r->ctx, t->x, t->rows, false, x);
  if (st == NN_OK) st = trim(r->ctx, t->y, t->rows, r->label, y);
  drop(t);
  if (st == NN_OK) return st;
  nn_tensor_release(*x);
  *x = NULL;
  return st;
}

static nn_status no_rows(const nn_csv *r) {
  const bool dropped = r->next.row > 1;
  return nn_fail(r->ctx, NN_EIO, "%s: %s", r->path,
                 dropped     ? "every row misses something, so none is left"
                 : r->header ? "there is a header, but no row"
                             : "there is no row");
}

/* ---- means ---- */

static double at(const nn_tensor *x, int64_t i) {
  return x->v.dtype == NN_F32 ? (double)((const float *)nn_data(&x->v))[i]
                              : ((const double *)nn_data(&x->v))[i];
}

/* Adds the rows to the sums and counts of the columns, (2 nx), row by row: any number of threads
   gives the same. */
static void add_rows(const nn_csv *r, const nn_tensor *x, int64_t rows, double *sum) {
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < r->nx; j++) {
      double v = at(x, i * r->nx + j);
      if (isnan(v)) continue;
      sum[j] += v;
      sum[r->nx + j]++;
    }
  }
}

static nn_status settle_means(nn_csv *r, const double *sum) {
  char number[32];
  size_t n;
  if (!r->mean) r->mean = nn_mem_take(r->ctx, (size_t)r->nx * sizeof *r->mean);
  if (!r->mean) return NN_ENOMEM;
  for (int64_t c = 0; c < r->ncol; c++) {
    const nn_csv_column *k = &r->column[c];
    if (k->use != NN_CSV_X && k->use != NN_CSV_CODES) continue;
    const double count = sum[r->nx + k->to];
    if (count == 0) {
      const char *name = nn_csv_name(r, c, number, &n);
      return nn_fail(r->ctx, NN_EIO, "%s: column %lld \"%.*s\" has no number, so no mean", r->path,
                     (long long)c + 1, (int)n, name);
    }
    r->mean[k->to] = sum[k->to] / count;
  }
  return NN_OK;
}

static void fill_means(const nn_csv *r, const nn_tensor *x, int64_t rows) {
  for (int64_t i = 0; i < rows * r->nx; i++) {
    if (!isnan(at(x, i))) continue;
    if (x->v.dtype == NN_F32)
      ((float *)nn_data(&x->v))[i] = (float)r->mean[i % r->nx];
    else
      ((double *)nn_data(&x->v))[i] = r->mean[i % r->nx];
  }
}

/* ---- whole ---- */

static nn_status load(nn_csv *r, table *t) {
  nn_csv_cuts cuts;
  int64_t rows, kept;
  for (;;) {
    NN_TRY(nn_csv_next(r, NN_CSV_PARTS, &cuts));
    if (cuts.parts == 0) break;
    NN_TRY(append(r, &cuts, (int64_t)r->used, t, &rows, &kept));
  }
  if (t->rows == 0) return no_rows(r);
  if (r->plan.missing != NN_CSV_MEAN || r->nx == 0) return NN_OK;
  const size_t bytes = 2 * (size_t)r->nx * sizeof(double);
  double *sum = nn_mem_take_zero(r->ctx, bytes);
  if (!sum) return NN_ENOMEM;
  add_rows(r, t->x, t->rows, sum);
  nn_status st = settle_means(r, sum);
  nn_mem_give(r->ctx, sum, bytes);
  if (st == NN_OK) fill_means(r, t->x, t->rows);
  return st;
}

nn_status nn_csv_load(nn_csv *r, nn_tensor **x, nn_tensor **y) {
  table t = {0};
  *x = *y = NULL;
  nn_status st = load(r, &t);
  if (st == NN_OK) return finish(r, &t, x, y);
  drop(&t);
  return st;
}

/* ---- in blocks ---- */

static nn_status note_block(nn_csv *r, const nn_csv_block *b) {
  if (r->nblock == r->rblock) {
    const size_t old = (size_t)r->rblock * sizeof *b;
    const int64_t room = r->rblock ? 2 * r->rblock : FIRST_BLOCKS;
    nn_csv_block *larger = nn_mem_take(r->ctx, (size_t)room * sizeof *b);
    if (!larger) return NN_ENOMEM;
    if (old) memcpy(larger, r->block, old);
    nn_mem_give(r->ctx, r->block, old);
    r->block = larger;
    r->rblock = room;
  }
  r->block[r->nblock++] = *b;
  return NN_OK;
}

static nn_status scan(nn_csv *r, table *t, double *sum) {
  nn_csv_cuts cuts;
  for (;;) {
    int64_t rows;
    NN_TRY(nn_csv_next(r, NN_CSV_PARTS, &cuts));
    if (cuts.parts == 0) break;
    nn_csv_block b = r->next;
    b.size = (int64_t)r->used;
    t->rows = 0;
    NN_TRY(append(r, &cuts, 0, t, &rows, &b.rows));
    if (sum) add_rows(r, t->x, b.rows, sum);
    r->rows += b.rows;
    if (b.rows) NN_TRY(note_block(r, &b));
  }
  if (r->rows == 0) return no_rows(r);
  return sum ? settle_means(r, sum) : NN_OK;
}

nn_status nn_csv_scan(nn_csv *r) {
  table t = {0};
  const bool means = r->plan.missing == NN_CSV_MEAN && r->nx;
  const size_t bytes = means ? 2 * (size_t)r->nx * sizeof(double) : 0;
  if (r->in.gzip)
    return nn_fail(r->ctx, NN_EIO,
                   "%s: gzip data cannot be read in batches, only from its beginning; unpack it "
                   "first (gunzip)",
                   r->path);
  double *sum = means ? nn_mem_take_zero(r->ctx, bytes) : NULL;
  if (means && !sum) return NN_ENOMEM;
  r->nblock = r->rows = 0;
  nn_status st = scan(r, &t, sum);
  drop(&t);
  nn_mem_give(r->ctx, sum, bytes);
  return st;
}

nn_status nn_csv_load_block(nn_csv *r, int64_t b, nn_tensor **x, nn_tensor **y) {
  table t = {0};
  nn_csv_cuts cuts;
  int64_t rows, kept = 0;
  const nn_csv_block *block = &r->block[b];
  *x = *y = NULL;
  NN_TRY(nn_csv_fetch(r, block, NN_CSV_PARTS, &cuts));
  nn_status st = NN_OK;
  if ((int64_t)r->used == block->size) st = append(r, &cuts, 0, &t, &rows, &kept);
  if (st == NN_OK && kept != block->rows)
    st = nn_fail(r->ctx, NN_EIO, "%s: line %lld: the file has changed since it was opened", r->path,
                 (long long)block->line);
  if (st == NN_OK && r->mean) fill_means(r, t.x, t.rows);
  if (st == NN_OK) return finish(r, &t, x, y);
  drop(&t);
  return st;
}
