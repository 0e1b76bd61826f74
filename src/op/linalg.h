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
/* In[0] as above with its right sides, in[1]: lists (m->rows) or matrices (m->rows, *sides). */
nn_status nn_linalg_read_sides(const nn_call *c, bool square, nn_matrices *m, int64_t *sides);
/* The sizes of a value that was checked; its data is not needed. */
nn_matrices nn_linalg_sizes(const nn_value *v);
/* Sets the output: the input's leading dimensions, then these (ndim of them, 0 to 2). */
void nn_linalg_set(const nn_call *c, int ndim, int64_t a, int64_t b);

/* n numbers of a dense value, from element `first` on, as doubles. */
void nn_linalg_load(const nn_value *v, int64_t first, int64_t n, double *to);
/* And back, stored or added. */
void nn_linalg_store(const nn_value *v, int64_t first, int64_t n, const double *from, bool add);
/* a becomes its symmetric part, (A + A^T) / 2. */
void nn_linalg_symmetrize(int64_t n, double *a);
/* y (cols, rows) = x^T */
void nn_linalg_turn(int64_t rows, int64_t cols, const double *x, double *y);
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

/* The result of one matrix a (rows, cols), which may be overwritten: *y, put into a or into the room w,
   which begins with a place for it. */
typedef nn_status (*nn_linalg_compute)(const nn_call *c, const nn_matrices *m, double *a, double *w,
                                       double **y);
/* The gradient of one matrix, ga (rows, cols), from the result y and its gradient g, which may be
   overwritten; w: room. */
typedef nn_status (*nn_linalg_gradient)(const nn_call *c, const nn_matrices *m, const double *y,
                                        double *g, double *w, double *ga);
/* Forward and backward of in[0] alone, matrix by matrix, with room for `room` doubles more. */
nn_status nn_linalg_forward(const nn_call *c, int64_t room, nn_linalg_compute compute);
nn_status nn_linalg_backward(const nn_call *c, int64_t room, nn_linalg_gradient gradient);

#endif
