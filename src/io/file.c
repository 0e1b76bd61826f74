/* io/file.c: see file.h. */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 16 << 20, EARLY = 4 << 20, TRIES = 16, NAME_SHOWN = 200, HUGE_PAGE = 2 << 20 };

/* ---- writing ---- */

static nn_status not_written(const nn_output *out, const char *what, int error) {
  char text[128];
  return nn_fail(out->ctx, NN_EIO, "%s: not written: %s%s%s%s", out->path, what, error ? ": " : "",
                 error ? strerror_r(error, text, sizeof text) : "",
                 out->existed ? "; the file that was there is unchanged" : "");
}

static void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

void nn_output_drop(nn_output *out) {
  close_fd(&out->fd);
  if (out->temp[0]) unlinkat(out->folder, out->temp, 0);
  out->temp[0] = 0;
  close_fd(&out->folder);
}

/* Where the file really is: `real` gets the path behind symbolic links. A link may lead to a file that
   is yet to be made. */
static nn_status resolve(nn_output *out, char real[PATH_MAX]) {
  char link[PATH_MAX];
  if (strlen(out->path) >= PATH_MAX) return not_written(out, "the path is too long", 0);
  if (realpath(out->path, real)) return NN_OK;
  if (errno != ENOENT) return not_written(out, "the path cannot be followed", errno);
  ssize_t n = readlink(out->path, link, sizeof link - 1);
  if (n < 0) n = snprintf(link, sizeof link, "%s", out->path); /* no link: the name itself */
  link[n] = 0;
  const char *slash = strrchr(out->path, '/');
  bool beside = link[0] != '/' && slash && strcmp(link, out->path) != 0;
  int length = snprintf(real, PATH_MAX, "%.*s%s", beside ? (int)(slash - out->path + 1) : 0,
                        out->path, link);
  if (length < 0 || length >= PATH_MAX) return not_written(out, "the path is too long", 0);
  return NN_OK;
}

/* Opens the folder and stores the name in it. */
static nn_status open_folder(nn_output *out, char real[PATH_MAX]) {
  char *slash = strrchr(real, '/'), *name = slash ? slash + 1 : real;
  if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
    return not_written(out, "this is the name of a folder", 0);
  size_t length = strlen(name);
  if (length > NAME_MAX) return not_written(out, "the name is too long", 0);
  memcpy(out->name, name, length + 1);
  if (slash) slash[slash == real] = 0;
  out->folder = open(slash ? real : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (out->folder < 0) return not_written(out, "its folder cannot be opened", errno);
  return NN_OK;
}

/* Only a regular file that may be written to is replaced. */
static nn_status check_old(nn_output *out, struct stat *old) {
  if (fstatat(out->folder, out->name, old, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? NN_OK : not_written(out, "cannot be looked at", errno);
  if (!S_ISREG(old->st_mode))
    return not_written(out, S_ISDIR(old->st_mode) ? "it is a folder" : "it is not a file", 0);
  out->existed = true;
  if (faccessat(out->folder, out->name, W_OK, 0) != 0)
    return not_written(out, "the old file is protected", errno);
  return NN_OK;
}

static nn_status open_temp(nn_output *out, const struct stat *old) {
  unsigned number = 0;
  for (int i = 0; i < TRIES && out->fd < 0; i++) {
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != (ssize_t)sizeof number) number++;
    snprintf(out->temp, sizeof out->temp, ".%.*s.tmp-%ld-%08x", NAME_SHOWN, out->name,
             (long)getpid(), number);
    out->fd = openat(out->folder, out->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                     0666);
    if (out->fd < 0 && errno != EEXIST && errno != EINTR) break;
  }
  if (out->fd < 0) {
    int error = errno;
    out->temp[0] = 0; /* not ours to remove */
    return not_written(out, "cannot make a file beside it", error);
  }
  if (!out->existed) return NN_OK;
  /* The owner is kept where that is allowed; the permissions must be. */
  if (fchown(out->fd, old->st_uid, old->st_gid) != 0) errno = 0;
  if (fchmod(out->fd, old->st_mode & 0777) != 0)
    return not_written(out, "its permissions cannot be kept", errno);
  return NN_OK;
}

nn_status nn_output_open(nn_ctx *ctx, const char *path, nn_output *out) {
  char real[PATH_MAX] = "";
  struct stat old = {0};
  *out = (nn_output){.ctx = ctx, .path = path, .fd = -1, .folder = -1};
  nn_status st = resolve(out, real);
  if (st == NN_OK) st = open_folder(out, real);
  if (st == NN_OK) st = check_old(out, &old);
  if (st == NN_OK) st = open_temp(out, &old);
  if (st != NN_OK) nn_output_drop(out);
  return st;
}

nn_status nn_output_write(nn_output *out, const void *p, size_t n) {
  const char *at = p;
  while (n > 0) {
    NN_TRY(nn_poll(out->ctx));
    ssize_t done = write(out->fd, at, n < PIECE ? n : PIECE);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return not_written(out, "writing failed", done < 0 ? errno : ENOSPC);
    at += done;
    n -= (size_t)done;
    /* The disk begins while the next piece is copied; what fails here fails in fsync again. */
    if (done >= EARLY) (void)sync_file_range(out->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
  }
  return NN_OK;
}

nn_status nn_output_seek(nn_output *out, int64_t at) {
  if (lseek(out->fd, at, SEEK_SET) >= 0) return NN_OK;
  return not_written(out, "seeking failed", errno);
}

/* A folder on a file system that cannot sync folders counts as synced. */
static bool sync_folder(int folder) {
  return fsync(folder) == 0 || errno == EINVAL || errno == ENOTSUP;
}

nn_status nn_output_commit(nn_output *out) {
  nn_status st = NN_OK;
  char text[128];
  /* A failed fsync may have thrown the data away, so a second one that succeeds would prove nothing. */
  if (fsync(out->fd) != 0) st = not_written(out, "it cannot be made durable", errno);
  int closed = close(out->fd);
  out->fd = -1;
  if (st == NN_OK && closed != 0 && errno != EINTR) st = not_written(out, "closing failed", errno);
  if (st == NN_OK && renameat(out->folder, out->temp, out->folder, out->name) != 0)
    st = not_written(out, "cannot take the old one's place", errno);
  if (st == NN_OK) {
    out->committed = true;
    out->temp[0] = 0;
    if (!sync_folder(out->folder))
      st = nn_fail(
        out->ctx, NN_EIO,
        "%s: written, but its folder could not be synced: %s; should the power fail now, the "
        "old file may be back",
        out->path, strerror_r(errno, text, sizeof text));
  }
  nn_output_drop(out);
  return st;
}

nn_status nn_file_write(nn_ctx *ctx, const char *path, const void *p, size_t n) {
  nn_output out;
  NN_TRY(nn_output_open(ctx, path, &out));
  nn_status st = nn_output_write(&out, p, n);
  if (st == NN_OK) return nn_output_commit(&out);
  nn_output_drop(&out);
  return st;
}

/* ---- reading ---- */

static nn_status read_file(nn_source *s, void *p, size_t n, size_t *got) {
  nn_input *in = &((nn_file_source *)s)->in;
  return nn_input_read(in, p, n, got) ? NN_OK : nn_input_fail(in);
}

nn_status nn_file_open(nn_ctx *ctx, const char *path, nn_file_source *f) {
  NN_TRY(nn_input_open(ctx, path, &f->in));
  f->base = (nn_source){.ctx = ctx, .name = path, .size = f->in.size, .read = read_file};
  if (!f->in.gzip) return NN_OK;
  nn_file_close(f);
  return nn_fail(ctx, NN_EIO, "%s: byte 0: this is gzip data; unpack it first (gunzip)", path);
}

void nn_file_close(nn_file_source *f) {
  nn_input_close(&f->in);
}

/* Fresh memory comes in pages that are zeroed one by one as they are touched; large ones cost less. */
static void want_huge_pages(void *p, size_t n) {
  uintptr_t first = ((uintptr_t)p + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
  uintptr_t end = ((uintptr_t)p + n) & ~(uintptr_t)(HUGE_PAGE - 1);
  if (end > first) (void)madvise((char *)p + (first - (uintptr_t)p), end - first, MADV_HUGEPAGE);
}

nn_status nn_source_take(nn_source *s, void *p, size_t n) {
  char *to = p;
  if (n > 2 * HUGE_PAGE) want_huge_pages(p, n);
  while (n > 0) {
    size_t got;
    NN_TRY(nn_poll(s->ctx));
    NN_TRY(s->read(s, to, n < PIECE ? n : PIECE, &got));
    s->at += (int64_t)got;
    if (got == 0) return nn_source_fail(s, s->at, "the data ends here, %zu bytes too early", n);
    to += got;
    n -= got;
  }
  return NN_OK;
}

nn_status nn_source_fail(const nn_source *s, int64_t at, const char *format, ...) {
  char text[1024];
  va_list ap;
  va_start(ap, format);
  vsnprintf(text, sizeof text, format, ap);
  va_end(ap);
  return nn_fail(s->ctx, NN_EIO, "%s: byte %lld: %s", s->name, (long long)at, text);
}
