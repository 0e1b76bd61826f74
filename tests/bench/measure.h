/* bench/measure.h: how the contestants that are C programs measure. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <math.h>
#include <time.h>

static inline double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/*
 * Steps a second: one tenth of the time warms up and finds out how many steps fill the rest. The
 * step is volatile, or the compiler would see that nobody looks at what some of them compute, and
 * leave them out.
 */
static inline double measure(void (*volatile step)(void *), void *arg, double seconds) {
  long done = 0, some = 1;
  double start = now(), spent;
  do {
    for (long i = 0; i < some; i++) step(arg);
    done += some;
    some *= 2;
    spent = now() - start;
  } while (spent < seconds / 10);
  long count = lrint(seconds / spent * (double)done) + 1;
  start = now();
  for (long i = 0; i < count; i++) step(arg);
  return (double)count / (now() - start);
}

#endif
