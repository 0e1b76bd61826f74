/*
 * The loops over elements (kernel/walk.h), copies and conversions (kernel/copy.c), and the matrix
 * products (kernel/blas.h), each against the plainest loop that says the same.
 */
#include "kernel/blas.h"
#include "kernel/names.h"
#include "nn_test.h"

/* ---- values of any geometry ---- */

/* A view of random strides over its own storage: dimensions permuted, with gaps, and with `repeat`
   some of them of stride 0. Its elements are small whole numbers. */
static nn_tensor *any_view(nn_ctx *ctx, nn_dtype dtype, const nn_shape *s, bool repeat,
                           uint64_t *seed) {
  int order[NN_MAXDIM] = {0};
  nn_value v;
  nn_tensor *whole, *view;
  nn_value_set(&v, dtype, s);
  for (int i = 0; i < s->ndim; i++) {
    int j = (int)t_int(seed, 0, i);
    order[i] = order[j];
    order[j] = i;
  }
  int64_t step = t_int(seed, 1, 2);
  v.offset = t_int(seed, 0, 3);
  bool plain = t_int(seed, 0, 3) == 0;
  for (int i = s->ndim - 1; i >= 0; i--) {
    int d = plain ? i : order[i];
    bool zero = repeat && t_int(seed, 0, 3) == 0;
    v.stride[d] = zero ? 0 : step;
    if (!zero) step *= s->dim[d] + (plain ? 0 : t_int(seed, 0, 1));
  }
  nn_value_settle(&v);
  nn_shape flat = nn_shape_1(v.offset + 2 * step + 2);
  OK(nn_tensor_new(ctx, dtype, &flat, &whole));
  for (int64_t i = 0; i < flat.dim[0]; i++) t_set(whole, i, (double)t_int(seed, 0, 50));
  v.storage = whole->v.storage;
  OK(nn_tensor_view(ctx, &v, &view));
  nn_tensor_release(whole);
  return view;
}

static nn_shape any_shape(uint64_t *seed, int64_t most) {
  nn_shape s = {.ndim = (int)t_int(seed, 0, 4)};
  for (int i = 0; i < s.ndim; i++) s.dim[i] = t_int(seed, 0, 9) == 0 ? 0 : t_int(seed, 1, most);
  return s;
}

/* All elements of the storage, those between the view's included. */
static nn_tensor *snapshot(nn_ctx *ctx, const nn_tensor *t) {
  nn_tensor *copy;
  nn_shape s = nn_shape_1((int64_t)(t->v.storage->bytes / nn_dtype_size(t->v.dtype)));
  OK(nn_tensor_new(ctx, t->v.dtype, &s, &copy));
  memcpy(nn_data(&copy->v), t->v.storage->data, t->v.storage->bytes);
  return copy;
}

/* ---- walk ---- */

/* z = 2 a + b, whole numbers in float64: exact */
static void row(int64_t n, void *const *p, const void *attr) {
  const double *a = p[1], *b = p[2], factor = *(const double *)attr;
  double *z = p[0];
  assert_true(n > 0);
  for (int64_t i = 0; i < n; i++) z[i] = factor * a[i] + b[i];
}
static const double two = 2;

static void walks(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 1;
  for (int round = 0; round < 3000; round++) {
    nn_shape s = any_shape(&seed, 6);
    unsigned flags = (unsigned)t_int(&seed, 0, 3);
    nn_tensor *z = any_view(ctx, NN_F64, &s, false, &seed), *was = snapshot(ctx, z);
    nn_tensor *a = any_view(ctx, NN_F64, &s, true, &seed);
    nn_tensor *b = any_view(ctx, NN_F64, &s, true, &seed);
    OK(nn_walk(ctx, row, &two, 3, (const nn_value *[]){&z->v, &a->v, &b->v}, flags));
    for (int64_t i = 0; i < z->v.numel; i++) {
      double *old = (double *)nn_data(&was->v) + t_place(&z->v, i);
      *old = 2 * t_get(a, i) + t_get(b, i) + (flags & NN_WALK_ADD ? *old : 0);
    }
    assert_memory_equal(z->v.storage->data, nn_data(&was->v), z->v.storage->bytes);
    nn_tensor_release(z), nn_tensor_release(was), nn_tensor_release(a), nn_tensor_release(b);
  }
}

/* Written over one of the operands, and two operands that overlap each other. */
/* One element everywhere beside a dense operand, around the size up to which that is one run. */
static void walks_few(void **state) {
  nn_ctx *ctx = *state;
  const int64_t sizes[] = {1, 2, 7, 127, 128, 129, 511, 513};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    for (unsigned way = 0; way < 8; way++) {
      const unsigned flags = way & 1 ? NN_WALK_ADD : 0;
      nn_shape s = way & 2 ? nn_shape_1(sizes[i]) : (nn_shape){3, {1, sizes[i], 1}};
      nn_tensor *z, *a, *b, *one = t_full(ctx, NN_F64, "1", 3);
      nn_value wide;
      OK(nn_tensor_new(ctx, NN_F64, &s, &z));
      OK(nn_tensor_new(ctx, NN_F64, &s, &b));
      nn_value_expand(&wide, &one->v, &s);
      OK(nn_tensor_view(ctx, &wide, &a));
      for (int64_t k = 0; k < sizes[i]; k++) t_set(z, k, 100), t_set(b, k, (double)k);
      const nn_value *y = way & 4 ? &a->v : &b->v;
      OK(nn_walk(ctx, row, &two, 3, (const nn_value *[]){&z->v, &a->v, y}, flags));
      for (int64_t k = 0; k < sizes[i]; k++) {
        double want = 6 + (way & 4 ? 3 : (double)k) + (way & 1 ? 100 : 0);
        assert_true(t_get(z, k) == want);
      }
      nn_tensor_release(z), nn_tensor_release(a), nn_tensor_release(b), nn_tensor_release(one);
    }
  }
}

/* Short lines, of which several are one run: a row, a column and a middle dimension repeated, around the
   length at which they are short, and with threads that begin and end inside a line. */
static void walks_lines(void **state) {
  nn_ctx *ctx = *state;
  const int64_t sizes[] = {2, 3, 7, 127, 128, 129, 600};
  const int threads = ctx->threads;
  ctx->threads = 3;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    for (unsigned way = 0; way < 12; way++) {
      const unsigned flags = way & 1 ? NN_WALK_ADD : 0;
      const int64_t c = sizes[i], n = way & 2 ? 5 : 70001 / c, most = 2 * n * c;
      const nn_shape s = {3, {2, n, c}}, flat = nn_shape_1(most);
      const int64_t steps[3][2][3] = {{{0, 0, 1}, {n, 1, 0}},      /* row, column */
                                      {{c, 0, 1}, {0, 0, 0}},      /* a row a block, one element */
                                      {{1, 2, 2 * n}, {0, 1, 0}}}; /* turned, column */
      nn_tensor *z, *from;
      nn_value v[2];
      OK(nn_tensor_new(ctx, NN_F64, &s, &z));
      OK(nn_tensor_new(ctx, NN_F64, &flat, &from));
      for (int64_t k = 0; k < most; k++) t_set(from, k, (double)(k % 1000)), t_set(z, k, 100);
      for (int k = 0; k < 2; k++) {
        nn_value_set(&v[k], NN_F64, &s);
        v[k].storage = from->v.storage;
        memcpy(v[k].stride, steps[way / 4][k], sizeof steps[way / 4][k]);
        nn_value_settle(&v[k]);
      }
      OK(nn_walk(ctx, row, &two, 3, (const nn_value *[]){&z->v, &v[0], &v[1]}, flags));
      const double *x = nn_data(&from->v);
      for (int64_t k = 0; k < most; k++) {
        double want = 2 * x[t_place(&v[0], k)] + x[t_place(&v[1], k)] + (way & 1 ? 100 : 0);
        assert_true(t_get(z, k) == want);
      }
      nn_tensor_release(z), nn_tensor_release(from);
    }
  }
  ctx->threads = threads;
}

static void walks_in_place(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 2;
  for (int round = 0; round < 1000; round++) {
    nn_shape s = any_shape(&seed, 6);
    nn_tensor *z = any_view(ctx, NN_F64, &s, false, &seed), *was = snapshot(ctx, z);
    nn_tensor *b = any_view(ctx, NN_F64, &s, true, &seed);
    bool both = round % 2;
    OK(nn_walk(ctx, row, &two, 3, (const nn_value *[]){&z->v, &z->v, both ? &z->v : &b->v}, 0));
    for (int64_t i = 0; i < z->v.numel; i++) {
      double *old = (double *)nn_data(&was->v) + t_place(&z->v, i);
      *old = 2 * *old + (both ? *old : t_get(b, i));
    }
    assert_memory_equal(z->v.storage->data, nn_data(&was->v), z->v.storage->bytes);
    nn_tensor_release(z), nn_tensor_release(was), nn_tensor_release(b);
  }
  nn_tensor *x = t_random(ctx, NN_F64, "1001", 0, 9, 3), *z = t_new(ctx, NN_F64, "1000");
  nn_value left, right; /* x[1..1000] and x[2..1001] */
  nn_value_set(&left, NN_F64, &z->v.shape);
  left.storage = x->v.storage;
  right = left;
  right.offset = 1;
  OK(nn_walk(ctx, row, &two, 3, (const nn_value *[]){&z->v, &left, &right}, 0));
  for (int i = 0; i < 1000; i++) assert_true(t_get(z, i) == 2 * t_get(x, i) + t_get(x, i + 1));
  nn_tensor_release(x), nn_tensor_release(z);
}

/* Long enough for threads and stretches; strided and dense; one thread and two give the same. */
static void walks_far(void **state) {
  nn_ctx *ctx = *state;
  static const char *const shapes[] = {"700001", "701x1003", "1003x701", "3x240000", "240000x3"};
  for (size_t k = 0; k < COUNT(shapes); k++) {
    for (int form = 0; form < 4; form++) {
      nn_tensor *a = t_random(ctx, NN_F64, shapes[k], -9, 9, 5), *b, *z[2];
      nn_value va, vb, vz;
      nn_value_copy(&va, &a->v);
      if (form == 1 && va.shape.ndim == 2) { /* rows against columns: a is read transposed */
        va.stride[0] = 1;
        va.stride[1] = va.shape.dim[0];
        nn_value_settle(&va);
      }
      b = t_random(ctx, NN_F64, form == 2 ? "1" : "s", -9, 9, 6);
      nn_value_expand(&vb, form == 3 ? &va : &b->v, &va.shape);
      for (int t = 0; t < 2; t++) {
        ctx->threads = t + 1;
        z[t] = t_full(ctx, NN_F64, shapes[k], 1);
        nn_value_copy(&vz, &z[t]->v);
        OK(nn_walk(ctx, row, &two, 3, (const nn_value *[]){&vz, &va, &vb},
                   form == 3 ? NN_WALK_ADD : 0));
      }
      assert_memory_equal(nn_data(&z[0]->v), nn_data(&z[1]->v), z[0]->v.storage->bytes);
      for (int64_t i = 0; i < va.numel; i += 1 + i % 5) {
        double x = nn_value_real_at(&va, t_place(&va, i)),
               y = nn_value_real_at(&vb, t_place(&vb, i));
        double want = 2 * x + y;
        if (form == 3) want = 1 + want;
        if (t_get(z[1], i) != want)
          fail_msg("%s, form %d: element %lld", shapes[k], form, (long long)i);
      }
      nn_tensor_release(a), nn_tensor_release(b), nn_tensor_release(z[0]), nn_tensor_release(z[1]);
    }
  }
}

/* Results from 32 MiB on, which a light row's are stored past the caches: the same numbers just below and
   above, from any place in memory, in place, and with two threads. */
static void walks_past_caches(void **state) {
  nn_ctx *ctx = *state;
  enum { LIMIT = 1 << 22, MORE = 300 };
  nn_shape whole = nn_shape_1(LIMIT + MORE);
  nn_tensor *a = t_random(ctx, NN_F64, "4194604", -9, 9, 7), *z[2];
  assert_true(a->v.numel == LIMIT + MORE);
  for (int form = 0; form < 6; form++) {
    nn_shape s = nn_shape_1(LIMIT + (form == 0 ? -1 : form == 1 ? 0 : 37 * form));
    nn_value va, vz;
    ctx->threads = 1 + form % 2;
    nn_value_set(&va, NN_F64, &s);
    vz = va;
    va.offset = form;
    vz.offset = form / 2; /* an odd one is not aligned */
    va.storage = a->v.storage;
    for (int light = 0; light < 2; light++) {
      OK(nn_tensor_new(ctx, NN_F64, &whole, &z[light]));
      memset(nn_data(&z[light]->v), 0, z[light]->v.storage->bytes);
      vz.storage = z[light]->v.storage;
      const unsigned flags = light ? NN_WALK_LIGHT : 0;
      OK(nn_walk(ctx, row, &two, 3, (const nn_value *[]){&vz, &va, &va}, flags));
      if (form == 5) OK(nn_walk(ctx, row, &two, 3, (const nn_value *[]){&vz, &vz, &va}, flags));
    }
    assert_memory_equal(nn_data(&z[0]->v), nn_data(&z[1]->v), z[0]->v.storage->bytes);
    assert_true(form == 5 || t_get(z[1], vz.offset + 1000) == 3 * t_get(a, va.offset + 1000));
    nn_tensor_release(z[0]), nn_tensor_release(z[1]);
  }
  nn_tensor_release(a);
}

static void mask_row(int64_t n, void *const *p, const void *attr) {
  const float *x = p[1];
  const int64_t *k = p[2];
  uint8_t *y = p[0];
  (void)attr;
  for (int64_t i = 0; i < n; i++) y[i] = x[i] > (float)k[i];
}

/* Operands of three dtypes. */
static void walks_mixed(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 8;
  for (int round = 0; round < 500; round++) {
    nn_shape s = any_shape(&seed, 7);
    nn_tensor *y = any_view(ctx, NN_U8, &s, false, &seed);
    nn_tensor *x = any_view(ctx, NN_F32, &s, true, &seed),
              *k = any_view(ctx, NN_I64, &s, true, &seed);
    OK(nn_walk(ctx, mask_row, NULL, 3, (const nn_value *[]){&y->v, &x->v, &k->v}, 0));
    for (int64_t i = 0; i < y->v.numel; i++)
      assert_true(t_get(y, i) == (double)(t_get(x, i) > t_get(k, i)));
    nn_tensor_release(y), nn_tensor_release(x), nn_tensor_release(k);
  }
}

static void interrupts(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *a = t_full(ctx, NN_F64, "300000", 3), *z = t_full(ctx, NN_F64, "300000", 0);
  const nn_value *v[] = {&z->v, &a->v, &a->v};
  nn_interrupted = 1;
  FAILS(nn_walk(ctx, row, &two, 3, v, 0), NN_EINTR, "interrupted");
  OK(nn_walk(ctx, row, &two, 3, v, NN_WALK_FINISH)); /* in place: all or nothing */
  nn_interrupted = 0;
  for (int i = 0; i < 300000; i++) assert_true(t_get(z, i) == 9);
  nn_tensor_release(a), nn_tensor_release(z);
}

static void grain(void **state) {
  nn_ctx *ctx = *state;
  ctx->threads = 3;
  assert_int_equal(nn_threads_for(ctx, 0), 1);
  assert_int_equal(nn_threads_for(ctx, 1000), 1);
  assert_int_equal(nn_threads_for(ctx, INT64_MAX), 3);
  ctx->threads = 1;
  assert_int_equal(nn_threads_for(ctx, INT64_MAX), 1);
}

/* ---- copies ---- */

static const double odd[] = {0,         -0.0,
                             1,         -1,
                             0.5,       -0.5,
                             1.9,       -1.9,
                             254.9,     255,
                             255.5,     256,
                             1e10,      -1e10,
                             1e19,      -1e19,
                             1e300,     -1e300,
                             3e38,      1e-310,
                             1e-42,     9007199254740993.0,
                             NAN,       INFINITY,
                             -INFINITY, 0x1p63,
                             -0x1p63,   9223372036854774784.0,
                             127,       -128};

/* What a conversion must give: cut towards zero, the nearest end beyond the range, NaN to 0; from
   int64 to uint8 the low byte, as in C. */
static nn_tensor *convert(nn_ctx *ctx, const nn_tensor *x, nn_dtype to) {
  nn_tensor *y;
  OK(nn_tensor_new(ctx, to, &x->v.shape, &y));
  for (int64_t i = 0; i < x->v.numel; i++) {
    int64_t at = t_place(&x->v, i);
    double r = nn_value_real_at(&x->v, at);
    bool real = nn_is_real(x->v.dtype);
    int64_t whole = real ? 0 : nn_value_int_at(&x->v, at);
    if (real && r == r) whole = r >= 0x1p63 ? INT64_MAX : r <= -0x1p63 ? INT64_MIN : (int64_t)r;
    void *p = nn_data(&y->v);
    switch (to) {
      case NN_F32: ((float *)p)[i] = real ? (float)r : (float)whole; break;
      case NN_F64: ((double *)p)[i] = real ? r : (double)whole; break;
      case NN_I64: ((int64_t *)p)[i] = whole; break;
      case NN_U8:
        if (real) whole = whole < 0 ? 0 : whole > 255 ? 255 : whole;
        ((uint8_t *)p)[i] = (uint8_t)whole;
        break;
    }
  }
  return y;
}

static void check_copy(nn_ctx *ctx, const nn_tensor *dst, const nn_tensor *src) {
  nn_tensor *want = convert(ctx, src, dst->v.dtype), *got;
  OK(nn_copy_into(ctx, &dst->v, &src->v));
  OK(nn_tensor_new(ctx, dst->v.dtype, &dst->v.shape, &got));
  OK(nn_copy_into(ctx, &got->v, &dst->v)); /* the same dtype: out of the strided view */
  for (int64_t i = 0; i < got->v.numel; i++) {
    bool same = dst->v.dtype == NN_I64
                  ? nn_value_int_at(&got->v, i) == nn_value_int_at(&want->v, i)
                  : t_same_bits(nn_value_real_at(&got->v, i), nn_value_real_at(&want->v, i));
    if (!same)
      fail_msg("%.17g as %s becomes %.20g in %s, not %.20g", t_get(src, i),
               nn_dtype_name(src->v.dtype), t_get(got, i), nn_dtype_name(dst->v.dtype),
               t_get(want, i));
  }
  nn_tensor_release(want), nn_tensor_release(got);
}

static void converts(void **state) {
  nn_ctx *ctx = *state;
  for (int pair = 0; pair < NN_NDTYPE * NN_NDTYPE; pair++) {
    nn_dtype from = (nn_dtype)(pair / NN_NDTYPE), to = (nn_dtype)(pair % NN_NDTYPE);
    nn_shape s = nn_shape_1((int64_t)COUNT(odd));
    nn_tensor *src, *dst;
    OK(nn_tensor_new(ctx, from, &s, &src));
    OK(nn_tensor_new(ctx, to, &s, &dst));
    for (size_t i = 0; i < COUNT(odd); i++) {
      void *p = nn_data(&src->v);
      if (from == NN_F32) ((float *)p)[i] = (float)odd[i];
      if (from == NN_F64) ((double *)p)[i] = odd[i];
      if (from == NN_I64)
        ((int64_t *)p)[i] = fabs(odd[i]) < 9e18 ? (int64_t)odd[i] : INT64_MIN + (int64_t)i;
      if (from == NN_U8) ((uint8_t *)p)[i] = (uint8_t)(i * 9);
    }
    check_copy(ctx, dst, src);
    nn_tensor_release(src), nn_tensor_release(dst);
  }
}

static void copies_any_geometry(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 4;
  for (int round = 0; round < 1600; round++) {
    nn_dtype from = (nn_dtype)(round / 4 % 4), to = (nn_dtype)(round % 4);
    nn_shape s = any_shape(&seed, 6);
    nn_tensor *src = any_view(ctx, from, &s, true, &seed),
              *dst = any_view(ctx, to, &s, false, &seed);
    check_copy(ctx, dst, src);
    nn_tensor_release(src), nn_tensor_release(dst);
  }
  nn_tensor *row3 = t_random(ctx, NN_F32, "3", 0, 9, 1), *wide = t_new(ctx, NN_F64, "2x3");
  OK(nn_copy_into(ctx, &wide->v, &row3->v)); /* broadcasting */
  for (int i = 0; i < 6; i++) assert_true(t_get(wide, i) == t_get(row3, i % 3));
  OK(nn_copy_into(ctx, &wide->v, &wide->v)); /* onto itself */
  for (int i = 0; i < 6; i++) assert_true(t_get(wide, i) == t_get(row3, i % 3));
  nn_tensor_release(row3), nn_tensor_release(wide);
}

static void fills(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 4;
  for (int d = 0; d < NN_NDTYPE; d++)
    for (size_t k = 0; k < COUNT(odd); k++) {
      nn_shape s = t_shape("2x3x2");
      nn_tensor *t = any_view(ctx, (nn_dtype)d, &s, false, &seed);
      nn_tensor *one = t_full(ctx, NN_F64, "1", odd[k]), *want = convert(ctx, one, (nn_dtype)d);
      OK(nn_fill_into(ctx, &t->v, odd[k]));
      for (int i = 0; i < 12; i++)
        if (!t_same_bits(t_get(t, i), t_get(want, 0)))
          fail_msg("filling %s with %g gives %g", nn_dtype_name((nn_dtype)d), odd[k], t_get(t, i));
      nn_tensor_release(t), nn_tensor_release(one), nn_tensor_release(want);
    }
}

/* ---- matrix products ---- */

/* Whole numbers, so that every order of adding gives the same. */
static void product(nn_ctx *ctx, int m, int n, int k, bool ta, bool tb, int gap, nn_dtype dtype,
                    uint64_t seed) {
  int lda = (ta ? m : k) + gap, ldb = (tb ? k : n) + gap, ldc = n + gap;
  nn_shape sa = nn_shape_1((ta ? k : m) * lda), sb = nn_shape_1((tb ? n : k) * ldb);
  nn_shape sc = nn_shape_1(m * ldc);
  nn_tensor *a, *b, *c;
  OK(nn_tensor_new(ctx, dtype, &sa, &a));
  OK(nn_tensor_new(ctx, dtype, &sb, &b));
  OK(nn_tensor_new(ctx, dtype, &sc, &c));
  for (int64_t i = 0; i < a->v.numel; i++) t_set(a, i, (double)t_int(&seed, -9, 9));
  for (int64_t i = 0; i < b->v.numel; i++) t_set(b, i, (double)t_int(&seed, -9, 9));
  for (int add = 0; add < 2; add++) {
    for (int64_t i = 0; i < c->v.numel; i++) t_set(c, i, add ? 7 : NAN);
    OK(nn_blas_check(ctx, "product", m, n, k));
    if (dtype == NN_F32)
      nn_gemm_f32(ta, tb, m, n, k, 2, nn_data(&a->v), lda, nn_data(&b->v), ldb, add ? 3 : 0,
                  nn_data(&c->v), ldc);
    else
      nn_gemm_f64(ta, tb, m, n, k, 2, nn_data(&a->v), lda, nn_data(&b->v), ldb, add ? 3 : 0,
                  nn_data(&c->v), ldc);
    const int all = m * n * k; /* of a large one a part is looked at */
    const int skip = all > 1000000 ? 41 : all > 100000 ? 7 : 1;
    for (int i = 0; i < m; i++)
      for (int j = i % skip; j < n; j += skip) {
        double want = add ? 21 : 0;
        for (int l = 0; l < k; l++)
          want += 2 * t_get(a, ta ? l * lda + i : i * lda + l) *
                  t_get(b, tb ? j * ldb + l : l * ldb + j);
        assert_true(t_get(c, i * ldc + j) == want);
      }
  }
  nn_tensor_release(a), nn_tensor_release(b), nn_tensor_release(c);
}

static void products(void **state) {
  nn_ctx *ctx = *state;
  static const int sizes[][3] = {{1, 1, 1},      {2, 3, 4},      {7, 1, 5},      {1, 9, 3},
                                 {33, 17, 20},   {5, 64, 70},    {1, 15, 784},   {100, 15, 784},
                                 {15, 784, 100}, {500, 10, 300}, {10, 300, 500}, {200, 1, 64},
                                 {1, 1, 600}};
  for (size_t i = 0; i < COUNT(sizes); i++)
    for (int form = 0; form < 16; form++)
      product(ctx, sizes[i][0], sizes[i][1], sizes[i][2], form & 1, form & 2, form & 4 ? 3 : 0,
              form & 8 ? NN_F64 : NN_F32, i);
  for (int threads = 1; threads < 4; threads++) { /* parts for each of them */
    nn_blas_threads(threads, false);
    for (int form = 0; form < 16; form++) {
      product(ctx, 300, 250, 131, form & 1, form & 2, form & 4 ? 3 : 0, form & 8 ? NN_F64 : NN_F32,
              9);
      product(ctx, 120, 467, 150, form & 1, form & 2, form & 4 ? 3 : 0, form & 8 ? NN_F64 : NN_F32,
              9);
    }
  }
  nn_blas_threads(ctx->threads, false);
  OK(nn_blas_check(ctx, "matmul", 2147483647, 1, 2147483647));
  FAILS(nn_blas_check(ctx, "matmul", 2147483648, 1, 1), NN_ESHAPE, "passes what BLAS can count");
  FAILS(nn_blas_check(ctx, "matmul", 1, 2147483648, 1), NN_ESHAPE, "matmul: ");
  FAILS(nn_blas_check(ctx, "matmul", 1, 1, 2147483648), NN_ESHAPE, NULL);
  nn_blas_about about;
  OK(nn_blas_describe(ctx, &about));
  assert_non_null(strstr(about.config, "OpenBLAS"));
  assert_true(strlen(about.core) > 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(walks),     TEST(walks_few),         TEST(walks_lines),         TEST(walks_in_place),
    TEST(walks_far), TEST(walks_past_caches), TEST(walks_mixed),         TEST(interrupts),
    TEST(grain),     TEST(converts),          TEST(copies_any_geometry), TEST(fills),
    TEST(products)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
