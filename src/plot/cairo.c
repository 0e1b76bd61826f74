/*
 * plot/cairo.c: see cairo.h. Pixels are in memory of ours, so that they are counted and limited;
 * what Cairo writes is gathered and becomes a tensor in the end.
 */
#include "plot/cairo.h"

#include <cairo-pdf.h>
#include <cairo.h>
#include <math.h>
#include <string.h>

#include "base/library.h"
#include "io/csv.h"

/* clang-format off */
#define CAIRO(F) \
  F(cairo_arc) F(cairo_clip) F(cairo_close_path) F(cairo_create) F(cairo_destroy) F(cairo_fill) \
  F(cairo_fill_preserve) F(cairo_font_extents) F(cairo_get_source) \
  F(cairo_image_surface_create_for_data) F(cairo_line_to) F(cairo_move_to) F(cairo_new_path) \
  F(cairo_new_sub_path) F(cairo_paint) F(cairo_pattern_set_extend) F(cairo_pattern_set_filter) \
  F(cairo_pdf_surface_create_for_stream) F(cairo_pdf_surface_set_metadata) F(cairo_rectangle) \
  F(cairo_restore) F(cairo_rotate) F(cairo_save) F(cairo_scale) F(cairo_select_font_face) \
  F(cairo_set_dash) F(cairo_set_fill_rule) F(cairo_set_font_size) F(cairo_set_line_cap) \
  F(cairo_set_line_join) F(cairo_set_line_width) F(cairo_set_source_rgb) \
  F(cairo_set_source_rgba) F(cairo_set_source_surface) F(cairo_show_text) F(cairo_status) \
  F(cairo_status_to_string) F(cairo_stroke) F(cairo_surface_destroy) F(cairo_surface_finish) \
  F(cairo_surface_flush) F(cairo_surface_mark_dirty) F(cairo_surface_status) \
  F(cairo_surface_write_to_png_stream) F(cairo_text_extents) F(cairo_translate)
/* clang-format on */

NN_LIBRARY(lib, NN_SONAME_CAIRO, "Cairo (libcairo2)", CAIRO)

enum { FILL = 1, STROKE = 2, CLOSED = 4, BOLD = 1, UPWARDS = 2, MAX_DASHES = 8 };
/* One that has raised digits, arrows and minus signs: Cairo looks into no second font. */
static const char FONT[] = "DejaVu Sans";
static const double FAR = 1e5;             /* what lies further out is drawn at that distance */
static const double MOST_PIXELS = 1 << 27; /* 512 MiB of them */

static nn_status trouble(nn_ctx *ctx, cairo_status_t code) {
  if (code == CAIRO_STATUS_NO_MEMORY)
    return nn_fail(ctx, NN_ENOMEM, "not enough memory for the picture");
  return nn_fail(ctx, NN_EIO, "Cairo: %s", lib.cairo_status_to_string(code));
}

/* ---- what Cairo writes ---- */

typedef struct bytes {
  nn_ctx *ctx;
  unsigned char *data;
  size_t size, room;
  bool failed; /* there was no memory: not every surface passes that on */
} bytes;

static cairo_status_t append(void *closure, const unsigned char *data, unsigned n) {
  bytes *b = closure;
  if (b->size + n > b->room) {
    size_t room = 2 * (b->size + n) + 4096;
    unsigned char *more = nn_mem_take(b->ctx, room);
    b->failed = b->failed || !more;
    if (b->failed) {
      if (more) nn_mem_give(b->ctx, more, room);
      return CAIRO_STATUS_NO_MEMORY;
    }
    if (b->size > 0) memcpy(more, b->data, b->size);
    if (b->data) nn_mem_give(b->ctx, b->data, b->room);
    b->data = more;
    b->room = room;
  }
  memcpy(b->data + b->size, data, n);
  b->size += n;
  return CAIRO_STATUS_SUCCESS;
}

static nn_status take_bytes(bytes *b, nn_tensor **out) {
  if (b->failed) return NN_ENOMEM;
  nn_shape s = nn_shape_1((int64_t)b->size);
  NN_TRY(nn_tensor_new(b->ctx, NN_U8, &s, out));
  if (b->size > 0) memcpy(nn_data(&(*out)->v), b->data, b->size);
  return NN_OK;
}

static void drop_bytes(bytes *b) {
  if (b->data) nn_mem_give(b->ctx, b->data, b->room);
}

/* ---- reading the list ---- */

typedef struct reader {
  nn_ctx *ctx;
  const unsigned char *at, *end;
  bool bad; /* the list ended too early; what is read from then on is nought */
  cairo_t *c;
} reader;

static const void *take(reader *r, size_t n) {
  if (r->bad || (size_t)(r->end - r->at) < n) {
    r->bad = true;
    return NULL;
  }
  r->at += n;
  return r->at - n;
}
static double number(reader *r) {
  float v = 0;
  const void *p = take(r, sizeof v);
  if (p) memcpy(&v, p, sizeof v);
  return fmin(fmax((double)v, -FAR), FAR); /* NaN becomes -FAR */
}
static uint32_t count(reader *r, size_t each) {
  uint32_t v = 0;
  const void *p = take(r, sizeof v);
  if (p) memcpy(&v, p, sizeof v);
  if ((size_t)(r->end - r->at) / each < v) r->bad = true;
  return r->bad ? 0 : v;
}
static unsigned byte(reader *r) {
  const unsigned char *p = take(r, 1);
  return p ? *p : 0;
}
typedef struct rgb {
  double r, g, b;
} rgb;
static rgb color(reader *r) {
  const unsigned char *p = take(r, 3);
  return p ? (rgb){p[0] / 255.0, p[1] / 255.0, p[2] / 255.0} : (rgb){0, 0, 0};
}
static void source(cairo_t *c, rgb k, double opacity) {
  lib.cairo_set_source_rgba(c, k.r, k.g, k.b, opacity);
}

/* ---- records ---- */

static void path(reader *r) {
  const unsigned flags = byte(r);
  const rgb fill = color(r), stroke = color(r);
  const double line = number(r), opacity = number(r);
  double dash[MAX_DASHES];
  const unsigned dashes = byte(r);
  r->bad = r->bad || dashes > MAX_DASHES;
  for (unsigned i = 0; i < dashes && !r->bad; i++) dash[i] = fmax(number(r), 0.1);
  lib.cairo_new_path(r->c);
  for (uint32_t parts = count(r, 4); parts > 0 && !r->bad; parts--) {
    lib.cairo_new_sub_path(r->c);
    for (uint32_t n = count(r, 8); n > 0; n--) {
      const double x = number(r), y = number(r);
      lib.cairo_line_to(r->c, x, y);
    }
    if (flags & CLOSED) lib.cairo_close_path(r->c);
  }
  if (r->bad) return;
  if (flags & FILL) {
    source(r->c, fill, opacity);
    lib.cairo_set_fill_rule(r->c, CAIRO_FILL_RULE_EVEN_ODD);
    lib.cairo_fill_preserve(r->c);
  }
  if (flags & STROKE) {
    source(r->c, stroke, opacity);
    lib.cairo_set_line_width(r->c, line);
    lib.cairo_set_dash(r->c, dash, (int)dashes, 0);
    lib.cairo_stroke(r->c);
  }
  lib.cairo_new_path(r->c);
}

static void circles(reader *r) {
  const double radius = fmax(number(r), 0);
  const rgb fill = color(r);
  const bool outlined = byte(r) != 0;
  const rgb outline = color(r);
  const double opacity = number(r);
  for (uint32_t n = count(r, 8); n > 0; n--) {
    const double x = number(r), y = number(r);
    lib.cairo_new_path(r->c);
    lib.cairo_arc(r->c, x, y, radius, 0, 2 * M_PI);
    source(r->c, fill, opacity);
    lib.cairo_fill_preserve(r->c);
    if (outlined) {
      source(r->c, outline, opacity);
      lib.cairo_set_line_width(r->c, 1);
      lib.cairo_set_dash(r->c, NULL, 0, 0);
      lib.cairo_stroke(r->c);
    }
    lib.cairo_new_path(r->c);
  }
}

static nn_status words(reader *r) {
  const double x = number(r), y = number(r),
               size = fmin(fmax(number(r), 0.1), 1000); /* Cairo leaks at absurd ones */
  const unsigned anchor = byte(r), flags = byte(r);
  const rgb ink = color(r);
  const uint32_t n = count(r, 1);
  const char *text = take(r, n);
  /* Cairo would refuse other texts too, but leaks when it does. */
  r->bad = r->bad || memchr(n > 0 ? text : "", 0, n) || !nn_utf8_valid(text, n);
  if (r->bad || n == 0) return NN_OK;
  char *copy = nn_mem_take(r->ctx, (size_t)n + 1);
  if (!copy) return NN_ENOMEM;
  memcpy(copy, text, n);
  copy[n] = 0;
  cairo_text_extents_t box;
  lib.cairo_save(r->c);
  lib.cairo_select_font_face(r->c, FONT, CAIRO_FONT_SLANT_NORMAL,
                             flags & BOLD ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  lib.cairo_set_font_size(r->c, size);
  lib.cairo_text_extents(r->c, copy, &box);
  lib.cairo_translate(r->c, x, y);
  if (flags & UPWARDS) lib.cairo_rotate(r->c, -M_PI / 2);
  lib.cairo_move_to(r->c, -box.x_advance * (anchor == 1 ? 0.5 : anchor == 2 ? 1 : 0), 0.36 * size);
  source(r->c, ink, 1);
  lib.cairo_show_text(r->c, copy);
  lib.cairo_restore(r->c);
  nn_mem_give(r->ctx, copy, (size_t)n + 1);
  return NN_OK;
}

/* rgb triples (rows, columns) as what Cairo calls RGB24: 0xRRGGBB in the machine's order */
static void spread(const unsigned char *from, size_t n, uint32_t *to) {
  for (size_t i = 0; i < n; i++, from += 3)
    to[i] = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
}

static nn_status image(reader *r) {
  const double x = number(r), y = number(r), width = number(r), height = number(r);
  const bool smooth = byte(r) != 0;
  const uint32_t columns = count(r, 1);
  const uint32_t rows = columns ? count(r, 3 * (size_t)columns) : 0;
  const size_t n = (size_t)rows * columns;
  const unsigned char *pixels = take(r, 3 * n);
  r->bad = r->bad || n == 0 || columns > 32767 || rows > 32767 || !(width > 0 && height > 0);
  if (r->bad) return NN_OK;
  uint32_t *data = nn_mem_take(r->ctx, 4 * n);
  if (!data) return NN_ENOMEM;
  spread(pixels, n, data);
  cairo_surface_t *s = lib.cairo_image_surface_create_for_data(
    (unsigned char *)data, CAIRO_FORMAT_RGB24, (int)columns, (int)rows, (int)columns * 4);
  lib.cairo_save(r->c);
  lib.cairo_translate(r->c, x, y);
  lib.cairo_scale(r->c, width / columns, height / rows);
  lib.cairo_set_source_surface(r->c, s, 0, 0);
  cairo_pattern_t *pattern = lib.cairo_get_source(r->c);
  lib.cairo_pattern_set_filter(pattern, smooth ? CAIRO_FILTER_BILINEAR : CAIRO_FILTER_NEAREST);
  lib.cairo_pattern_set_extend(pattern, CAIRO_EXTEND_PAD);
  lib.cairo_rectangle(r->c, 0, 0, columns, rows);
  lib.cairo_fill(r->c);
  lib.cairo_restore(r->c);
  lib.cairo_surface_finish(s); /* a PDF takes its copy now: the pixels are about to go */
  lib.cairo_surface_destroy(s);
  nn_mem_give(r->ctx, data, 4 * n);
  return NN_OK;
}

static void clip(reader *r) {
  const double x = number(r), y = number(r), width = number(r), height = number(r);
  lib.cairo_save(r->c);
  lib.cairo_rectangle(r->c, x, y, width, height);
  lib.cairo_clip(r->c);
}

static nn_status draw(nn_ctx *ctx, cairo_t *c, const void *list, size_t size) {
  const unsigned char *from = list;
  reader r = {.ctx = ctx, .at = from, .end = from + size, .c = c};
  int clips = 0;
  nn_status st = NN_OK;
  lib.cairo_set_line_join(c, CAIRO_LINE_JOIN_ROUND);
  lib.cairo_set_line_cap(c, CAIRO_LINE_CAP_ROUND);
  lib.cairo_set_source_rgb(c, 1, 1, 1);
  lib.cairo_paint(c);
  while (r.at < r.end && !r.bad && st == NN_OK) {
    switch (byte(&r)) {
      case 'P': path(&r); break;
      case 'M': circles(&r); break;
      case 'T': st = words(&r); break;
      case 'I': st = image(&r); break;
      case 'C': clip(&r), clips++; break;
      case 'U':
        if (clips == 0) r.bad = true;
        if (clips > 0) lib.cairo_restore(c), clips--;
        break;
      default: r.bad = true;
    }
    if (st == NN_OK) st = nn_poll(ctx);
  }
  for (; clips > 0; clips--) lib.cairo_restore(c);
  if (st != NN_OK) return st;
  if (r.bad)
    return nn_fail(ctx, NN_EVALUE, "a display list that is not well formed, at byte %zu of %zu",
                   (size_t)(r.at - from), size);
  cairo_status_t code = lib.cairo_status(c);
  return code == CAIRO_STATUS_SUCCESS ? NN_OK : trouble(ctx, code);
}

/* ---- files ---- */

/* Draws on the surface, which is given up, and ends it. */
static nn_status draw_on(nn_ctx *ctx, cairo_surface_t *s, double scale, const void *list,
                         size_t size) {
  cairo_t *c = lib.cairo_create(s);
  lib.cairo_scale(c, scale, scale);
  nn_status st = draw(ctx, c, list, size);
  lib.cairo_destroy(c);
  return st;
}

static nn_status check_page(nn_ctx *ctx, const nn_page *page) {
  const double w = page->width * page->scale, h = page->height * page->scale;
  if (w >= 1 && h >= 1 && w <= 32767 && h <= 32767 && w * h <= MOST_PIXELS) return NN_OK;
  return nn_fail(ctx, NN_EVALUE,
                 "a picture of %.0f x %.0f pixels: it must be 1 to 32767 each way, "
                 "and no more than %.0f in all",
                 w, h, MOST_PIXELS);
}

static nn_status write_png(nn_ctx *ctx, cairo_surface_t *s, nn_tensor **out) {
  bytes b = {.ctx = ctx};
  cairo_status_t code = lib.cairo_surface_write_to_png_stream(s, append, &b);
  nn_status st = code == CAIRO_STATUS_SUCCESS || b.failed ? take_bytes(&b, out)
                                                          : trouble(ctx, code);
  drop_bytes(&b);
  return st;
}

nn_status nn_plot_png(nn_ctx *ctx, const void *list, size_t size, const nn_page *page,
                      nn_tensor **out) {
  *out = NULL;
  NN_TRY(check_page(ctx, page));
  NN_TRY(lib_load(ctx));
  const int w = (int)(page->width * page->scale), h = (int)(page->height * page->scale);
  const size_t room = (size_t)w * (size_t)h * 4;
  unsigned char *pixels = nn_mem_take_zero(ctx, room);
  if (!pixels) return NN_ENOMEM;
  cairo_surface_t *s = lib.cairo_image_surface_create_for_data(pixels, CAIRO_FORMAT_RGB24, w, h,
                                                               w * 4);
  nn_status st = draw_on(ctx, s, page->scale, list, size);
  if (st == NN_OK) st = write_png(ctx, s, out);
  lib.cairo_surface_destroy(s);
  nn_mem_give(ctx, pixels, room);
  return st;
}

nn_status nn_plot_pdf(nn_ctx *ctx, const void *list, size_t size, const nn_page *page,
                      nn_tensor **out) {
  *out = NULL;
  NN_TRY(check_page(ctx, page));
  NN_TRY(lib_load(ctx));
  bytes b = {.ctx = ctx};
  cairo_surface_t *s = lib.cairo_pdf_surface_create_for_stream(append, &b, page->width,
                                                               page->height);
  if (page->title) lib.cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_TITLE, page->title);
  nn_status st = draw_on(ctx, s, 1, list, size);
  lib.cairo_surface_finish(s);
  cairo_status_t code = lib.cairo_surface_status(s);
  if (st == NN_OK && code != CAIRO_STATUS_SUCCESS && !b.failed) st = trouble(ctx, code);
  if (st == NN_OK) st = take_bytes(&b, out);
  lib.cairo_surface_destroy(s);
  drop_bytes(&b);
  return st;
}

nn_status nn_plot_encode(nn_ctx *ctx, const nn_tensor *pixels, nn_tensor **out) {
  *out = NULL;
  const nn_value *v = &pixels->v;
  const bool fits = v->dtype == NN_U8 && v->dense && v->shape.ndim == 3 && v->shape.dim[2] == 3 &&
                    v->numel > 0 && v->shape.dim[0] <= 32767 && v->shape.dim[1] <= 32767;
  if (!fits)
    return nn_fail(
      ctx, NN_ETYPE,
      "pixels are a contiguous uint8 tensor of rows x columns x 3, 1 to 32767 each way");
  NN_TRY(lib_load(ctx));
  const int h = (int)v->shape.dim[0], w = (int)v->shape.dim[1];
  const size_t n = (size_t)h * (size_t)w;
  uint32_t *data = nn_mem_take(ctx, 4 * n);
  if (!data) return NN_ENOMEM;
  spread(nn_data(v), n, data);
  cairo_surface_t *s = lib.cairo_image_surface_create_for_data((unsigned char *)data,
                                                               CAIRO_FORMAT_RGB24, w, h, w * 4);
  nn_status st = write_png(ctx, s, out);
  lib.cairo_surface_destroy(s);
  nn_mem_give(ctx, data, 4 * n);
  return st;
}
