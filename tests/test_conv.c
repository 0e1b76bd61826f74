/*
 * The products of convolutions in float32 against the plainest loops in double, for geometries that take
 * the columns of layer/conv.c and for those that do without (layer/conv_direct.c); windows of 2x2, which
 * go in whole vectors, likewise. Runs itself a second time with the kernels of an AVX2 processor.
 */
#include <unistd.h>

#include "kernel/blas.h"
#include "layer/conv_direct.h"
#include "layer/pool.h"
#include "nn_test.h"

typedef struct problem {
  nn_conv g;
  nn_tensor *x, *w, *b, *y; /* y: the result's shape, also a gradient */
} problem;

static int64_t x_size(const nn_conv *g) {
  return g->n * g->c * g->h * g->w;
}
static int64_t y_size(const nn_conv *g) {
  return g->n * g->o * g->oh * g->ow;
}
static int64_t w_size(const nn_conv *g) {
  return g->o * (g->c / g->groups) * g->kh * g->kw;
}

static problem make(nn_ctx *ctx, nn_conv g, uint64_t *seed) {
  g.oh = nn_conv_size(g.h, g.kh, g.sh, g.ph, g.dh);
  g.ow = nn_conv_size(g.w, g.kw, g.sw, g.pw, g.dw);
  assert_true(g.oh > 0 && g.ow > 0);
  return (problem){g, t_noise(ctx, x_size(&g), seed), t_noise(ctx, w_size(&g), seed),
                   t_noise(ctx, g.o, seed), t_noise(ctx, y_size(&g), seed)};
}

static void drop(problem *p) {
  nn_tensor_release(p->x);
  nn_tensor_release(p->w);
  nn_tensor_release(p->b);
  nn_tensor_release(p->y);
}

/* Calls f(x's index, w's, y's) for every product of the convolution. */
typedef void (*product_fn)(const problem *p, int64_t x, int64_t w, int64_t y, double *sum);
static void each_product(const problem *p, product_fn f, double *sum) {
  const nn_conv *g = &p->g;
  const int64_t cg = g->c / g->groups, og = g->o / g->groups;
  int64_t y = 0;
  for (int64_t n = 0; n < g->n; n++)
    for (int64_t o = 0; o < g->o; o++)
      for (int64_t i = 0; i < g->oh; i++)
        for (int64_t j = 0; j < g->ow; j++, y++)
          for (int64_t c = 0; c < cg; c++)
            for (int64_t u = 0; u < g->kh; u++)
              for (int64_t v = 0; v < g->kw; v++) {
                int64_t row = i * g->sh - g->ph + u * g->dh, col = j * g->sw - g->pw + v * g->dw;
                if (row < 0 || row >= g->h || col < 0 || col >= g->w) continue;
                int64_t plane = n * g->c + o / og * cg + c;
                f(p, (plane * g->h + row) * g->w + col, ((o * cg + c) * g->kh + u) * g->kw + v, y,
                  sum);
              }
}
static void to_y(const problem *p, int64_t x, int64_t w, int64_t y, double *sum) {
  sum[y] += t_get(p->x, x) * t_get(p->w, w);
}
static void to_x(const problem *p, int64_t x, int64_t w, int64_t y, double *sum) {
  sum[x] += t_get(p->y, y) * t_get(p->w, w);
}
static void to_w(const problem *p, int64_t x, int64_t w, int64_t y, double *sum) {
  sum[w] += t_get(p->x, x) * t_get(p->y, y);
}

/* The product whose terms f adds up. */
static nn_status run(nn_ctx *ctx, const problem *p, product_fn f, bool bias, bool add,
                     nn_tensor *out) {
  const float *x = nn_data(&p->x->v), *w = nn_data(&p->w->v), *y = nn_data(&p->y->v);
  float *to = nn_data(&out->v);
  if (f == to_y) return nn_conv_run_f32(ctx, &p->g, x, w, bias ? nn_data(&p->b->v) : NULL, add, to);
  return f == to_x ? nn_conv_to_x_f32(ctx, &p->g, w, y, add, to)
                   : nn_conv_to_w_f32(ctx, &p->g, x, y, add, to);
}

static void compare(nn_ctx *ctx, const problem *p, product_fn f, bool add, int64_t size,
                    uint64_t *seed) {
  const nn_conv *g = &p->g;
  nn_tensor *got = t_noise(ctx, size, seed);
  double *want = calloc((size_t)size, sizeof *want);
  const bool bias = f == to_y && !add && g->c % 2;
  for (int64_t i = 0; i < size; i++)
    want[i] = add ? t_get(got, i) : bias ? t_get(p->b, i / (g->oh * g->ow) % g->o) : 0;
  for (int64_t i = 0; i < size && !add; i++) t_set(got, i, (double)NAN);
  each_product(p, f, want);
  OK(run(ctx, p, f, bias, add, got));
  for (int64_t i = 0; i < size; i++) NEAR(t_get(got, i), want[i], 2e-4 + 1e-5 * fabs(want[i]));
  free(want);
  nn_tensor_release(got);
}

static void check(nn_ctx *ctx, nn_conv g, uint64_t *seed, bool direct) {
  OK(nn_blas_check(ctx, "test", 1, 1, 1));
  problem p = make(ctx, g, seed);
  assert_int_equal(nn_conv_is_direct(&p.g), direct && nn_blas_tiles());
  for (int add = 0; add < 2; add++) {
    compare(ctx, &p, to_y, add, y_size(&p.g), seed);
    compare(ctx, &p, to_x, add, x_size(&p.g), seed);
    compare(ctx, &p, to_w, add, w_size(&p.g), seed);
  }
  drop(&p);
}

/* n images of c x h x w, o channels, kernels of kh x kw with that padding */
static nn_conv plain(int64_t n, int64_t c, int64_t h, int64_t w, int64_t o, int64_t kh, int64_t kw,
                     int64_t ph, int64_t pw) {
  return (nn_conv){.n = n,
                   .c = c,
                   .h = h,
                   .w = w,
                   .o = o,
                   .groups = 1,
                   .kh = kh,
                   .kw = kw,
                   .sh = 1,
                   .sw = 1,
                   .ph = ph,
                   .pw = pw,
                   .dh = 1,
                   .dw = 1};
}

static void test_direct(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 1;
  check(ctx, plain(3, 1, 28, 28, 6, 5, 5, 2, 2), &seed, true);
  check(ctx, plain(9, 6, 14, 14, 16, 5, 5, 0, 0), &seed, true);
  check(ctx, plain(2, 5, 9, 40, 29, 3, 3, 1, 1), &seed, true);
  check(ctx, plain(1, 3, 1, 50, 4, 1, 7, 0, 6), &seed,
        true); /* a sequence, all padding that fits */
  check(ctx, plain(2, 3, 20, 6, 2, 4, 1, 0, 0), &seed, true); /* rows side by side */
  check(ctx, plain(2, 3, 20, 6, 3, 4, 1, 3, 0), &seed, true);
  check(ctx, plain(1, 2, 70, 90, 13, 3, 3, 1, 1), &seed, true); /* more than one block of rows */
  check(ctx, plain(2, 1, 33, 210, 7, 3, 3, 1, 1), &seed, true); /* and of rows of gradients */
  check(ctx, plain(1, 40, 6, 30, 60, 3, 3, 1, 1), &seed, true); /* more weights than stay */
  check(ctx, plain(17, 2, 5, 7, 3, 2, 2, 0, 0), &seed, true);   /* more images than chunks */
  check(ctx, plain(1, 1, 3, 3, 1, 2, 2, 1, 1), &seed, true);
  check(ctx, plain(0, 2, 8, 8, 3, 3, 3, 1, 1), &seed, true); /* no images: gradients are 0 */
}

static void test_columns(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 2;
  nn_conv g = plain(2, 3, 9, 9, 4, 3, 3, 1, 1);
  check(ctx, plain(2, 3, 9, 9, 4, 1, 1, 0, 0), &seed, false);   /* its own columns */
  check(ctx, plain(2, 3, 6, 6, 4, 5, 5, 0, 0), &seed, false);   /* most would be in vain */
  check(ctx, plain(1, 90, 7, 7, 90, 3, 3, 1, 1), &seed, false); /* many weights, few places */
  check(ctx, plain(2, 3, 9, 9, 4, 3, 3, 1, 3), &seed, false);   /* windows beside the image */
  g.sh = 2;
  check(ctx, g, &seed, false);
  g.sh = 1, g.sw = 3;
  check(ctx, g, &seed, false);
}

/* Any geometry, with groups and dilation; most are direct. */
static void test_random(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 3;
  int direct = 0;
  OK(nn_blas_check(ctx, "test", 1, 1, 1));
  for (int i = 0; i < 300; i++) {
    nn_conv g = plain(t_int(&seed, 1, 5), t_int(&seed, 1, 4), t_int(&seed, 1, 12),
                      t_int(&seed, 4, 40), t_int(&seed, 1, 14), t_int(&seed, 1, 4),
                      t_int(&seed, 1, 5), 0, 0);
    g.dh = t_int(&seed, 1, 3), g.dw = t_int(&seed, 1, 3);
    g.ph = t_int(&seed, 0, (g.kh - 1) * g.dh), g.pw = t_int(&seed, 0, (g.kw - 1) * g.dw);
    g.groups = t_int(&seed, 1, 3);
    g.c *= g.groups, g.o *= g.groups;
    if (nn_conv_size(g.h, g.kh, 1, g.ph, g.dh) < 1 || nn_conv_size(g.w, g.kw, 1, g.pw, g.dw) < 1)
      continue;
    problem p = make(ctx, g, &seed);
    bool is_direct = nn_conv_is_direct(&p.g);
    drop(&p);
    direct += is_direct;
    check(ctx, g, &seed, is_direct);
  }
  if (nn_blas_tiles()) assert_in_range(direct, 100, 250);
}

/* A transposed convolution's output padding: x is larger than windows reach. */
static void test_output_padding(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 4;
  OK(nn_blas_check(ctx, "test", 1, 1, 1));
  nn_conv g = plain(2, 3, 12, 12, 4, 3, 3, 1, 1);
  g.dh = g.dw = 2;
  problem p = make(ctx, g, &seed);
  p.g.oh--, p.g.ow--;
  assert_false(nn_conv_is_direct(&p.g));
  compare(ctx, &p, to_x, false, x_size(&p.g), &seed);
  drop(&p);
}

static const product_fn products[] = {to_y, to_x, to_w};

static void test_threads(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 5;
  OK(nn_blas_check(ctx, "test", 1, 1, 1));
  problem p = make(ctx, plain(7, 6, 40, 40, 16, 5, 5, 0, 0), &seed);
  const int64_t size[] = {y_size(&p.g), x_size(&p.g), w_size(&p.g)};
  for (int i = 0; i < 3; i++) {
    nn_tensor *first = t_noise(ctx, size[i], &seed);
    ctx->threads = 1;
    OK(run(ctx, &p, products[i], false, false, first));
    for (ctx->threads = 2; ctx->threads <= 3; ctx->threads++) {
      nn_tensor *got = t_noise(ctx, size[i], &seed);
      OK(run(ctx, &p, products[i], false, false, got));
      assert_true(t_equal(first, got));
      nn_tensor_release(got);
    }
    nn_tensor_release(first);
  }
  drop(&p);
}

static void test_memory(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 6;
  OK(nn_blas_check(ctx, "test", 1, 1, 1));
  problem p = make(ctx, plain(2, 2, 8, 8, 3, 3, 3, 1, 1), &seed);
  nn_tensor *const to[] = {p.y, p.x, p.w};
  for (int i = 0; i < 3; i++) {
    ctx->mem.fail_in = 0;
    nn_status st = run(ctx, &p, products[i], false, false, to[i]);
    ctx->mem.fail_in = -1;
    assert_int_equal(st, NN_ENOMEM);
  }
  drop(&p);
}

/* The first of the largest, NaN above all. */
static int64_t winner(const nn_tensor *x, int64_t at, int64_t w) {
  const int64_t place[] = {at, at + 1, at + w, at + w + 1};
  int64_t best = place[0];
  for (int i = 1; i < 4; i++) {
    double v = t_get(x, place[i]);
    if (v > t_get(x, best) || isnan(v)) best = place[i];
  }
  return best;
}

static void check_squares(nn_ctx *ctx, int64_t planes, int64_t h, int64_t w, uint64_t *seed) {
  const nn_pool_attr attr = {.k = {2, 2}, .stride = {2, 2}, .dilation = {1, 1}};
  nn_shape s = {.ndim = 4, .dim = {1, planes, h, w}};
  nn_tensor *x, *y;
  OK(nn_tensor_new(ctx, NN_F32, &s, &x));
  for (int64_t i = 0; i < x->v.numel; i++) {
    int64_t v = t_int(seed, -9, 9); /* often equal */
    t_set(x, i, v == 9 && i % 7 == 0 ? (double)NAN : (double)v);
  }
  x->requires_grad = true;
  OK(nn_apply(ctx, &nn_op_pool_max, &attr, 1, &x, &y));
  assert_int_equal(y->v.numel, planes * (h / 2) * (w / 2));
  nn_tensor *g;
  OK(nn_tensor_new(ctx, NN_F32, &y->v.shape, &g));
  for (int64_t i = 0; i < g->v.numel; i++) t_set(g, i, (double)t_int(seed, -1000, 1000));
  double *want = calloc((size_t)x->v.numel, sizeof *want);
  for (int64_t p = 0, k = 0; p < planes; p++)
    for (int64_t i = 0; i < h / 2; i++)
      for (int64_t j = 0; j < w / 2; j++, k++) {
        int64_t best = winner(x, (p * h + 2 * i) * w + 2 * j, w);
        assert_true(t_same_bits(t_get(y, k), t_get(x, best)));
        want[best] += t_get(g, k);
      }
  OK(nn_backward(ctx, y, g, false));
  for (int64_t i = 0; i < x->v.numel; i++) NEAR(t_get(x->grad, i), want[i], 0);
  free(want);
  nn_tensor_release(g);
  nn_tensor_release(y);
  nn_tensor_release(x);
}

static void test_squares(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 7;
  check_squares(ctx, 3, 28, 28, &seed);
  check_squares(ctx, 2, 10, 10, &seed);
  check_squares(ctx, 2, 2, 2, &seed);
  check_squares(ctx, 1, 64, 33, &seed);
  ctx->threads = 3;
  check_squares(ctx, 70, 65, 35, &seed);
  check_squares(ctx, 61, 64, 70, &seed);
  for (int i = 0; i < 60; i++)
    check_squares(ctx, t_int(&seed, 1, 3), t_int(&seed, 2, 41), t_int(&seed, 2, 70), &seed);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
    TEST(test_direct),  TEST(test_columns), TEST(test_random), TEST(test_output_padding),
    TEST(test_threads), TEST(test_memory),  TEST(test_squares)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (failed || argc > 1) return failed;
  setenv("OPENBLAS_CORETYPE", "Haswell", 1);
  execl(argv[0], argv[0], "again", (char *)NULL);
  return 1;
}
