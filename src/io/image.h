/*
 * io/image.h: PNG and JPEG pictures as tensors of N x C x H x W in 0..1, by libpng and libjpeg-turbo.
 *
 * 8 bits a channel, in the colours that the file says (no profile, gamma or orientation is applied):
 * 16 bits are rounded to 8, palettes looked up, transparency is left out. A file whose data is damaged
 * or cut short is refused, however much of it could be shown.
 */
#ifndef NN_IO_IMAGE_H
#define NN_IO_IMAGE_H

#include "tensor/tensor.h"

enum {
  NN_IMAGE_SIDE = 32768,     /* pixels of a side at most, */
  NN_IMAGE_PIXELS = 1 << 26, /* of a picture, */
  NN_IMAGE_BYTES = 1 << 28,  /* bytes of a file */
  NN_IMAGE_ERROR = 160
};

typedef enum nn_image_kind { NN_IMAGE_OTHER, NN_IMAGE_PNG, NN_IMAGE_JPEG } nn_image_kind;

/* A file in memory, and what is known of it. */
typedef struct nn_image {
  const unsigned char *data;
  size_t bytes;
  nn_image_kind kind;
  int64_t width, height;
  bool colour;                /* else grey */
  char error[NN_IMAGE_ERROR]; /* why a call below gave false */
} nn_image;

/* Loads the libraries. The functions below then touch no context, and may run in any thread. */
nn_status nn_image_ready(nn_ctx *ctx);
/* Reads the head: kind, width, height, colour, all within the limits. */
bool nn_image_head(nn_image *m);
/* Decodes to height x width x channels (1 or 3), whatever the file has. */
bool nn_image_decode(nn_image *m, int channels, unsigned char *pixels);

/* image_png.c, image_jpeg.c: the same for one format. */
nn_status nn_png_ready(nn_ctx *ctx);
bool nn_png_head(nn_image *m);
bool nn_png_decode(nn_image *m, int channels, unsigned char *pixels);
nn_status nn_jpeg_ready(nn_ctx *ctx);
bool nn_jpeg_head(nn_image *m);
bool nn_jpeg_decode(nn_image *m, int channels, unsigned char *pixels);

typedef struct nn_image_options {
  int64_t height, width; /* 0: all pictures as they are, and equal */
  int channels;          /* 1 or 3; 0: as the first has them, and all others */
  nn_dtype dtype;        /* float32 or float64 */
} nn_image_options;

/* Reads files into one tensor, (n, channels, height, width). */
nn_status nn_images_load(nn_ctx *ctx, int64_t n, const char *const *path, const nn_image_options *o,
                         nn_tensor **out);
/* Pixels h x w x channels to planes of `size` (height x width) elements in 0..1. Where the size differs,
   by a triangle filter as wide as an input or output pixel, whichever is larger (bilinear when
   enlarging, without aliasing when reducing); `rows` has room for h * width * channels floats. */
void nn_image_resample(const unsigned char *pixels, int64_t h, int64_t w, int channels,
                       int64_t height, int64_t width, float *rows, float *planes);

#endif
