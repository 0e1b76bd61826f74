/* io/image_png.c: PNG, see image.h. libpng reports errors by a jump; it never leaves this file. */
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "base/library.h"
#include "io/image.h"

/* clang-format off */
#define PNG(F) \
  F(png_create_read_struct) F(png_create_info_struct) F(png_destroy_read_struct) \
  F(png_set_longjmp_fn) F(png_set_user_limits) F(png_set_read_fn) F(png_get_io_ptr) \
  F(png_read_info) F(png_get_IHDR) F(png_get_error_ptr) F(png_set_expand) \
  F(png_set_scale_16) F(png_set_strip_alpha) F(png_set_gray_to_rgb) \
  F(png_set_rgb_to_gray_fixed) F(png_set_interlace_handling) F(png_read_update_info) \
  F(png_get_rowbytes) F(png_read_row) F(png_read_end) F(png_longjmp) \
  F(png_set_crc_action) F(png_set_chunk_malloc_max) F(png_set_chunk_cache_max)
/* clang-format on */
NN_LIBRARY(lib, NN_SONAME_PNG, "libpng", PNG)

enum { CHUNK_BYTES = 1 << 23, CHUNKS = 1000 };

nn_status nn_png_ready(nn_ctx *ctx) {
  return lib_load(ctx);
}

typedef struct reader {
  nn_image *m;
  size_t at;
} reader;

static void fail(png_structp png, png_const_charp text) {
  nn_image *m = lib.png_get_error_ptr(png);
  snprintf(m->error, sizeof m->error, "damaged PNG: %s", text);
  lib.png_longjmp(png, 1);
}

static void warn(png_structp png, png_const_charp text) {
  (void)png, (void)text;
}

static void read_bytes(png_structp png, png_bytep to, size_t n) {
  reader *r = lib.png_get_io_ptr(png);
  if (n > r->m->bytes - r->at) fail(png, "the file ends too early");
  memcpy(to, r->m->data + r->at, n);
  r->at += n;
}

/* Header of the file; fails by a jump. */
static void read_head(png_structp png, png_infop info, reader *r) {
  png_uint_32 w = 0, h = 0;
  int depth, type, interlace;
  lib.png_set_user_limits(png, NN_IMAGE_SIDE, NN_IMAGE_SIDE);
  lib.png_set_chunk_malloc_max(png, CHUNK_BYTES);
  lib.png_set_chunk_cache_max(png, CHUNKS);
  lib.png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  lib.png_set_read_fn(png, r, read_bytes);
  lib.png_read_info(png, info);
  lib.png_get_IHDR(png, info, &w, &h, &depth, &type, &interlace, NULL, NULL);
  r->m->width = w;
  r->m->height = h;
  r->m->colour = (type & PNG_COLOR_MASK_COLOR) != 0;
}

static void read_pixels(png_structp png, png_infop info, const nn_image *m, int channels,
                        unsigned char *pixels) {
  const size_t row = (size_t)m->width * (size_t)channels;
  lib.png_set_expand(png);
  lib.png_set_scale_16(png);
  lib.png_set_strip_alpha(png);
  if (m->colour && channels == 1) /* Rec. 601, as the other programs' greys */
    lib.png_set_rgb_to_gray_fixed(png, PNG_ERROR_ACTION_NONE, 29900, 58700);
  if (!m->colour && channels == 3) lib.png_set_gray_to_rgb(png);
  const int passes = lib.png_set_interlace_handling(png);
  lib.png_read_update_info(png, info);
  if (lib.png_get_rowbytes(png, info) != row) fail(png, "its rows have an odd length");
  for (int pass = 0; pass < passes; pass++)
    for (int64_t y = 0; y < m->height; y++) lib.png_read_row(png, pixels + (size_t)y * row, NULL);
  lib.png_read_end(png, NULL);
}

/* Everything that may jump happens in here. pixels NULL: the head alone. */
static bool run(png_structp png, png_infop info, reader *r, int channels, unsigned char *pixels) {
  if (setjmp(*lib.png_set_longjmp_fn(png, longjmp, sizeof(jmp_buf)))) return false;
  read_head(png, info, r);
  if (pixels) read_pixels(png, info, r->m, channels, pixels);
  return true;
}

static bool read_png(nn_image *m, int channels, unsigned char *pixels) {
  reader r = {.m = m};
  bool ok = false;
  png_structp png = lib.png_create_read_struct(PNG_LIBPNG_VER_STRING, m, fail, warn);
  png_infop info = png ? lib.png_create_info_struct(png) : NULL;
  snprintf(m->error, sizeof m->error, "libpng has no memory");
  if (info) ok = run(png, info, &r, channels, pixels);
  lib.png_destroy_read_struct(&png, &info, NULL);
  return ok;
}

bool nn_png_head(nn_image *m) {
  return read_png(m, 0, NULL);
}

bool nn_png_decode(nn_image *m, int channels, unsigned char *pixels) {
  const int64_t width = m->width, height = m->height;
  return read_png(m, channels, pixels) && m->width == width && m->height == height;
}
