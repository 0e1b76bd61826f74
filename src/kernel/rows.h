/*
 * kernel/rows.h: what datasets do with the rows of a value (its first dimension): gathering, dealing
 * them out to parts, finding equal ones, and what the numbers of each column are like.
 *
 * Rows are counted from 1, as scripts count them; `who` begins the error texts.
 */
#ifndef NN_KERNEL_ROWS_H
#define NN_KERNEL_ROWS_H

#include "tensor/tensor.h"

/* A new tensor of the n rows that `index` lists (1.., or from the end: -1..), in that order; index
   NULL: rows first, first + 1, ... Any dtype, any strides. */
nn_status nn_rows_gather(nn_ctx *ctx, const char *who, const nn_value *x, const int64_t *index,
                         int64_t first, int64_t n, nn_tensor **out);

/* places[i]: where `sorted` (n different numbers, ascending) holds x[i], from 1; 0: nowhere. */
void nn_rows_codes(int64_t many, const int64_t *x, int64_t n, const int64_t *sorted,
                   int64_t *places);

/* Deals the rows in `order` (n of them, from 1) out to `parts` parts: group g gives its first
   counts[g][0] rows to part 1, the next counts[g][1] to part 2, ... `group` (n): each row's, from 1;
   NULL: there is one. `counts` (groups, parts) is used up. out (n): the rows of part 1 in their
   order, then those of part 2, ... Fails where counts do not add up to the groups' sizes. */
nn_status nn_rows_deal(nn_ctx *ctx, int64_t n, const int64_t *order, const int64_t *group,
                       int64_t groups, int64_t parts, int64_t *counts, int64_t *out);

/* place[i]: the first row of `other` that equals row i of x, or 0; other NULL: the first row of x
   itself that does, or 0 where i is that row. Dense, of one dtype and row shape. Zeros are equal
   whatever their sign, NaN equals NaN. */
nn_status nn_rows_match(nn_ctx *ctx, const nn_value *x, const nn_value *other, int64_t *place);

/* What nn_columns makes of each column. */
enum { NN_COL_COUNT, NN_COL_INFINITE, NN_COL_MIN, NN_COL_MAX, NN_COL_MEAN, NN_COL_VAR, NN_COL_N };

/* Of a dense value seen as (rows, columns), rows being its first dimension, out (NN_COL_N, columns):
   how many are numbers (not NaN) and how many of these infinite; of the numbers the least, the
   largest, the mean and the mean squared deviation from it (NaN where there are none). A column
   whose numbers are all equal has exactly these for its mean, and variance 0. */
nn_status nn_columns(nn_ctx *ctx, const nn_value *x, double *out);

#endif
