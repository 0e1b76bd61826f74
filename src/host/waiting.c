/*
 * waiting.c: how long a thread spins for another before it sleeps.
 *
 * Left alone, libgomp's threads spin for milliseconds. Where other programs keep the cores busy that is a
 * disaster: the thread waited for is not running, perhaps for want of the very core on which the other one
 * spins, and every small loop of a fit costs a slice of the scheduler's. Some 20 us are enough to bridge
 * the gaps between the loops of a step. 784-512-512-10, batch 128, two threads, samples a second: beside
 * two busy programs 700 as libgomp is, 14,000 with this (one thread: 12,000); on an idle machine 112,000
 * both ways.
 *
 * libgomp reads the setting before main and offers no call for it, so the program starts itself once more,
 * which costs a millisecond. What the user has set wins, and what a script starts sees nothing of it.
 */
#include <limits.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/host.h"

#define SPIN_VAR "GOMP_SPINCOUNT"
#define POLICY_VAR "OMP_WAIT_POLICY"
#define MARK_VAR \
  "NNLUA_STARTED" /* the process that has been started with our setting: exec keeps it */
#define SPINS "1000"

static void forget(void) {
  unsetenv(SPIN_VAR);
  unsetenv(MARK_VAR);
}

void host_set_waiting(lua_Integer threads, char **argv) {
  char process[24], program[PATH_MAX];
  snprintf(process, sizeof process, "%ld", (long)getpid());
  const char *mark = getenv(MARK_VAR);
  if (mark != NULL && strcmp(mark, process) == 0) {
    forget();
    return;
  }
  const bool several = threads == 0 ? omp_get_max_threads() > 1 : threads > 1;
  if (!several || getenv(SPIN_VAR) != NULL || getenv(POLICY_VAR) != NULL) return;
  const ssize_t n = readlink("/proc/self/exe", program, sizeof program);
  if (n <= 0 || (size_t)n >= sizeof program) return;
  program[n] = '\0';
  if (setenv(SPIN_VAR, SPINS, 1) == 0 && setenv(MARK_VAR, process, 1) == 0) execv(program, argv);
  forget();
}
