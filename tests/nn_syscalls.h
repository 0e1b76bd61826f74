/*
 * tests/nn_syscalls.h: a program that includes this defines the system calls by which files are
 * written, and the linker takes its definitions: any of them can be made to fail, to fall short, or
 * to be the last one before the process ends.
 */
#ifndef NN_SYSCALLS_H
#define NN_SYSCALLS_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
  bool on;
  int count, at;           /* calls since it was switched on, and the one that goes wrong */
  int error;               /* with this errno; 0: the process ends before it */
  bool after;              /* it ends after the call */
  const char *called[256]; /* what they were */
} fault;

/* Whether this call fails. */
static bool fails(const char *name) {
  if (!fault.on) return false;
  if (fault.count < 256) fault.called[fault.count] = name;
  if (fault.count++ != fault.at) return false;
  if (!fault.error && !fault.after) _exit(0);
  errno = fault.error;
  return fault.error != 0;
}
static long done(long result) {
  if (fault.on && fault.after && fault.count == fault.at + 1) _exit(0);
  return result;
}

int openat(int folder, const char *path, int flags, ...) {
  va_list ap;
  va_start(ap, flags);
  int mode = flags & O_CREAT ? va_arg(ap, int) : 0;
  va_end(ap);
  return fails("openat") ? -1 : (int)done(syscall(SYS_openat, folder, path, flags, mode));
}
int open(const char *path, int flags, ...) {
  va_list ap;
  va_start(ap, flags);
  int mode = flags & O_CREAT ? va_arg(ap, int) : 0;
  va_end(ap);
  return fails("open") ? -1 : (int)done(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
ssize_t write(int fd, const void *p, size_t n) {
  if (!fails("write")) return done(syscall(SYS_write, fd, p, n));
  if (errno != EDOM) return -1;
  return syscall(SYS_write, fd, p, n / 2); /* EDOM stands for a short write */
}
int fsync(int fd) {
  return fails("fsync") ? -1 : (int)done(syscall(SYS_fsync, fd));
}
int close(int fd) {
  if (!fails("close")) return (int)done(syscall(SYS_close, fd));
  syscall(SYS_close, fd); /* it is closed even so */
  return -1;
}
int renameat(int from, const char *a, int to, const char *b) {
  if (fails("renameat")) return -1;
  return (int)done(syscall(SYS_renameat2, from, a, to, b, 0));
}
int fchmod(int fd, mode_t mode) {
  return fails("fchmod") ? -1 : (int)done(syscall(SYS_fchmod, fd, mode));
}
int fchown(int fd, uid_t owner, gid_t group) {
  return fails("fchown") ? -1 : (int)done(syscall(SYS_fchown, fd, owner, group));
}
int unlinkat(int folder, const char *path, int flags) {
  return fails("unlinkat") ? -1 : (int)done(syscall(SYS_unlinkat, folder, path, flags));
}
int linkat(int from, const char *a, int to, const char *b, int flags) {
  if (fails("linkat")) return -1;
  return (int)done(syscall(SYS_linkat, from, a, to, b, flags));
}

#endif
