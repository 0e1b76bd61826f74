/* io/csv_block.c: whole rows from the file into the buffer, and cuts between them for several threads.
   See csv.h. */
#include <string.h>

#include "io/csv.h"
#include "kernel/names.h"

/* Many rows for each turn of the threads, unless the whole file is smaller. */
enum { FIRST_ROOM = 8 << 20, LEAST_ROOM = 1 << 16 };

static size_t first_room(const nn_csv *r) {
  const int64_t length = nn_input_length(&r->in);
  if (length < 0 || length >= FIRST_ROOM) return FIRST_ROOM;
  return length < LEAST_ROOM ? LEAST_ROOM : (size_t)length + 1;
}

NN_HOT static int64_t count_lines(const char *p, size_t n) {
  int64_t sum = 0;
  for (size_t i = 0; i < n; i++) sum += p[i] == '\n';
  return sum;
}

/* Without quotes every LF ends a row. */
static void cut_plain(const char *p, size_t n, int parts, nn_csv_cuts *c) {
  const char *last = n ? memrchr(p, '\n', n) : NULL;
  size_t end = last ? (size_t)(last - p) + 1 : 0;
  c->parts = end ? 1 : 0;
  for (int k = 1; k < parts && end; k++) {
    size_t target = end / (size_t)parts * (size_t)k, from = c->cut[c->parts - 1];
    if (target < from) continue;
    const char *lf = memchr(p + target, '\n', end - target);
    size_t at = (size_t)(lf - p) + 1;
    if (at > from && at < end) c->cut[c->parts++] = at;
  }
  c->cut[c->parts] = end;
  for (int k = 0; k < c->parts; k++)
    c->lines[k + 1] = c->lines[k] + count_lines(p + c->cut[k], c->cut[k + 1] - c->cut[k]);
}

/* An LF within quotes ends no row. "" closes and opens again, which comes to the same. */
static void cut_quoted(const char *p, size_t n, int parts, nn_csv_cuts *c, size_t *open) {
  size_t end = 0, target = n / (size_t)parts;
  int64_t lines = 0, lines_at_end = 0;
  bool inside = false;
  c->parts = 0;
  for (size_t i = 0; i < n; i++) {
    if (p[i] == '"') {
      inside = !inside;
      if (inside) *open = i;
    } else if (p[i] == '\n') {
      lines++;
      if (inside) continue;
      end = i + 1;
      lines_at_end = lines;
      if (end < target || c->parts + 1 == parts) continue;
      c->cut[++c->parts] = end;
      c->lines[c->parts] = lines;
      target = n / (size_t)parts * (size_t)(c->parts + 1);
    }
  }
  if (!inside) *open = n;
  if (end > c->cut[c->parts]) {
    c->cut[++c->parts] = end;
    c->lines[c->parts] = lines_at_end;
  }
}

/* Whole rows at the buffer's start; `open` is the quote that nothing closes, or r->held. */
static void find_cuts(const nn_csv *r, int parts, nn_csv_cuts *c, size_t *open) {
  c->cut[0] = 0;
  c->lines[0] = 0;
  *open = r->held;
  if (r->held && memchr(r->buffer, '"', r->held))
    cut_quoted(r->buffer, r->held, parts, c, open);
  else
    cut_plain(r->buffer, r->held, parts, c);
}

static nn_status enlarge(nn_csv *r) {
  size_t room = r->room ? 2 * r->room : first_room(r);
  char *larger = nn_mem_take(r->ctx, room + NN_CSV_PAD);
  if (!larger) return NN_ENOMEM;
  if (r->held) memcpy(larger, r->buffer, r->held);
  nn_mem_give(r->ctx, r->buffer, r->room + NN_CSV_PAD);
  r->buffer = larger;
  r->room = room;
  return NN_OK;
}

/* A file's last line may lack its end. */
static void close_last_line(nn_csv *r) {
  r->end = true;
  if (r->held && r->buffer[r->held - 1] != '\n') r->buffer[r->held++] = '\n';
}

static nn_status fill(nn_csv *r) {
  size_t got, want = r->room - r->held;
  if (r->end || want == 0) return NN_OK;
  if (!nn_input_read(&r->in, r->buffer + r->held, want, &got)) return nn_input_fail(&r->in);
  r->held += got;
  if (got < want) close_last_line(r);
  return NN_OK;
}

static nn_status too_long(const nn_csv *r, size_t open) {
  int64_t line = r->next.line;
  if (open == r->held)
    return nn_fail(r->ctx, NN_EIO, "%s: line %lld: a line of more than 16 MiB; is this a table?",
                   r->path, (long long)line);
  line += count_lines(r->buffer, open);
  return nn_fail(
    r->ctx, NN_EIO,
    "%s: line %lld: a quote here is never closed; within a cell with quotes it is written "
    "twice",
    r->path, (long long)line);
}

int64_t nn_csv_most(const nn_csv *r, const nn_csv_cuts *cuts) {
  int64_t lines = cuts->lines[cuts->parts], bytes = (int64_t)cuts->cut[cuts->parts];
  const int64_t most = bytes / (r->ncol ? r->ncol : 1) + 1;
  return lines < most ? lines : most;
}

/* The whole rows at the buffer's start; more is read until there is one. */
static nn_status cut_rows(nn_csv *r, int parts, nn_csv_cuts *cuts) {
  size_t open;
  for (;;) {
    NN_TRY(fill(r));
    find_cuts(r, parts, cuts, &open);
    r->used = cuts->cut[cuts->parts];
    if (cuts->lines[cuts->parts] > nn_csv_most(r, cuts)) { /* many empty lines */
      cuts->lines[1] = cuts->lines[cuts->parts];
      cuts->cut[1] = r->used;
      cuts->parts = 1;
    }
    if (r->used || (r->end && r->held == 0)) return NN_OK;
    if (r->end || r->room >= NN_CSV_LINE) return too_long(r, open);
    NN_TRY(enlarge(r));
  }
}

nn_status nn_csv_next(nn_csv *r, int parts, nn_csv_cuts *cuts) {
  NN_TRY(nn_poll(r->ctx));
  r->held -= r->used;
  r->next.at += (int64_t)r->used;
  if (r->held && r->used) memmove(r->buffer, r->buffer + r->used, r->held);
  r->used = 0;
  return cut_rows(r, parts, cuts);
}

nn_status nn_csv_fetch(nn_csv *r, const nn_csv_block *b, int parts, nn_csv_cuts *cuts) {
  size_t size = (size_t)b->size;
  r->held = r->used = 0;
  r->next = *b;
  NN_TRY(nn_poll(r->ctx));
  NN_TRY(nn_input_seek(&r->in, b->at));
  while (r->room < size) NN_TRY(enlarge(r));
  if (!nn_input_read(&r->in, r->buffer, size, &r->held)) return nn_input_fail(&r->in);
  close_last_line(r);
  return cut_rows(r, parts, cuts);
}
