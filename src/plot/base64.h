/* plot/base64.h: bytes as text (RFC 4648). */
#ifndef NN_PLOT_BASE64_H
#define NN_PLOT_BASE64_H

#include <stddef.h>

static inline size_t nn_base64_size(size_t n) {
  return (n + 2) / 3 * 4;
}

/* Writes nn_base64_size(n) characters. */
static inline void nn_base64(const unsigned char *p, size_t n, char *to) {
  static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < n; i += 3) {
    const unsigned a = p[i], b = i + 1 < n ? p[i + 1] : 0, c = i + 2 < n ? p[i + 2] : 0;
    *to++ = digit[a >> 2];
    *to++ = digit[(a & 3) << 4 | b >> 4];
    *to++ = i + 1 < n ? digit[(b & 15) << 2 | c >> 6] : '=';
    *to++ = i + 2 < n ? digit[c & 63] : '=';
  }
}

#endif
