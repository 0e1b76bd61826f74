/*
 * op/linalg.h: what the operations of nn.linalg share. They work on matrices of double, one for each
 * of the leading dimensions; operations with several results pack them into the last dimension of one
 * tensor, of which the binding returns views.
 */
#ifndef NN_OP_LINALG_H
#define NN_OP_LINALG_H

#include "grad/op.h"
#include "kernel/blas.h"
#include "kernel/blas_lapack.h"

/* `batch` matrices of (rows, cols), and the smaller of both. */
typedef struct nn_matrices {
  int64_t batch, rows, cols, least;
} nn_matrices;

/* Input k as matrices; fails when it has less than two dimensions, or is not square and should be. */
nn_status nn_linalg_read(const nn_call *c, int k, bool square, nn_matrices *m);
/* The same for a value that was checked, without its data. */
nn_matrices nn_linalg_sizes(const nn_value *v);
/* Sets the output: the input's leading dimensions, then these (ndim of them, 0 to 2). */
void nn_linalg_set(const nn_call *c, int ndim, int64_t a, int64_t b);

/* n numbers of a dense value, from element `first` on, as doubles. */
void nn_linalg_load(const nn_value *v, int64_t first, int64_t n, double *to);
/* And back, stored or added. */
void nn_linalg_store(const nn_value *v, int64_t first, int64_t n, const double *from, bool add);
/* The same of the symmetric part of a square, (A + A^T) / 2. */
void nn_linalg_load_symmetric(const nn_value *v, int64_t first, int64_t n, double *to);
void nn_linalg_store_symmetric(const nn_value *v, int64_t first, int64_t n, double *from, bool add);
/* Fails on NaN and infinity, on which some algorithms never end. */
nn_status nn_linalg_check_finite(const nn_call *c, int64_t n, const double *a);

/* Room for `n` doubles, given back by nn_linalg_give with the same number. */
double *nn_linalg_take(const nn_call *c, int64_t n);
void nn_linalg_give(const nn_call *c, double *w, int64_t n);

/* z (m, n) = alpha op(x) (m, k) op(y) (k, n) + beta z */
void nn_linalg_mul(bool tx, bool ty, int64_t m, int64_t n, int64_t k, double alpha, const double *x,
                   const double *y, double beta, double *z);

/* b / d, where 0 / 0 counts as 0; fails where the quotient has no limit. `what` ends the
   text: "there is no gradient ...". */
nn_status nn_linalg_divide(const nn_call *c, double b, double d, const char *what, double *out);

#endif
