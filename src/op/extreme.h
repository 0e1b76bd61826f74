/*
 * op/extreme.h: what max, min, argmax and argmin share. They look for the largest element, or with
 * `least` for the smallest, along a dimension or in everything (kernel/extreme.h).
 */
#ifndef NN_OP_EXTREME_H
#define NN_OP_EXTREME_H

#include "grad/axis.h"

/* The output is the element, aux[0] the place where it stands, counted from 1. */
nn_status nn_extreme_infer(const nn_call *c, bool least);
nn_status nn_extreme_forward(const nn_call *c, bool least);
/* dx = dy at that place, else 0. */
nn_status nn_extreme_backward_f32(const nn_call *c);
nn_status nn_extreme_backward_f64(const nn_call *c);

/* The output is the place alone. */
nn_status nn_extreme_place_infer(const nn_call *c, bool least);
nn_status nn_extreme_place_forward(const nn_call *c, bool least);

#endif
