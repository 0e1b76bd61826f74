/*
 * kernel/augment.h: images changed at random: moved, mirrored, turned, scaled, covered in part,
 * overlaid with noise.
 *
 * What happens to image i of a batch depends on its place and the reserved blocks of the stream
 * alone, so never on the number of threads.
 */
#ifndef NN_KERNEL_AUGMENT_H
#define NN_KERNEL_AUGMENT_H

#include "tensor/tensor.h"

/*
 * Pixel (i, j) is centred at (i, j), the image's centre is ((w - 1) / 2, (h - 1) / 2). A pixel p of
 * the result shows the image at q, where p = centre + move + factor * turn * mirror (q - centre):
 * bilinear interpolation between the four pixels around q; outside the image everything is `fill`.
 */
typedef struct nn_augment {
  double shift_x, shift_y;   /* the most pixels to each side; whole: moves by whole pixels */
  bool flip_x, flip_y;       /* mirrored left to right, top to bottom, each with probability 1/2 */
  double rotate;             /* the most degrees to each side */
  double scale_lo, scale_hi; /* the factor's range; 1, 1: none */
  double noise;              /* standard deviation of what is added to each pixel */
  int64_t
    cutout; /* side of a square of `fill`, centred on any pixel (so it may reach over the edge);
                     0: none (DeVries and Taylor: "Improved regularization of convolutional neural
                     networks with cutout", 2017) */
  double fill;
} nn_augment;

/* Changes the images x (n, channels, h, w; dense, floating) in place, in this order: mirror, scale
   and turn, move; noise; the square. Draws from NN_RNG_AUGMENT. On failure x is void. */
nn_status nn_augment_images(nn_ctx *ctx, const nn_augment *a, const nn_value *x);

#endif
