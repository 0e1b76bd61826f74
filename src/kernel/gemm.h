/*
 * kernel/gemm.h: float32 matrix products of our own, for processors with AVX-512 or AVX2 and FMA.
 *
 * Why beside BLAS: OpenBLAS 0.3.21 packs both operands of most products, which costs more than the
 * product itself at the sizes of small networks and batches (784 to 15, or a batch of 32 through
 * 512 to 512). Here an operand is packed only where it is used often enough.
 *
 * Every element of C is computed by one chain of fused multiplications and additions whose order
 * depends on m, n and k alone: the same bits with any number of threads. Between AVX-512 and AVX2,
 * as between BLAS's own kernels, the bits differ.
 */
#ifndef NN_KERNEL_GEMM_H
#define NN_KERNEL_GEMM_H

#include <stdbool.h>
#include <stdint.h>

/* Which kernels to use: those of the processor family that BLAS has chosen, so that
   OPENBLAS_CORETYPE speaks for both. */
typedef enum nn_gemm_kind { NN_GEMM_NONE, NN_GEMM_AVX2, NN_GEMM_AVX512 } nn_gemm_kind;

/* One product C (m, n) = alpha op(A) op(B) + beta C, as in kernel/blas.h. */
typedef struct nn_product {
  bool ta, tb;
  int64_t m, n, k;
  float alpha, beta;
  const float *a, *b;
  float *c;
  int64_t lda, ldb, ldc;
} nn_product;

struct nn_tiles;
/* The loops of that kind (gemm_tiles.h), NULL: there are none. */
const struct nn_tiles *nn_gemm_tiles(nn_gemm_kind kind);
/* Computes it with up to `threads` threads. False, and nothing done: no kernels of that kind. */
bool nn_gemm_own(nn_gemm_kind kind, int threads, const nn_product *p);

/* A product to be computed again and again over other memory, with what its sizes decide found once:
   j->run(j, a, b, c). Only alpha and beta may be changed between. */
typedef struct nn_gemm_job {
  void (*run)(const struct nn_gemm_job *j, const void *a, const void *b, void *c);
  nn_product p;                 /* its a, b and c are not looked at */
  const struct nn_tiles *tiles; /* NULL: BLAS's own */
  /* A B is rounded before alpha and beta come: with -r and 1 these are the bits of C - r (A B) */
  bool rounds;
} nn_gemm_job;
/* Sets `run` of a job whose product is set, with the loops of that kind. False: there are none. */
bool nn_gemm_job_own(nn_gemm_kind kind, nn_gemm_job *j);

#endif
