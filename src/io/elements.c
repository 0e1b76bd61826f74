/* io/elements.c: see elements.h. */
#include "io/elements.h"

#include <string.h>

enum { ROOM = 1 << 20 }; /* bytes converted at a time */

bool nn_elements_known(const nn_elements *e) {
  switch (e->kind) {
    case 'f': return e->width == 2 || e->width == 4 || e->width == 8;
    case 'r': return e->width == 2;
    case 'b': return e->width == 1;
    case 'i':
    case 'u': return e->width == 1 || e->width == 2 || e->width == 4 || e->width == 8;
    default: return false;
  }
}

nn_dtype nn_elements_dtype(const nn_elements *e) {
  if (e->kind == 'f') return e->width == 8 ? NN_F64 : NN_F32;
  if (e->kind == 'r') return NN_F32;
  return e->width == 1 && e->kind != 'i' ? NN_U8 : NN_I64;
}

/* Whether the bytes are the elements. */
static bool is_plain(const nn_elements *e) {
  if (e->big && e->width > 1) return false;
  if (e->kind == 'f') return e->width >= 4;
  return (e->kind == 'u' && e->width == 1) || (e->kind == 'i' && e->width == 8);
}

/* IEEE binary16: sign, 5 bits of exponent, 10 of fraction. Exact in float32. */
static float from_half(unsigned h) {
  uint32_t sign = (h & 0x8000u) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ffu, bits;
  float f;
  if (exponent == 31) {
    bits = sign | 0x7f800000u | fraction << 13;
  } else if (exponent) {
    bits = sign | (exponent + 112) << 23 | fraction << 13;
  } else { /* 0, or below the smallest normal number: fraction / 2^24 */
    f = (float)fraction * 0x1p-24f;
    return sign ? -f : f;
  }
  memcpy(&f, &bits, sizeof f);
  return f;
}

static uint64_t number_at(const nn_elements *e, const unsigned char *p) {
  if (!e->big) return nn_get_le(p, e->width);
  uint64_t v = 0;
  for (int i = 0; i < e->width; i++) v = v << 8 | p[i];
  return v;
}

static void convert_float(const nn_elements *e, const unsigned char *p, int64_t n, void *to) {
  for (int64_t i = 0; i < n; i++, p += e->width) {
    uint64_t v = number_at(e, p);
    uint32_t bits = (uint32_t)(e->kind == 'r' ? v << 16 : v);
    float f;
    if (e->width == 8) {
      memcpy((double *)to + i, &v, sizeof v);
      continue;
    }
    memcpy(&f, &bits, sizeof f);
    ((float *)to)[i] = e->kind == 'f' && e->width == 2 ? from_half((unsigned)v) : f;
  }
}

/* Returns the first of n that int64 cannot hold, or n. */
static int64_t convert_integer(const nn_elements *e, const unsigned char *p, int64_t n,
                               int64_t *to) {
  const int shift = 64 - 8 * e->width;
  for (int64_t i = 0; i < n; i++, p += e->width) {
    uint64_t v = number_at(e, p);
    if (e->kind == 'u' && v > INT64_MAX) return i;
    to[i] = e->kind == 'i' ? (int64_t)(v << shift) >> shift : (int64_t)v;
  }
  return n;
}

/* One piece: n elements at `p` of the file, `at` bytes from its start, to place `first` of t. */
static nn_status convert(nn_source *s, const nn_elements *e, const unsigned char *p, int64_t n,
                         nn_value *t, int64_t first) {
  char *to = (char *)nn_data(t) + (size_t)first * nn_dtype_size(t->dtype);
  if (nn_is_real(t->dtype)) {
    convert_float(e, p, n, to);
  } else if (t->dtype == NN_U8) {
    for (int64_t i = 0; i < n; i++) to[i] = (char)(p[i] != 0);
  } else {
    int64_t bad = convert_integer(e, p, n, (int64_t *)(void *)to);
    const long long place = first + bad + 1;
    if (bad < n)
      return nn_source_fail(s, s->at - (n - bad) * e->width,
                            "element %lld is %llu, which int64 cannot hold", place,
                            (unsigned long long)number_at(e, p + bad * e->width));
  }
  return NN_OK;
}

nn_status nn_elements_read(nn_source *s, const nn_elements *e, nn_value *t) {
  if (is_plain(e)) return nn_source_take(s, nn_data(t), (size_t)t->numel * (size_t)e->width);
  unsigned char *room = nn_mem_take(s->ctx, ROOM);
  if (!room) return NN_ENOMEM;
  nn_status st = NN_OK;
  const int64_t most = ROOM / e->width;
  for (int64_t i = 0, n; i < t->numel && st == NN_OK; i += n) {
    n = t->numel - i < most ? t->numel - i : most;
    st = nn_source_take(s, room, (size_t)n * (size_t)e->width);
    if (st == NN_OK) st = convert(s, e, room, n, t, i);
  }
  nn_mem_give(s->ctx, room, ROOM);
  return st;
}
