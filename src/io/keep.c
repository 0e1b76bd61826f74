/* io/keep.c: see keep.h. */
#include "io/keep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ABANDONED = 60 }; /* seconds */

/* ---- two names ---- */

static nn_status not_kept(nn_ctx *ctx, const char *path, const char *previous) {
  return nn_fail(ctx, NN_EIO, "%s: cannot be kept as %s: %s; both are unchanged", path, previous,
                 strerror(errno));
}

/* Where a path's last part begins. */
static const char *name_in(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* What an earlier process of our number left there goes. */
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
  const char *name = name_in(previous);
  int n = snprintf(temp, sizeof temp, "%.*s.%s.tmp-%ld-00000000", (int)(name - previous), previous,
                   name, (long)getpid());
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

/* ---- what was left ---- */

/* Whether ".NAME.tmp-PID-RANDOM" is one of `name` whose process is gone. */
static bool is_orphan(const char *entry, const char *name) {
  size_t n = strlen(name);
  char *end;
  if (entry[0] != '.' || strncmp(entry + 1, name, n) != 0) return false;
  if (strncmp(entry + 1 + n, ".tmp-", 5) != 0) return false;
  const char *digits = entry + 6 + n;
  long pid = strtol(digits, &end, 10);
  if (end == digits || pid <= 0 || *end != '-' || strlen(end + 1) != 8) return false;
  if (strspn(end + 1, "0123456789abcdef") != 8) return false;
  return kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

void nn_file_sweep(const char *link) {
  char folder[PATH_MAX], real[PATH_MAX];
  const char *path = realpath(link, real) ? real
                                          : link; /* they stand beside what a link leads to */
  const char *name = name_in(path);
  int n = snprintf(folder, sizeof folder, "%.*s.", (int)(name - path), path);
  DIR *dir = n > 0 && n < (int)sizeof folder ? opendir(folder) : NULL;
  if (!dir) return;
  for (struct dirent *e; (e = readdir(dir));) {
    struct stat s;
    if (!is_orphan(e->d_name, name)) continue;
    if (fstatat(dirfd(dir), e->d_name, &s, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(s.st_mode))
      continue;
    if (time(NULL) - s.st_mtime > ABANDONED) unlinkat(dirfd(dir), e->d_name, 0);
  }
  closedir(dir);
}
