/* io/keep.c: see keep.h. */
#include "io/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static nn_status not_kept(nn_ctx *ctx, const char *path, const char *previous) {
  return nn_fail(ctx, NN_EIO, "%s: cannot be kept as %s: %s; both are unchanged", path, previous,
                 strerror(errno));
}

/* A name of our own beside `previous`; what an earlier process of this number left there goes. */
static int link_to(const char *path, const char *temp) {
  int failed = linkat(AT_FDCWD, path, AT_FDCWD, temp, AT_SYMLINK_FOLLOW);
  if (failed && errno == EEXIST) {
    unlinkat(AT_FDCWD, temp, 0);
    failed = linkat(AT_FDCWD, path, AT_FDCWD, temp, AT_SYMLINK_FOLLOW);
  }
  return failed;
}

nn_status nn_file_keep(nn_ctx *ctx, const char *path, const char *previous) {
  char temp[PATH_MAX];
  int n = snprintf(temp, sizeof temp, "%s.tmp-%ld", previous, (long)getpid());
  if (n < 0 || n >= (int)sizeof temp)
    return nn_fail(ctx, NN_EIO, "%s: the path is too long", previous);
  if (link_to(path, temp) == 0) {
    if (renameat(AT_FDCWD, temp, AT_FDCWD, previous) != 0) {
      nn_status st = not_kept(ctx, path, previous);
      unlinkat(AT_FDCWD, temp, 0);
      return st;
    }
    unlinkat(AT_FDCWD, temp, 0); /* two names of one file: rename has done nothing */
    return NN_OK;
  }
  if (errno == ENOENT) return NN_OK;
  if (errno != EPERM && errno != EMLINK && errno != ENOTSUP && errno != ENOSYS)
    return not_kept(ctx, path, previous);
  if (renameat(AT_FDCWD, path, AT_FDCWD, previous) != 0) return not_kept(ctx, path, previous);
  return NN_OK;
}
