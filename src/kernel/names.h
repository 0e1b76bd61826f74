/* kernel/names.h: the few macros around code that is compiled for several element types or
   several processors. */
#ifndef NN_KERNEL_NAMES_H
#define NN_KERNEL_NAMES_H

#define NN_JOIN_(a, b) a##_##b
#define NN_JOIN(a, b) NN_JOIN_(a, b)
/* Initialisers of dispatch tables indexed by dtype. */
#define NN_BOTH(f) \
  { f##_f32, f##_f64 }
#define NN_ALL(f) \
  { f##_f32, f##_f64, f##_i64, f##_u8 }

/*
 * A function with a hot loop: compiled for the baseline, AVX2 and AVX-512, the best one chosen when
 * the program starts. All clones give the same bits, because nothing is contracted
 * (-ffp-contract=off) or reassociated.
 */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define NN_HOT __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define NN_HOT
#endif

/* Where the matrix products of kernel/gemm.c have loops of their own. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define NN_GEMM_X86
#endif

#endif
