/*
 * waiting.c: how threads wait for each other where other programs want the cores too.
 *
 * libgomp's threads spin for milliseconds before they sleep. On a busy machine that is a disaster: the
 * thread waited for is not running, perhaps for want of the very core on which the other one spins, and
 * every small loop of a fit costs a slice of the scheduler's. So they spin for some 40 us, enough to bridge
 * the gaps between the loops of a step. And they ask for short slices: the share of the processor stays the
 * same, but who wakes up runs at once instead of after the other program's slice of milliseconds.
 *
 * 784-512-512-10, batch 128, two threads on two cores, samples a second: beside two busy programs 700 as
 * libgomp is, 5,000 with short spinning, 16,000 with short slices too (one thread: 12,000); on an idle
 * machine 111,000 each way.
 *
 * libgomp reads its setting before main and offers no call for it, so the program starts itself once more,
 * which costs 1.1 ms. What the user has set wins, and what a script starts sees nothing of it.
 */
#include <limits.h>
#include <omp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/host.h"

#define SPIN_VAR "GOMP_SPINCOUNT"
#define POLICY_VAR "OMP_WAIT_POLICY"
#define MARK_VAR \
  "NNLUA_STARTED" /* the process that has been started with our setting: exec keeps it */
#define SPINS "2000"

static void forget(void) {
  unsetenv(SPIN_VAR);
  unsetenv(MARK_VAR);
}

/* For this thread and all that it will start. Linux has it from 6.12 on; older ones take no notice. */
static void ask_for_short_slices(void) {
  enum { SLICE = 100000 }; /* ns */
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } a = {0}; /* the kernel's struct sched_attr, which glibc 2.36 does not have */
  if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) != 0 || a.policy != SCHED_OTHER) return;
  a.runtime = SLICE;
  (void)syscall(SYS_sched_setattr, 0, &a, 0);
}

void host_set_waiting(lua_Integer threads, char **argv) {
  char process[24], program[PATH_MAX];
  snprintf(process, sizeof process, "%ld", (long)getpid());
  const char *mark = getenv(MARK_VAR);
  if (mark != NULL && strcmp(mark, process) == 0) {
    forget();
    return;
  }
  if ((threads == 0 ? omp_get_max_threads() : threads) < 2) return;
  ask_for_short_slices();
  if (getenv(SPIN_VAR) != NULL || getenv(POLICY_VAR) != NULL) return;
  if (getauxval(AT_BASE) == 0) return; /* the file that runs is the loader: ld.so nnlua ... */
  const ssize_t n = readlink("/proc/self/exe", program, sizeof program);
  if (n <= 0 || (size_t)n >= sizeof program) return;
  program[n] = '\0';
  if (setenv(SPIN_VAR, SPINS, 1) == 0 && setenv(MARK_VAR, process, 1) == 0) execv(program, argv);
  forget();
}
