/*
 * bench/bound.c: the yardstick of `make bench`: what a training step would cost if only its matrix
 * products had to be done, issued straight to OpenBLAS at the shapes of the step, weights stored
 * (out, in), each operand in its own memory and the batches walking through the data as in
 * training. For `tiny` and `line`, where there is no product to speak of, the same step written out
 * as plain C loops; for an optimizer one pass over memory that does its arithmetic and nothing else.
 *
 * usage: bound THREADS; then it answers requests, one a line (see run.lua):
 *   run WORK BATCH SECONDS      -> ok STEPS_PER_SECOND LABEL
 *   spawn COUNT PROGRAM -X TEXT -> ok SECONDS LABEL; the median time of a run of PROGRAM -X TEXT
 */
#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "kernel/names.h"
#include "kernel/vmath.h"
#include "tests/bench/bound_nets.h"
#include "tests/bench/measure.h"

enum { DATA_ROWS = 2000, LAYERS_MAX = 3 };

extern char **environ;

/* --- the matrix products of a fully connected net --- */

typedef struct net {
  int layers, batch, rows, at; /* at: the batch's first row */
  int size[LAYERS_MAX + 1];
  float *x;              /* (rows, size[0]) */
  float *w[LAYERS_MAX];  /* (size[i + 1], size[i]) */
  float *gw[LAYERS_MAX]; /* the same */
  float *y[LAYERS_MAX];  /* (batch, size[i + 1]) */
  float *gy[LAYERS_MAX]; /* the same */
} net;

/* Values of a normal size: denormal ones would be slow. */
static float *floats(size_t n) {
  float *p = aligned_alloc(64, (n * sizeof *p + 63) / 64 * 64);
  if (p == NULL) {
    fprintf(stderr, "bound: out of memory\n");
    exit(1);
  }
  for (size_t i = 0; i < n; i++) p[i] = (float)((i * 2654435761u >> 16) & 255) / 256 - 0.5f;
  return p;
}

static net *net_new(const int *size, int layers, int batch) {
  net *n = calloc(1, sizeof *n);
  if (n == NULL) exit(1);
  n->layers = layers;
  n->batch = batch;
  n->rows = DATA_ROWS > 2 * batch ? DATA_ROWS : 2 * batch;
  memcpy(n->size, size, (size_t)(layers + 1) * sizeof *size);
  n->x = floats((size_t)n->rows * (size_t)size[0]);
  for (int i = 0; i < layers; i++) {
    size_t weights = (size_t)size[i] * (size_t)size[i + 1],
           out = (size_t)batch * (size_t)size[i + 1];
    n->w[i] = floats(weights);
    n->gw[i] = floats(weights);
    n->y[i] = floats(out);
    n->gy[i] = floats(out);
  }
  return n;
}

static void net_free(net *n) {
  if (n == NULL) return;
  for (int i = 0; i < n->layers; i++) {
    free(n->w[i]);
    free(n->gw[i]);
    free(n->y[i]);
    free(n->gy[i]);
  }
  free(n->x);
  free(n);
}

static void net_step(void *arg) {
  net *n = arg;
  const float *x = n->x + (size_t)n->at * (size_t)n->size[0];
  int b = n->batch;
  n->at = n->at + 2 * b <= n->rows ? n->at + b : 0;
  for (int i = 0; i < n->layers; i++) {
    int in = n->size[i], out = n->size[i + 1];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, b, out, in, 1, i > 0 ? n->y[i - 1] : x, in,
                n->w[i], in, 0, n->y[i], out);
  }
  for (int i = n->layers - 1; i >= 0; i--) {
    int in = n->size[i], out = n->size[i + 1];
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, out, in, b, 1, n->gy[i], out,
                i > 0 ? n->y[i - 1] : x, in, 0, n->gw[i], in);
    if (i > 0)
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, b, in, out, 1, n->gy[i], out, n->w[i],
                  in, 0, n->gy[i - 1], in);
  }
}

/* --- plain C loops --- */

typedef struct tiny {
  float w[2][8], c[8]; /* the first layer: weights by input, then unit */
  float v[8], d;       /* the second */
} tiny;

/* 2-8-1 with tanh, mean squared error over the four points of xor, learning rate 0.1 */
NN_HOT static void tiny_step(void *arg) {
  static const float x[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, y[4] = {0, 1, 1, 0};
  tiny *t = arg, g = {0};
  float h[4][8];
  for (int s = 0; s < 4; s++)
    for (int j = 0; j < 8; j++) h[s][j] = t->c[j] + x[s][0] * t->w[0][j] + x[s][1] * t->w[1][j];
  nn_v_tanh_f32(4 * 8, h[0], h[0]);
  for (int s = 0; s < 4; s++) {
    float z = t->d;
    for (int j = 0; j < 8; j++) z += t->v[j] * h[s][j];
    float e = 0.5f * (z - y[s]);
    g.d += e;
    for (int j = 0; j < 8; j++) {
      float gh = e * t->v[j] * (1 - h[s][j] * h[s][j]);
      g.v[j] += e * h[s][j];
      g.c[j] += gh;
      g.w[0][j] += gh * x[s][0];
      g.w[1][j] += gh * x[s][1];
    }
  }
  t->d -= 0.1f * g.d;
  for (int j = 0; j < 8; j++) {
    t->v[j] -= 0.1f * g.v[j];
    t->c[j] -= 0.1f * g.c[j];
    t->w[0][j] -= 0.1f * g.w[0][j];
    t->w[1][j] -= 0.1f * g.w[1][j];
  }
}

/* y = w x + b on seven points of y = 2 x + 1, mean squared error, learning rate 0.01 */
static void line_step(void *arg) {
  float *p = arg, gw = 0, gb = 0; /* w, b */
  for (int i = 0; i < 7; i++) {
    float e = p[0] * (float)i + p[1] - (float)(2 * i + 1);
    gw += e * (float)i;
    gb += e;
  }
  p[0] -= 0.01f * 2 / 7 * gw;
  p[1] -= 0.01f * 2 / 7 * gb;
}

/* --- optimizers: one pass each --- */

enum { ARRAYS = 4 }; /* weights, gradients, two more */

typedef void (*pass)(int64_t n, float *restrict w, const float *restrict g, float *restrict a,
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
  const char *name;
  pass pass;
} passes[] = {{"SGD", sgd},         {"momentum", momentum}, {"Adagrad", adagrad},
              {"RMSprop", rmsprop}, {"Adadelta", adadelta}, {"Adam", adam}};

typedef struct weights {
  int64_t n;
  int threads;
  pass pass;
  float *p[ARRAYS];
} weights;

static void weights_step(void *arg) {
  const weights *s = arg;
  int64_t each = (s->n / s->threads + 63) & ~(int64_t)63;
#pragma omp parallel for num_threads(s->threads) schedule(static)
  for (int k = 0; k < s->threads; k++) {
    int64_t at = k * each, n = s->n - at < each ? s->n - at : each;
    s->pass(n, s->p[0] + at, s->p[1] + at, s->p[2] + at, s->p[3] + at);
  }
}

/* --- starting programs --- */

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Without a shell between, whose own start would count. */
static double spawn_once(char *const *command) {
  double start = now();
  pid_t child;
  int status = -1;
  if (posix_spawn(&child, command[0], NULL, NULL, command, environ) != 0) return -1;
  if (waitpid(child, &status, 0) < 0 || status != 0) return -1;
  return now() - start;
}

static void spawn(int count, char *const *command) {
  double took[101];
  if (count > 101) count = 101;
  unsetenv("OMP_NUM_THREADS");       /* ours: programs start as they do from a shell */
  for (int i = -1; i < count; i++) { /* the first one fills the caches */
    double t = spawn_once(command);
    if (t < 0) {
      printf("error cannot run %s\n", command[0]);
      return;
    }
    if (i >= 0) took[i] = t;
  }
  qsort(took, (size_t)count, sizeof *took, by_size);
  printf("ok %.9g spawn\n", took[count / 2]);
}

/* --- requests --- */

/* Whether the work is an optimizer; `last` keeps its arrays for the next round. */
static bool run_pass(const char *work, int64_t n, double seconds) {
  static weights last;
  pass f = NULL;
  for (size_t k = 0; k < sizeof passes / sizeof *passes; k++)
    if (strcmp(work, passes[k].name) == 0) f = passes[k].pass;
  if (f == NULL) return false;
  last.pass = f;
  last.threads = omp_get_max_threads();
  if (last.n != n) {
    last.n = n;
    for (int k = 0; k < ARRAYS; k++) {
      free(last.p[k]);
      last.p[k] = floats((size_t)n);
    }
  }
  for (int k = 2; k < ARRAYS; k++) memset(last.p[k], 0, (size_t)n * sizeof(float));
  for (int64_t i = 0; i < n; i++) last.p[1][i] = 0.01f;
  printf("ok %.9g one pass\n", measure(weights_step, &last, seconds));
  return true;
}

static void run(const char *work, int batch, double seconds) {
  static const int seed_net[] = {784, 15, 10}, mlp[] = {784, 512, 512, 10};
  static net *last;
  static char last_work[32];
  tiny t = {.d = 0};
  float line[2] = {0, 0};
  for (int j = 0; j < 8; j++) {
    t.w[0][j] = 0.3f * (float)(j - 3);
    t.w[1][j] = 0.2f * (float)(4 - j);
    t.v[j] = 0.1f * (float)j;
  }
  if (run_pass(work, batch, seconds)) return;
  operands *ready = operands_for(work, batch, floats, free);
  if (ready != NULL) {
    printf("ok %.9g products\n", measure(products_step, ready, seconds));
    return;
  }
  if (strcmp(work, "tiny") == 0) {
    printf("ok %.9g plain C loops\n", measure(tiny_step, &t, seconds));
  } else if (strcmp(work, "line") == 0) {
    printf("ok %.9g plain C loops\n", measure(line_step, line, seconds));
  } else if (strcmp(work, "seed-net") != 0 && strcmp(work, "mlp") != 0) {
    printf("skip no bound for %s\n", work);
  } else {
    if (last == NULL || last->batch != batch || strcmp(last_work, work) != 0) {
      bool is_mlp = strcmp(work, "mlp") == 0;
      net_free(last);
      last = net_new(is_mlp ? mlp : seed_net, is_mlp ? 3 : 2, batch);
      snprintf(last_work, sizeof last_work, "%s", work);
    }
    printf("ok %.9g GEMM calls\n", measure(net_step, last, seconds));
  }
}

int main(int argc, char **argv) {
  char text[1024], work[32], program[512], how[8], script[256];
  int threads = argc > 1 ? atoi(argv[1]) : 1, count;
  double seconds;
  omp_set_num_threads(threads);
  openblas_set_num_threads(threads);
  while (fgets(text, sizeof text, stdin) != NULL) {
    script[0] = '\0';
    if (sscanf(text, "run %31s %d %lf", work, &count, &seconds) == 3)
      run(work, count, seconds);
    else if (sscanf(text, "spawn %d %511s %7s %255[^\n]", &count, program, how, script) >= 3)
      spawn(count, (char *[]){program, how, script, NULL});
    else
      printf("error not understood: %s", text);
    fflush(stdout);
  }
  return 0;
}
