/* kernel/blas.c: see blas.h. */
#include "kernel/blas.h"

#include <cblas.h>
#include <limits.h>
#include <omp.h>
#include <string.h>

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
    cblas_sgemv(CblasRowMajor, flag(!tb), (int)r, (int)columns, alpha, b + at * ldb, lead(ldb),
                tb ? x : x + at * step, (int)step, tb || at == 0 ? beta : 1, tb ? y + at : y, 1);
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
    cblas_dgemv(CblasRowMajor, flag(!tb), (int)r, (int)columns, alpha, b + at * ldb, lead(ldb),
                tb ? x : x + at * step, (int)step, tb || at == 0 ? beta : 1, tb ? y + at : y, 1);
  }
  return true;
}

/* OpenBLAS has kernels without packing for products of up to a million multiplications, and of up to
   1,200 results where B is transposed. A layer with few outputs gains from them if a larger batch goes
   through in pieces: 784 to 15 at a batch of 100 takes 13 us instead of 37 on AVX-512 processors. How
   many pieces depends on the shapes alone. */
static int64_t rows_a_piece(int64_t rows, int64_t out, int64_t in, bool results) {
  enum { NARROW = 32, PRODUCTS = 1000000, RESULTS = 1200 };
  if (out < 1 || out > NARROW || rows < 2 || in < 1) return rows;
  int64_t most = PRODUCTS / (out * in);
  if (results && RESULTS / out < most) most = RESULTS / out;
  if (most < 8 || rows <= most) return rows;
  int64_t pieces = (rows + most - 1) / most;
  return (rows + pieces - 1) / pieces;
}

static void sgemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                  int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  cblas_sgemm(CblasRowMajor, flag(ta), flag(tb), (int)m, (int)n, (int)k, alpha, a, lead(lda), b,
              lead(ldb), beta, c, lead(ldc));
}

void nn_gemm_f32(bool ta, bool tb, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                 int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  if (as_gemv_f32(tb, m, n, k, alpha, a, ta ? lead(lda) : 1, b, ldb, beta, c)) return;
  bool forward = !ta && tb, weights = ta && !tb; /* the two products of a layer that are narrow */
  int64_t rows = forward ? m : k, step = rows;
  if (forward) step = rows_a_piece(m, n, k, true);
  if (weights) step = rows_a_piece(k, m, n, false);
  if (step == rows) {
    sgemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    return;
  }
  for (int64_t at = 0; at < rows; at += step) {
    int64_t r = rows - at < step ? rows - at : step;
    if (forward)
      sgemm(false, true, r, n, k, alpha, a + at * lda, lda, b, ldb, beta, c + at * ldc, ldc);
    else
      sgemm(true, false, m, n, r, alpha, a + at * lda, lda, b + at * ldb, ldb, at ? 1 : beta, c,
            ldc);
  }
}

void nn_gemm_f64(bool ta, bool tb, int64_t m, int64_t n, int64_t k, double alpha, const double *a,
                 int64_t lda, const double *b, int64_t ldb, double beta, double *c, int64_t ldc) {
  if (as_gemv_f64(tb, m, n, k, alpha, a, ta ? lead(lda) : 1, b, ldb, beta, c)) return;
  cblas_dgemm(CblasRowMajor, flag(ta), flag(tb), (int)m, (int)n, (int)k, alpha, a, lead(lda), b,
              lead(ldb), beta, c, lead(ldc));
}

nn_status nn_blas_check(nn_ctx *ctx, const char *who, int64_t m, int64_t n, int64_t k) {
  if (m <= INT_MAX && n <= INT_MAX && k <= INT_MAX) return NN_OK;
  return nn_fail(ctx, NN_ESHAPE,
                 "%s: a matrix product of %lld x %lld x %lld passes what BLAS can count (2^31)",
                 who, (long long)m, (long long)k, (long long)n);
}

/* Fortran: arguments by address, columns one after the other. */
void dgelsy_(const int *m, const int *n, const int *nrhs, double *a, const int *lda, double *b,
             const int *ldb, int *jpvt, const double *rcond, int *rank, double *work,
             const int *lwork, int *info);

nn_status nn_lstsq(nn_ctx *ctx, int m, int n, int k, double *a, double *b, double rcond) {
  const int ldb = m > n ? m : n, ask = -1;
  int rank = 0, info = 0;
  double want = 0;
  size_t pivots = (size_t)n * sizeof(int);
  int *pivot = nn_mem_take_zero(ctx, pivots);
  if (!pivot) return NN_ENOMEM;
  dgelsy_(&m, &n, &k, a, &m, b, &ldb, pivot, &rcond, &rank, &want, &ask, &info);
  const int size = (int)want;
  double *work = nn_mem_take(ctx, (size_t)size * sizeof *work);
  if (work) dgelsy_(&m, &n, &k, a, &m, b, &ldb, pivot, &rcond, &rank, work, &size, &info);
  nn_mem_give(ctx, pivot, pivots);
  if (!work) return NN_ENOMEM;
  nn_mem_give(ctx, work, (size_t)size * sizeof *work);
  return NN_OK;
}

bool nn_blas_shares_threads(void) {
  return openblas_get_parallel() == OPENBLAS_OPENMP;
}

void nn_blas_threads(int threads) {
  omp_set_num_threads(threads);
  openblas_set_num_threads(nn_blas_shares_threads() ? threads : 1);
}

const char *nn_blas_config(void) {
  return openblas_get_config();
}

const char *nn_blas_core(void) {
  return openblas_get_corename();
}
