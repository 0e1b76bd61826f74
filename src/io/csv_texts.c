/* io/csv_texts.c: the different texts of a column, each with a number. See csv.h. */
#include <string.h>

#include "io/csv.h"

enum { FIRST = 64, FIRST_BYTES = 1024 };

/* The classes of bytes and what may follow: Unicode, table 3-7 (no overlong forms, no surrogates, at
   most U+10FFFF). */
bool nn_utf8_valid(const char *text, size_t n) {
  const unsigned char *p = (const unsigned char *)text, *end = p + n;
  while (p < end) {
    unsigned char c = *p++, lo = 0x80, hi = 0xbf;
    int more;
    if (c < 0x80) continue;
    if (c < 0xc2 || c > 0xf4) return false;
    more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    if (c == 0xe0) lo = 0xa0;
    if (c == 0xed) hi = 0x9f;
    if (c == 0xf0) lo = 0x90;
    if (c == 0xf4) hi = 0x8f;
    for (; more > 0; more--, p++, lo = 0x80, hi = 0xbf)
      if (p == end || *p < lo || *p > hi) return false;
  }
  return true;
}

static uint64_t hash_of(const char *text, size_t n) { /* FNV-1a, its bits stirred once more */
  uint64_t h = 14695981039346656037u;
  for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)text[i]) * 1099511628211u;
  return h ^ h >> 29;
}

static size_t slot_of(const nn_csv_texts *t, const char *text, size_t n, uint64_t hash) {
  size_t mask = 2 * (size_t)t->room - 1, s = hash & mask;
  for (; t->slot[s]; s = (s + 1) & mask) {
    int64_t i = t->slot[s] - 1;
    if (t->hash[i] == hash && (size_t)(t->start[i + 1] - t->start[i]) == n &&
        memcmp(t->bytes + t->start[i], text, n) == 0)
      break;
  }
  return s;
}

/* Moves what p holds to a larger block. */
static nn_status enlarge(nn_ctx *ctx, void *p, size_t old, size_t bytes) {
  void **where = p, *larger = nn_mem_take(ctx, bytes);
  if (!larger) return NN_ENOMEM;
  if (old) memcpy(larger, *where, old);
  nn_mem_give(ctx, *where, old);
  *where = larger;
  return NN_OK;
}

/* Room for twice as many; what was enlarged before a failure keeps its old count and its old bytes,
   so each step is by itself right. */
static nn_status more_room(nn_ctx *ctx, nn_csv_texts *t) {
  nn_csv_texts u = {.room = t->room ? 2 * t->room : FIRST};
  const size_t n = (size_t)t->n, room = (size_t)u.room;
  nn_status st = NN_ENOMEM;
  u.start = nn_mem_take_zero(ctx, (room + 1) * sizeof *u.start);
  u.hash = nn_mem_take(ctx, room * sizeof *u.hash);
  u.slot = nn_mem_take_zero(ctx, 2 * room * sizeof *u.slot);
  if (u.start && u.hash && u.slot) {
    if (n) memcpy(u.start, t->start, (n + 1) * sizeof *u.start);
    if (n) memcpy(u.hash, t->hash, n * sizeof *u.hash);
    u.n = t->n, u.bytes = t->bytes, u.used = t->used, u.space = t->space;
    t->bytes = NULL, t->space = 0;
    for (size_t i = 0; i < n; i++) {
      size_t s = u.hash[i] & (2 * room - 1);
      while (u.slot[s]) s = (s + 1) & (2 * room - 1);
      u.slot[s] = (int32_t)i + 1;
    }
    nn_csv_texts old = *t;
    *t = u;
    u = old;
    st = NN_OK;
  }
  nn_csv_texts_drop(ctx, &u);
  return st;
}

nn_status nn_csv_intern(nn_ctx *ctx, nn_csv_texts *t, const char *text, size_t n, int64_t *number) {
  const uint64_t hash = hash_of(text, n);
  if (t->n == t->room) NN_TRY(more_room(ctx, t));
  size_t s = slot_of(t, text, n, hash);
  *number = t->slot[s] - 1;
  if (*number >= 0) return NN_OK;
  if (t->used + n > t->space) {
    size_t space = 2 * t->space + n + FIRST_BYTES;
    NN_TRY(enlarge(ctx, &t->bytes, t->space, space));
    t->space = space;
  }
  if (n) memcpy(t->bytes + t->used, text, n);
  t->used += n;
  *number = t->n++;
  t->start[t->n] = (int64_t)t->used;
  t->hash[*number] = hash;
  t->slot[s] = (int32_t)t->n;
  return NN_OK;
}

const char *nn_csv_text(const nn_csv_texts *t, int64_t number, size_t *n) {
  *n = (size_t)(t->start[number + 1] - t->start[number]);
  return t->bytes + t->start[number];
}

void nn_csv_texts_drop(nn_ctx *ctx, nn_csv_texts *t) {
  const size_t room = (size_t)t->room;
  nn_mem_give(ctx, t->start, (room + 1) * sizeof *t->start);
  nn_mem_give(ctx, t->hash, room * sizeof *t->hash);
  nn_mem_give(ctx, t->slot, 2 * room * sizeof *t->slot);
  nn_mem_give(ctx, t->bytes, t->space);
  *t = (nn_csv_texts){0};
}
