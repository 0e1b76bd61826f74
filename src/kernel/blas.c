/* kernel/blas.c: see blas.h. */
#include "kernel/blas.h"

#include <cblas.h>
#include <limits.h>
#include <omp.h>

static enum CBLAS_TRANSPOSE flag(bool transposed) {
  return transposed ? CblasTrans : CblasNoTrans;
}

/* A leading dimension must be positive even where the matrix is empty. */
static int lead(int64_t ld) {
  return ld > 0 ? (int)ld : 1;
}

void nn_gemm_f32(bool ta, bool tb, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                 int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  cblas_sgemm(CblasRowMajor, flag(ta), flag(tb), (int)m, (int)n, (int)k, alpha, a, lead(lda), b,
              lead(ldb), beta, c, lead(ldc));
}

void nn_gemm_f64(bool ta, bool tb, int64_t m, int64_t n, int64_t k, double alpha, const double *a,
                 int64_t lda, const double *b, int64_t ldb, double beta, double *c, int64_t ldc) {
  cblas_dgemm(CblasRowMajor, flag(ta), flag(tb), (int)m, (int)n, (int)k, alpha, a, lead(lda), b,
              lead(ldb), beta, c, lead(ldc));
}

nn_status nn_blas_check(nn_ctx *ctx, const char *who, int64_t m, int64_t n, int64_t k) {
  if (m <= INT_MAX && n <= INT_MAX && k <= INT_MAX) return NN_OK;
  return nn_fail(ctx, NN_ESHAPE,
                 "%s: a matrix product of %lld x %lld x %lld passes what BLAS can count (2^31)",
                 who, (long long)m, (long long)k, (long long)n);
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
