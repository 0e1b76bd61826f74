/*
 * kernel/sort.h: sorting one line, stably: equal elements keep their order. NaN counts as the
 * largest.
 *
 * The caller gives the room (nn_sort_room bytes); the sorted values, and the places (from 1) where
 * they stood, are left in it.
 */
#ifndef NN_KERNEL_SORT_H
#define NN_KERNEL_SORT_H

#include "base/context.h"

size_t nn_sort_room(int64_t n);

/* Element i of the line is x[i * step]; the first k of the sorted order are wanted. */
nn_status nn_sort_f32(nn_ctx *ctx, int64_t n, const float *x, int64_t step, bool descending,
                      int64_t k, void *room, const float **value, const int64_t **place);
nn_status nn_sort_f64(nn_ctx *ctx, int64_t n, const double *x, int64_t step, bool descending,
                      int64_t k, void *room, const double **value, const int64_t **place);
nn_status nn_sort_i64(nn_ctx *ctx, int64_t n, const int64_t *x, int64_t step, bool descending,
                      int64_t k, void *room, const int64_t **value, const int64_t **place);
nn_status nn_sort_u8(nn_ctx *ctx, int64_t n, const uint8_t *x, int64_t step, bool descending,
                     int64_t k, void *room, const uint8_t **value, const int64_t **place);

#endif
