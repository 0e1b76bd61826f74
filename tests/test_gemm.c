/*
 * Matrix products of our own (kernel/gemm.h) against the plainest loop in double, at every tile's
 * edge, with every kind of kernel that this processor has.
 */
#include "kernel/gemm.h"
#include "kernel/names.h"
#include "nn_test.h"

typedef struct problem {
  nn_product p;
  nn_tensor *a, *b, *c, *want; /* want: float64, what C should be */
} problem;

static bool has(nn_gemm_kind kind) {
#ifdef NN_GEMM_X86
  return kind == NN_GEMM_AVX2 ? __builtin_cpu_supports("x86-64-v3")
                              : __builtin_cpu_supports("x86-64-v4");
#else
  (void)kind;
  return false;
#endif
}

/* What stands beside the operands, between their rows, is NaN: it must be neither read nor written. */
static nn_tensor *matrix(nn_ctx *ctx, int64_t rows, int64_t cols, int64_t ld, uint64_t *seed) {
  nn_tensor *t = t_noise(ctx, rows * ld, seed);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = cols; j < ld; j++) t_set(t, i * ld + j, (double)NAN);
  return t;
}

static problem make(nn_ctx *ctx, int64_t m, int64_t n, int64_t k, int how, uint64_t *seed) {
  problem q = {.p = {.ta = how & 1, .tb = how & 2, .m = m, .n = n, .k = k}};
  nn_product *p = &q.p;
  nn_shape s = nn_shape_2(m, n);
  p->lda = (p->ta ? m : k) + t_int(seed, 0, 3);
  p->ldb = (p->tb ? k : n) + t_int(seed, 0, 3);
  p->ldc = n + t_int(seed, 0, 3);
  p->alpha = how & 4 ? 2 : 1;
  p->beta = how & 8 ? (how & 4 ? 3 : 1) : 0;
  q.a = p->ta ? matrix(ctx, k, m, p->lda, seed) : matrix(ctx, m, k, p->lda, seed);
  q.b = p->tb ? matrix(ctx, n, k, p->ldb, seed) : matrix(ctx, k, n, p->ldb, seed);
  q.c = matrix(ctx, m, p->beta != 0 ? n : 0, p->ldc, seed);
  p->a = nn_data(&q.a->v);
  p->b = nn_data(&q.b->v);
  p->c = nn_data(&q.c->v);
  OK(nn_tensor_new(ctx, NN_F64, &s, &q.want));
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      double sum = 0;
      for (int64_t h = 0; h < k; h++)
        sum += (double)p->a[p->ta ? h * p->lda + i : i * p->lda + h] *
               (double)p->b[p->tb ? j * p->ldb + h : h * p->ldb + j];
      double old = p->beta != 0 ? (double)p->beta * (double)p->c[i * p->ldc + j] : 0;
      t_set(q.want, i * n + j, (double)p->alpha * sum + old);
    }
  return q;
}

static void drop(problem *q) {
  nn_tensor_release(q->a);
  nn_tensor_release(q->b);
  nn_tensor_release(q->c);
  nn_tensor_release(q->want);
}

static void check(const problem *q) {
  const nn_product *p = &q->p;
  const double tol = 2e-7 * (double)(p->k + 8) + 2e-6;
  for (int64_t i = 0; i < p->m; i++) {
    for (int64_t j = 0; j < p->n; j++)
      NEAR((double)p->c[i * p->ldc + j], t_get(q->want, i * p->n + j), tol);
    for (int64_t j = p->n; j < p->ldc; j++) assert_true(isnan(p->c[i * p->ldc + j]));
  }
}

/* The elements of C as a job leaves them that does `alpha` and `beta` of the same product. */
static float *by_job(nn_gemm_kind kind, const nn_product *p, float alpha, float beta,
                     bool *rounds) {
  const size_t bytes = (size_t)(p->m * p->ldc) * sizeof(float);
  nn_gemm_job j = {.p = *p};
  float *c = malloc(bytes);
  assert_non_null(c);
  memcpy(c, p->c, bytes);
  assert_true(nn_gemm_job_own(kind, &j));
  *rounds = j.rounds;
  j.p.alpha = alpha;
  j.p.beta = beta;
  j.run(&j, p->a, p->b, c);
  return c;
}

/* A job gives the bits of the product; one that rounds, those of C - r (A B). */
static void check_job(nn_gemm_kind kind, const problem *q) {
  const nn_product *p = &q->p;
  const float r = 0.3f;
  bool rounds;
  float *same = by_job(kind, p, p->alpha, p->beta, &rounds);
  float *plain = by_job(kind, p, 1, 0, &rounds), *step = by_job(kind, p, -r, 1, &rounds);
  for (int64_t i = 0; i < p->m; i++)
    for (int64_t j = i * p->ldc; j < i * p->ldc + p->n; j++)
      if (rounds && p->beta != 0) assert_true(step[j] == p->c[j] - r * plain[j]);
  assert_true(nn_gemm_own(kind, 2, p));
  for (int64_t i = 0; i < p->m; i++)
    assert_memory_equal(same + i * p->ldc, p->c + i * p->ldc, (size_t)p->n * sizeof(float));
  free(same);
  free(plain);
  free(step);
}

/* One product with each kind of kernel. */
static void one(nn_ctx *ctx, int64_t m, int64_t n, int64_t k, int how, uint64_t *seed) {
  for (nn_gemm_kind kind = NN_GEMM_AVX2; kind <= NN_GEMM_AVX512; kind++) {
    if (!has(kind)) continue;
    problem q = make(ctx, m, n, k, how, seed);
    check_job(kind, &q);
    check(&q);
    drop(&q);
  }
}

static void test_tiles(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 1;
  for (int64_t m = 1; m <= 14; m++)
    for (int64_t n = 1; n <= 34; n += n < 18 ? 1 : 5)
      for (int how = 0; how < 4; how++) {
        one(ctx, m, n, t_int(&seed, 1, 20), how + 4 * (int)t_int(&seed, 0, 3), &seed);
        one(ctx, m, n, t_int(&seed, 64, 90), how, &seed);
      }
}

/* More than one block of every kind, in each direction. */
static void test_blocks(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 2;
  static const int64_t sizes[][3] = {{250, 70, 33},  {40, 300, 600}, {3, 40, 4500},
                                     {100, 33, 513}, {5, 1200, 300}, {130, 20, 270}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (int how = 0; how < 16; how += i < 2 ? 1 : 5)
      one(ctx, sizes[i][0], sizes[i][1], sizes[i][2], how, &seed);
}

static void test_random(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 3;
  for (int i = 0; i < 200; i++)
    one(ctx, t_int(&seed, 1, 150), t_int(&seed, 1, 80), t_int(&seed, 1, 150),
        (int)t_int(&seed, 0, 15), &seed);
}

/* The bits are the same however many threads work. */
static void test_threads(void **state) {
  nn_ctx *ctx = *state;
  static const int64_t sizes[][3] = {
    {90, 200, 300}, {64, 700, 129}, {15, 784, 400}, {900, 20, 150}};
  uint64_t seed = 4;
  for (nn_gemm_kind kind = NN_GEMM_AVX2; kind <= NN_GEMM_AVX512; kind++)
    for (size_t i = 0; has(kind) && i < sizeof sizes / sizeof *sizes; i++)
      for (int how = 0; how < 4; how++) {
        problem q = make(ctx, sizes[i][0], sizes[i][1], sizes[i][2], how, &seed);
        size_t bytes = q.c->v.storage->bytes;
        float *first = malloc(bytes);
        assert_non_null(first);
        assert_true(nn_gemm_own(kind, 1, &q.p));
        memcpy(first, q.p.c, bytes);
        for (int threads = 2; threads <= 3; threads++) {
          nn_gemm_own(kind, threads, &q.p);
          assert_memory_equal(first, q.p.c, bytes);
        }
        free(first);
        drop(&q);
      }
}

static void test_none(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 5;
  problem q = make(ctx, 2, 2, 2, 0, &seed);
  assert_false(nn_gemm_own(NN_GEMM_NONE, 1, &q.p));
  assert_true(isnan(q.p.c[0]));
  drop(&q);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(test_tiles), TEST(test_blocks), TEST(test_random),
                                     TEST(test_threads), TEST(test_none)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
