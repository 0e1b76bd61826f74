/*
 * tests/test_augment.c: images changed at random. Two channels hold each pixel's own place, so the
 * result tells which map was drawn; the third, noise, must then be what the map makes of it by the
 * formula in kernel/augment.h, pixel by pixel.
 */
#include "kernel/augment.h"
#include "nn_test.h"

enum { W = 37, H = 33, PLANE = W * H, IMAGES = 24 };

/* (IMAGES, 3, H, W): x, y, and random numbers */
static nn_tensor *places(nn_ctx *ctx, nn_dtype dtype) {
  nn_tensor *x = t_random(ctx, dtype, "24x3x33x37", -1, 1, 8);
  for (int64_t i = 0; i < IMAGES; i++)
    for (int64_t p = 0; p < PLANE; p++) {
      t_set(x, (3 * i) * PLANE + p, (double)(p % W));
      t_set(x, (3 * i + 1) * PLANE + p, (double)(p / W));
    }
  return x;
}

/* ---- the map ---- */

typedef struct map {
  double m[4], dx, dy; /* q = centre + m (p - centre - d) */
} map;

/* Read off the pixels around the centre, which no border reaches. */
static map read_map(const nn_tensor *y, int64_t i) {
  const int64_t at = (3 * i) * PLANE + H / 2 * W + W / 2;
  const double qx = t_get(y, at), qy = t_get(y, at + PLANE);
  map k = {{t_get(y, at + 1) - qx, t_get(y, at + W) - qx, t_get(y, at + PLANE + 1) - qy,
            t_get(y, at + PLANE + W) - qy},
           0,
           0};
  const double det = k.m[0] * k.m[3] - k.m[1] * k.m[2];
  const double ax = (W - 1) / 2.0 - qx, ay = (H - 1) / 2.0 - qy; /* m d */
  k.dx = (k.m[3] * ax - k.m[1] * ay) / det;
  k.dy = (k.m[0] * ay - k.m[2] * ax) / det;
  return k;
}

static double pixel(const nn_tensor *x, int64_t at, int64_t cx, int64_t cy, double fill) {
  return cx < 0 || cy < 0 || cx >= W || cy >= H ? fill : t_get(x, at + cy * W + cx);
}

/* By the formula; channel c of image i. */
static void check_channel(const nn_tensor *x, const nn_tensor *y, int64_t i, int64_t c,
                          const map *k, double fill, double tolerance) {
  const double mx = (W - 1) / 2.0, my = (H - 1) / 2.0;
  const int64_t at = (3 * i + c) * PLANE;
  for (int64_t p = 0; p < PLANE; p++) {
    const double px = (double)(p % W) - mx - k->dx, py = (double)(p / W) - my - k->dy;
    const double qx = mx + k->m[0] * px + k->m[1] * py, qy = my + k->m[2] * px + k->m[3] * py;
    const int64_t cx = (int64_t)floor(qx), cy = (int64_t)floor(qy);
    const double u = qx - (double)cx, v = qy - (double)cy;
    const double upper = (1 - u) * pixel(x, at, cx, cy, fill) + u * pixel(x, at, cx + 1, cy, fill);
    const double lower = (1 - u) * pixel(x, at, cx, cy + 1, fill) +
                         u * pixel(x, at, cx + 1, cy + 1, fill);
    NEAR(t_get(y, at + p), (1 - v) * upper + v * lower, tolerance);
  }
}

/* Mirrors, a turn and a factor within what was asked for, and what else was drawn. */
static void check_drawn(const nn_augment *a, const map *k, double tolerance, int *mirrored) {
  const double det = k->m[0] * k->m[3] - k->m[1] * k->m[2], factor = 1 / sqrt(fabs(det));
  const bool flip_x = k->m[0] < 0, flip_y = k->m[3] < 0; /* turns are below 90 degrees */
  const double sx = flip_x ? -factor : factor, sy = flip_y ? -factor : factor;
  const double c = sx * k->m[0], s = sx * k->m[1];
  NEAR(c * c + s * s, 1, tolerance);
  NEAR(sy * k->m[2], -s, tolerance);
  NEAR(sy * k->m[3], c, tolerance);
  assert_true(factor >= a->scale_lo - tolerance && factor <= a->scale_hi + tolerance);
  assert_true(fabs(atan2(s, c)) * (180 / acos(-1)) <= a->rotate + 60 * tolerance);
  assert_true(fabs(k->dx) <= a->shift_x + 60 * tolerance);
  assert_true(fabs(k->dy) <= a->shift_y + 60 * tolerance);
  assert_true((a->flip_x || !flip_x) && (a->flip_y || !flip_y));
  if (a->shift_x == floor(a->shift_x) && a->rotate == 0 && a->scale_lo == 1 && a->scale_hi == 1)
    NEAR(k->dx, round(k->dx), tolerance);
  *mirrored += flip_x || flip_y;
}

static const nn_augment cases[] = {
  {.shift_x = 3, .shift_y = 2, .scale_lo = 1, .scale_hi = 1, .fill = -1},
  {.shift_x = 2.5, .scale_lo = 1, .scale_hi = 1},
  {.flip_x = true, .scale_lo = 1, .scale_hi = 1},
  {.flip_x = true, .flip_y = true, .shift_y = 1, .scale_lo = 1, .scale_hi = 1, .fill = 0.5},
  {.scale_lo = 0.6, .scale_hi = 1.7, .fill = 2},
  {.rotate = 25, .scale_lo = 1, .scale_hi = 1, .fill = -3},
  {.rotate = 40,
   .flip_x = true,
   .flip_y = true,
   .shift_x = 3,
   .shift_y = 1.5,
   .scale_lo = 0.8,
   .scale_hi = 1.25,
   .fill = 1},
};

static void test_formula(void **state) {
  nn_ctx *ctx = *state;
  for (size_t k = 0; k < COUNT(cases); k++)
    for (nn_dtype d = NN_F32; d <= NN_F64; d++) {
      const nn_augment *a = &cases[k];
      const double tolerance = d == NN_F32 ? 2e-5 : 1e-12;
      nn_tensor *x = places(ctx, d), *y = places(ctx, d);
      int mirrored = 0;
      OK(nn_augment_images(ctx, a, &y->v));
      for (int64_t i = 0; i < IMAGES; i++) {
        map m = read_map(y, i);
        check_drawn(a, &m, tolerance, &mirrored);
        for (int64_t c = 0; c < 3; c++)
          check_channel(x, y, i, c, &m, a->fill, 60 * tolerance * (c < 2 ? W : 1));
      }
      assert_true(a->flip_x || a->flip_y ? mirrored > 3 && mirrored < IMAGES - 1 : mirrored == 0);
      assert_false(t_equal(x, y));
      nn_tensor_release(x);
      nn_tensor_release(y);
    }
}

/* The second batch is not the first again; both types see the same draws. */
static void test_draws(void **state) {
  nn_ctx *ctx = *state;
  const nn_augment *a = &cases[6];
  nn_tensor *x[2][2];
  for (int d = 0; d < 2; d++) {
    nn_rng_init(&ctx->rng, 5);
    for (int k = 0; k < 2; k++) {
      x[d][k] = places(ctx, d ? NN_F64 : NN_F32);
      OK(nn_augment_images(ctx, a, &x[d][k]->v));
    }
    assert_false(t_equal(x[d][0], x[d][1]));
  }
  for (int k = 0; k < 2; k++)
    for (int64_t i = 0; i < x[0][k]->v.numel; i++) NEAR(t_get(x[0][k], i), t_get(x[1][k], i), 1e-3);
  for (int d = 0; d < 2; d++)
    for (int k = 0; k < 2; k++) nn_tensor_release(x[d][k]);
}

/* ---- noise and squares ---- */

static void test_noise(void **state) {
  nn_ctx *ctx = *state;
  const nn_augment a = {.scale_lo = 1, .scale_hi = 1, .noise = 0.25};
  for (nn_dtype d = NN_F32; d <= NN_F64; d++) {
    nn_tensor *y = t_full(ctx, d, "24x3x33x37", 2);
    double sum = 0, squares = 0, n = (double)y->v.numel;
    OK(nn_augment_images(ctx, &a, &y->v));
    for (int64_t i = 0; i < y->v.numel; i++) {
      double v = t_get(y, i) - 2;
      sum += v, squares += v * v;
    }
    NEAR(sum / n, 0, 5 * 0.25 / sqrt(n));
    NEAR(squares / n, 0.0625, 5 * 0.0625 * sqrt(2 / n));
    nn_tensor_release(y);
  }
}

/* One rectangle in all channels, at most `side` each way, its centre on the image. */
static void check_square(const nn_tensor *y, int64_t i, int64_t side, int64_t *area) {
  int64_t left = W, right = -1, top = H, bottom = -1;
  *area = 0;
  for (int64_t p = 0; p < PLANE; p++) {
    if (t_get(y, 3 * i * PLANE + p) == 2) continue;
    left = p % W < left ? p % W : left, right = p % W > right ? p % W : right;
    top = p / W < top ? p / W : top, bottom = p / W > bottom ? p / W : bottom;
    ++*area;
  }
  assert_true(*area == (right - left + 1) * (bottom - top + 1));
  assert_true(right - left < side && bottom - top < side);
  assert_true(right - left + 1 == side || left == 0 || right == W - 1);
  assert_true(bottom - top + 1 == side || top == 0 || bottom == H - 1);
  for (int64_t c = 0; c < 3; c++)
    for (int64_t p = 0; p < PLANE; p++) {
      bool inside = p % W >= left && p % W <= right && p / W >= top && p / W <= bottom;
      assert_true(t_get(y, (3 * i + c) * PLANE + p) == (inside ? -0.5 : 2));
    }
}

static void test_cutout(void **state) {
  nn_ctx *ctx = *state;
  for (nn_dtype d = NN_F32; d <= NN_F64; d++)
    for (int64_t side = 1; side < 100; side = 3 * side + 1) {
      const nn_augment a = {.scale_lo = 1, .scale_hi = 1, .cutout = side, .fill = -0.5};
      nn_tensor *y = t_full(ctx, d, "24x3x33x37", 2);
      OK(nn_augment_images(ctx, &a, &y->v));
      int64_t area, whole = 0;
      for (int64_t i = 0; i < IMAGES; i++) {
        check_square(y, i, side, &area);
        whole += area == side * side;
      }
      assert_true(side > W || whole > 0);
      nn_tensor_release(y);
    }
}

/* ---- threads, memory, Ctrl-C ---- */

static const nn_augment all = {.shift_x = 2.5,
                               .shift_y = 1,
                               .flip_x = true,
                               .rotate = 20,
                               .scale_lo = 0.9,
                               .scale_hi = 1.1,
                               .noise = 0.1,
                               .cutout = 5};

static void test_threads(void **state) {
  nn_ctx *ctx = *state;
  for (nn_dtype d = NN_F32; d <= NN_F64; d++) {
    nn_tensor *one = NULL;
    for (int threads = 1; threads <= 5; threads++) {
      nn_tensor *y = t_random(ctx, d, "301x1x28x28", 0, 1, 3); /* thrice what wakes four threads */
      nn_rng_init(&ctx->rng, 7);
      ctx->threads = threads;
      OK(nn_augment_images(ctx, &all, &y->v));
      if (one) assert_true(t_equal(one, y));
      if (one) nn_tensor_release(y);
      if (!one) one = y;
    }
    nn_tensor_release(one);
  }
}

static void test_edges(void **state) {
  nn_ctx *ctx = *state;
  static const char *const shapes[] = {"0x3x8x8", "4x0x8x8", "4x1x0x8",
                                       "4x1x8x0", "5x2x1x1", "3x1x1x9"};
  for (size_t i = 0; i < COUNT(shapes); i++) {
    nn_tensor *x = t_random(ctx, NN_F32, shapes[i], 0, 1, 1);
    OK(nn_augment_images(ctx, &all, &x->v));
    nn_tensor_release(x);
  }
  nn_tensor *x = t_full(ctx, NN_F32, "1", 0);
  nn_shape s = {.ndim = 4, .dim = {1, 1, 1 << 16, 1 << 16}};
  nn_value v;
  nn_value_set(&v, NN_F32, &s);
  v.storage = x->v.storage; /* refused before a byte of it is read */
  FAILS(nn_augment_images(ctx, &all, &v), NN_ESHAPE,
        "augment: images of 65536x65536 are too large");
  nn_tensor_release(x);
}

static void test_failures(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *x = t_random(ctx, NN_F32, "9x2x8x8", 0, 1, 1);
  const size_t live = ctx->mem.live;
  nn_status st = NN_ENOMEM;
  int64_t n = 0;
  for (; st == NN_ENOMEM; n++) {
    assert_true(n < 20);
    ctx->mem.fail_in = n;
    st = nn_augment_images(ctx, &all, &x->v);
    ctx->mem.fail_in = -1;
    assert_int_equal(ctx->mem.live, live);
  }
  OK(st);
  assert_true(n > 1); /* the frames */
  nn_interrupted = 1;
  assert_int_equal(nn_augment_images(ctx, &all, &x->v), NN_EINTR);
  nn_interrupted = 0;
  assert_int_equal(ctx->mem.live, live);
  nn_tensor_release(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(test_formula), TEST(test_draws), TEST(test_noise),    TEST(test_cutout),
    TEST(test_threads), TEST(test_edges), TEST(test_failures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
