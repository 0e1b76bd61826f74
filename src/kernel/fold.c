/* kernel/fold.c: see fold.h. */
#include "kernel/fold.h"

#include <string.h>

#include "kernel/walk.h"

enum {
  PIECE = 4096,     /* elements that stay in the cache while a piece looks at them twice */
  GROUP = 512,      /* pieces of one long line between two looks at Ctrl-C */
  LONG = 1 << 17,   /* from here the threads share one line */
  COLUMNS = 16,     /* lines gathered at a time: a cache line of float32 */
  TILE = 256,       /* elements of each that are gathered at a time */
  STRETCH = 1 << 18 /* elements between two looks at Ctrl-C, for each thread */
};

typedef struct job {
  const nn_fold *f;
  const nn_axis *a;
  const char *x;
  const void *arg, *out;
} job;

static void contiguous(const job *j, int64_t n, const char *x, nn_fold_state *s) {
  nn_fold_state next;
  int64_t done = n < PIECE ? n : PIECE;
  j->f->piece(done, x, j->arg, s);
  for (int64_t m; done < n; done += m) {
    m = n - done < PIECE ? n - done : PIECE;
    j->f->piece(m, x + (size_t)done * j->f->size, j->arg, &next);
    j->f->join(s, done, &next, m);
  }
}

/* Task t is line t. */
static void rows(const job *j, int64_t from, int64_t to) {
  nn_fold_state s;
  const int64_t n = j->a->n;
  for (int64_t t = from; t < to; t++) {
    contiguous(j, n, j->x + (size_t)(t * n) * j->f->size, &s);
    j->f->end(&s, n, t, j->out);
  }
}

static void transpose(const char *x, int64_t n, int64_t step, int64_t columns, size_t size,
                      char *tile) {
  for (int64_t i = 0; i < n; i++, x += (size_t)step * size)
    for (int64_t c = 0; c < columns; c++) {
      char *to = tile + (size_t)(c * TILE + i) * size;
      if (size == 4)
        memcpy(to, x + 4 * c, 4);
      else if (size == 8)
        memcpy(to, x + 8 * c, 8);
      else
        *to = x[c];
    }
}

/* Task t is a group of neighbouring columns. */
static void columns(const job *j, int64_t from, int64_t to) {
  const size_t size = j->f->size;
  const int64_t n = j->a->n, inner = j->a->inner, groups = (inner + COLUMNS - 1) / COLUMNS;
  nn_fold_state s[COLUMNS], next;
  _Alignas(64) char tile[COLUMNS * TILE * 8];
  for (int64_t t = from; t < to; t++) {
    int64_t o = t / groups, r = t % groups * COLUMNS, w = inner - r < COLUMNS ? inner - r : COLUMNS;
    for (int64_t at = 0, m; at < n || at == 0; at += m) {
      m = n - at < TILE ? n - at : TILE;
      transpose(j->x + (size_t)((o * n + at) * inner + r) * size, m, inner, w, size, tile);
      for (int64_t c = 0; c < w; c++) {
        j->f->piece(m, tile + (size_t)(c * TILE) * size, j->arg, at == 0 ? &s[c] : &next);
        if (at > 0) j->f->join(&s[c], at, &next, m);
      }
      if (n == 0) break;
    }
    for (int64_t c = 0; c < w; c++) j->f->end(&s[c], n, o * inner + r + c, j->out);
  }
}

static nn_status each_task(nn_ctx *ctx, const job *j, int64_t tasks, int64_t work,
                           void (*run)(const job *, int64_t, int64_t)) {
  if (work < 1) work = 1;
  int threads = nn_threads_for(ctx, tasks * work);
  int64_t stretch = (STRETCH / work + 1) * threads;
  for (int64_t lo = 0; lo < tasks; lo += stretch) {
    int64_t n = tasks - lo < stretch ? tasks - lo : stretch;
    NN_TRY(nn_poll(ctx));
    if (threads == 1) {
      run(j, lo, lo + n);
      continue;
    }
    int64_t each = (n + threads - 1) / threads;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int t = 0; t < threads; t++) {
      int64_t from = lo + t * each, to = from + each < lo + n ? from + each : lo + n;
      if (from < to) run(j, from, to);
    }
  }
  return NN_OK;
}

/* The same pieces in the same order as in contiguous(). */
static nn_status long_row(nn_ctx *ctx, const job *j, int64_t line) {
  nn_fold_state s, part[GROUP];
  const int64_t n = j->a->n, pieces = (n + PIECE - 1) / PIECE;
  const char *x = j->x + (size_t)(line * n) * j->f->size;
  for (int64_t lo = 0; lo < pieces; lo += GROUP) {
    int used = pieces - lo < GROUP ? (int)(pieces - lo) : GROUP;
    NN_TRY(nn_poll(ctx));
#pragma omp parallel for num_threads(nn_threads_for(ctx, n)) schedule(static)
    for (int p = 0; p < used; p++) {
      int64_t at = (lo + p) * PIECE;
      j->f->piece(n - at < PIECE ? n - at : PIECE, x + (size_t)at * j->f->size, j->arg, &part[p]);
    }
    if (lo == 0) s = part[0];
    for (int p = lo == 0; p < used; p++) {
      int64_t at = (lo + p) * PIECE;
      j->f->join(&s, at, &part[p], n - at < PIECE ? n - at : PIECE);
    }
  }
  j->f->end(&s, n, line, j->out);
  return NN_OK;
}

nn_status nn_fold_along(nn_ctx *ctx, const nn_fold *f, const nn_axis *a, const void *x,
                        const void *arg, const void *out) {
  const job j = {f, a, x, arg, out};
  if (a->outer == 0 || a->inner == 0) return NN_OK;
  if (a->inner > 1)
    return each_task(ctx, &j, a->outer * ((a->inner + COLUMNS - 1) / COLUMNS), a->n * COLUMNS,
                     columns);
  if (a->n < LONG) return each_task(ctx, &j, a->outer, a->n, rows);
  for (int64_t line = 0; line < a->outer; line++) NN_TRY(long_row(ctx, &j, line));
  return NN_OK;
}
