/*
 * nn_test.h: what every C test starts with: cmocka, a context that must end as empty as it began,
 * and short ways to make tensors and look into them. Static functions, because each tests/test_*.c
 * is a program of its own. Failures of the core are told with the text that it left.
 */
#ifndef NN_TEST_H
#define NN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grad/graph.h"
#include "kernel/walk.h"

/* ---- checks ---- */

static inline void t_ok_(nn_ctx *ctx, nn_status st, const char *what, const char *file, int line) {
  if (st == NN_OK) return;
  print_error("%s: status %d: %s\n", what, (int)st, ctx->err);
  _fail(file, line);
}
/* The call succeeds. A variable `ctx` must be in scope. */
#define OK(call) t_ok_(ctx, call, #call, __FILE__, __LINE__)

static inline void t_fails_(nn_ctx *ctx, nn_status st, nn_status want, const char *text,
                            const char *what, const char *file, int line) {
  if (st == want && (!text || strstr(ctx->err, text))) return;
  print_error("%s: status %d (wanted %d), \"%s\"\n  wanted in it: \"%s\"\n", what, (int)st,
              (int)want, st == NN_OK ? "" : ctx->err, text ? text : "");
  _fail(file, line);
}
/* The call fails with that status, and with that text somewhere in the message. */
#define FAILS(call, status, text) t_fails_(ctx, call, status, text, #call, __FILE__, __LINE__)

static inline bool t_same_bits(double a, double b) {
  return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static inline void t_near_(double got, double want, double tol, const char *what, const char *file,
                           int line) {
  if (fabs(got - want) <= tol) return;
  print_error("%s: %.17g, wanted %.17g within %g\n", what, got, want, tol);
  _fail(file, line);
}
#define NEAR(got, want, tol) t_near_(got, want, tol, #got, __FILE__, __LINE__)

/* ---- the context ---- */

static inline int t_setup(void **state) {
  nn_ctx *ctx = nn_ctx_new();
  if (!ctx) return -1;
  ctx->threads = 2;
  ctx->reuse = true;
  nn_rng_init(&ctx->rng, 1);
  *state = ctx;
  return 0;
}

/* Whatever a test made must be gone: memory, nodes, the switches that it set. */
static inline int t_teardown(void **state) {
  nn_ctx *ctx = *state;
  int bad = ctx->mem.live != 0 || ctx->nodes != 0 || ctx->newest || ctx->no_grad != 0;
  if (bad)
    print_error("left behind: %zu bytes, %zu nodes, no_grad %d\n", ctx->mem.live, ctx->nodes,
                ctx->no_grad);
  nn_interrupted = 0;
  nn_ctx_free(ctx);
  return bad ? -1 : 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, t_setup, t_teardown)
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- numbers that depend on nothing but a seed ---- */

static inline uint64_t t_bits(uint64_t *seed) { /* splitmix64 */
  uint64_t z = (*seed += 0x9E3779B97F4A7C15u);
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}
static inline double t_unit(uint64_t *seed) {
  return (double)(t_bits(seed) >> 11) * 0x1p-53;
}
static inline int64_t t_int(uint64_t *seed, int64_t lo, int64_t hi) { /* both ends included */
  return lo + (int64_t)(t_bits(seed) % (uint64_t)(hi - lo + 1));
}

/* ---- tensors ---- */

/* "2x3" or "s": the sizes in words. */
static inline nn_shape t_shape(const char *text) {
  nn_shape s = {0};
  char *end;
  for (; *text >= '0' && *text <= '9'; text = *end == 'x' ? end + 1 : end)
    s.dim[s.ndim++] = strtoll(text, &end, 10);
  return s;
}

/* Where row-major element i of any view stands, in elements from the start of its storage. */
static inline int64_t t_place(const nn_value *v, int64_t i) {
  int64_t at = v->offset;
  for (int d = v->shape.ndim - 1; d >= 0; d--) {
    at += i % v->shape.dim[d] * v->stride[d];
    i /= v->shape.dim[d];
  }
  return at;
}
static inline double t_get(const nn_tensor *t, int64_t i) {
  return nn_value_real_at(&t->v, t_place(&t->v, i));
}
static inline void t_set(const nn_tensor *t, int64_t i, double x) {
  int64_t at = t_place(&t->v, i);
  void *p = t->v.storage->data;
  switch (t->v.dtype) {
    case NN_F32: ((float *)p)[at] = (float)x; break;
    case NN_F64: ((double *)p)[at] = x; break;
    case NN_I64: ((int64_t *)p)[at] = (int64_t)x; break;
    case NN_U8: ((uint8_t *)p)[at] = (uint8_t)x; break;
  }
}

static inline nn_tensor *t_new(nn_ctx *ctx, nn_dtype dtype, const char *shape) {
  nn_shape s = t_shape(shape);
  nn_tensor *t;
  OK(nn_tensor_new(ctx, dtype, &s, &t));
  return t;
}
static inline nn_tensor *t_full(nn_ctx *ctx, nn_dtype dtype, const char *shape, double x) {
  nn_tensor *t = t_new(ctx, dtype, shape);
  for (int64_t i = 0; i < t->v.numel; i++) t_set(t, i, x);
  return t;
}
/* Uniform in lo..hi and exact in float32, so that both dtypes get the same values. */
static inline nn_tensor *t_random(nn_ctx *ctx, nn_dtype dtype, const char *shape, double lo,
                                  double hi, uint64_t seed) {
  nn_tensor *t = t_new(ctx, dtype, shape);
  for (int64_t i = 0; i < t->v.numel; i++)
    t_set(t, i, (double)(float)(lo + (hi - lo) * t_unit(&seed)));
  return t;
}
/* A leaf that collects its gradient. */
static inline nn_tensor *t_leaf(nn_ctx *ctx, nn_dtype dtype, const char *shape, uint64_t seed) {
  nn_tensor *t = t_random(ctx, dtype, shape, -1, 1, seed);
  t->requires_grad = true;
  return t;
}

/* An operation by name, with its attributes in the examples' notation. */
static inline nn_status t_try(nn_ctx *ctx, const char *name, const char *args, nn_tensor *a,
                              nn_tensor *b, nn_tensor **y) {
  _Alignas(16) char attr[256] = {0};
  const nn_op *op = nn_op_find(name);
  nn_tensor *in[2] = {a, b};
  assert_non_null(op);
  assert_true(op->attr_size <= sizeof attr);
  if (op->params) OK(nn_param_parse(ctx, name, op->params, attr, args));
  return nn_apply(ctx, op, attr, b ? 2 : 1, in, y);
}
static inline nn_tensor *t_call(nn_ctx *ctx, const char *name, const char *args, nn_tensor *a,
                                nn_tensor *b) {
  nn_tensor *y;
  t_ok_(ctx, t_try(ctx, name, args, a, b, &y), name, __FILE__, __LINE__);
  return y;
}

static inline bool t_equal(const nn_tensor *a, const nn_tensor *b) { /* shape, dtype and bits */
  if (a->v.dtype != b->v.dtype || !nn_shape_equal(&a->v.shape, &b->v.shape)) return false;
  for (int64_t i = 0; i < a->v.numel; i++)
    if (!t_same_bits(t_get(a, i), t_get(b, i))) return false;
  return true;
}

/* n float32 numbers of either sign, below 1. */
static inline nn_tensor *t_noise(nn_ctx *ctx, int64_t n, uint64_t *seed) {
  nn_shape s = nn_shape_1(n);
  nn_tensor *t;
  OK(nn_tensor_new(ctx, NN_F32, &s, &t));
  for (int64_t i = 0; i < n; i++) t_set(t, i, (double)t_int(seed, -1000, 1000) / 1024);
  return t;
}

#endif
