/*
 * kernel/blas.h: the matrix products, in row-major order; blas.c is the only file that names cblas_
 * or LAPACK. All sizes fit an int: nn_blas_check says so before. Results are reproducible for a
 * given thread count.
 */
#ifndef NN_KERNEL_BLAS_H
#define NN_KERNEL_BLAS_H

#include "base/context.h"

/* C (m, n) = alpha op(A) (m, k) op(B) (k, n) + beta C. `ta`: A is stored (k, m); `tb`: B is
   stored (n, k). lda, ldb, ldc: elements from one stored row to the next. beta 0: C is not read. */
void nn_gemm_f32(bool ta, bool tb, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                 int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
void nn_gemm_f64(bool ta, bool tb, int64_t m, int64_t n, int64_t k, double alpha, const double *a,
                 int64_t lda, const double *b, int64_t ldb, double beta, double *c, int64_t ldc);

struct nn_gemm_job; /* kernel/gemm.h */
/* Finds the way for a job whose product is set: of float32, of float64. */
void nn_gemm_job_f32(struct nn_gemm_job *j);
void nn_gemm_job_f64(struct nn_gemm_job *j);

/* Least squares by QR with column pivoting (LAPACK's gelsy): the x with the least |A x - b|, the
   shortest one where the rank of A is short. Columns one after the other: A (m, n), which is
   overwritten, b (max(m, n), k), whose first n rows become x. Singular values below rcond times the
   largest count as 0. */
nn_status nn_lstsq(nn_ctx *ctx, int m, int n, int k, double *a, double *b, double rcond);

/* Fails when a size of a matrix product passes what BLAS can count, or BLAS cannot be opened: comes
   before every product. */
nn_status nn_blas_check(nn_ctx *ctx, const char *who, int64_t m, int64_t n, int64_t k);

/* The loops of our own (kernel/gemm_tiles.h) that go with the kernels which BLAS has chosen; NULL: none
   for this processor, or nn_blas_check has not been called. */
const struct nn_tiles *nn_blas_tiles(void);

/* Sets the threads of BLAS and of OpenMP together. Where BLAS has a thread pool of its own (any
   build but the OpenMP one) BLAS gets one thread, because two pools fight over the cores; also
   where it shall be `alone`, as it shares out a product by the number of threads. */
void nn_blas_threads(int threads, bool alone);
/* The BLAS in use; static texts. */
typedef struct nn_blas_about {
  const char *config;  /* name, version and build */
  const char *core;    /* the processor family whose kernels it chose */
  bool shares_threads; /* has our thread pool (the OpenMP build) */
} nn_blas_about;
nn_status nn_blas_describe(nn_ctx *ctx, nn_blas_about *about);

#endif
