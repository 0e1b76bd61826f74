/*
 * kernel/each_type.h: like each_real.h, for all four dtypes: FN(row) becomes row_f32, row_f64,
 * row_i64, row_u8. For arithmetic, comparison and copies; anything with a root or a logarithm
 * belongs to each_real.h.
 */
#include "kernel/names.h"

#define NN_WRAP(x) (x)
#define R float
#define FN(name) NN_JOIN(name, f32)
#include NN_SELF
#undef R
#undef FN

#define R double
#define FN(name) NN_JOIN(name, f64)
#include NN_SELF
#undef R
#undef FN

#undef NN_WRAP
#define NN_WRAP(x) \
  ((uint64_t)(x)) /* unsigned arithmetic: overflow wraps instead of being undefined */
#define R int64_t
#define FN(name) NN_JOIN(name, i64)
#define NN_INTEGER 1
#include NN_SELF
#undef R
#undef FN

#define R uint8_t
#define FN(name) NN_JOIN(name, u8)
#include NN_SELF
#undef R
#undef FN
#undef NN_INTEGER
#undef NN_WRAP
