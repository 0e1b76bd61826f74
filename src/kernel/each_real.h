/*
 * kernel/each_real.h: compiles a file's mathematics twice, for float and for double.
 *
 *   #ifndef R                       -- the part compiled once: includes, structs, the descriptor
 *   #define NN_SELF "op/tanh.c"
 *   #include "kernel/each_real.h"   -- reads this very file twice more, with R set
 *   ...
 *   #else                           -- the mathematics, in terms of R and FN(name)
 *   static void FN(row)(...) { ... }
 *   #endif
 *
 * FN(row) becomes row_f32 or row_f64. <tgmath.h> makes exp(x) expf or exp by the type of x;
 * NN_BOTH(row) is the two-entry initialiser of a dispatch table. Literals inside are whole numbers
 * or (R)0.1.
 */
#include <tgmath.h>

#include "kernel/names.h"

#define R float
#define FN(name) NN_JOIN(name, f32)
#define NN_R NN_F32
#include NN_SELF
#undef R
#undef FN
#undef NN_R

#define R double
#define FN(name) NN_JOIN(name, f64)
#define NN_R NN_F64
#include NN_SELF
#undef R
#undef FN
#undef NN_R
