/* io/image.c: see image.h. */
#include "io/image.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/input.h"

enum { TOGETHER = 64 };
static const size_t SCRATCH = (size_t)64 << 20; /* bytes of files and pixels dealt with together */

/* ---- one picture ---- */

nn_status nn_image_ready(nn_ctx *ctx) {
  NN_TRY(nn_png_ready(ctx));
  return nn_jpeg_ready(ctx);
}

bool nn_image_head(nn_image *m) {
  static const unsigned char png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  bool ok = false;
  m->error[0] = 0;
  m->kind = NN_IMAGE_OTHER;
  if (m->bytes > sizeof png && memcmp(m->data, png, sizeof png) == 0) m->kind = NN_IMAGE_PNG;
  if (m->bytes > 3 && memcmp(m->data, "\xff\xd8\xff", 3) == 0) m->kind = NN_IMAGE_JPEG;
  switch (m->kind) {
    case NN_IMAGE_PNG: ok = nn_png_head(m); break;
    case NN_IMAGE_JPEG: ok = nn_jpeg_head(m); break;
    case NN_IMAGE_OTHER:
      snprintf(m->error, sizeof m->error, "neither PNG nor JPEG, by its first bytes");
      break;
  }
  if (!ok) return false;
  if (m->width <= NN_IMAGE_SIDE && m->height <= NN_IMAGE_SIDE &&
      m->width * m->height <= NN_IMAGE_PIXELS)
    return true;
  snprintf(m->error, sizeof m->error, "%lldx%lld pixels are too many: at most 64 Mi",
           (long long)m->height, (long long)m->width);
  return false;
}

bool nn_image_decode(nn_image *m, int channels, unsigned char *pixels) {
  return m->kind == NN_IMAGE_PNG ? nn_png_decode(m, channels, pixels)
                                 : nn_jpeg_decode(m, channels, pixels);
}

/* ---- another size ---- */

/* The weights of the input pixels first..last for output pixel i, (last - first + 1) of them computed
   anew where they are used: a sum over a triangle around the pixel's centre. */
typedef struct window {
  int64_t first, last;
  double centre, reach, total;
} window;

static double weight(const window *v, int64_t i) {
  double d = fabs((double)i + 0.5 - v->centre) / v->reach;
  return d < 1 ? 1 - d : 0;
}

static window window_of(int64_t i, int64_t from, int64_t to) {
  const double scale = (double)from / (double)to;
  window v = {.centre = ((double)i + 0.5) * scale, .reach = scale > 1 ? scale : 1};
  v.first = (int64_t)floor(v.centre - v.reach);
  v.last = (int64_t)ceil(v.centre + v.reach);
  if (v.first < 0) v.first = 0;
  if (v.last > from - 1) v.last = from - 1;
  for (int64_t j = v.first; j <= v.last; j++) v.total += weight(&v, j);
  return v;
}

void nn_image_resample(const unsigned char *pixels, int64_t h, int64_t w, int channels,
                       int64_t height, int64_t width, float *rows, float *planes) {
  for (int64_t x = 0; x < width; x++) { /* along the rows: h x width x channels */
    const window v = window_of(x, w, width);
    for (int64_t y = 0; y < h; y++) {
      for (int c = 0; c < channels; c++) {
        double sum = 0;
        for (int64_t j = v.first; j <= v.last; j++)
          sum += weight(&v, j) * pixels[(y * w + j) * channels + c];
        rows[(y * width + x) * channels + c] = (float)(sum / v.total);
      }
    }
  }
  for (int64_t y = 0; y < height; y++) { /* then along the columns, to planes */
    const window v = window_of(y, h, height);
    for (int64_t x = 0; x < width; x++) {
      for (int c = 0; c < channels; c++) {
        double sum = 0;
        for (int64_t j = v.first; j <= v.last; j++)
          sum += weight(&v, j) * (double)rows[(j * width + x) * channels + c];
        planes[(c * height + y) * width + x] = (float)(sum / v.total / 255);
      }
    }
  }
}

/* ---- many pictures ---- */

typedef struct job {
  nn_image m;
  unsigned char *file, *pixels; /* of this size, */
  size_t bytes, area;
  float *rows, *planes; /* and of these */
  size_t row_bytes, plane_bytes;
  bool ok;
} job;

typedef struct loader {
  nn_ctx *ctx;
  int64_t n;
  const char *const *path;
  nn_image_options o; /* settled by the first picture */
  nn_image first;
  nn_tensor *out;
  int jobs;
  size_t used;
  job job[TOGETHER];
} loader;

static void drop_jobs(loader *l) {
  for (int i = 0; i < l->jobs; i++) {
    job *k = &l->job[i];
    nn_mem_give(l->ctx, k->file, k->bytes);
    nn_mem_give(l->ctx, k->pixels, k->area);
    nn_mem_give(l->ctx, k->rows, k->row_bytes);
    nn_mem_give(l->ctx, k->planes, k->plane_bytes);
  }
  l->jobs = 0;
  l->used = 0;
}

static nn_status read_file(loader *l, const char *path, job *k) {
  nn_input in;
  size_t got = 0;
  NN_TRY(nn_input_open(l->ctx, path, &in));
  nn_status st = NN_OK;
  if (in.gzip || in.size > NN_IMAGE_BYTES || in.size == 0)
    st = nn_fail(l->ctx, NN_EIO, "%s: byte 0: %s", path,
                 in.gzip        ? "gzip data, not a picture"
                 : in.size == 0 ? "the file is empty"
                                : "more than 256 MiB are no picture");
  if (st == NN_OK && !(k->file = nn_mem_take(l->ctx, (size_t)in.size))) st = NN_ENOMEM;
  if (st == NN_OK) {
    k->bytes = (size_t)in.size;
    if (!nn_input_read(&in, k->file, k->bytes, &got))
      st = nn_input_fail(&in);
    else if (got < k->bytes)
      st = nn_fail(l->ctx, NN_EIO, "%s: byte %zu: the file ends here; it was longer a moment ago",
                   path, got);
  }
  nn_input_close(&in);
  k->m = (nn_image){.data = k->file, .bytes = k->bytes};
  return st;
}

/* The first picture says what is left open; then there is the tensor. */
static nn_status settle(loader *l, const nn_image *m) {
  nn_image_options *o = &l->o;
  l->first = *m;
  if (!o->channels) o->channels = m->colour ? 3 : 1;
  if (!o->height) o->height = m->height, o->width = m->width;
  nn_shape s = {.ndim = 4, .dim = {l->n, o->channels, o->height, o->width}};
  NN_TRY(nn_shape_check(l->ctx, "images", &s, nn_dtype_size(o->dtype)));
  return nn_tensor_new(l->ctx, o->dtype, &s, &l->out);
}

static nn_status check_alike(const loader *l, const nn_image_options *asked, const nn_image *m,
                             const char *path) {
  if (!asked->height && (m->height != l->first.height || m->width != l->first.width))
    return nn_fail(l->ctx, NN_EIO,
                   "%s: has %lldx%lld pixels (height x width), but %s has %lldx%lld; size = {%lld, "
                   "%lld} brings all to one size",
                   path, (long long)m->height, (long long)m->width, l->path[0],
                   (long long)l->first.height, (long long)l->first.width,
                   (long long)l->first.height, (long long)l->first.width);
  if (!asked->channels && m->colour != l->first.colour)
    return nn_fail(
      l->ctx, NN_EIO, "%s: is %s, but %s is %s; gray = true or gray = false makes them alike", path,
      m->colour ? "in colour" : "grey", l->path[0], l->first.colour ? "in colour" : "grey");
  return NN_OK;
}

/* Reads a file and its head, and takes the memory that decoding will need. */
static nn_status begin_job(loader *l, const nn_image_options *asked, int64_t i) {
  job *k = &l->job[l->jobs++];
  *k = (job){0};
  NN_TRY(read_file(l, l->path[i], k));
  if (!nn_image_head(&k->m)) return nn_fail(l->ctx, NN_EIO, "%s: %s", l->path[i], k->m.error);
  if (i == 0) NN_TRY(settle(l, &k->m));
  NN_TRY(check_alike(l, asked, &k->m, l->path[i]));
  const nn_image_options *o = &l->o;
  const size_t c = (size_t)o->channels, h = (size_t)k->m.height, w = (size_t)k->m.width;
  k->area = h * w * c;
  k->plane_bytes = c * (size_t)(o->height * o->width) * sizeof(float);
  k->row_bytes = h * (size_t)o->width * c * sizeof(float);
  if (!(k->pixels = nn_mem_take(l->ctx, k->area))) return NN_ENOMEM;
  if (!(k->planes = nn_mem_take(l->ctx, k->plane_bytes))) return NN_ENOMEM;
  if (!(k->rows = nn_mem_take(l->ctx, k->row_bytes))) return NN_ENOMEM;
  l->used += k->bytes + k->area + k->plane_bytes + k->row_bytes;
  return NN_OK;
}

/* Same size: no filter, so that every byte is exactly x / 255. */
static void to_planes(const job *k, const nn_image_options *o, int64_t i, void *out) {
  const int64_t c = o->channels, hw = o->height * o->width, first = i * c * hw;
  const bool same = k->m.height == o->height && k->m.width == o->width;
  if (!same)
    nn_image_resample(k->pixels, k->m.height, k->m.width, o->channels, o->height, o->width, k->rows,
                      k->planes);
  for (int64_t p = 0; p < c; p++) {
    for (int64_t j = 0; j < hw; j++) {
      const int64_t to = p * hw + j;
      const double x = same ? k->pixels[j * c + p] / 255.0 : (double)k->planes[to];
      if (o->dtype == NN_F32)
        ((float *)out)[first + to] = (float)x;
      else
        ((double *)out)[first + to] = x;
    }
  }
}

static nn_status run_jobs(loader *l, int64_t from) {
  const int threads = l->jobs < l->ctx->threads ? l->jobs : l->ctx->threads;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
  for (int i = 0; i < l->jobs; i++) {
    job *k = &l->job[i];
    k->ok = nn_image_decode(&k->m, l->o.channels, k->pixels);
    if (k->ok) to_planes(k, &l->o, from + i, nn_data(&l->out->v));
  }
  for (int i = 0; i < l->jobs; i++)
    if (!l->job[i].ok)
      return nn_fail(l->ctx, NN_EIO, "%s: %s", l->path[from + i], l->job[i].m.error);
  return NN_OK;
}

static nn_status load(loader *l) {
  const nn_image_options asked = l->o;
  for (int64_t from = 0, i = 0; i < l->n; from = i) {
    NN_TRY(nn_poll(l->ctx));
    while (i < l->n && l->jobs < TOGETHER && l->used < SCRATCH) NN_TRY(begin_job(l, &asked, i++));
    NN_TRY(run_jobs(l, from));
    drop_jobs(l);
  }
  return NN_OK;
}

nn_status nn_images_load(nn_ctx *ctx, int64_t n, const char *const *path, const nn_image_options *o,
                         nn_tensor **out) {
  *out = NULL;
  NN_TRY(nn_image_ready(ctx));
  loader *l = nn_mem_take_zero(ctx, sizeof *l);
  if (!l) return NN_ENOMEM;
  l->ctx = ctx, l->n = n, l->path = path, l->o = *o;
  nn_status st = load(l);
  drop_jobs(l);
  if (st == NN_OK)
    *out = l->out;
  else
    nn_tensor_release(l->out);
  nn_mem_give(ctx, l, sizeof *l);
  return st;
}
