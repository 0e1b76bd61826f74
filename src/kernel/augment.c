/*
 * kernel/augment.c: see augment.h.
 *
 * Each plane is copied into a frame that is larger by a border of `fill`, so that no tap of the
 * interpolation needs a question, and is written back changed. Without turning, scaling or fractions
 * of a pixel the lines are moved whole.
 *
 * Note [No helper thread]. A thread that prepares the next batch while this one is trained on was
 * tried: 28x28 images, an MLP of 64 hidden units, batches of 64, one thread for each side, us a batch
 * on two shared cores: shift and flip: step 69, batch 28, in turn 98, beside each other 104; with
 * turns and scales: 68, 179, 250, 256 (batches of 32 and 32 units: 18, 14, 32, 36). Beside a step that
 * has both cores itself it was slower by far, as it takes a core from OpenMP's threads, which wait for
 * each other. The kernels here have these threads too, which gains the same without a second
 * generator, context and pool.
 */
#ifndef R
#include "kernel/augment.h"

#include <math.h>
#include <string.h>

#include "kernel/names.h"
#include "kernel/random.h"
#include "kernel/walk.h"

enum {
  BORDER = 1,      /* pixels of fill before the plane */
  FRAME = 3,       /* pixels that a frame is wider and higher: a tap may lie two behind the end */
  WORK = 4,        /* what a pixel costs, in elements of a plain loop */
  NORMAL = 16,     /* and a normal number */
  NOISE = 1024,    /* pixels that get their noise at a time; a multiple of random.c's lots */
  BATCH = 1 << 20, /* pixels between two looks at the interrupt */
  LINE = 128       /* pixels of a line whose places are computed at a time */
};

/* What was drawn for one image. */
typedef struct draw {
  bool plain, still; /* whole pixels and perhaps a mirror; nothing at all */
  bool flip_x, flip_y;
  double dx, dy;
  double m[4];       /* the inverse map: q - centre = m (p - centre - move) */
  int64_t left, top; /* of the square */
} draw;

static double unit(uint32_t word) { /* in (0, 1), symmetric about 1/2 */
  return ((double)word + 0.5) * 0x1p-32;
}

static double drawn_move(double most, uint32_t word) {
  if (most != floor(most)) return (2 * unit(word) - 1) * most;
  return floor(unit(word) * (2 * most + 1)) - most;
}

static draw draw_image(const nn_augment *a, uint64_t seed, uint64_t block, int64_t h, int64_t w) {
  uint32_t word[8];
  draw d = {0};
  nn_rng_block(seed, NN_RNG_AUGMENT, block, word);
  nn_rng_block(seed, NN_RNG_AUGMENT, block + 1, word + 4);
  d.flip_x = a->flip_x && (word[0] & 1);
  d.flip_y = a->flip_y && (word[0] & 2);
  d.dx = drawn_move(a->shift_x, word[3]);
  d.dy = drawn_move(a->shift_y, word[4]);
  double angle = (2 * unit(word[1]) - 1) * a->rotate * (3.141592653589793 / 180);
  double factor = a->scale_lo + unit(word[2]) * (a->scale_hi - a->scale_lo);
  double c = cos(angle) / factor, s = sin(angle) / factor;
  d.m[0] = d.flip_x ? -c : c;
  d.m[1] = d.flip_x ? -s : s;
  d.m[2] = d.flip_y ? s : -s;
  d.m[3] = d.flip_y ? -c : c;
  d.plain = a->rotate == 0 && factor == 1 && d.dx == floor(d.dx) && d.dy == floor(d.dy);
  d.still = d.plain && d.dx == 0 && d.dy == 0 && !d.flip_x && !d.flip_y;
  d.left = (int64_t)(unit(word[5]) * (double)w) - a->cutout / 2;
  d.top = (int64_t)(unit(word[6]) * (double)h) - a->cutout / 2;
  return d;
}

typedef struct job {
  const nn_augment *a;
  uint64_t seed, block; /* two blocks an image */
  int64_t n, channels, h, w;
  void *x;
  char *frames; /* (threads, frame) */
  size_t frame; /* bytes */
} job;

#define NN_SELF "kernel/augment.c"
#include "kernel/each_real.h"

/* Images first .. last - 1 by `threads` threads. */
static void do_images(const job *j, nn_dtype dtype, int threads, int64_t first, int64_t last) {
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
  for (int t = 0; t < threads; t++) {
    int64_t n = last - first, lo = first + n * t / threads, hi = first + n * (t + 1) / threads;
    char *frame = j->frames + (size_t)t * j->frame;
    for (int64_t i = lo; i < hi; i++)
      if (dtype == NN_F32)
        do_image_f32(j, i, (float *)(void *)frame);
      else
        do_image_f64(j, i, (double *)(void *)frame);
  }
}

/* Pieces of the pixels, each from its own place in the stream, so by any number of threads. */
static nn_status add_noise(nn_ctx *ctx, double std, const nn_value *x) {
  const uint64_t first = nn_rng_reserve(&ctx->rng, NN_RNG_AUGMENT, (uint64_t)(x->numel + 1) / 2);
  const int64_t pieces = (x->numel + NOISE - 1) / NOISE;
  const int threads = nn_threads_for(ctx, x->numel * NORMAL);
  for (int64_t at = 0; at < pieces; at += BATCH / NOISE) {
    const int64_t end = pieces - at < BATCH / NOISE ? pieces : at + BATCH / NOISE;
    NN_TRY(nn_poll(ctx));
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t p = at; p < end; p++) {
      const int64_t from = p * NOISE, n = x->numel - from < NOISE ? x->numel - from : NOISE;
      nn_rng rng = ctx->rng;
      rng.next[NN_RNG_AUGMENT] = first + (uint64_t)from / 2;
      if (x->dtype == NN_F32)
        add_normal_f32(&rng, std, n, (float *)nn_data(x) + from);
      else
        add_normal_f64(&rng, std, n, (double *)nn_data(x) + from);
    }
  }
  return NN_OK;
}

nn_status nn_augment_images(nn_ctx *ctx, const nn_augment *a, const nn_value *x) {
  const int64_t *dim = x->shape.dim;
  job j = {.a = a,
           .seed = ctx->rng.seed,
           .n = dim[0],
           .channels = dim[1],
           .h = dim[2],
           .w = dim[3],
           .x = nn_data(x)};
  j.block = nn_rng_reserve(&ctx->rng, NN_RNG_AUGMENT, 2 * (uint64_t)j.n);
  if (x->numel == 0) return NN_OK;
  if (j.h + FRAME > INT32_MAX / (j.w + FRAME))
    return nn_fail(ctx, NN_ESHAPE, "augment: images of %lldx%lld are too large", (long long)j.h,
                   (long long)j.w);
  int threads = nn_threads_for(ctx, x->numel * WORK);
  size_t pixels = (size_t)(j.h + FRAME) * (size_t)(j.w + FRAME);
  j.frame = (pixels * nn_dtype_size(x->dtype) + 63) / 64 * 64;
  j.frames = nn_mem_take(ctx, j.frame * (size_t)threads);
  if (!j.frames) return NN_ENOMEM;
  nn_status st = NN_OK;
  int64_t piece = BATCH / (j.channels * j.h * j.w) + threads;
  for (int64_t i = 0; i < j.n && st == NN_OK; i += piece) {
    do_images(&j, x->dtype, threads, i, j.n - i < piece ? j.n : i + piece);
    st = nn_poll(ctx);
  }
  if (st == NN_OK && a->noise > 0) st = add_noise(ctx, a->noise, x);
  for (int64_t i = 0; a->cutout > 0 && i < j.n && st == NN_OK; i++)
    if (x->dtype == NN_F32)
      cover_f32(&j, i);
    else
      cover_f64(&j, i);
  nn_mem_give(ctx, j.frames, j.frame * (size_t)threads);
  return st;
}
#else

static void FN(fill_line)(int64_t n, R *line, R v) {
  for (int64_t i = 0; i < n; i++) line[i] = v;
}

/* The plane within its border. */
static void FN(frame_plane)(const job *j, const R *plane, R *frame) {
  int64_t wide = j->w + FRAME, high = j->h + FRAME;
  R fill = (R)j->a->fill;
  for (int64_t y = 0; y < high; y++, frame += wide) {
    int64_t from = y - BORDER;
    if (from < 0 || from >= j->h) {
      FN(fill_line)(wide, frame, fill);
      continue;
    }
    frame[0] = frame[wide - 2] = frame[wide - 1] = fill;
    memcpy(frame + BORDER, plane + from * j->w, (size_t)j->w * sizeof *plane);
  }
}

/* Whole lines moved by whole pixels, mirrored first. */
static void FN(move)(const job *j, const draw *d, const R *frame, R *plane) {
  int64_t h = j->h, w = j->w, dx = (int64_t)d->dx, dy = (int64_t)d->dy;
  int64_t lo = dx > 0 ? dx : 0, hi = dx < 0 ? w + dx : w;
  R fill = (R)j->a->fill;
  for (int64_t y = 0; y < h; y++, plane += w) {
    int64_t from = y - dy;
    if (from < 0 || from >= h || lo >= hi) {
      FN(fill_line)(w, plane, fill);
      continue;
    }
    if (d->flip_y) from = h - 1 - from;
    const R *line = frame + (from + BORDER) * (w + FRAME) + BORDER;
    FN(fill_line)(lo, plane, fill);
    if (d->flip_x)
      for (int64_t x = lo; x < hi; x++) plane[x] = line[w - 1 - (x - dx)];
    else
      memcpy(plane + lo, line + lo - dx, (size_t)(hi - lo) * sizeof *plane);
    FN(fill_line)(w - hi, plane + hi, fill);
  }
}

/* n pixels of a line from (qx, qy) in steps of (sx, sy), all in the frame's coordinates: where the
   first tap stands, and how far towards the next column and line. */
NN_HOT static void FN(places)(const job *j, int64_t n, double qx, double qy, double sx, double sy,
                              int32_t *at, R *u, R *v) {
  double most_x = (double)(j->w + BORDER), most_y = (double)(j->h + BORDER);
  int32_t wide = (int32_t)(j->w + FRAME);
  for (int64_t i = 0; i < n; i++) {
    double x = qx + sx * (double)i, y = qy + sy * (double)i;
    x = x < 0 ? 0 : x > most_x ? most_x : x;
    y = y < 0 ? 0 : y > most_y ? most_y : y;
    int32_t column = (int32_t)x, line = (int32_t)y;
    u[i] = (R)(x - column);
    v[i] = (R)(y - line);
    at[i] = line * wide + column;
  }
}

static void FN(interpolate)(int64_t n, int64_t wide, const int32_t *at, const R *u, const R *v,
                            const R *frame, R *y) {
  for (int64_t i = 0; i < n; i++) {
    const R *p = frame + at[i], *q = p + wide;
    R upper = p[0] + u[i] * (p[1] - p[0]), lower = q[0] + u[i] * (q[1] - q[0]);
    y[i] = upper + v[i] * (lower - upper);
  }
}

static void FN(warp)(const job *j, const draw *d, const R *frame, R *plane) {
  double cx = (double)(j->w - 1) / 2, cy = (double)(j->h - 1) / 2;
  int32_t at[LINE];
  R u[LINE], v[LINE];
  for (int64_t y = 0; y < j->h; y++)
    for (int64_t x = 0; x < j->w; x += LINE) {
      int64_t n = j->w - x < LINE ? j->w - x : LINE;
      double px = (double)x - cx - d->dx, py = (double)y - cy - d->dy;
      double qx = d->m[0] * px + d->m[1] * py + cx + BORDER,
             qy = d->m[2] * px + d->m[3] * py + cy + BORDER;
      FN(places)(j, n, qx, qy, d->m[0], d->m[2], at, u, v);
      FN(interpolate)(n, j->w + FRAME, at, u, v, frame, plane + y * j->w + x);
    }
}

static void FN(do_image)(const job *j, int64_t i, R *frame) {
  draw d = draw_image(j->a, j->seed, j->block + 2 * (uint64_t)i, j->h, j->w);
  R *plane = (R *)j->x + i * j->channels * j->h * j->w;
  for (int64_t c = 0; c < j->channels && !d.still; c++, plane += j->h * j->w) {
    FN(frame_plane)(j, plane, frame);
    if (d.plain)
      FN(move)(j, &d, frame, plane);
    else
      FN(warp)(j, &d, frame, plane);
  }
}

static void FN(add_normal)(nn_rng *rng, double std, int64_t n, R *x) {
  R noise[NOISE];
  FN(nn_random_normal)(rng, NN_RNG_AUGMENT, n, 0, std, noise);
  for (int64_t i = 0; i < n; i++) x[i] += noise[i];
}

/* The square, in every channel. */
static void FN(cover)(const job *j, int64_t i) {
  draw d = draw_image(j->a, j->seed, j->block + 2 * (uint64_t)i, j->h, j->w);
  R *image = (R *)j->x + i * j->channels * j->h * j->w;
  int64_t right = d.left + j->a->cutout, bottom = d.top + j->a->cutout;
  int64_t left = d.left > 0 ? d.left : 0, top = d.top > 0 ? d.top : 0;
  if (right > j->w) right = j->w;
  if (bottom > j->h) bottom = j->h;
  for (int64_t c = 0; c < j->channels; c++, image += j->h * j->w)
    for (int64_t y = top; y < bottom; y++)
      FN(fill_line)(right - left, image + y * j->w + left, (R)j->a->fill);
}

#endif
