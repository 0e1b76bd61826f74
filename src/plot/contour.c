/*
 * plot/contour.c: marching squares (W. E. Lorensen and H. E. Cline's marching cubes, 1987, in the
 * plane). Each side of a cell that the level crosses is a point, by linear interpolation; each
 * cell joins its points in pairs; then the pairs are followed from point to point. Where all four
 * sides are crossed the mean of the corners decides which pairs.
 *
 * A point is known by its side: 2 (row W + column) for the side that goes right from a corner,
 * the same plus 1 for the one that goes down. For filled areas a ring of corners below every level
 * surrounds the grid.
 */
#include "plot/contour.h"

#include <math.h>
#include <string.h>

typedef struct grid {
  const double *z;    /* (h, w) */
  int64_t h, w;       /* of z */
  int64_t rows, cols; /* corners, the ring included */
  double level;
  bool filled;
  int64_t (*link)[2]; /* (2 rows cols): the points that each point is joined to, or -1 */
  int64_t crossed;    /* how many points there are */
} grid;

static double height(const grid *g, int64_t i, int64_t j) {
  if (!g->filled) return g->z[i * g->w + j];
  i--, j--;
  if (i < 0 || j < 0 || i >= g->h || j >= g->w) return (double)-INFINITY;
  double v = g->z[i * g->w + j];
  return isnan(v) ? (double)-INFINITY : v;
}

static void join(grid *g, int64_t a, int64_t b) {
  const int64_t end[2] = {a, b};
  for (int k = 0; k < 2; k++) {
    int64_t *link = g->link[end[k]];
    g->crossed += link[0] < 0;
    link[link[0] < 0 ? 0 : 1] = end[1 - k];
  }
}

static void cell(grid *g, int64_t i, int64_t j) {
  const double a = height(g, i, j), b = height(g, i, j + 1), c = height(g, i + 1, j + 1),
               d = height(g, i + 1, j), level = g->level;
  if (isnan(a) || isnan(b) || isnan(c) || isnan(d)) return;
  const int over = (a >= level) | (b >= level) << 1 | (c >= level) << 2 | (d >= level) << 3;
  const int64_t top = 2 * (i * g->cols + j), left = top + 1, right = top + 3,
                bottom = 2 * ((i + 1) * g->cols + j);
  switch (over < 8 ? over : 15 - over) {
    case 1: join(g, left, top); break;
    case 2: join(g, top, right); break;
    case 3: join(g, left, right); break;
    case 4: join(g, right, bottom); break;
    case 6: join(g, top, bottom); break;
    case 7: join(g, left, bottom); break;
    case 5: {
      const double mean = (a + b + c + d) / 4;
      const bool middle = !isnan(mean) && mean >= level; /* whether a and c, or b and d, meet */
      const bool cut_ac = (over == 5) != middle;
      if (cut_ac) {
        join(g, left, top);
        join(g, right, bottom);
      } else {
        join(g, top, right);
        join(g, left, bottom);
      }
      break;
    }
    default: break;
  }
}

/* Where on its side a point lies, in columns and rows of z. */
static void place(const grid *g, int64_t point, double *xy) {
  const int64_t corner = point / 2, i = corner / g->cols, j = corner % g->cols, down = point % 2;
  const double from = height(g, i, j), to = height(g, i + down, j + 1 - down);
  double t = (g->level - from) / (to - from);
  if (isinf(from) && !isinf(to)) t = 1; /* at the finite end: the edge of the grid */
  if (!(t >= 0 && t <= 1)) t = isinf(to) && !isinf(from) ? 0 : 0.5;
  xy[0] = (double)j + (down ? 0 : t) - g->filled;
  xy[1] = (double)i + (down ? t : 0) - g->filled;
}

/* Follows the line through `first`, taking its points out; how many there are. */
static int64_t follow(grid *g, int64_t first, double *xy) {
  int64_t n = 0, at = first;
  for (;;) {
    int64_t *link = g->link[at];
    place(g, at, xy + 2 * n++);
    int64_t next = link[0] >= 0 ? link[0] : link[1];
    link[0] = link[1] = -1;
    if (next < 0) break;
    int64_t *back = g->link[next]; /* not to come back the same way */
    if (back[0] == at)
      back[0] = -1;
    else if (back[1] == at)
      back[1] = -1;
    at = next;
  }
  return n;
}

/* Lines that end somewhere first, from an end; the rest close. */
static int64_t collect(grid *g, double *xy, int64_t *length) {
  const int64_t n = 2 * g->rows * g->cols;
  int64_t lines = 0, total = 0;
  for (int pass = 0; pass < 2; pass++) {
    for (int64_t p = 0; p < n; p++) {
      const int64_t *link = g->link[p];
      if (link[0] < 0 && link[1] < 0) continue;
      if (pass == 0 && link[0] >= 0 && link[1] >= 0) continue;
      int64_t k = follow(g, p, xy + 2 * total);
      if (pass == 1) {
        memcpy(xy + 2 * (total + k), xy + 2 * total, 2 * sizeof *xy);
        k++;
      }
      length[lines++] = k;
      total += k;
    }
  }
  length[lines] = total;
  return lines;
}

static nn_status copy(nn_ctx *ctx, nn_dtype dtype, nn_shape shape, const void *data,
                      nn_tensor **out) {
  NN_TRY(nn_tensor_new(ctx, dtype, &shape, out));
  size_t bytes = (size_t)(*out)->v.numel * nn_dtype_size(dtype);
  if (bytes > 0) memcpy(nn_data(&(*out)->v), data, bytes);
  return NN_OK;
}

nn_status nn_contour(nn_ctx *ctx, const nn_tensor *z, double level, bool filled, nn_tensor **points,
                     nn_tensor **lengths) {
  *points = *lengths = NULL;
  if (z->v.dtype != NN_F64 || z->v.shape.ndim != 2 || !z->v.dense)
    return nn_fail(ctx, NN_ETYPE, "contour: wants a contiguous float64 tensor of two dimensions");
  grid g = {.z = nn_data(&z->v),
            .h = z->v.shape.dim[0],
            .w = z->v.shape.dim[1],
            .level = level,
            .filled = filled};
  g.rows = g.h + 2 * filled, g.cols = g.w + 2 * filled;
  const size_t sides = 2 * (size_t)g.rows * (size_t)g.cols;
  double *xy = NULL;
  int64_t *length = NULL;
  nn_status st = NN_ENOMEM;
  g.link = nn_mem_take(ctx, sides * sizeof *g.link);
  if (!g.link) goto done;
  memset(g.link, -1, sides * sizeof *g.link);
  for (int64_t i = 0; i + 1 < g.rows; i++) {
    NN_GO(nn_poll(ctx));
    for (int64_t j = 0; j + 1 < g.cols; j++) cell(&g, i, j);
  }
  st = NN_ENOMEM;
  const int64_t crossed = g.crossed; /* a line has two points at least, so half as many lines */
  xy = nn_mem_take(ctx, 3 * (size_t)crossed * sizeof *xy);
  length = nn_mem_take(ctx, ((size_t)crossed + 1) * sizeof *length);
  if (!xy || !length) goto done;
  const int64_t lines = collect(&g, xy, length);
  NN_GO(copy(ctx, NN_F64, nn_shape_2(length[lines], 2), xy, points));
  NN_GO(copy(ctx, NN_I64, nn_shape_1(lines), length, lengths));
done:
  nn_mem_give(ctx, g.link, sides * sizeof *g.link);
  if (xy) nn_mem_give(ctx, xy, 3 * (size_t)g.crossed * sizeof *xy);
  if (length) nn_mem_give(ctx, length, ((size_t)g.crossed + 1) * sizeof *length);
  if (st != NN_OK) {
    nn_tensor_release(*points);
    nn_tensor_release(*lengths);
    *points = *lengths = NULL;
  }
  return st;
}
