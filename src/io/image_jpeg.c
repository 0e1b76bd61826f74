/* io/image_jpeg.c: JPEG, see image.h. libjpeg reports errors by a callback that may not return; the jump
   never leaves this file. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "base/library.h"
#include "io/image.h"

/* clang-format off */
#define JPEG(F) \
  F(jpeg_std_error) F(jpeg_CreateDecompress) F(jpeg_destroy_decompress) F(jpeg_mem_src) \
  F(jpeg_read_header) F(jpeg_start_decompress) F(jpeg_read_scanlines) \
  F(jpeg_finish_decompress)
/* clang-format on */
NN_LIBRARY(lib, NN_SONAME_JPEG, "libjpeg", JPEG)

enum { SCANS = 200 }; /* a progressive file of some kilobytes can ask for very many */

nn_status nn_jpeg_ready(nn_ctx *ctx) {
  return lib_load(ctx);
}

typedef struct decoder {
  struct jpeg_decompress_struct j;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf jump;
  nn_image *m;
} decoder;

static _Noreturn void fail(decoder *d, const char *text) {
  snprintf(d->m->error, sizeof d->m->error, "damaged JPEG: %s", text);
  longjmp(d->jump, 1);
}

static void on_error(j_common_ptr j) {
  char text[JMSG_LENGTH_MAX];
  j->err->format_message(j, text);
  fail(j->client_data, text);
}

/* libjpeg goes on after damage with grey areas; what is harmless is let pass. */
static void on_message(j_common_ptr j, int level) {
  int code = j->err->msg_code;
  if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM &&
      code != JWRN_JFIF_MAJOR)
    on_error(j);
}

static void on_output(j_common_ptr j) {
  (void)j;
}

static void on_progress(j_common_ptr j) {
  if (((j_decompress_ptr)j)->input_scan_number > SCANS) fail(j->client_data, "too many scans");
}

static void read_head(decoder *d) {
  struct jpeg_decompress_struct *j = &d->j;
  lib.jpeg_mem_src(j, d->m->data, (unsigned long)d->m->bytes);
  lib.jpeg_read_header(j, TRUE);
  d->m->width = j->image_width;
  d->m->height = j->image_height;
  d->m->colour = j->num_components != 1;
  if (j->num_components != 1 && j->num_components != 3)
    fail(d, "it has four colours (CMYK); save it as RGB");
}

static void read_pixels(decoder *d, int channels, unsigned char *pixels) {
  struct jpeg_decompress_struct *j = &d->j;
  const size_t row = (size_t)d->m->width * (size_t)channels;
  j->out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  j->dct_method = JDCT_ISLOW;
  lib.jpeg_start_decompress(j);
  if (j->output_components != channels || j->output_width != d->m->width)
    fail(d, "its rows have an odd length");
  while (j->output_scanline < j->output_height) {
    JSAMPROW line = pixels + (size_t)j->output_scanline * row;
    lib.jpeg_read_scanlines(j, &line, 1);
  }
  lib.jpeg_finish_decompress(j);
}

/* Everything that may jump happens in here. pixels NULL: the head alone. */
static bool run(decoder *d, int channels, unsigned char *pixels) {
  if (setjmp(d->jump)) return false;
  lib.jpeg_CreateDecompress(&d->j, JPEG_LIB_VERSION, sizeof d->j);
  d->j.progress = &d->progress;
  read_head(d);
  if (pixels) read_pixels(d, channels, pixels);
  return true;
}

static bool read_jpeg(nn_image *m, int channels, unsigned char *pixels) {
  decoder d;
  memset(&d, 0, sizeof d);
  d.m = m;
  d.j.err = lib.jpeg_std_error(&d.errors);
  d.j.client_data = &d;
  d.errors.error_exit = on_error;
  d.errors.emit_message = on_message;
  d.errors.output_message = on_output;
  d.progress.progress_monitor = on_progress;
  bool ok = run(&d, channels, pixels);
  lib.jpeg_destroy_decompress(&d.j);
  return ok;
}

bool nn_jpeg_head(nn_image *m) {
  return read_jpeg(m, 0, NULL);
}

bool nn_jpeg_decode(nn_image *m, int channels, unsigned char *pixels) {
  return read_jpeg(m, channels, pixels);
}
