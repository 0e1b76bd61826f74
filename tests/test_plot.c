/*
 * Pictures: lines of equal height against what geometry says, display lists that are well formed,
 * not well formed and random, every allocation failing in turn.
 */
#include "nn_test.h"
#include "plot/base64.h"
#include "plot/cairo.h"
#include "plot/contour.h"

/* ---- contours ---- */

/* f at rows x columns places of -1..1 both ways. */
static nn_tensor *sampled(nn_ctx *ctx, int rows, int columns, double (*f)(double, double)) {
  const nn_shape s = nn_shape_2(rows, columns);
  nn_tensor *z;
  OK(nn_tensor_new(ctx, NN_F64, &s, &z));
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++)
      t_set(z, i * columns + j, f(2.0 * j / (columns - 1) - 1, 2.0 * i / (rows - 1) - 1));
  return z;
}
static double distance(double x, double y) {
  return sqrt(x * x + y * y);
}
static double plane(double x, double y) {
  return x + 2 * y;
}
static double saddle(double x, double y) {
  return x * y;
}

typedef struct lines {
  nn_tensor *points, *lengths;
} lines;

static lines contour(nn_ctx *ctx, nn_tensor *z, double level, bool filled) {
  lines l;
  OK(nn_contour(ctx, z, level, filled, &l.points, &l.lengths));
  int64_t sum = 0;
  for (int64_t i = 0; i < l.lengths->v.numel; i++) sum += (int64_t)t_get(l.lengths, i);
  assert_int_equal(sum, l.points->v.shape.dim[0]);
  return l;
}
static void drop(lines *l) {
  nn_tensor_release(l->points);
  nn_tensor_release(l->lengths);
}
static double at(const lines *l, int64_t point, int axis) {
  return t_get(l->points, 2 * point + axis);
}
/* Twice the area that line after line encloses, holes counted against it. */
static double area(const lines *l) {
  double sum = 0;
  int64_t first = 0;
  for (int64_t k = 0; k < l->lengths->v.numel; k++) {
    const int64_t n = (int64_t)t_get(l->lengths, k);
    double one = 0;
    for (int64_t i = first; i + 1 < first + n; i++)
      one += at(l, i, 0) * at(l, i + 1, 1) - at(l, i + 1, 0) * at(l, i, 1);
    sum += fabs(one);
    first += n;
  }
  return sum;
}

static void circle(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *z = sampled(ctx, 81, 121, distance);
  lines l = contour(ctx, z, 0.6, false);
  assert_int_equal(l.lengths->v.numel, 1);
  const int64_t n = l.points->v.shape.dim[0];
  for (int64_t i = 0; i < n; i++)
    NEAR(distance(at(&l, i, 0) / 60 - 1, at(&l, i, 1) / 40 - 1), 0.6, 1e-3);
  NEAR(at(&l, 0, 0), at(&l, n - 1, 0), 0); /* it closes */
  NEAR(at(&l, 0, 1), at(&l, n - 1, 1), 0);
  drop(&l);
  l = contour(ctx, z, 0.6, true); /* all but the disc: the frame and a hole */
  assert_int_equal(l.lengths->v.numel, 2);
  NEAR(area(&l) / 2, 120 * 80 + M_PI * 0.36 * 60 * 40, 10);
  drop(&l);
  nn_tensor_release(z);
}

static void straight(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *z = sampled(ctx, 5, 9, plane);
  lines l = contour(ctx, z, 0.5, false);
  assert_int_equal(l.lengths->v.numel, 1);
  for (int64_t i = 0; i < l.points->v.shape.dim[0]; i++) /* linear interpolation is exact here */
    NEAR(plane(at(&l, i, 0) / 4 - 1, at(&l, i, 1) / 2 - 1), 0.5, 1e-12);
  drop(&l);
  for (int filled = 0; filled < 2; filled++) { /* above and below everything */
    l = contour(ctx, z, 100, filled);
    assert_int_equal(l.lengths->v.numel, 0);
    drop(&l);
    l = contour(ctx, z, -100, filled);
    assert_int_equal(l.lengths->v.numel, filled);
    if (filled) NEAR(area(&l) / 2, 8 * 4, 1e-12);
    drop(&l);
  }
  nn_tensor_release(z);
}

/* Two branches that do not meet, the same ones above and below by symmetry. */
static void crossing(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *z = sampled(ctx, 40, 40, saddle);
  for (int sign = -1; sign <= 1; sign += 2) {
    lines l = contour(ctx, z, 0.1 * sign, false);
    assert_int_equal(l.lengths->v.numel, 2);
    for (int64_t i = 0; i < l.points->v.shape.dim[0]; i++)
      assert_true(sign * (at(&l, i, 0) - 19.5) * (at(&l, i, 1) - 19.5) > 0);
    drop(&l);
  }
  nn_tensor_release(z);
}

static void odd_heights(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 3;
  static const double odd[] = {NAN, INFINITY, -INFINITY, 0, 1, 1e308, -1e308};
  for (int turn = 0; turn < 300; turn++) {
    const nn_shape s = nn_shape_2(t_int(&seed, 0, 7), t_int(&seed, 0, 7));
    nn_tensor *z;
    OK(nn_tensor_new(ctx, NN_F64, &s, &z));
    for (int64_t i = 0; i < z->v.numel; i++)
      t_set(z, i, t_unit(&seed) < 0.4 ? odd[t_int(&seed, 0, 6)] : t_unit(&seed));
    for (int filled = 0; filled < 2; filled++) {
      lines l = contour(ctx, z, 0.5, filled);
      for (int64_t i = 0; i < l.points->v.shape.dim[0]; i++) {
        const double x = at(&l, i, 0), y = at(&l, i, 1);
        assert_true(x >= -1 && x <= (double)s.dim[1] && y >= -1 && y <= (double)s.dim[0]);
      }
      for (int64_t k = 0, first = 0; filled && k < l.lengths->v.numel; k++) {
        const int64_t n = (int64_t)t_get(l.lengths, k);
        NEAR(at(&l, first, 0), at(&l, first + n - 1, 0), 0);
        NEAR(at(&l, first, 1), at(&l, first + n - 1, 1), 0);
        first += n;
      }
      drop(&l);
    }
    nn_tensor_release(z);
  }
  nn_tensor *z = t_full(ctx, NN_F32, "3x3", 0), *p, *n;
  FAILS(nn_contour(ctx, z, 0, false, &p, &n), NN_ETYPE, "float64");
  assert_null(p);
  nn_tensor_release(z);
}

/* ---- display lists ---- */

typedef struct list {
  unsigned char byte[4096];
  size_t n;
} list;

static void put(list *l, const char *format, ...) { /* b a byte, f a float, u a count, s a text */
  va_list args;
  va_start(args, format);
  for (; *format; format++) {
    if (*format == 'b') {
      l->byte[l->n++] = (unsigned char)va_arg(args, int);
    } else if (*format == 'f') {
      const float v = (float)va_arg(args, double);
      memcpy(l->byte + l->n, &v, 4);
      l->n += 4;
    } else {
      const char *text = *format == 's' ? va_arg(args, const char *) : NULL;
      const uint32_t v = text ? (uint32_t)strlen(text) : va_arg(args, uint32_t);
      memcpy(l->byte + l->n, &v, 4);
      if (text) memcpy(l->byte + l->n + 4, text, v);
      l->n += 4 + (text ? v : 0);
    }
  }
  va_end(args);
}

static list example(void) {
  list l = {.n = 0};
  put(&l, "bffff", 'C', 5.0, 5.0, 90.0, 50.0);
  put(&l, "bbbbbbbbffbffuuffffff", 'P', 7, 255, 0, 0, 0, 0, 255, 2.0, 1.0, 2, 4.0, 2.0, 1u, 3u,
      10.0, 10.0, 60.0, 10.0, 30.0, 40.0);
  put(&l, "bfbbbbbbbfuff", 'M', 4.0, 0, 128, 0, 1, 0, 0, 0, 0.5, 1u, 50.0, 30.0);
  put(&l, "bfffbbbbbs", 'T', 20.0, 20.0, 12.0, 1, 1, 0, 0, 0, "text \xc3\xa9");
  put(&l, "bfffbbbbbs", 'T', (double)NAN, (double)INFINITY, 12.0, 2, 2, 0, 0, 0, "turned");
  put(&l, "bffffbuubbbbbb", 'I', 70.0, 10.0, 20.0, 10.0, 0, 2u, 1u, 255, 0, 0, 0, 0, 255);
  put(&l, "b", 'U');
  return l;
}

typedef nn_status writer(nn_ctx *, const void *, size_t, const nn_page *, nn_tensor **);
static writer *const writers[] = {nn_plot_png, nn_plot_pdf};
static const nn_page page = {.width = 100, .height = 60, .scale = 2, .title = "title"};

static void formats(void **state) {
  nn_ctx *ctx = *state;
  static const char *const begin[] = {"\x89PNG\r\n", "%PDF-"};
  const list l = example();
  for (int k = 0; k < 2; k++) {
    nn_tensor *file;
    OK(writers[k](ctx, l.byte, l.n, &page, &file));
    assert_memory_equal(nn_data(&file->v), begin[k], strlen(begin[k]));
    assert_true(file->v.numel > 300);
    nn_tensor_release(file);
    OK(writers[k](ctx, "", 0, &page, &file)); /* an empty page */
    nn_tensor_release(file);
  }
}

static void bad_lists(void **state) {
  nn_ctx *ctx = *state;
  const list whole = example();
  nn_tensor *file;
  uint64_t seed = 1;
  for (size_t n = 1; n < whole.n; n++) { /* cut anywhere: fine between records only */
    const nn_status st = nn_plot_png(ctx, whole.byte, n, &page, &file);
    assert_true((st == NN_OK) == (file != NULL) && (st == NN_OK || st == NN_EVALUE));
    nn_tensor_release(file);
  }
  for (int turn = 0; turn < 2000; turn++) {
    list l = whole;
    for (int64_t k = t_int(&seed, 1, 6); k > 0; k--)
      l.byte[t_int(&seed, 0, (int64_t)l.n - 1)] = (unsigned char)t_bits(&seed);
    const nn_status st = writers[turn % 8 == 0](ctx, l.byte, l.n, &page, &file);
    assert_true((st == NN_OK) == (file != NULL));
    nn_tensor_release(file);
  }
  FAILS(nn_plot_png(ctx, "U", 1, &page, &file), NN_EVALUE, "byte 1 of 1");
  FAILS(nn_plot_png(ctx, "?", 1, &page, &file), NN_EVALUE, "not well formed");
  const nn_page bad[] = {{1e6, 100, 1, NULL},
                         {0, 1, 1, NULL},
                         {30000, 30000, 1, NULL},
                         {NAN, 10, 1, NULL},
                         {10, 10, INFINITY, NULL}};
  for (size_t i = 0; i < COUNT(bad); i++)
    for (int k = 0; k < 2; k++) FAILS(writers[k](ctx, "", 0, &bad[i], &file), NN_EVALUE, "pixels");
}

static void pixels(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *p = t_full(ctx, NN_U8, "3x4x3", 200), *file, *wrong = t_full(ctx, NN_F32, "3x4x3", 0);
  OK(nn_plot_encode(ctx, p, &file));
  assert_memory_equal((char *)nn_data(&file->v) + 1, "PNG", 3);
  nn_tensor_release(file);
  FAILS(nn_plot_encode(ctx, wrong, &file), NN_ETYPE, "uint8");
  nn_tensor_release(p), nn_tensor_release(wrong);
  char text[16] = {0};
  nn_base64((const unsigned char *)"any c", 5, text);
  assert_string_equal(text, "YW55IGM=");
  nn_base64((const unsigned char *)"abc", 3, text);
  assert_memory_equal(text, "YWJj", 4);
  assert_int_equal(nn_base64_size(4), 8);
}

/* ---- memory ---- */

static nn_status everything(nn_ctx *ctx, nn_tensor *z, nn_tensor *p) {
  const list l = example();
  nn_tensor *a, *b = NULL;
  for (int k = 0; k < 2; k++) {
    NN_TRY(nn_contour(ctx, z, 0.5, k == 1, &a, &b));
    nn_tensor_release(a), nn_tensor_release(b);
    NN_TRY(writers[k](ctx, l.byte, l.n, &page, &a));
    nn_tensor_release(a);
  }
  NN_TRY(nn_plot_encode(ctx, p, &a));
  nn_tensor_release(a);
  return NN_OK;
}

static void no_memory(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *z = sampled(ctx, 8, 8, distance), *p = t_full(ctx, NN_U8, "2x2x3", 7);
  const size_t live = ctx->mem.live;
  int64_t n = 0;
  for (bool failed = true; failed; n++) {
    assert_true(n < 1000);
    ctx->mem.fail_in = n;
    const nn_status st = everything(ctx, z, p);
    failed = ctx->mem.fail_in < 0;
    ctx->mem.fail_in = -1;
    assert_int_equal(st, failed ? NN_ENOMEM : NN_OK);
    assert_int_equal(ctx->mem.live, live);
  }
  assert_true(n > 15);
  nn_tensor_release(z), nn_tensor_release(p);
}

static void interrupted(void **state) {
  nn_ctx *ctx = *state;
  const list l = example();
  nn_tensor *z = sampled(ctx, 8, 8, distance), *a, *b;
  nn_interrupted = 1;
  FAILS(nn_plot_png(ctx, l.byte, l.n, &page, &a), NN_EINTR, NULL);
  nn_interrupted = 1;
  FAILS(nn_contour(ctx, z, 0.5, false, &a, &b), NN_EINTR, NULL);
  nn_interrupted = 0;
  nn_tensor_release(z);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(circle),      TEST(straight),  TEST(crossing),
                                     TEST(odd_heights), TEST(formats),   TEST(bad_lists),
                                     TEST(pixels),      TEST(no_memory), TEST(interrupted)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
