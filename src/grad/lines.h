/*
 * grad/lines.h: what reductions share beside grad/axis.h: their gradient as a row function, with
 * values that have one element a line seen along it.
 */
#ifndef NN_GRAD_LINES_H
#define NN_GRAD_LINES_H

#include "grad/axis.h"

/* The arguments dim and keepdim of an attr struct of type T that begins with an nn_axis_attr. */
#define NN_P_AXIS(T, f)                                                           \
  {.name = "dim",                                                                 \
   .kind = NN_PARAM_INT,                                                          \
   .offset = offsetof(T, f.dim),                                                  \
   .flags = NN_P_PLACE,                                                           \
   .lo = -NN_MAXDIM,                                                              \
   .hi = NN_MAXDIM,                                                               \
   .doc = "the dimension, from 1, negative from the end; none: over everything"}, \
  {                                                                               \
    .name = "keepdim", .kind = NN_PARAM_BOOL, .offset = offsetof(T, f.keepdim),   \
    .flags = NN_P_PLACE, .hi = 1, .doc = "keep the dimension, with size 1"        \
  }

/* Runs a backward row over in[0]'s shape. Its pointers: the gradient (written or added to), the
   output's gradient, then v[0..n-1], each of in[0]'s shape or dense with one element a line. */
nn_status nn_lines_backward(const nn_call *c, nn_row row, const void *attr, int n,
                            const nn_value *const *v);

#endif
