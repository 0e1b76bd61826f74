/*
 * Matrix products with each flavour of OpenBLAS that is installed beside the OpenMP one, whose thread pool
 * is ours: one with a pool of its own, which must get a single thread, and one without threads. The
 * program runs itself once for each; those that are not there are named and left out.
 */
#include <dlfcn.h>
#include <glob.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/blas.h"
#include "nn_test.h"

static const char *flavour; /* the file that is opened instead of any OpenBLAS */

/* The linker takes this instead of the library's. */
void *dlopen(const char *file, int flags) {
  void *(*real)(const char *, int) = NULL;
  void *found = dlsym(RTLD_NEXT, "dlopen");
  memcpy(&real, &found, sizeof real);
  return real(flavour && strstr(file, "openblas") ? flavour : file, flags);
}

enum { M = 200, N = 150, K = 90 };

static nn_tensor *whole_numbers(nn_ctx *ctx, int64_t n, uint64_t seed) {
  nn_shape s = nn_shape_1(n);
  nn_tensor *t;
  OK(nn_tensor_new(ctx, NN_F64, &s, &t));
  for (int64_t i = 0; i < n; i++) t_set(t, i, (double)t_int(&seed, -9, 9));
  return t;
}

static void check(const double *a, const double *b, const double *c) {
  for (int i = 0; i < M; i += 7)
    for (int j = 0; j < N; j += 3) {
      double want = 0;
      for (int k = 0; k < K; k++) want += a[i * K + k] * b[k * N + j];
      assert_true(c[i * N + j] == want);
    }
}

static void test_products(void **state) {
  enum { TASKS = 6 };
  nn_ctx *ctx = *state;
  nn_blas_about about;
  nn_tensor *a = whole_numbers(ctx, M * K, 1), *b = whole_numbers(ctx, K * N, 2);
  nn_tensor *c = whole_numbers(ctx, TASKS * M * N, 3);
  OK(nn_blas_check(ctx, "test", M, N, K));
  OK(nn_blas_describe(ctx, &about));
  assert_int_equal(about.shares_threads, strstr(flavour, "openmp") != NULL);
  for (int threads = 1; threads < 4; threads++) {
    nn_blas_threads(threads, false);
    double *to = nn_data(&c->v);
    nn_gemm_f64(false, false, M, N, K, 1, nn_data(&a->v), K, nn_data(&b->v), N, 0, to, N);
    check(nn_data(&a->v), nn_data(&b->v), to);
#pragma omp parallel for num_threads(threads)
    for (int t = 0; t < TASKS; t++) /* as convolutions do: each thread its own */
      nn_gemm_f64(false, false, M, N, K, 1, nn_data(&a->v), K, nn_data(&b->v), N, 0, to + t * M * N,
                  N);
    for (int t = 0; t < TASKS; t++) check(nn_data(&a->v), nn_data(&b->v), to + t * M * N);
  }
  nn_tensor_release(a), nn_tensor_release(b), nn_tensor_release(c);
}

/* In a process of its own: two flavours in one would share names. */
static bool passes(const char *program, char *file) {
  const pid_t pid = fork();
  if (pid == 0) {
    execl(program, program, file, (char *)NULL);
    _exit(EXIT_FAILURE);
  }
  int status;
  return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {TEST(test_products)};
  static const char *const kinds[] = {"openmp", "pthread", "serial"};
  int failed = 0;
  if (argc > 1) {
    flavour = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
  }
  for (int i = 0; i < 3; i++) {
    char pattern[64];
    glob_t found;
    snprintf(pattern, sizeof pattern, "/usr/lib/*/openblas-%s/libopenblas.so.0", kinds[i]);
    if (glob(pattern, 0, NULL, &found) == 0)
      failed += !passes(argv[0], found.gl_pathv[0]);
    else
      printf("# OpenBLAS's %s flavour is not installed: left out\n", kinds[i]);
    globfree(&found);
    fflush(stdout);
  }
  return failed;
}
