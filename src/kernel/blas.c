/* kernel/blas.c: see blas.h. OpenBLAS is opened when it is first needed: its 16,000 relocations would be
   two thirds of the time in which nnlua starts. */
#include "kernel/blas.h"

#include <assert.h>
#include <cblas.h>
#include <limits.h>
#include <omp.h>
#include <string.h>

#include "base/library.h"
#include "kernel/blas_lapack.h"
#include "kernel/gemm.h"
#include "kernel/gemm_tiles.h"
#include "kernel/names.h"

/* Fortran: arguments by address, columns one after the other. */
void dgelsy_(const int *m, const int *n, const int *nrhs, double *a, const int *lda, double *b,
             const int *ldb, int *jpvt, const double *rcond, int *rank, double *work,
             const int *lwork, int *info);

#define BLAS(F)            \
  F(cblas_sgemm)           \
  F(cblas_dgemm)           \
  F(cblas_sgemv)           \
  F(cblas_dgemv)           \
  F(dgelsy_)               \
  F(openblas_get_corename) \
  F(openblas_get_config) F(openblas_get_parallel) F(openblas_set_num_threads)
NN_LIBRARY(blas, NN_SONAME_OPENBLAS, "OpenBLAS", BLAS)

static NN_OPENED struct {
  bool ready;
  bool shares;      /* its threads are ours, and it is to use more than one */
  nn_gemm_kind own; /* which kernels of ours go with it */
} opened;

static bool shares_threads(void) {
  return blas.openblas_get_parallel() == OPENBLAS_OPENMP;
}

static bool is_one_of(const char *name, const char *const *list) {
  for (; *list; list++)
    if (strcmp(name, *list) == 0) return true;
  return false;
}

/* Those of the family that OpenBLAS has chosen, where the processor really is one. */
static nn_gemm_kind find_own(void) {
#ifdef NN_GEMM_X86
  static const char *const avx512[] = {"Cooperlake", "SkylakeX", "SapphireRapids", NULL};
  static const char *const avx2[] = {"Haswell", "Zen", NULL};
  const char *core = blas.openblas_get_corename();
  if (is_one_of(core, avx512) && __builtin_cpu_supports("x86-64-v4")) return NN_GEMM_AVX512;
  if (is_one_of(core, avx2) && __builtin_cpu_supports("x86-64-v3")) return NN_GEMM_AVX2;
#endif
  return NN_GEMM_NONE;
}

static nn_status make_ready(nn_ctx *ctx) {
  if (opened.ready) return NN_OK;
  NN_TRY(blas_load(ctx));
  NN_TRY(nn_lapack_load(ctx));
  opened.own = find_own();
  opened.ready = true;
  nn_blas_threads(ctx->threads, ctx->deterministic);
  return NN_OK;
}

static enum CBLAS_TRANSPOSE flag(bool transposed) {
  return transposed ? CblasTrans : CblasNoTrans;
}

/* A leading dimension must be positive even where the matrix is empty. */
static int lead(int64_t ld) {
  return ld > 0 ? (int)ld : 1;
}

/* One row: a vector by a matrix, which BLAS does without packing the matrix (a batch of one through
   Linear(784, 15): 0.45 us instead of 4.4). It wakes its threads from 9,216 elements on, where waking
   them still costs more than they gain, so smaller matrices than a million go in pieces below that.
   Where beta is 0 the result is cleared first, because some versions multiply what stands there, and
   0 times NaN is NaN. */
static int64_t gemv_rows(int64_t rows, int64_t columns) {
  enum { WAKES = 9216, WORTH = 1 << 20 };
  if (rows * columns > WORTH || columns >= WAKES) return rows;
  int64_t most = (WAKES - 1) / columns;
  return most < rows ? most : rows;
}

/* y (1, n) = alpha x (1, k) op(B) + beta y; false: there are more rows than one. */
static bool as_gemv_f32(bool tb, int64_t m, int64_t n, int64_t k, float alpha, const float *x,
                        int64_t step, const float *b, int64_t ldb, float beta, float *y) {
  if (m != 1 || k < 2 || n < 2) return false;
  if (beta == 0) memset(y, 0, (size_t)n * sizeof *y);
  int64_t rows = tb ? n : k, columns = tb ? k : n, piece = gemv_rows(rows, columns);
  for (int64_t at = 0; at < rows; at += piece) {
    int64_t r = rows - at < piece ? rows - at : piece;
    blas.cblas_sgemv(CblasRowMajor, flag(!tb), (int)r, (int)columns, alpha, b + at * ldb, lead(ldb),
                     tb ? x : x + at * step, (int)step, tb || at == 0 ? beta : 1, tb ? y + at : y,
                     1);
  }
  return true;
}

static bool as_gemv_f64(bool tb, int64_t m, int64_t n, int64_t k, double alpha, const double *x,
                        int64_t step, const double *b, int64_t ldb, double beta, double *y) {
  if (m != 1 || k < 2 || n < 2) return false;
  if (beta == 0) memset(y, 0, (size_t)n * sizeof *y);
  int64_t rows = tb ? n : k, columns = tb ? k : n, piece = gemv_rows(rows, columns);
  for (int64_t at = 0; at < rows; at += piece) {
    int64_t r = rows - at < piece ? rows - at : piece;
    blas.cblas_dgemv(CblasRowMajor, flag(!tb), (int)r, (int)columns, alpha, b + at * ldb, lead(ldb),
                     tb ? x : x + at * step, (int)step, tb || at == 0 ? beta : 1, tb ? y + at : y,
                     1);
  }
  return true;
}

/* Where our loops are faster than OpenBLAS 0.3.21's by the figures in doc/performance.md: where a side
   is narrow, or few rows meet a long k. A row by a large matrix that is not transposed, or a column,
   is BLAS's gemv and ger. Very small products are all ours, so that an operand that is transposed
   gives the bits of one that is not. */
static bool own_is_faster(const nn_product *p) {
  enum { NARROW = 32, FEW = 64, TURNED = 96, LONG = 64, SMALL = 4096 };
  if (p->m * p->n * p->k <= SMALL) return true;
  if (p->ta) return !p->tb && p->k > 1 && (p->m <= NARROW || p->n <= NARROW);
  if (p->tb) return p->m <= TURNED || p->n <= NARROW;
  return p->m > 1 &&
         (p->n <= NARROW || (opened.own == NN_GEMM_AVX512 && p->m <= FEW && p->k >= LONG));
}

/* C = alpha a b + beta C of a column a and a row b. BLAS clears or scales C first, which is a pass over
   memory of its own. */
NN_HOT static void column_by_row(int64_t m, int64_t n, float alpha, const float *restrict a,
                                 int64_t step, const float *restrict b, float beta,
                                 float *restrict c, int64_t ldc) {
  for (int64_t i = 0; i < m; i++, c += ldc) {
    const float x = a[i * step];
    if (beta == 0)
      for (int64_t j = 0; j < n; j++) c[j] = alpha * (x * b[j]);
    else
      for (int64_t j = 0; j < n; j++) c[j] = alpha * (x * b[j]) + beta * c[j];
  }
}

/* ---- BLAS's own products ---- */

/* One for BLAS; floats or doubles. */
typedef struct product {
  bool f32, ta, tb;
  int64_t m, n, k, lda, ldb, ldc;
  double alpha, beta;
  const char *a, *b;
  char *c;
} product;

static void run(const product *p) {
  const int m = (int)p->m, n = (int)p->n, k = (int)p->k;
  const int lda = lead(p->lda), ldb = lead(p->ldb), ldc = lead(p->ldc);
  if (p->f32)
    blas.cblas_sgemm(CblasRowMajor, flag(p->ta), flag(p->tb), m, n, k, (float)p->alpha,
                     (const float *)(const void *)p->a, lda, (const float *)(const void *)p->b, ldb,
                     (float)p->beta, (float *)(void *)p->c, ldc);
  else
    blas.cblas_dgemm(CblasRowMajor, flag(p->ta), flag(p->tb), m, n, k, p->alpha,
                     (const double *)(const void *)p->a, lda, (const double *)(const void *)p->b,
                     ldb, p->beta, (double *)(void *)p->c, ldc);
}

/* Part i of n: rows of C or columns. */
static product part(const product *p, bool rows, int n, int i) {
  enum { ALIGN = 16 };
  const int64_t size = p->f32 ? sizeof(float) : sizeof(double), all = rows ? p->m : p->n;
  const int64_t lo = all * i / n / ALIGN * ALIGN;
  const int64_t hi = i + 1 == n ? all : all * (i + 1) / n / ALIGN * ALIGN;
  product q = *p;
  if (rows) {
    q.m = hi - lo;
    q.a += size * (p->ta ? lo : lo * p->lda);
    q.c += size * lo * p->ldc;
  } else {
    q.n = hi - lo;
    q.b += size * (p->tb ? lo * p->ldb : lo);
    q.c += size * lo;
  }
  return q;
}

/* OpenBLAS 0.3.21 shares a product between threads that spin until the others' pieces are there. A part for
   each thread, which knows nothing of the others, is a little faster (two threads at 128 x 784 x 512: 422
   GFLOP/s instead of 395, at 512 x 128 x 784 480 instead of 452), and far faster where other programs
   keep the cores busy. */
static void run_shared(const product *p) {
  enum { LEAST = 64, WORTH = 1 << 21 };
  const int threads = opened.shares && !omp_in_parallel() ? omp_get_max_threads() : 1;
  const bool rows = 2 * p->m > p->n;
  if (threads < 2 || p->m * p->n * p->k < WORTH * threads ||
      (rows ? p->m : p->n) < LEAST * threads) {
    run(p);
    return;
  }
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int i = 0; i < threads; i++) {
    const product q = part(p, rows, threads, i);
    run(&q);
  }
}

/* ---- jobs ---- */

static void run_column_by_row(const nn_gemm_job *j, const void *a, const void *b, void *c) {
  const nn_product *p = &j->p;
  column_by_row(p->m, p->n, p->alpha, a, p->ta ? 1 : p->lda, b, p->beta, c, p->ldc);
}

static void run_f32(const nn_gemm_job *j, const void *a, const void *b, void *c) {
  const nn_product *p = &j->p;
  if (as_gemv_f32(p->tb, p->m, p->n, p->k, p->alpha, a, p->ta ? lead(p->lda) : 1, b, p->ldb,
                  p->beta, c))
    return;
  const product q = {
    true, p->ta, p->tb, p->m, p->n, p->k, p->lda, p->ldb, p->ldc, (double)p->alpha, (double)p->beta,
    a,    b,     c};
  run_shared(&q);
}

static void run_f64(const nn_gemm_job *j, const void *a, const void *b, void *c) {
  const nn_product *p = &j->p;
  nn_gemm_f64(p->ta, p->tb, p->m, p->n, p->k, (double)p->alpha, a, p->lda, b, p->ldb,
              (double)p->beta, c, p->ldc);
}

void nn_gemm_job_f32(nn_gemm_job *j) {
  const nn_product *p = &j->p;
  assert(opened.ready);
  j->tiles = NULL;
  j->rounds = p->k == 1 && !p->tb && p->n > 1;
  if (j->rounds)
    j->run = run_column_by_row;
  else if (!opened.own || !own_is_faster(p) || !nn_gemm_job_own(opened.own, j))
    j->run = run_f32;
}

void nn_gemm_job_f64(nn_gemm_job *j) {
  assert(opened.ready);
  j->tiles = NULL;
  j->rounds = false;
  j->run = run_f64;
}

void nn_gemm_f32(bool ta, bool tb, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                 int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  nn_gemm_job j = {.p = {.ta = ta,
                         .tb = tb,
                         .m = m,
                         .n = n,
                         .k = k,
                         .alpha = alpha,
                         .beta = beta,
                         .lda = lda,
                         .ldb = ldb,
                         .ldc = ldc}};
  nn_gemm_job_f32(&j);
  j.run(&j, a, b, c);
}

void nn_gemm_f64(bool ta, bool tb, int64_t m, int64_t n, int64_t k, double alpha, const double *a,
                 int64_t lda, const double *b, int64_t ldb, double beta, double *c, int64_t ldc) {
  assert(opened.ready);
  if (as_gemv_f64(tb, m, n, k, alpha, a, ta ? lead(lda) : 1, b, ldb, beta, c)) return;
  const product q = {
    false,           ta,       tb, m, n, k, lda, ldb, ldc, alpha, beta, (const void *)a,
    (const void *)b, (void *)c};
  run_shared(&q);
}

nn_status nn_blas_check(nn_ctx *ctx, const char *who, int64_t m, int64_t n, int64_t k) {
  if (m <= INT_MAX && n <= INT_MAX && k <= INT_MAX) return make_ready(ctx);
  return nn_fail(ctx, NN_ESHAPE,
                 "%s: a matrix product of %lld x %lld x %lld passes what BLAS can count (2^31)",
                 who, (long long)m, (long long)k, (long long)n);
}

const nn_tiles *nn_blas_tiles(void) {
  return opened.ready ? nn_gemm_tiles(opened.own) : NULL;
}

nn_status nn_lstsq(nn_ctx *ctx, int m, int n, int k, double *a, double *b, double rcond) {
  const int ldb = m > n ? m : n, ask = -1;
  int rank = 0, info = 0;
  double want = 0;
  size_t pivots = (size_t)n * sizeof(int);
  int *pivot = nn_mem_take_zero(ctx, pivots);
  if (!pivot) return NN_ENOMEM;
  blas.dgelsy_(&m, &n, &k, a, &m, b, &ldb, pivot, &rcond, &rank, &want, &ask, &info);
  const int size = (int)want;
  double *work = nn_mem_take(ctx, (size_t)size * sizeof *work);
  if (work) blas.dgelsy_(&m, &n, &k, a, &m, b, &ldb, pivot, &rcond, &rank, work, &size, &info);
  nn_mem_give(ctx, pivot, pivots);
  if (!work) return NN_ENOMEM;
  nn_mem_give(ctx, work, (size_t)size * sizeof *work);
  return NN_OK;
}

void nn_blas_threads(int threads, bool alone) {
  omp_set_num_threads(threads);
  if (!opened.ready) return;
  opened.shares = shares_threads() && !alone;
  blas.openblas_set_num_threads(opened.shares ? threads : 1);
}

nn_status nn_blas_describe(nn_ctx *ctx, nn_blas_about *about) {
  NN_TRY(make_ready(ctx));
  about->config = blas.openblas_get_config();
  about->core = blas.openblas_get_corename();
  about->shares_threads = shares_threads();
  return NN_OK;
}
