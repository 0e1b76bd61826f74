/*
 * kernel/random.h: arrays of random numbers from a counter-based stream (base/rng.h). Element i
 * depends on its place and the reserved block alone. All reserve what they use.
 */
#ifndef NN_KERNEL_RANDOM_H
#define NN_KERNEL_RANDOM_H

#include "base/rng.h"

/* Uniform in [lo, hi): 24 random bits for float, 53 for double. */
void nn_random_uniform_f32(nn_rng *rng, nn_stream stream, int64_t n, double lo, double hi,
                           float *y);
void nn_random_uniform_f64(nn_rng *rng, nn_stream stream, int64_t n, double lo, double hi,
                           double *y);
/* Normal (Box and Muller). */
void nn_random_normal_f32(nn_rng *rng, nn_stream stream, int64_t n, double mean, double std,
                          float *y);
void nn_random_normal_f64(nn_rng *rng, nn_stream stream, int64_t n, double mean, double std,
                          double *y);
/* 1 with probability `keep`, else 0: one byte an element. */
void nn_random_mask(nn_rng *rng, nn_stream stream, int64_t n, double keep, uint8_t *mask);

#endif
