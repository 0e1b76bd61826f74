/*
 * io/input.h: reading files from strangers, front to back, gzip-compressed or not.
 *
 * A file is opened once, must be a regular one, and its size is known before a length in it is
 * believed. Nothing is mapped, so a file that shrinks meanwhile is an error, not a signal. Offsets
 * in error texts count the bytes of the content (inflated, where the file is gzip).
 */
#ifndef NN_IO_INPUT_H
#define NN_IO_INPUT_H

#include "base/context.h"

typedef struct nn_input {
  nn_ctx *ctx;
  const char *path; /* borrowed */
  int fd;           /* -1: closed */
  int64_t size;     /* of the file in bytes */
  int64_t at;       /* bytes of content read so far */
  bool gzip;
  struct nn_inflater *inflater; /* NULL unless gzip */
} nn_input;

/* Opens `path`. When the file begins as gzip does, what is read is its content inflated. On failure
   there is nothing to close. */
nn_status nn_input_open(nn_ctx *ctx, const char *path, nn_input *in);
void nn_input_close(nn_input *in);

/* The content's size in bytes, or -1 for gzip: only the end of the stream tells. */
int64_t nn_input_length(const nn_input *in);
/* Whether the content can have `length` bytes, as its head says. gzip: the file's last four bytes
   state the content's length modulo 2^32, and deflate packs at most 1032 bytes into one. `stated`
   is what the file states, or what it can hold at most, for the error text. */
bool nn_input_can_hold(const nn_input *in, int64_t length, int64_t *stated);

/* Reads up to n bytes of content; fewer only at its end. May be called by any one thread; touches
   no memory of the context, and its errors come with nn_input_fail. */
bool nn_input_read(nn_input *in, void *p, size_t n, size_t *got);
/* Makes a failed nn_input_read the context's error. */
nn_status nn_input_fail(const nn_input *in);
/* Back to the first byte. */
nn_status nn_input_rewind(nn_input *in);
/* Reading goes on at byte `at` of a file that is not gzip. */
nn_status nn_input_seek(nn_input *in, int64_t at);

#endif
