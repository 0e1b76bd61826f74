/*
 * bench/optim_step.c: an optimizer's step on 10 million float32 weights beside one pass of a C loop that
 * does the same arithmetic and nothing else: no groups, no decay, no bookkeeping. The two take turns,
 * and what is shown is the median of the ratios within a round.
 *
 *   build/release/bench/optim_step [rounds]
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/names.h"
#include "optim/optim.h"

enum { N = 10000000, MOST = 101 };

typedef void (*loop)(int64_t n, float *restrict w, const float *restrict g, float *restrict a,
                     float *restrict b);

NN_HOT static void sgd(int64_t n, float *restrict w, const float *restrict g, float *restrict a,
                       float *restrict b) {
  (void)a, (void)b;
  for (int64_t i = 0; i < n; i++) w[i] -= 1e-3f * g[i];
}
NN_HOT static void momentum(int64_t n, float *restrict w, const float *restrict g,
                            float *restrict a, float *restrict b) {
  (void)b;
  for (int64_t i = 0; i < n; i++) {
    a[i] = 0.9f * a[i] + g[i];
    w[i] -= 1e-3f * a[i];
  }
}
NN_HOT static void adagrad(int64_t n, float *restrict w, const float *restrict g, float *restrict a,
                           float *restrict b) {
  (void)b;
  for (int64_t i = 0; i < n; i++) {
    a[i] += g[i] * g[i];
    w[i] -= 1e-3f * g[i] / (sqrtf(a[i]) + 1e-10f);
  }
}
NN_HOT static void rmsprop(int64_t n, float *restrict w, const float *restrict g, float *restrict a,
                           float *restrict b) {
  (void)b;
  for (int64_t i = 0; i < n; i++) {
    a[i] = 0.99f * a[i] + 0.01f * (g[i] * g[i]);
    w[i] -= 1e-3f * g[i] / (sqrtf(a[i]) + 1e-8f);
  }
}
NN_HOT static void adadelta(int64_t n, float *restrict w, const float *restrict g,
                            float *restrict a, float *restrict b) {
  for (int64_t i = 0; i < n; i++) {
    a[i] = 0.9f * a[i] + 0.1f * (g[i] * g[i]);
    float d = sqrtf(b[i] + 1e-6f) / sqrtf(a[i] + 1e-6f) * g[i];
    b[i] = 0.9f * b[i] + 0.1f * (d * d);
    w[i] -= d;
  }
}
NN_HOT static void adam(int64_t n, float *restrict w, const float *restrict g, float *restrict a,
                        float *restrict b) {
  for (int64_t i = 0; i < n; i++) {
    a[i] = 0.9f * a[i] + 0.1f * g[i];
    b[i] = 0.999f * b[i] + 0.001f * (g[i] * g[i]);
    w[i] -= 1e-3f * a[i] / (sqrtf(b[i]) * 1.1f + 1e-8f);
  }
}

static const struct {
  const char *name, *class, *options;
  loop loop;
} works[] = {{"SGD", "SGD", "lr = 0.001", sgd},
             {"momentum", "SGD", "lr = 0.001, momentum = 0.9", momentum},
             {"Adagrad", "Adagrad", "lr = 0.001", adagrad},
             {"RMSprop", "RMSprop", "lr = 0.001", rmsprop},
             {"Adadelta", "Adadelta", NULL, adadelta},
             {"Adam", "Adam", "lr = 0.001", adam}};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(nn_ctx *ctx, nn_status st) {
  if (st == NN_OK) return;
  fprintf(stderr, "optim_step: %s\n", ctx->err);
  exit(1);
}

static nn_optim *make(nn_ctx *ctx, size_t k, nn_tensor *w) {
  nn_optim *o;
  void *hyper;
  const nn_optim_class *class = nn_optim_class_find(works[k].class);
  must(ctx, nn_optim_new(ctx, class, &o));
  must(ctx, nn_optim_add_group(ctx, o, 1, &w, &hyper));
  must(ctx, nn_optim_parse(ctx, class, hyper, works[k].options));
  must(ctx, nn_optim_build(ctx, o));
  for (int64_t i = 0; i < N; i++) ((float *)nn_data(&w->grad->v))[i] = (float)(i % 17 - 8) * 0.01f;
  w->has_grad = true;
  return o;
}

/* One pass, on as many threads, in pieces as large. */
static double time_loop(loop f, int threads, float *const *p) {
  int64_t each = (N / threads + 63) & ~(int64_t)63;
  double t = now();
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int k = 0; k < threads; k++) {
    int64_t at = k * each, n = N - at < each ? N - at : each;
    f(n, p[0] + at, p[1] + at, p[2] + at, p[3] + at);
  }
  return now() - t;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}
static double median(double *x, int n) {
  qsort(x, (size_t)n, sizeof *x, by_size);
  return x[n / 2];
}

static void measure(size_t k, int threads, int rounds, float *const *p) {
  nn_ctx *ctx = nn_ctx_new();
  nn_shape s = nn_shape_1(N);
  nn_tensor *w;
  double ours[MOST], theirs[MOST], ratio[MOST];
  ctx->threads = threads;
  must(ctx, nn_tensor_new(ctx, NN_F32, &s, &w));
  memset(nn_data(&w->v), 0, N * sizeof(float));
  w->requires_grad = true;
  nn_optim *o = make(ctx, k, w);
  for (int r = -2; r < rounds; r++) { /* two to warm up */
    double t = now();
    must(ctx, nn_optim_step(ctx, o));
    int at = r < 0 ? 0 : r;
    ours[at] = now() - t;
    theirs[at] = time_loop(works[k].loop, threads, p);
    ratio[at] = theirs[at] / ours[at];
  }
  printf("%-9s %d thread%s  step %6.2f ms  loop %6.2f ms  %5.1f %% of the loop's speed\n",
         works[k].name, threads, threads > 1 ? "s" : " ", 1e3 * median(ours, rounds),
         1e3 * median(theirs, rounds), 100 * median(ratio, rounds));
  nn_optim_release(o);
  nn_tensor_release(w);
  nn_ctx_free(ctx);
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 21;
  float *p[4];
  if (rounds < 1 || rounds > MOST) rounds = 21;
  for (int k = 0; k < 4; k++) {
    p[k] = aligned_alloc(64, N * sizeof(float));
    if (!p[k]) return 1;
    for (int64_t i = 0; i < N; i++) p[k][i] = k == 1 ? (float)(i % 17 - 8) * 0.01f : 0;
  }
  for (int threads = 1; threads <= 2 && threads <= omp_get_max_threads(); threads++)
    for (size_t k = 0; k < sizeof works / sizeof *works; k++) measure(k, threads, rounds, p);
  for (int k = 0; k < 4; k++) free(p[k]);
  return 0;
}
