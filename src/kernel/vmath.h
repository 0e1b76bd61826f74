/*
 * kernel/vmath.h: exp, log, log1p, tanh, sigmoid, erf, sin and cos over arrays, branch-free polynomials
 * that the compiler vectorises. (sin and cos ask libm where |x| passes 1.6 million, erf of double always.)
 *
 * libm is scalar, and libmvec's bits depend on where in the array an element stands; these give the
 * same bits everywhere. Within 2.5 units in the last place of the true value; NaN, infinities and
 * both zeros as in C. `y` may be `x` itself.
 */
#ifndef NN_KERNEL_VMATH_H
#define NN_KERNEL_VMATH_H

#include <stdint.h>

void nn_v_exp_f32(int64_t n, const float *x, float *y);
void nn_v_exp_f64(int64_t n, const double *x, double *y);
/* e^(x - shift) */
void nn_v_exp_less_f32(int64_t n, const float *x, float shift, float *y);
void nn_v_exp_less_f64(int64_t n, const double *x, double shift, double *y);
void nn_v_log_f32(int64_t n, const float *x, float *y);
void nn_v_log_f64(int64_t n, const double *x, double *y);
void nn_v_tanh_f32(int64_t n, const float *x, float *y);
void nn_v_tanh_f64(int64_t n, const double *x, double *y);
void nn_v_sigmoid_f32(int64_t n, const float *x, float *y);
void nn_v_sigmoid_f64(int64_t n, const double *x, double *y);
void nn_v_log1p_f32(int64_t n, const float *x, float *y);
void nn_v_log1p_f64(int64_t n, const double *x, double *y);
void nn_v_sin_f32(int64_t n, const float *x, float *y);
void nn_v_sin_f64(int64_t n, const double *x, double *y);
void nn_v_cos_f32(int64_t n, const float *x, float *y);
void nn_v_cos_f64(int64_t n, const double *x, double *y);
void nn_v_erf_f32(int64_t n, const float *x, float *y);
void nn_v_erf_f64(int64_t n, const double *x, double *y);
/* cos and sin of 2 pi t, 0 <= t <= 1 */
void nn_v_circle(int64_t n, const double *turns, double *restrict c, double *restrict s);

#endif
