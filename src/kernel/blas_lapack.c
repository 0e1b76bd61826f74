/* kernel/blas_lapack.c: see blas_lapack.h. By its Fortran names, because there is not always a C
   interface; the lengths of texts come last, as Fortran passes them. */
#include "kernel/blas_lapack.h"

#include <cblas.h>
#include <limits.h>
#include <string.h>

#include "base/library.h"

void dgetrf_(const int *m, const int *n, double *a, const int *lda, int *pivot, int *info);
void dgetrs_(const char *trans, const int *n, const int *nrhs, const double *a, const int *lda,
             const int *pivot, double *b, const int *ldb, int *info, size_t);
void dgetri_(const int *n, double *a, const int *lda, const int *pivot, double *work,
             const int *lwork, int *info);
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t);
void dgelqf_(const int *m, const int *n, double *a, const int *lda, double *tau, double *work,
             const int *lwork, int *info);
void dorglq_(const int *m, const int *n, const int *k, double *a, const int *lda, const double *tau,
             double *work, const int *lwork, int *info);
void dgesdd_(const char *job, const int *m, const int *n, double *a, const int *lda, double *s,
             double *u, const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork,
             int *iwork, int *info, size_t);
void dsyevd_(const char *job, const char *uplo, const int *n, double *a, const int *lda, double *w,
             double *work, const int *lwork, int *iwork, const int *liwork, int *info, size_t,
             size_t);

#define LAPACK(F) \
  F(dgetrf_)      \
  F(dgetrs_) F(dgetri_) F(dpotrf_) F(dgelqf_) F(dorglq_) F(dgesdd_) F(dsyevd_) F(cblas_dtrsm)
NN_LIBRARY(lapack, NN_SONAME_OPENBLAS, "OpenBLAS", LAPACK)

nn_status nn_lapack_load(nn_ctx *ctx) {
  return lapack_load(ctx);
}

static nn_status failed(nn_ctx *ctx, const char *routine, int info) {
  return nn_fail(ctx, NN_EVALUE, "linalg: %s did not come to an end (%d)", routine, info);
}

/* Room for `n` doubles and, behind them, `ni` whole numbers; a routine asks for what it likes. */
typedef struct room {
  double *work;
  int *iwork;
  int n, ni;
  size_t bytes;
} room;

static nn_status take(nn_ctx *ctx, double n, int ni, room *r) {
  if (n > INT_MAX)
    return nn_fail(ctx, NN_ENOMEM, "linalg: the matrix is too large for a factorization");
  r->n = n < 1 ? 1 : (int)n;
  r->ni = ni < 1 ? 1 : ni;
  r->bytes = (size_t)r->n * sizeof(double) + (size_t)r->ni * sizeof(int);
  if (!(r->work = nn_mem_take(ctx, r->bytes))) return NN_ENOMEM;
  r->iwork = (int *)(void *)(r->work + r->n);
  return NN_OK;
}

static void give(nn_ctx *ctx, room *r) {
  nn_mem_give(ctx, r->work, r->bytes);
}

/* ---- LU ---- */

nn_status nn_lu(nn_ctx *ctx, int64_t n, double *a, int *pivot, int64_t *zero) {
  int in = (int)n, info;
  lapack.dgetrf_(&in, &in, a, &in, pivot, &info);
  *zero = info > 0 ? info : 0;
  return info < 0 ? failed(ctx, "dgetrf", info) : NN_OK;
}

void nn_lu_solve(int64_t n, int64_t m, const double *lu, const int *pivot, bool transposed,
                 double *b) {
  int in = (int)n, im = (int)m, info;
  lapack.dgetrs_(transposed ? "N" : "T", &in, &im, lu, &in, pivot, b, &in, &info, 1);
}

nn_status nn_lu_inverse(nn_ctx *ctx, int64_t n, double *lu, const int *pivot) {
  int in = (int)n, info, query = -1;
  double want;
  room r = {0};
  lapack.dgetri_(&in, lu, &in, pivot, &want, &query, &info);
  NN_TRY(take(ctx, want, 0, &r));
  lapack.dgetri_(&in, lu, &in, pivot, r.work, &r.n, &info);
  give(ctx, &r);
  return info ? failed(ctx, "dgetri", info) : NN_OK;
}

/* ---- triangles ---- */

nn_status nn_cholesky(nn_ctx *ctx, int64_t n, double *a, int64_t *bad) {
  int in = (int)n, info;
  lapack.dpotrf_("U", &in, a, &in, &info, 1);
  *bad = info > 0 ? info : 0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = i + 1; j < n; j++) a[i * n + j] = 0;
  return info < 0 ? failed(ctx, "dpotrf", info) : NN_OK;
}

void nn_triangle_solve(bool left, bool upper, bool transposed, int64_t m, int64_t n,
                       const double *t, double *b) {
  lapack.cblas_dtrsm(CblasRowMajor, left ? CblasLeft : CblasRight, upper ? CblasUpper : CblasLower,
                     transposed ? CblasTrans : CblasNoTrans, CblasNonUnit, (int)m, (int)n, 1, t,
                     (int)(left ? m : n), b, (int)n);
}

/* ---- QR: A = Q R is A^T = R^T Q^T, the LQ factorization of what LAPACK sees ---- */

nn_status nn_qr(nn_ctx *ctx, int64_t m, int64_t n, double *a, double *q, double *r) {
  int in = (int)n, im = (int)m, ik = in < im ? in : im, info, query = -1;
  int64_t k = ik;
  double want, more;
  room w = {0};
  lapack.dgelqf_(&in, &im, a, &in, &want, &want, &query, &info);
  lapack.dorglq_(&ik, &im, &ik, a, &in, &want, &more, &query, &info);
  NN_TRY(take(ctx, (want > more ? want : more) + (double)k, 0, &w));
  double *tau = w.work, *work = w.work + k;
  int lwork = w.n - ik;
  lapack.dgelqf_(&in, &im, a, &in, tau, work, &lwork, &info);
  if (info == 0) {
    memset(r, 0, (size_t)(k * n) * sizeof *r);
    for (int64_t i = 0; i < k; i++)
      memcpy(r + i * n + i, a + i * n + i, (size_t)(n - i) * sizeof *r);
    lapack.dorglq_(&ik, &im, &ik, a, &in, tau, work, &lwork, &info);
    for (int64_t i = 0; i < m; i++) memcpy(q + i * k, a + i * n, (size_t)k * sizeof *q);
  }
  give(ctx, &w);
  return info ? failed(ctx, "dgelqf", info) : NN_OK;
}

/* ---- singular values and eigenvalues ---- */

/* A^T = V diag(s) U^T: LAPACK's U is our V^T, its V^T our U. */
nn_status nn_svd(nn_ctx *ctx, int64_t m, int64_t n, double *a, double *u, double *s, double *vt) {
  int in = (int)n, im = (int)m, ik = in < im ? in : im, info, query = -1, none = 0;
  double want;
  room r = {0};
  lapack.dgesdd_("S", &in, &im, a, &in, s, vt, &in, u, &ik, &want, &query, &none, &info, 1);
  NN_TRY(take(ctx, want, 8 * ik, &r));
  lapack.dgesdd_("S", &in, &im, a, &in, s, vt, &in, u, &ik, r.work, &r.n, r.iwork, &info, 1);
  give(ctx, &r);
  return info ? failed(ctx, "dgesdd", info) : NN_OK;
}

nn_status nn_eigh(nn_ctx *ctx, int64_t n, double *a, double *w) {
  int in = (int)n, info, query = -1, wanti;
  double want;
  room r = {0};
  lapack.dsyevd_("V", "U", &in, a, &in, w, &want, &query, &wanti, &query, &info, 1, 1);
  NN_TRY(take(ctx, want, wanti, &r));
  lapack.dsyevd_("V", "U", &in, a, &in, w, r.work, &r.n, r.iwork, &r.ni, &info, 1, 1);
  give(ctx, &r);
  return info ? failed(ctx, "dsyevd", info) : NN_OK;
}
