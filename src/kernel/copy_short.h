/* kernel/copy_short.h: copies of a few numbers, such as the row of a small image, for which the call of
   memcpy alone would cost more. */
#ifndef NN_KERNEL_COPY_SHORT_H
#define NN_KERNEL_COPY_SHORT_H

#include <stddef.h>
#include <string.h>

/* `bytes`, a multiple of 4, between places that do not overlap. The last few go with a second, overlapping
   copy rather than one by one. */
static inline void nn_copy_short(size_t bytes, const void *from, void *to) {
  enum { HALF = 32, WIDE = 2 * HALF };
  const char *x = from;
  char *y = to;
  if (bytes < HALF) {
    for (size_t k = 0; k < bytes; k += 4) memcpy(y + k, x + k, 4);
  } else if (bytes < WIDE) {
    memcpy(y, x, HALF);
    memcpy(y + bytes - HALF, x + bytes - HALF, HALF);
  } else {
    for (size_t k = 0; k + WIDE < bytes; k += WIDE) memcpy(y + k, x + k, WIDE);
    memcpy(y + bytes - WIDE, x + bytes - WIDE, WIDE);
  }
}

#endif
