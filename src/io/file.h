/*
 * io/file.h: writing files that are there as a whole or not at all, and reading exact counts.
 *
 * Writing: a temporary file in the same folder, written, synced, closed, then renamed over the old
 * one, and the folder synced. A crash at any moment leaves the old file or the new one (and perhaps
 * a `.name.tmp-PID-RANDOM` that nothing reads). Symbolic links are followed: what they lead to is
 * replaced. Permissions are kept.
 */
#ifndef NN_IO_FILE_H
#define NN_IO_FILE_H

#include <limits.h>

#include "io/input.h"

/* ---- writing ---- */

typedef struct nn_output {
  nn_ctx *ctx;
  const char *path;                            /* as given, for error texts; borrowed */
  int fd, folder;                              /* -1: closed */
  bool existed;                                /* there was a file of that name */
  bool committed;                              /* the new file has taken its place */
  char name[NAME_MAX + 1], temp[NAME_MAX + 1]; /* in the folder */
} nn_output;

/* Begins a file that will be at `path`. On failure there is nothing to drop. */
nn_status nn_output_open(nn_ctx *ctx, const char *path, nn_output *out);
/* Appends n bytes, or writes them where nn_output_seek has gone. */
nn_status nn_output_write(nn_output *out, const void *p, size_t n);
nn_status nn_output_seek(nn_output *out, int64_t at);
/*
 * Makes the file durable and puts it in its place. On failure the text says which of two things
 * happened: the file was not written, and what was there before is unchanged; or (out->committed) it
 * is in its place, but the folder could not be synced, so that a power cut may bring back the old one.
 * Nothing is to be dropped afterwards.
 */
nn_status nn_output_commit(nn_output *out);
/* Gives up: the temporary file goes, the old one stays. */
void nn_output_drop(nn_output *out);

/* All of the above for bytes that are at hand. */
nn_status nn_file_write(nn_ctx *ctx, const char *path, const void *p, size_t n);

/* ---- reading ---- */

/* Bytes of known number, front to back: a file, or an entry of an archive. */
typedef struct nn_source {
  nn_ctx *ctx;
  const char *name; /* begins error texts; borrowed */
  int64_t size, at;
  /* Up to n bytes into p; NN_OK with *got 0 at the end. */
  nn_status (*read)(struct nn_source *s, void *p, size_t n, size_t *got);
} nn_source;

typedef struct nn_file_source {
  nn_source base;
  nn_input in;
} nn_file_source;

/* Opens a regular file that is not gzip. On failure there is nothing to close. */
nn_status nn_file_open(nn_ctx *ctx, const char *path, nn_file_source *f);
void nn_file_close(nn_file_source *f);

/* Exactly n bytes into p, or an error that says where the data ends. Obeys Ctrl-C. */
nn_status nn_source_take(nn_source *s, void *p, size_t n);
/* Fails with "name: byte at: ...". */
nn_status nn_source_fail(const nn_source *s, int64_t at, const char *format, ...)
  __attribute__((format(printf, 3, 4)));
/* Little-endian numbers in a file's bytes. */
static inline uint64_t nn_get_le(const unsigned char *p, int bytes) {
  uint64_t v = 0;
  for (int i = bytes; i-- > 0;) v = v << 8 | p[i];
  return v;
}
static inline void nn_put_le(unsigned char *p, uint64_t v, int bytes) {
  for (int i = 0; i < bytes; i++) p[i] = (unsigned char)(v >> 8 * i);
}

#endif
