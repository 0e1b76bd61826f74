/* io/input.c: see input.h. */
#include "io/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>

enum { PIECE = 64 * 1024, SMALLEST = 18, RATIO = 1032 };

typedef struct nn_inflater {
  z_stream z;
  bool ended;     /* the stream's end has come, and its checksum is right */
  bool more;      /* bytes came behind it */
  bool damaged;   /* zlib says so */
  bool cut;       /* the file ended first */
  int64_t length; /* of the content modulo 2^32, as the file's end states it */
  unsigned char buffer[PIECE];
} nn_inflater;

static bool read_all(int fd, void *p, size_t n, size_t *got) {
  *got = 0;
  while (*got < n) {
    ssize_t r = read(fd, (char *)p + *got, n - *got);
    if (r < 0 && errno == EINTR) continue;
    if (r < 0) return false;
    if (r == 0) break;
    *got += (size_t)r;
  }
  return true;
}

static nn_status open_failed(nn_ctx *ctx, const char *path) {
  char text[128];
  return nn_fail(ctx, NN_EIO, "%s: cannot be opened: %s", path,
                 strerror_r(errno, text, sizeof text));
}

static nn_status start_inflating(nn_input *in) {
  unsigned char t[4];
  if (in->size < SMALLEST || pread(in->fd, t, sizeof t, in->size - 4) != (ssize_t)sizeof t)
    return nn_fail(in->ctx, NN_EIO, "%s: begins as gzip data, but has only %lld bytes", in->path,
                   (long long)in->size);
  nn_inflater *f = nn_mem_take_zero(in->ctx, sizeof *f);
  if (!f) return NN_ENOMEM;
  f->length = (int64_t)t[0] | (int64_t)t[1] << 8 | (int64_t)t[2] << 16 | (int64_t)t[3] << 24;
  if (inflateInit2(&f->z, 16 + MAX_WBITS) != Z_OK) {
    nn_mem_give(in->ctx, f, sizeof *f);
    return nn_fail(in->ctx, NN_ENOMEM, "%s: zlib has no memory", in->path);
  }
  in->inflater = f;
  return NN_OK;
}

nn_status nn_input_open(nn_ctx *ctx, const char *path, nn_input *in) {
  struct stat s;
  unsigned char magic[2] = {0};
  *in = (nn_input){.ctx = ctx, .path = path, .fd = -1};
  /* Without O_NONBLOCK the opening of a pipe would wait for a writer. */
  in->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (in->fd < 0) return open_failed(ctx, path);
  nn_status st = NN_OK;
  if (fstat(in->fd, &s) != 0)
    st = open_failed(ctx, path);
  else if (!S_ISREG(s.st_mode))
    st = nn_fail(ctx, NN_EIO, "%s: is %s, not a file", path,
                 S_ISDIR(s.st_mode) ? "a folder" : "a device, pipe or socket");
  if (st == NN_OK) {
    in->size = s.st_size;
    in->gzip = pread(in->fd, magic, 2, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
    if (in->gzip) st = start_inflating(in);
  }
  if (st != NN_OK) nn_input_close(in);
  return st;
}

void nn_input_close(nn_input *in) {
  if (in->inflater) {
    inflateEnd(&in->inflater->z);
    nn_mem_give(in->ctx, in->inflater, sizeof *in->inflater);
    in->inflater = NULL;
  }
  if (in->fd >= 0) close(in->fd);
  in->fd = -1;
}

int64_t nn_input_length(const nn_input *in) {
  return in->gzip ? -1 : in->size;
}

bool nn_input_can_hold(const nn_input *in, int64_t length, int64_t *stated) {
  if (!in->gzip) {
    *stated = in->size;
    return length == in->size;
  }
  *stated = in->inflater->length;
  if ((length & 0xffffffff) != *stated) return false;
  int64_t most = (in->size - SMALLEST) * RATIO + RATIO;
  if (length > most) *stated = most;
  return length <= most;
}

static bool inflate_some(nn_input *in, void *p, size_t n, size_t *got) {
  nn_inflater *f = in->inflater;
  *got = 0;
  while (*got < n && !f->ended) {
    if (f->z.avail_in == 0) {
      size_t in_bytes;
      if (!read_all(in->fd, f->buffer, sizeof f->buffer, &in_bytes)) return false;
      f->cut = in_bytes == 0;
      if (f->cut) return false;
      f->z.next_in = f->buffer;
      f->z.avail_in = (uInt)in_bytes;
    }
    size_t room = n - *got < (1u << 30) ? n - *got : (1u << 30);
    f->z.next_out = (Bytef *)p + *got;
    f->z.avail_out = (uInt)room;
    int code = inflate(&f->z, Z_NO_FLUSH);
    *got += room - f->z.avail_out;
    f->ended = code == Z_STREAM_END;
    f->damaged = code != Z_OK && code != Z_STREAM_END;
    if (f->damaged) return false;
  }
  return true;
}

/* Whatever follows the end of a gzip stream would be lost in silence. */
static bool check_end(nn_input *in) {
  nn_inflater *f = in->inflater;
  unsigned char byte;
  size_t got = 0;
  if (f->z.avail_in == 0 && !read_all(in->fd, &byte, 1, &got)) return false;
  f->more = f->z.avail_in > 0 || got > 0;
  return !f->more;
}

bool nn_input_read(nn_input *in, void *p, size_t n, size_t *got) {
  bool ok = in->gzip ? inflate_some(in, p, n, got) : read_all(in->fd, p, n, got);
  in->at += (int64_t)*got;
  if (ok && in->gzip && *got < n) ok = check_end(in);
  return ok;
}

nn_status nn_input_fail(const nn_input *in) {
  const nn_inflater *f = in->inflater;
  char text[128];
  const char *what = strerror_r(errno, text, sizeof text);
  if (f && f->damaged) what = "the gzip data is damaged";
  if (f && f->cut) what = "the gzip data ends in the middle: the file is cut short";
  if (f && f->more) what = "bytes follow the end of the gzip data";
  return nn_fail(in->ctx, NN_EIO, "%s: byte %lld: %s", in->path, (long long)in->at, what);
}

nn_status nn_input_seek(nn_input *in, int64_t at) {
  if (lseek(in->fd, at, SEEK_SET) < 0) return nn_input_fail(in);
  in->at = at;
  return NN_OK;
}

nn_status nn_input_rewind(nn_input *in) {
  nn_inflater *f = in->inflater;
  NN_TRY(nn_input_seek(in, 0));
  if (!f) return NN_OK;
  inflateReset(&f->z);
  f->z.avail_in = 0;
  f->ended = f->more = f->damaged = f->cut = false;
  return NN_OK;
}
