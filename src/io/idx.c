/* io/idx.c: see idx.h. */
#include "io/idx.h"

#include <string.h>

#include "kernel/names.h"
#include "kernel/walk.h"

enum { PIECE = 1 << 16, MOST_LABELS = 65536 };
static const int64_t MOST_DIM = (int64_t)1 << 48;

/* ---- the head ---- */

static uint32_t big32(const unsigned char *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static size_t type_size(nn_idx_type t) {
  switch (t) {
    case NN_IDX_U8:
    case NN_IDX_I8: return 1;
    case NN_IDX_I16: return 2;
    case NN_IDX_I32:
    case NN_IDX_F32: return 4;
    case NN_IDX_F64: return 8;
  }
  return 0;
}

static nn_status check_magic(const nn_input *in, const unsigned char *p) {
  if (p[0] || p[1])
    return nn_fail(in->ctx, NN_EIO,
                   "%s: byte 0: not an IDX file: expected the bytes 00 00, got %02x %02x", in->path,
                   p[0], p[1]);
  if (!type_size((nn_idx_type)p[2]))
    return nn_fail(in->ctx, NN_EIO,
                   "%s: byte 2: type of the elements: expected 08, 09, 0b, 0c, 0d or 0e, got %02x",
                   in->path, p[2]);
  if (p[3] < 1 || p[3] > NN_MAXDIM)
    return nn_fail(in->ctx, NN_EIO, "%s: byte 3: number of dimensions: expected 1 to %d, got %d",
                   in->path, NN_MAXDIM, p[3]);
  return NN_OK;
}

/* The sizes, their product checked, and the file's size against it: before anything is allocated. */
static nn_status check_sizes(nn_idx *f, const unsigned char *p) {
  nn_ctx *ctx = f->in.ctx;
  nn_text text;
  int64_t bytes = (int64_t)type_size(f->type), stated;
  bool fits = true;
  for (int d = 0; d < f->shape.ndim; d++) {
    f->shape.dim[d] = big32(p + 4 * (size_t)d);
    fits = fits && !__builtin_mul_overflow(bytes, f->shape.dim[d], &bytes) && bytes <= MOST_DIM;
  }
  if (!fits)
    return nn_fail(ctx, NN_EIO, "%s: byte 4: sizes: %s elements are more than any file holds",
                   f->in.path, nn_shape_text(&text, &f->shape));
  bytes += f->head;
  if (nn_input_can_hold(&f->in, bytes, &stated)) return NN_OK;
  return nn_fail(ctx, NN_EIO,
                 "%s: byte 4: sizes: %s elements of %d bytes want a %s of %lld bytes, got %s%lld",
                 f->in.path, nn_shape_text(&text, &f->shape), (int)type_size(f->type),
                 f->in.gzip ? "content" : "file", (long long)bytes,
                 f->in.gzip && stated < bytes ? "at most " : "", (long long)stated);
}

static nn_status read_head(nn_idx *f) {
  unsigned char p[4 + 4 * NN_MAXDIM];
  size_t got;
  nn_input *in = &f->in;
  if (!nn_input_read(in, p, 4, &got)) return nn_input_fail(in);
  if (got < 4)
    return nn_fail(in->ctx, NN_EIO,
                   "%s: byte %d: not an IDX file: expected a head of 8 bytes or more", in->path,
                   (int)got);
  NN_TRY(check_magic(in, p));
  f->type = (nn_idx_type)p[2];
  f->shape.ndim = p[3];
  f->head = 4 + 4 * (int64_t)p[3];
  if (!nn_input_read(in, p + 4, 4 * (size_t)p[3], &got)) return nn_input_fail(in);
  if (got < 4 * (size_t)p[3])
    return nn_fail(in->ctx, NN_EIO, "%s: byte %lld: the file ends before the %d sizes", in->path,
                   (long long)in->at, p[3]);
  return check_sizes(f, p + 4);
}

nn_status nn_idx_open(nn_ctx *ctx, const char *path, nn_idx *f) {
  *f = (nn_idx){.type = NN_IDX_U8};
  NN_TRY(nn_input_open(ctx, path, &f->in));
  nn_status st = read_head(f);
  if (st != NN_OK) nn_idx_close(f);
  return st;
}

void nn_idx_close(nn_idx *f) {
  nn_input_close(&f->in);
}

int64_t nn_idx_record(const nn_idx *f) {
  int64_t n = 1;
  for (int d = 1; d < f->shape.ndim; d++) n *= f->shape.dim[d];
  return n;
}
size_t nn_idx_size(const nn_idx *f) {
  return (size_t)nn_idx_record(f) * type_size(f->type);
}

/* ---- the elements ---- */

NN_HOT static void scale_bytes(int64_t n, const unsigned char *x, float *y) {
  for (int64_t i = 0; i < n; i++) y[i] = (float)x[i] / 255.0f;
}

/* One element; every type is exact in a double. */
static double element(nn_idx_type type, const unsigned char *p) {
  float f;
  double d;
  uint32_t w = type_size(type) >= 4 ? big32(p) : 0;
  switch (type) {
    case NN_IDX_U8: return p[0];
    case NN_IDX_I8: return (double)(int8_t)p[0];
    case NN_IDX_I16: return (double)(int16_t)(p[0] << 8 | p[1]);
    case NN_IDX_I32: return (double)(int32_t)w;
    case NN_IDX_F32: memcpy(&f, &w, sizeof f); return (double)f;
    case NN_IDX_F64: {
      uint64_t both = (uint64_t)w << 32 | big32(p + 4);
      memcpy(&d, &both, sizeof d);
      return d;
    }
  }
  return 0;
}

static void convert(nn_idx_type type, int64_t n, const unsigned char *p, nn_dtype dtype, void *to) {
  size_t size = type_size(type);
  const double scale = type == NN_IDX_U8 && nn_is_real(dtype) ? 255 : 1;
  if (type == NN_IDX_U8 && dtype == NN_F32) {
    scale_bytes(n, p, to);
    return;
  }
  for (int64_t i = 0; i < n; i++, p += size) {
    double x = element(type, p);
    if (dtype == NN_F32)
      ((float *)to)[i] = (float)(x / scale);
    else if (dtype == NN_F64)
      ((double *)to)[i] = x / scale;
    else
      ((int64_t *)to)[i] = (int64_t)x;
  }
}

static nn_status too_short(const nn_input *in) {
  return nn_fail(in->ctx, NN_EIO, "%s: byte %lld: the %s ends here, before its last element%s",
                 in->path, (long long)in->at, in->gzip ? "content" : "file",
                 in->gzip ? "" : "; it was longer a moment ago");
}

/* In pieces that stay in the cache between inflating and converting. */
static nn_status read_pieces(nn_idx *f, const nn_value *to, unsigned char *piece) {
  const int64_t size = (int64_t)type_size(f->type), each = PIECE / size;
  char *y = nn_data(to);
  for (int64_t i = 0, n; i < to->numel; i += n) {
    size_t got;
    n = to->numel - i < each ? to->numel - i : each;
    NN_TRY(nn_poll(f->in.ctx));
    if (!nn_input_read(&f->in, piece, (size_t)(n * size), &got)) return nn_input_fail(&f->in);
    if (got < (size_t)(n * size)) return too_short(&f->in);
    convert(f->type, n, piece, to->dtype, y + (size_t)i * nn_dtype_size(to->dtype));
  }
  return NN_OK;
}

nn_status nn_idx_read(nn_idx *f, const nn_value *to) {
  unsigned char *piece = nn_mem_take(f->in.ctx, PIECE);
  if (!piece) return NN_ENOMEM;
  nn_status st = read_pieces(f, to, piece);
  nn_mem_give(f->in.ctx, piece, PIECE);
  return st;
}

nn_status nn_idx_seek(nn_idx *f, int64_t record) {
  unsigned char skipped[4096];
  nn_input *in = &f->in;
  int64_t target = f->head + record * (int64_t)nn_idx_size(f);
  if (!in->gzip) return nn_input_seek(in, target);
  if (target < in->at) NN_TRY(nn_input_rewind(in));
  while (in->at < target) {
    int64_t left = target - in->at;
    size_t n = left < (int64_t)sizeof skipped ? (size_t)left : sizeof skipped, got;
    if (!nn_input_read(in, skipped, n, &got)) return nn_input_fail(in);
    if (got < n) return too_short(in);
  }
  return NN_OK;
}

nn_status nn_idx_finish(nn_idx *f) {
  unsigned char byte;
  size_t got;
  nn_input *in = &f->in;
  if (!nn_input_read(in, &byte, 1, &got)) return nn_input_fail(in);
  if (got == 0) return NN_OK;
  return nn_fail(in->ctx, NN_EIO, "%s: byte %lld: bytes follow the last element", in->path,
                 (long long)in->at - 1);
}

/* ---- whole files ---- */

nn_status nn_idx_load(nn_ctx *ctx, const char *path, nn_dtype dtype, nn_tensor **out) {
  nn_idx f;
  *out = NULL;
  NN_TRY(nn_idx_open(ctx, path, &f));
  nn_status st = nn_shape_check(ctx, path, &f.shape, nn_dtype_size(dtype));
  if (st == NN_OK) st = nn_tensor_new(ctx, dtype, &f.shape, out);
  if (st == NN_OK) st = nn_idx_read(&f, &(*out)->v);
  if (st == NN_OK) st = nn_idx_finish(&f);
  nn_idx_close(&f);
  if (st == NN_OK) return NN_OK;
  nn_tensor_release(*out);
  *out = NULL;
  return st;
}

nn_status nn_idx_check_labels(const nn_idx *f) {
  nn_text text;
  if (f->shape.ndim != 1)
    return nn_fail(f->in.ctx, NN_EIO,
                   "%s: byte 3: labels are a list, one dimension; this file holds %s", f->in.path,
                   nn_shape_text(&text, &f->shape));
  if (f->type == NN_IDX_F32 || f->type == NN_IDX_F64)
    return nn_fail(f->in.ctx, NN_EIO,
                   "%s: byte 2: labels are whole numbers (types 08, 09, 0b, 0c), got %02x",
                   f->in.path, f->type);
  return NN_OK;
}

nn_status nn_idx_count_from_one(const nn_idx *f, int64_t first, int64_t classes,
                                const nn_value *labels, int64_t *most) {
  int64_t *y = nn_data(labels), bound = classes ? classes : MOST_LABELS;
  *most = 0;
  for (int64_t i = 0; i < labels->numel; i++) {
    const int64_t sample = first + i, at = f->head + sample * (int64_t)type_size(f->type);
    if (y[i] < 0 || y[i] >= bound)
      return nn_fail(f->in.ctx, NN_EIO,
                     "%s: byte %lld: label %lld of sample %lld: expected 0 to %lld", f->in.path,
                     (long long)at, (long long)y[i], (long long)sample + 1, (long long)bound - 1);
    if (++y[i] > *most) *most = y[i];
  }
  return NN_OK;
}

nn_status nn_idx_labels(nn_ctx *ctx, const char *path, int64_t classes, nn_tensor **out,
                        int64_t *most) {
  nn_idx f;
  *out = NULL;
  *most = 0;
  NN_TRY(nn_idx_open(ctx, path, &f));
  nn_status st = nn_idx_check_labels(&f);
  if (st == NN_OK) st = nn_tensor_new(ctx, NN_I64, &f.shape, out);
  if (st == NN_OK) st = nn_idx_read(&f, &(*out)->v);
  if (st == NN_OK) st = nn_idx_finish(&f);
  if (st == NN_OK) st = nn_idx_count_from_one(&f, 0, classes, &(*out)->v, most);
  nn_idx_close(&f);
  if (st == NN_OK) return NN_OK;
  nn_tensor_release(*out);
  *out = NULL;
  return st;
}
