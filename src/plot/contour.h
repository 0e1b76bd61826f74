/* plot/contour.h: lines of equal height on a grid. */
#ifndef NN_PLOT_CONTOUR_H
#define NN_PLOT_CONTOUR_H

#include "tensor/tensor.h"

/*
 * The lines where z, an h x w float64 tensor, crosses `level`: `points` (n, 2), float64, as x = column
 * and y = row counted from 0, and `lengths` (lines), int64, how many points each line has. A line
 * that closes ends with its first point. With `filled` the lines are the borders of where z >=
 * level, those along the edge of the grid included, so that all of them close. Cells with NaN have
 * no lines; filled, NaN lies below every level.
 */
nn_status nn_contour(nn_ctx *ctx, const nn_tensor *z, double level, bool filled, nn_tensor **points,
                     nn_tensor **lengths);

#endif
