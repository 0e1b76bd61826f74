/*
 * kernel/blas_lapack.h: factorizations of small matrices by LAPACK, row-major, in double whatever the
 * tensors' dtype: the problems are small, and what is computed from a factorization loses digits
 * easily.
 *
 * LAPACK counts columns first, so a row-major matrix reaches it transposed; each function here says
 * what it gives in our order. Sizes are positive and fit an int (nn_blas_check).
 */
#ifndef NN_KERNEL_BLAS_LAPACK_H
#define NN_KERNEL_BLAS_LAPACK_H

#include "base/context.h"

/* The LU factorization, with exchanged rows, of the transpose of a (n, n), in its place. `zero`: the
   first pivot that is 0, from 1, or 0: the matrix has an inverse. */
nn_status nn_lu(nn_ctx *ctx, int64_t n, double *a, int *pivot, int64_t *zero);
/* Each row x of b (m, n) becomes the solution y of A y = x, or of A^T y = x. */
void nn_lu_solve(int64_t n, int64_t m, const double *lu, const int *pivot, bool transposed,
                 double *b);
/* The inverse, from the factorization, in its place. */
nn_status nn_lu_inverse(nn_ctx *ctx, int64_t n, double *lu, const int *pivot);

/* a (n, n) becomes L with A = L L^T; above the diagonal zeros. Only the lower triangle is read. `bad`:
   the first leading square that is not positive definite, or 0. */
nn_status nn_cholesky(nn_ctx *ctx, int64_t n, double *a, int64_t *bad);

/* b (m, n) becomes op(T)^-1 b, T (m, m), or b op(T)^-1, T (n, n); T is triangular. */
void nn_triangle_solve(bool left, bool upper, bool transposed, int64_t m, int64_t n,
                       const double *t, double *b);

/* a (m, n), overwritten; k = min(m, n): A = Q R, q (m, k), r (k, n) */
nn_status nn_qr(nn_ctx *ctx, int64_t m, int64_t n, double *a, double *q, double *r);
/* a (m, n), overwritten; k = min(m, n): A = U diag(s) V^T, u (m, k), s (k) falling, vt (k, n) */
nn_status nn_svd(nn_ctx *ctx, int64_t m, int64_t n, double *a, double *u, double *s, double *vt);
/* a (n, n) symmetric becomes its eigenvectors, one a row; w (n) the eigenvalues, rising. */
nn_status nn_eigh(nn_ctx *ctx, int64_t n, double *a, double *w);

/* Opens the library; nn_blas_check does it. */
nn_status nn_lapack_load(nn_ctx *ctx);

#endif
