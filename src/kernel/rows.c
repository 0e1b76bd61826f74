/*
 * kernel/rows.c: see rows.h.
 *
 * Equal rows are found by hashing: a table with open addressing holds the different rows of the other
 * side, and every match is verified element by element.
 */
#ifndef R
#include "kernel/rows.h"

#include <math.h>
#include <string.h>

#include "kernel/names.h"
#include "kernel/places.h"
#include "kernel/walk.h"

enum { BLOCK = 1 << 16 }; /* elements between two looks at the interrupt */

/* ---- gathering ---- */

static nn_status check_rows(nn_ctx *ctx, const char *who, const nn_value *x, const int64_t *index,
                            int64_t first, int64_t n) {
  int64_t rows = x->shape.ndim > 0 ? x->shape.dim[0] : 0;
  if (x->shape.ndim == 0)
    return nn_fail(ctx, NN_ESHAPE, "%s: a tensor without dimensions has no rows", who);
  if (!index && n > 0 && (first < 1 || n > rows - first + 1))
    return nn_fail(ctx, NN_EINDEX, "%s: rows %lld to %lld leave 1..%lld", who, (long long)first,
                   (long long)(first + n - 1), (long long)rows);
  for (int64_t i = 0; index && i < n; i++)
    if (nn_index_from_zero(index[i], rows) < 0)
      return nn_fail(ctx, NN_EINDEX, "%s: index %lld must be a row number in 1..%lld, got %lld",
                     who, (long long)i + 1, (long long)rows, (long long)index[i]);
  return NN_OK;
}

static int64_t row_at(const int64_t *index, int64_t first, int64_t i, int64_t rows) {
  return index ? nn_index_from_zero(index[i], rows) : first - 1 + i;
}

/* Rows whose own elements are not side by side. */
static nn_status gather_strided(nn_ctx *ctx, const nn_value *x, const int64_t *index, int64_t first,
                                const nn_value *out) {
  for (int64_t i = 0; i < out->shape.dim[0]; i++) {
    nn_value from, to;
    nn_value_part(&from, x, 0, row_at(index, first, i, x->shape.dim[0]), 1);
    nn_value_part(&to, out, 0, i, 1);
    NN_TRY(nn_copy_into(ctx, &to, &from));
  }
  return NN_OK;
}

nn_status nn_rows_gather(nn_ctx *ctx, const char *who, const nn_value *x, const int64_t *index,
                         int64_t first, int64_t n, nn_tensor **out) {
  *out = NULL;
  NN_TRY(check_rows(ctx, who, x, index, first, n));
  nn_shape s = x->shape;
  s.dim[0] = n;
  NN_TRY(nn_shape_check(ctx, who, &s, nn_dtype_size(x->dtype)));
  NN_TRY(nn_tensor_new(ctx, x->dtype, &s, out));
  if ((*out)->v.numel == 0) return NN_OK;
  nn_value row;
  nn_value_part(&row, x, 0, 0, 1);
  if (!row.dense) {
    nn_status st = gather_strided(ctx, x, index, first, &(*out)->v);
    if (st != NN_OK) {
      nn_tensor_release(*out);
      *out = NULL;
    }
    return st;
  }
  size_t size = nn_dtype_size(x->dtype), run = (size_t)row.numel * size;
  const char *from = nn_data(x);
  char *to = nn_data(&(*out)->v);
  int64_t step = x->stride[0] * (int64_t)size, rows = x->shape.dim[0];
  int threads = nn_threads_for(ctx, (*out)->v.numel);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
  for (int64_t i = 0; i < n; i++)
    memcpy(to + (size_t)i * run, from + row_at(index, first, i, rows) * step, run);
  return NN_OK;
}

/* ---- dealing ---- */

void nn_rows_codes(int64_t many, const int64_t *x, int64_t n, const int64_t *sorted,
                   int64_t *places) {
  for (int64_t i = 0; i < many; i++) {
    int64_t lo = 0, hi = n;
    while (lo < hi) {
      int64_t mid = lo + (hi - lo) / 2;
      if (sorted[mid] < x[i])
        lo = mid + 1;
      else
        hi = mid;
    }
    places[i] = lo < n && sorted[lo] == x[i] ? lo + 1 : 0;
  }
}

static nn_status uneven(nn_ctx *ctx) {
  return nn_fail(ctx, NN_EVALUE, "deal: the counts do not add up to the groups' sizes");
}

/* part (groups): the part that each group gives to now; at (parts): where its next row goes. */
static nn_status deal(nn_ctx *ctx, int64_t n, const int64_t *order, const int64_t *group,
                      int64_t groups, int64_t parts, int64_t *counts, int64_t *part, int64_t *at,
                      int64_t *out) {
  int64_t total = 0;
  for (int64_t p = 0; p < parts; p++) {
    at[p] = total;
    for (int64_t g = 0; g < groups; g++) {
      int64_t c = counts[g * parts + p];
      if (c < 0 || c > n - total) return uneven(ctx);
      total += c;
    }
  }
  if (total != n) return uneven(ctx);
  memset(part, 0, (size_t)groups * sizeof *part);
  for (int64_t i = 0; i < n; i++) {
    int64_t row = order[i] - 1;
    if (row < 0 || row >= n) return uneven(ctx);
    int64_t g = group ? group[row] - 1 : 0;
    if (g < 0 || g >= groups) return uneven(ctx);
    while (part[g] < parts && counts[g * parts + part[g]] == 0) part[g]++;
    if (part[g] == parts) return uneven(ctx);
    counts[g * parts + part[g]]--;
    out[at[part[g]]++] = row + 1;
  }
  return NN_OK;
}

nn_status nn_rows_deal(nn_ctx *ctx, int64_t n, const int64_t *order, const int64_t *group,
                       int64_t groups, int64_t parts, int64_t *counts, int64_t *out) {
  size_t bytes = (size_t)(groups + parts) * sizeof(int64_t);
  int64_t *part = nn_mem_take(ctx, bytes);
  if (!part) return NN_ENOMEM;
  nn_status st = deal(ctx, n, order, group, groups, parts, counts, part, part + groups, out);
  nn_mem_give(ctx, part, bytes);
  return st;
}

/* ---- equal rows ---- */

typedef struct table {
  int64_t slots, width; /* a power of two; elements of a row */
  int64_t *row;         /* (slots) from 1; 0: free */
  uint64_t *hash;       /* (slots) of the row that stands there */
  const void *x;        /* the rows that it holds */
} table;

static uint64_t mix(uint64_t h, uint64_t bits) {
  h = (h ^ bits) * 0x9E3779B97F4A7C15u; /* the golden ratio as a 64-bit fraction, odd */
  return h ^ h >> 32;
}

#define NN_SELF "kernel/rows.c"
#include "kernel/each_type.h"

typedef nn_status (*matcher)(nn_ctx *ctx, table *t, int64_t n, const void *x, bool keep,
                             int64_t *place);

nn_status nn_rows_match(nn_ctx *ctx, const nn_value *x, const nn_value *other, int64_t *place) {
  static const matcher match[] = NN_ALL(match);
  const nn_value *kept = other ? other : x;
  int64_t held = kept->shape.dim[0], n = x->shape.dim[0];
  table t = {.slots = 16, .width = 1, .x = held > 0 ? nn_data(kept) : NULL};
  for (int d = 1; d < kept->shape.ndim; d++) t.width *= kept->shape.dim[d];
  while (t.slots < 2 * held) t.slots *= 2;
  size_t bytes = (size_t)t.slots * sizeof(int64_t);
  nn_status st = NN_ENOMEM;
  t.row = nn_mem_take_zero(ctx, bytes);
  t.hash = nn_mem_take(ctx, bytes);
  int64_t *own = other && held > 0 ? nn_mem_take(ctx, (size_t)held * sizeof *own) : NULL;
  if (!t.row || !t.hash || (other && held > 0 && !own)) goto done;
  if (own) NN_GO(match[kept->dtype](ctx, &t, held, t.x, true, own));
  st = n > 0 ? match[x->dtype](ctx, &t, n, nn_data(x), !other, place) : NN_OK;
done:
  nn_mem_give(ctx, t.row, bytes);
  nn_mem_give(ctx, t.hash, bytes);
  nn_mem_give(ctx, own, (size_t)held * sizeof *own);
  return st;
}

/* ---- columns ---- */

nn_status nn_columns(nn_ctx *ctx, const nn_value *x, double *out) {
  static nn_status (*const columns[])(nn_ctx *, int64_t, int64_t, const void *,
                                      double *) = NN_ALL(columns);
  int64_t rows = x->shape.dim[0], n = 1;
  for (int d = 1; d < x->shape.ndim; d++) n *= x->shape.dim[d];
  return n > 0 ? columns[x->dtype](ctx, rows, n, nn_data(x), out) : NN_OK;
}
#else

/* ---- equal rows ---- */

static bool FN(same)(int64_t n, const R *a, const R *b) {
#ifdef NN_INTEGER
  return memcmp(a, b, (size_t)n * sizeof *a) == 0;
#else
  for (int64_t i = 0; i < n; i++)
    if (!(a[i] == b[i] || (a[i] != a[i] && b[i] != b[i]))) return false;
  return true;
#endif
}

static uint64_t FN(hash)(int64_t n, const R *x) {
  uint64_t h = 0x2545F4914F6CDD1Du;
  for (int64_t i = 0; i < n; i++) {
#ifdef NN_INTEGER
    h = mix(h, (uint64_t)x[i]);
#else
    uint64_t bits = 0;
    if (x[i] != x[i])
      bits = 1;
    else if (x[i] != 0)
      memcpy(&bits, &x[i], sizeof x[i]);
    h = mix(h, bits);
#endif
  }
  return h;
}

/* place[i]: the row of the table that equals row i of x, or 0; with `keep` that row joins then. */
static nn_status FN(match)(nn_ctx *ctx, table *t, int64_t n, const void *rows, bool keep,
                           int64_t *place) {
  const R *x = rows, *held = t->x;
  int64_t width = t->width, seen = BLOCK;
  for (int64_t i = 0; i < n; i++, x += width, seen += width + 1) {
    if (seen >= BLOCK) {
      NN_TRY(nn_poll(ctx));
      seen = 0;
    }
    uint64_t h = FN(hash)(width, x);
    int64_t at = (int64_t)(h & (uint64_t)(t->slots - 1));
    while (t->row[at] && !(t->hash[at] == h && FN(same)(width, x, held + (t->row[at] - 1) * width)))
      at = (at + 1) & (t->slots - 1);
    place[i] = t->row[at];
    if (!place[i] && keep) {
      t->row[at] = i + 1;
      t->hash[at] = h;
    }
  }
  return NN_OK;
}

/* ---- columns ---- */

/* Each row's numbers into the counts, infinities, least, largest and sums of their columns. */
NN_HOT static void FN(gather_ranges)(int64_t rows, int64_t n, const R *x, double *out) {
  double *count = out, *inf = out + n, *least = out + 2 * n, *most = out + 3 * n,
         *sum = out + 4 * n;
  for (int64_t r = 0; r < rows; r++, x += n)
    for (int64_t c = 0; c < n; c++) {
      double v = (double)x[c];
      count[c] += v == v;
      inf[c] += __builtin_fabs(v) > 1.7976931348623157e308;
      least[c] = v < least[c] ? v : least[c];
      most[c] = v > most[c] ? v : most[c];
      sum[c] += v == v ? v : 0;
    }
}

NN_HOT static void FN(gather_squares)(int64_t rows, int64_t n, const R *x, double *out) {
  const double *mean = out + NN_COL_MEAN * n;
  double *sum = out + NN_COL_VAR * n;
  for (int64_t r = 0; r < rows; r++, x += n)
    for (int64_t c = 0; c < n; c++) {
      double d = (double)x[c] - mean[c];
      sum[c] += d == d ? d * d : 0;
    }
}

static nn_status FN(columns)(nn_ctx *ctx, int64_t rows, int64_t n, const void *data, double *out) {
  const R *x = data;
  int64_t block = BLOCK / n + 1;
  memset(out, 0, (size_t)(NN_COL_N * n) * sizeof *out);
  for (int64_t c = 0; c < n; c++) {
    out[NN_COL_MIN * n + c] = INFINITY;
    out[NN_COL_MAX * n + c] = -INFINITY;
  }
  for (int64_t r = 0; r < rows; r += block) {
    NN_TRY(nn_poll(ctx));
    FN(gather_ranges)(rows - r < block ? rows - r : block, n, x + r * n, out);
  }
  for (int64_t c = 0; c < n; c++) {
    double count = out[c], least = out[NN_COL_MIN * n + c], most = out[NN_COL_MAX * n + c];
    double *mean = out + NN_COL_MEAN * n + c;
    *mean = least == most ? least : *mean / count; /* NaN where there are none */
    if (count == 0) out[NN_COL_MIN * n + c] = out[NN_COL_MAX * n + c] = NAN;
  }
  for (int64_t r = 0; r < rows; r += block) {
    NN_TRY(nn_poll(ctx));
    FN(gather_squares)(rows - r < block ? rows - r : block, n, x + r * n, out);
  }
  for (int64_t c = 0; c < n; c++) out[NN_COL_VAR * n + c] /= out[c];
  return NN_OK;
}

#endif
