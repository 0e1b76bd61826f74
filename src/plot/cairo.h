/*
 * plot/cairo.h: pictures as PNG and PDF, through Cairo, which is loaded at the first call.
 *
 * What is drawn comes as a display list: records one after the other, numbers in the machine's byte
 * order, "f" a float, "u" a uint32_t, "b" a byte, rgb three bytes:
 *
 *   P  b flags (1 fill, 2 stroke, 4 closed)  rgb fill  rgb stroke  f line  f opacity
 *      b dashes, f each  u parts, each: u points, f x, f y each       an area and its outline
 *   M  f radius  rgb fill  b outlined  rgb outline  f opacity  u points, f x, f y each   circles
 *   T  f x  f y  f size (to 1000)  b anchor (0 start, 1 middle, 2 end)  b flags (1 bold, 2 upwards)  rgb
 *      u bytes, UTF-8                                                  y is the middle of the line
 *   I  f x  f y  f width  f height  b smooth  u columns  u rows, rgb each    pixels
 *   C  f x  f y  f width  f height      what follows shows only in there, until U
 *   U
 */
#ifndef NN_PLOT_CAIRO_H
#define NN_PLOT_CAIRO_H

#include "tensor/tensor.h"

typedef struct nn_page {
  double width, height; /* in the units of the list */
  double scale;         /* pixels to a unit, in a PNG */
  const char *title;    /* a PDF's; NULL: none */
} nn_page;

/* The list drawn on white: the bytes of a file, as a uint8 list. A list that is not well formed is
   NN_EVALUE. */
nn_status nn_plot_png(nn_ctx *ctx, const void *list, size_t size, const nn_page *page,
                      nn_tensor **out);
nn_status nn_plot_pdf(nn_ctx *ctx, const void *list, size_t size, const nn_page *page,
                      nn_tensor **out);
/* Pixels, a uint8 tensor of rows x columns x 3, as the bytes of a PNG file. */
nn_status nn_plot_encode(nn_ctx *ctx, const nn_tensor *pixels, nn_tensor **out);

#endif
