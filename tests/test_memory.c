/* Counted, limited, pooled memory (base/memory.h), the context's texts, storages and blocks. */
#include "nn_test.h"
#include "tensor/storage.h"

enum { KIB = 1 << 10, MIB = 1 << 20 };

static void size_classes(void **state) {
  (void)state;
  size_t last = 0;
  assert_int_equal(nn_mem_rounded(0), 64);
  for (size_t n = 1; n < 40 * (size_t)MIB; n += n < 5000 ? 1 : n / 97) {
    size_t r = nn_mem_rounded(n);
    assert_true(r >= n && r % NN_MEM_ALIGN == 0 && r >= last);
    assert_true(r - n < NN_MEM_ALIGN || (r - n) * 8 < n);
    assert_int_equal(nn_mem_rounded(r), r);
    last = r;
  }
  assert_int_equal(nn_mem_rounded((size_t)1 << 46), (size_t)1 << 46);
}

static void counts(void **state) {
  nn_ctx *ctx = *state;
  nn_memory *m = &ctx->mem;
  void *a = nn_mem_take(ctx, 100), *b = nn_mem_take(ctx, 5000);
  size_t both = nn_mem_rounded(100) + nn_mem_rounded(5000);
  assert_int_equal((uintptr_t)a % NN_MEM_ALIGN, 0);
  assert_int_equal((uintptr_t)b % NN_MEM_ALIGN, 0);
  assert_int_equal(m->live, both);
  assert_int_equal(m->peak, both);
  assert_int_equal(m->requests, 2);
  assert_int_equal(m->mallocs, 2);
  memset(b, 1, 5000);
  nn_mem_give(ctx, a, 100);
  nn_mem_give(ctx, b, 5000);
  nn_mem_give(ctx, NULL, 70);
  assert_int_equal(m->live, 0);
  assert_int_equal(m->pooled, both);
  assert_ptr_equal(nn_mem_take(ctx, 4900), b); /* the same class: the block that was given back */
  assert_int_equal(m->mallocs, 2);
  assert_int_equal(m->peak, both);
  nn_mem_give(ctx, b, 4900);
  nn_mem_flush(m);
  assert_int_equal(m->pooled, 0);
  unsigned char *z = nn_mem_take_zero(ctx, 5000);
  for (int i = 0; i < 5000; i++) assert_int_equal(z[i], 0);
  nn_mem_give(ctx, z, 5000);
}

static void newest_first(void **state) {
  nn_ctx *ctx = *state;
  void *p[4];
  for (int i = 0; i < 4; i++) p[i] = nn_mem_take(ctx, 256);
  for (int i = 0; i < 4; i++) nn_mem_give(ctx, p[i], 256);
  for (int i = 3; i >= 0; i--) assert_ptr_equal(nn_mem_take(ctx, 256), p[i]);
  for (int i = 0; i < 4; i++) nn_mem_give(ctx, p[i], 256);
}

static void fails_on_demand(void **state) {
  nn_ctx *ctx = *state;
  ctx->mem.fail_in = 1;
  void *a = nn_mem_take(ctx, 64);
  assert_non_null(a);
  assert_null(nn_mem_take(ctx, 64));
  assert_non_null(strstr(ctx->err, "not enough memory"));
  void *b = nn_mem_take(ctx, 64); /* only that one */
  assert_non_null(b);
  assert_int_equal(ctx->mem.fail_in, -1);
  nn_mem_give(ctx, a, 64);
  nn_mem_give(ctx, b, 64);
}

static void limit(void **state) {
  nn_ctx *ctx = *state;
  assert_true(ctx->mem.limit > 16 * (size_t)MIB);
  ctx->mem.limit = MIB;
  void *a = nn_mem_take(ctx, 512 * KIB), *b = nn_mem_take(ctx, 256 * KIB);
  assert_null(nn_mem_take(ctx, 512 * KIB));
  assert_string_equal(ctx->err, "not enough memory: asked for 0.5 MiB, 0.8 MiB live, the limit is "
                                "1.0 MiB (nnlua --memory, or nn.memory_limit, sets it)");
  assert_null(nn_mem_take(ctx, SIZE_MAX));
  assert_null(nn_mem_take(ctx, ((size_t)1 << 46) + 1));
  assert_null(nn_mem_take_zero(ctx, SIZE_MAX / 2));
  nn_mem_give(ctx, a, 512 * KIB);
  a = nn_mem_take(ctx, 640 * KIB); /* fits when the pool is given back first */
  assert_non_null(a);
  assert_true(ctx->mem.live + ctx->mem.pooled <= ctx->mem.limit);
  nn_mem_give(ctx, a, 640 * KIB);
  nn_mem_give(ctx, b, 256 * KIB);
}

/* A limit that was lowered holds for blocks that wait in the pool too. */
static void lowered_limit(void **state) {
  nn_ctx *ctx = *state;
  void *a = nn_mem_take(ctx, MIB);
  nn_mem_give(ctx, a, MIB);
  ctx->mem.limit = MIB / 2;
  a = nn_mem_take(ctx, MIB);
  bool refused = !a;
  nn_mem_give(ctx, a, MIB);
  assert_true(refused);
}

/* Beyond 64 MiB the pool keeps no more than was needed at once. */
static void pool_is_bounded(void **state) {
  nn_ctx *ctx = *state;
  enum { N = 6 };
  size_t each = 32 * (size_t)MIB;
  for (int round = 0; round < 4; round++) {
    void *p[N];
    size_t n = each + (size_t)round * 8 * MIB; /* another class each time */
    for (int i = 0; i < N; i++) assert_non_null(p[i] = nn_mem_take(ctx, n));
    for (int i = 0; i < N; i++) nn_mem_give(ctx, p[i], n);
    assert_true(ctx->mem.pooled + ctx->mem.live <= ctx->mem.peak);
  }
  nn_mem_flush(&ctx->mem);
}

static void error_texts(void **state) {
  nn_ctx *ctx = *state;
  char want[64];
  assert_int_equal(nn_fail(ctx, NN_EVALUE, "x is %d", 7), NN_EVALUE);
  nn_fail_prefix(ctx, "Linear(2, 3)");
  nn_fail_prefix(ctx, "Sequential[1]");
  assert_string_equal(ctx->err, "Sequential[1]: Linear(2, 3): x is 7");
  for (int i = 0; i < 300; i++)
    nn_fail_prefix(ctx, "Sequential[1]"); /* longer than there is room */
  assert_true(strlen(ctx->err) < NN_ERR_SIZE);
  snprintf(want, sizeof want, "%.60s", ctx->err);
  assert_memory_equal(want, "Sequential[1]: Sequential[1]: ", 30);
  OK(nn_poll(ctx));
  nn_interrupted = 1;
  FAILS(nn_poll(ctx), NN_EINTR, "interrupted");
  nn_interrupted = 0;
}

/* Data up to a kilobyte stands behind the struct; it moves into a block like any other. */
static void storages(void **state) {
  nn_ctx *ctx = *state;
  static const size_t sizes[] = {0, 4, 60, 1000, 1024, 1025, 70000};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    nn_storage *s;
    nn_block *b;
    OK(nn_storage_new(ctx, sizes[i], &s));
    assert_int_equal((uintptr_t)s->data % NN_MEM_ALIGN, 0);
    memset(s->data, 7, sizes[i]);
    OK(nn_block_new(ctx, 128 + sizes[i], &b));
    nn_storage_move(s, b, 128);
    assert_int_equal(b->refs, 2);
    assert_ptr_equal(s->data, (char *)b->data + 128);
    nn_block_release(b);
    for (size_t k = 0; k < sizes[i]; k++) assert_int_equal(((char *)s->data)[k], 7);
    for (size_t k = 0; k < 128; k++) assert_int_equal(((char *)b->data)[k], 0);
    nn_storage_retain(s);
    nn_storage_release(s);
    nn_storage_release(s);
    assert_int_equal(ctx->mem.live, 0);
  }
  nn_storage_release(NULL);
  nn_block_release(NULL);
}

static void tensors(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *t = t_new(ctx, NN_F32, "2x3"), *view, *g, *again, *s;
  OK(nn_tensor_view(ctx, &t->v, &view));
  assert_int_equal(t->v.storage->refs, 2);
  OK(nn_tensor_grad(ctx, t, &g));
  OK(nn_tensor_grad(ctx, t, &again));
  assert_ptr_equal(g, again);
  assert_false(t->has_grad);
  uint32_t version = t->v.storage->version;
  nn_touch(&view->v);
  assert_int_equal(t->v.storage->version, version + 1);
  nn_tensor_release(t);
  t_set(view, 5, 2.5);
  assert_true(t_get(view, 5) == 2.5);
  nn_tensor_release(view);
  nn_tensor_release(NULL);
  for (int d = 0; d < NN_NDTYPE; d++) {
    OK(nn_tensor_scalar(ctx, (nn_dtype)d, 3, &s));
    assert_true(s->v.numel == 1 && s->v.shape.ndim == 0 && t_get(s, 0) == 3);
    nn_tensor_release(s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(size_classes),    TEST(counts),      TEST(newest_first),
                                     TEST(fails_on_demand), TEST(limit),       TEST(lowered_limit),
                                     TEST(pool_is_bounded), TEST(error_texts), TEST(storages),
                                     TEST(tensors)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
