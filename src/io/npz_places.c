/*
 * io/npz_places.c: see npz_places.h. The format is PKWARE's APPNOTE.TXT 6.3: 4.3.7 local header, 4.3.12
 * central header, 4.3.14 to 4.3.16 the end of the directory, 4.5.3 the extra field of zip64.
 */
#include "io/npz_places.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  END = 22,       /* bytes of the end record */
  END64 = 56,     /* of zip64's */
  LOCATOR = 20,   /* of the pointer to that */
  CENTRAL = 46,   /* of a header in the directory */
  LOCAL = 30,     /* of the header before the data */
  COMMENT = 65535 /* the end record stands that far from the end at most */
};
static const uint64_t UNSAID = 0xffffffff; /* the number stands in the zip64 record */

typedef struct place {
  int64_t first, end;
} place;

typedef struct walk {
  const nn_file_source *f;
  int64_t directory, size, n; /* of the directory: where, bytes, entries */
  unsigned char *bytes;       /* the directory (size) */
  place *place;               /* (n) */
} walk;

static nn_status odd(const walk *w, int64_t at, const char *what) {
  return nn_source_fail(&w->f->base, at, "the archive's %s", what);
}

/* n bytes at `at`, or false. */
static bool look(const walk *w, int64_t at, void *p, int64_t n) {
  if (at < 0 || n < 0 || at > w->f->base.size - n) return false;
  return pread(w->f->in.fd, p, (size_t)n, at) == (ssize_t)n;
}

static bool is(const unsigned char *p, const char *signature) {
  return memcmp(p, signature, 4) == 0;
}

/* Stores where the directory stands, as the end record at `at`, or zip64's before it, says. */
static nn_status read_end(walk *w, int64_t at, const unsigned char *end) {
  unsigned char locator[LOCATOR], large[END64];
  w->n = (int64_t)nn_get_le(end + 10, 2);
  w->size = (int64_t)nn_get_le(end + 12, 4);
  w->directory = (int64_t)nn_get_le(end + 16, 4);
  if (look(w, at - LOCATOR, locator, LOCATOR) && is(locator, "PK\6\7")) {
    int64_t there = (int64_t)nn_get_le(locator + 8, 8);
    if (!look(w, there, large, END64) || !is(large, "PK\6\6"))
      return odd(w, at, "zip64 record is not where it should be");
    w->n = (int64_t)nn_get_le(large + 32, 8);
    w->size = (int64_t)nn_get_le(large + 40, 8);
    w->directory = (int64_t)nn_get_le(large + 48, 8);
  }
  if (w->directory < 0 || w->size < 0 || w->directory > at || w->size > at - w->directory ||
      w->n < 0 || w->n > w->size / CENTRAL)
    return odd(w, at, "directory does not fit into the file");
  return NN_OK;
}

static nn_status find_end(walk *w) {
  unsigned char end[END];
  int64_t last = w->f->base.size - END;
  for (int64_t at = last; at >= 0 && at >= last - COMMENT; at--) {
    if (!look(w, at, end, END)) break;
    if (is(end, "PK\5\6") && (int64_t)nn_get_le(end + 20, 2) == last - at)
      return read_end(w, at, end);
  }
  return odd(w, 0, "directory is missing");
}

/* Of zip64's extra field (n bytes) the number that stands after `before` others there, or -1. */
static int64_t extra_number(const unsigned char *p, int64_t n, int before) {
  while (n >= 4) {
    int64_t size = (int64_t)nn_get_le(p + 2, 2);
    if (size > n - 4) return -1;
    if (nn_get_le(p, 2) == 1)
      return size >= 8 * before + 8 ? (int64_t)nn_get_le(p + 4 + 8 * before, 8) : -1;
    p += 4 + size;
    n -= 4 + size;
  }
  return -1;
}

/* Reads the central header at `at` of the directory; returns its length, or 0. */
static int64_t read_central(const walk *w, int64_t at, place *to) {
  const unsigned char *p = w->bytes + at;
  unsigned char local[LOCAL];
  if (w->size - at < CENTRAL || !is(p, "PK\1\2")) return 0;
  int64_t name = (int64_t)nn_get_le(p + 28, 2), extra = (int64_t)nn_get_le(p + 30, 2),
          length = CENTRAL + name + extra + (int64_t)nn_get_le(p + 32, 2);
  if (length > w->size - at) return 0;
  uint64_t packed = nn_get_le(p + 20, 4), whole = nn_get_le(p + 24, 4),
           first = nn_get_le(p + 42, 4);
  const unsigned char *more = p + CENTRAL + name;
  int before = whole == UNSAID;
  int64_t bytes = packed == UNSAID ? extra_number(more, extra, before++) : (int64_t)packed;
  to->first = first == UNSAID ? extra_number(more, extra, before) : (int64_t)first;
  if (bytes < 0 || !look(w, to->first, local, LOCAL) || !is(local, "PK\3\4")) return 0;
  to->end = to->first + LOCAL + (int64_t)nn_get_le(local + 26, 2) +
            (int64_t)nn_get_le(local + 28, 2);
  if (to->end > w->directory || bytes > w->directory - to->end) return 0;
  to->end += bytes;
  return length;
}

static int by_first(const void *a, const void *b) {
  const place *x = a, *y = b;
  return x->first < y->first ? -1 : x->first > y->first;
}

static nn_status check(walk *w) {
  int64_t at = 0;
  if (!look(w, w->directory, w->bytes, w->size)) return odd(w, w->directory, "directory is cut");
  for (int64_t i = 0, length; i < w->n; i++, at += length) {
    length = read_central(w, at, &w->place[i]);
    if (!length) return odd(w, w->directory + at, "directory has an entry that is not in the file");
  }
  qsort(w->place, (size_t)w->n, sizeof *w->place, by_first);
  for (int64_t i = 1; i < w->n; i++)
    if (w->place[i].first < w->place[i - 1].end)
      return odd(w, w->place[i].first, "entries overlap");
  return NN_OK;
}

nn_status nn_npz_check_places(const nn_file_source *f) {
  nn_ctx *ctx = f->base.ctx;
  walk w = {.f = f};
  NN_TRY(find_end(&w));
  nn_status st = NN_ENOMEM;
  w.bytes = nn_mem_take(ctx, (size_t)w.size);
  w.place = nn_mem_take(ctx, (size_t)w.n * sizeof *w.place);
  if (w.bytes && w.place) st = check(&w);
  nn_mem_give(ctx, w.bytes, (size_t)w.size);
  nn_mem_give(ctx, w.place, (size_t)w.n * sizeof *w.place);
  return st;
}
