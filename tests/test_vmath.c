/*
 * exp, log, tanh and their kin over arrays (kernel/vmath.h): how far from the truth, at the ends,
 * at every place of an array, and on every processor family that they were compiled for.
 */
#include "kernel/vmath.h"

#include <elf.h>
#include <float.h>
#include <stdarg.h>

#include "nn_test.h"

typedef void (*real32)(int64_t n, const float *x, float *y);
typedef void (*real64)(int64_t n, const double *x, double *y);

static long double sigmoidl(long double x) {
  return 1 / (1 + expl(-x));
}

static const struct function {
  const char *name;
  real32 f32;
  real64 f64;
  long double (*truth)(long double);
} functions[] = {{"exp", nn_v_exp_f32, nn_v_exp_f64, expl},
                 {"log", nn_v_log_f32, nn_v_log_f64, logl},
                 {"tanh", nn_v_tanh_f32, nn_v_tanh_f64, tanhl},
                 {"sigmoid", nn_v_sigmoid_f32, nn_v_sigmoid_f64, sigmoidl},
                 {"log1p", nn_v_log1p_f32, nn_v_log1p_f64, log1pl},
                 {"sin", nn_v_sin_f32, nn_v_sin_f64, sinl},
                 {"cos", nn_v_cos_f32, nn_v_cos_f64, cosl}};

/* ---- accuracy ---- */

/* The distance in units of the last place of the true value; `digits` and `least` (the exponent of
   the smallest denormal) say which type. */
static double ulps(long double got, long double want, int digits, int least, long double most) {
  if (isnan(want)) return isnan(got) ? 0 : HUGE_VAL;
  if (isnan(got)) return HUGE_VAL;
  if (got == want) return 0;
  int e = want == 0 ? least : ilogbl(want) - digits + 1;
  if (e < least) e = least;
  if (isinf(got)) got = got > 0 ? most : -most; /* infinity stands one unit beyond the largest */
  if (isinf(want) || fabsl(want) > most)
    want = want > 0 ? most : -most, e = ilogbl(most) - digits + 1;
  return (double)(fabsl(got - want) / ldexpl(1, e));
}

static double ulps32(const struct function *f, float x, float y) {
  return ulps(y, f->truth(x), FLT_MANT_DIG, -149, 0x1p128L);
}
static double ulps64(const struct function *f, double x, double y) {
  return ulps(y, f->truth(x), DBL_MANT_DIG, -1074, 0x1p1024L);
}

enum { LOT = 1000 };

static void report(const struct function *f, const char *type, double x, double error) {
  if (error > 2.5) fail_msg("%s of %.17g in %s is %.3g units off", f->name, x, type, error);
}

/* Every exponent and sign of float, some thousand mantissas each. */
/* valgrind computes long double in 64 bits, so the reference itself would be wrong there. */
static void needs_long_double(void) {
  if (getenv("NN_VALGRIND")) skip();
}

static void float_accuracy(void **state) {
  needs_long_double();
  (void)state;
  for (size_t k = 0; k < COUNT(functions); k++) {
    double worst = 0;
    float x[LOT], y[LOT], where = 0;
    for (uint64_t u = 0; u < 0x100000000;) {
      int n = 0;
      for (; n < LOT && u < 0x100000000; u += 9973) {
        uint32_t bits = (uint32_t)u;
        memcpy(&x[n++], &bits, 4);
      }
      functions[k].f32(n, x, y);
      for (int i = 0; i < n; i++) {
        double error = ulps32(&functions[k], x[i], y[i]);
        if (error > worst) worst = error, where = x[i];
      }
    }
    report(&functions[k], "float32", (double)where, worst);
  }
}

/* The ranges where something happens, and all bit patterns. */
static void double_accuracy(void **state) {
  needs_long_double();
  static const double ranges[][2] = {{-750, 720}, {-40, 40}, {-2, 2},     {-1e-3, 1e-3},
                                     {0.5, 2},    {0, 1e6},  {-2e6, 2e6}, {-1, 0}};
  (void)state;
  for (size_t k = 0; k < COUNT(functions); k++) {
    double worst = 0, where = 0, x[LOT], y[LOT];
    uint64_t seed = 5;
    for (int lot = 0; lot < 140; lot++) {
      for (int i = 0; i < LOT; i++) {
        size_t r = (size_t)lot % (COUNT(ranges) + 1);
        uint64_t bits = t_bits(&seed);
        if (r == COUNT(ranges))
          memcpy(&x[i], &bits, 8);
        else
          x[i] = ranges[r][0] + (ranges[r][1] - ranges[r][0]) * t_unit(&seed);
      }
      functions[k].f64(LOT, x, y);
      for (int i = 0; i < LOT; i++) {
        double error = ulps64(&functions[k], x[i], y[i]);
        if (error > worst) worst = error, where = x[i];
      }
    }
    report(&functions[k], "float64", where, worst);
  }
}

/* The smallest and the largest numbers on both sides. */
static void corners(void **state) {
  needs_long_double();
  static const double x64[] = {
    DBL_TRUE_MIN, DBL_MIN, DBL_MAX, 709.782712893384, 709.8,  -745.13,   -745.2, -708.4, 1 - 1e-16,
    1 + 2e-16,    88.72,   -87.4,   -103.9,           -104.1, 0x1p-1030, 22,     -36.8,  1e-300};
  (void)state;
  for (size_t k = 0; k < COUNT(functions); k++) {
    for (size_t i = 0; i < 2 * COUNT(x64); i++) {
      double x = i % 2 ? -x64[i / 2] : x64[i / 2], y;
      float xf = (float)x, yf;
      functions[k].f64(1, &x, &y);
      report(&functions[k], "float64", x, ulps64(&functions[k], x, y));
      functions[k].f32(1, &xf, &yf);
      report(&functions[k], "float32", (double)xf, ulps32(&functions[k], xf, yf));
    }
  }
}

/* NaN, infinities and both zeros, as C has them. */
static void specials(void **state) {
  static const double x[] = {NAN, INFINITY, -INFINITY, 0.0, -0.0, 1, -1};
  static const double want[COUNT(functions)][7] = {
    {NAN, INFINITY, 0, 1, 1, -1, -1}, /* -1: not looked at */
    {NAN, INFINITY, NAN, -INFINITY, -INFINITY, 0, NAN},
    {NAN, 1, -1, 0.0, -0.0, -1, -1},
    {NAN, 1, 0, 0.5, 0.5, -1, -1},
    {NAN, INFINITY, NAN, 0.0, -0.0, -1, -INFINITY},
    {NAN, NAN, NAN, 0.0, -0.0, -1, -1},
    {NAN, NAN, NAN, 1, 1, -1, -1}};
  (void)state;
  for (size_t k = 0; k < COUNT(functions); k++) {
    for (size_t i = 0; i < COUNT(x); i++) {
      double y;
      float xf = (float)x[i], yf;
      if (want[k][i] == -1 && fabs(x[i]) == 1) continue;
      functions[k].f64(1, &x[i], &y);
      functions[k].f32(1, &xf, &yf);
      if (!t_same_bits(y, want[k][i]) || !t_same_bits((double)yf, want[k][i]))
        fail_msg("%s of %g is %g and %g, not %g", functions[k].name, x[i], y, (double)yf,
                 want[k][i]);
    }
  }
}

/* ---- the same bits everywhere ---- */

enum { LONG = 150, AROUND = 64 };

static void fill(float *x, double *d, int n, uint64_t seed) {
  static const double odd[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 1e-310, -1e-40, 3e38, -200, 89.5};
  for (int i = 0; i < n; i++) {
    d[i] = i % 11 == 10 ? odd[t_int(&seed, 0, 9)] : (t_unit(&seed) - 0.3) * 30;
    x[i] = (float)d[i];
  }
}

/* Wherever an element stands and however many there are, and in place too. */
static void positions(void **state) {
  float x[LONG + AROUND], y[LONG + AROUND], one;
  double d[LONG + AROUND], e[LONG + AROUND], single;
  (void)state;
  for (size_t k = 0; k < COUNT(functions); k++)
    for (int at = 0; at < 20; at++)
      for (int n = 0; n <= LONG; n += n < 40 ? 1 : 23) {
        fill(x, d, LONG + AROUND, (uint64_t)n + 1);
        memcpy(y, x, sizeof y);
        memcpy(e, d, sizeof e);
        functions[k].f32(n, y + at, y + at);
        functions[k].f64(n, e + at, e + at);
        for (int i = 0; i < LONG + AROUND; i++) {
          bool in = i >= at && i < at + n;
          one = x[i], single = d[i];
          if (in) functions[k].f32(1, &x[i], &one), functions[k].f64(1, &d[i], &single);
          if (!t_same_bits((double)y[i], (double)one) || !t_same_bits(e[i], single))
            fail_msg("%s: element %d of %d at %d differs", functions[k].name, i - at, n, at);
        }
      }
}

/* ---- the clones: found in the program's own table of symbols ---- */

typedef struct symbols {
  char *file;
  const Elf64_Sym *sym;
  const char *names;
  size_t n;
  uintptr_t bias; /* what the loader added to every address */
} symbols;

static char *own_file(void) {
  FILE *f = fopen("/proc/self/exe", "rb");
  if (!f) return NULL;
  fseek(f, 0, SEEK_END);
  long size = ftell(f);
  rewind(f);
  char *text = malloc((size_t)size);
  size_t got = text ? fread(text, 1, (size_t)size, f) : 0;
  fclose(f);
  if (got == (size_t)size) return text;
  free(text);
  return NULL;
}

static bool read_symbols(symbols *s) {
  *s = (symbols){.file = own_file()};
  if (!s->file || memcmp(s->file, ELFMAG, SELFMAG) != 0 || s->file[EI_CLASS] != ELFCLASS64)
    return false;
  const Elf64_Ehdr *head = (const void *)s->file;
  const Elf64_Shdr *part = (const void *)(s->file + head->e_shoff);
  for (int i = 0; i < head->e_shnum; i++) {
    if (part[i].sh_type != SHT_SYMTAB) continue;
    s->sym = (const void *)(s->file + part[i].sh_offset);
    s->n = part[i].sh_size / sizeof *s->sym;
    s->names = s->file + part[part[i].sh_link].sh_offset;
  }
  for (size_t i = 0; i < s->n; i++)
    if (strcmp(s->names + s->sym[i].st_name, "nn_ctx_new") == 0)
      s->bias = (uintptr_t)nn_ctx_new - s->sym[i].st_value;
  return s->n > 0;
}

/* The function that begins at this address. */
static const Elf64_Sym *symbol_at(const symbols *s, uintptr_t address) {
  for (size_t i = 0; i < s->n; i++)
    if (s->sym[i].st_value + s->bias == address && ELF64_ST_TYPE(s->sym[i].st_info) == STT_FUNC &&
        strchr(s->names + s->sym[i].st_name, '.'))
      return &s->sym[i];
  return NULL;
}

/* The address of another clone of the same function, which stands in the same file's symbols; 0:
 * none. */
static uintptr_t sibling(const symbols *s, const Elf64_Sym *of, const char *clone) {
  const char *name = s->names + of->st_name;
  size_t stem = strcspn(name, ".");
  for (int way = -1; way <= 1; way += 2)
    for (const Elf64_Sym *p = of; p >= s->sym && p < s->sym + s->n; p += way) {
      if (ELF64_ST_TYPE(p->st_info) == STT_FILE) break;
      const char *other = s->names + p->st_name;
      if (strncmp(other, name, stem + 1) == 0 &&
          strncmp(other + stem + 1, clone, strlen(clone)) == 0)
        return p->st_value + s->bias;
    }
  return 0;
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
static const char *const families[] = {"default", "arch_x86_64_v3", "arch_x86_64_v4"};
static int supported(void) { /* how many of them this processor runs */
  return __builtin_cpu_supports("x86-64-v4") ? 3 : __builtin_cpu_supports("x86-64-v3") ? 2 : 1;
}
#else
static const char *const families[] = {"default"};
static int supported(void) {
  return 1;
}
#endif

/* What runs is the clone of this processor's family. */
static void best_clone(void **state) {
  symbols s;
  (void)state;
  bool found = read_symbols(&s);
  const Elf64_Sym *f = found ? symbol_at(&s, (uintptr_t)nn_v_exp_f32) : NULL;
  int best = supported() - 1;
  if (f && !strstr(s.names + f->st_name, families[best]))
    fail_msg("runs %s, not %s", s.names + f->st_name, families[best]);
  if (!f && best > 0) fail_msg("nn_v_exp_f32 has no clones on a processor that has AVX2");
  free(s.file);
}

static void function_clones(void **state) {
  symbols s;
  float x[LONG], y[LONG], z[LONG];
  double d[LONG], e[LONG], g[LONG];
  (void)state;
  bool found = read_symbols(&s);
  fill(x, d, LONG, 77);
  for (size_t k = 0; found && k < COUNT(functions); k++)
    for (int c = 0; c < supported(); c++) {
      const Elf64_Sym *f = symbol_at(&s, (uintptr_t)functions[k].f32);
      const Elf64_Sym *h = symbol_at(&s, (uintptr_t)functions[k].f64);
      real32 f32 = f ? (real32)sibling(&s, f, families[c]) : NULL;
      real64 f64 = h ? (real64)sibling(&s, h, families[c]) : NULL;
      if (!f32 || !f64) continue;
      for (int n = 1; n <= LONG; n += 7) {
        functions[k].f32(n, x, y), f32(n, x, z);
        functions[k].f64(n, d, e), f64(n, d, g);
        for (int i = 0; i < n; i++)
          if (!t_same_bits((double)y[i], (double)z[i]) || !t_same_bits(e[i], g[i]))
            fail_msg("%s: %s differs at %d of %d", functions[k].name, families[c], i, n);
      }
    }
  free(s.file);
}

/* A row of an operation, forward or backward, on every clone: the same bits. `in` pointers are
 * read. */
static int compare_rows(const symbols *s, nn_row row, nn_dtype dtype, int in, const char *name) {
  static _Alignas(16) const char attr[256];
  float x[NN_WALK_MAX][LONG], y[LONG], z[LONG];
  double d[NN_WALK_MAX][LONG], e[LONG], g[LONG];
  const Elf64_Sym *f = symbol_at(s, (uintptr_t)row);
  int compared = 0;
  for (int k = 0; k < in; k++) fill(x[k], d[k], LONG, 30 + (uint64_t)k);
  for (int c = 0; f && c < supported(); c++) {
    nn_row other = (nn_row)sibling(s, f, families[c]);
    if (!other) continue;
    compared++;
    for (int n = 1; n <= LONG; n += 7) {
      void *p[NN_WALK_MAX + 1] = {dtype == NN_F32 ? (void *)y : e};
      for (int k = 0; k < in; k++) p[k + 1] = dtype == NN_F32 ? (void *)x[k] : d[k];
      memset(y, 0, sizeof y), memset(z, 0, sizeof z), memset(e, 0, sizeof e),
        memset(g, 0, sizeof g);
      row(n, p, attr);
      p[0] = dtype == NN_F32 ? (void *)z : g;
      other(n, p, attr);
      for (int i = 0; i < LONG; i++)
        if (!t_same_bits((double)y[i], (double)z[i]) || !t_same_bits(e[i], g[i]))
          fail_msg("%s: %s differs at %d of %d", name, families[c], i, n);
    }
  }
  return compared;
}

static void row_clones(void **state) {
  symbols s;
  int compared = 0;
  (void)state;
  if (!read_symbols(&s) || supported() == 1) {
    free(s.file);
    skip();
  }
  for (const nn_op *const *op = nn_ops; *op; op++)
    for (int d = 0; d < NN_NREAL; d++) {
      const nn_op *o = *op;
      if (o->attr_size || !o->row[d]) continue;
      compared += compare_rows(&s, o->row[d], (nn_dtype)d, o->nin, o->name);
      for (int k = 0; k < o->nin; k++)
        if (o->grad[k].row[d])
          compared += compare_rows(&s, o->grad[k].row[d], (nn_dtype)d,
                                   1 + __builtin_popcount(o->grad[k].needs), o->name);
    }
  free(s.file);
  assert_true(compared > 50);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(float_accuracy),  cmocka_unit_test(double_accuracy),
    cmocka_unit_test(corners),         cmocka_unit_test(specials),
    cmocka_unit_test(positions),       cmocka_unit_test(best_clone),
    cmocka_unit_test(function_clones), cmocka_unit_test(row_clones)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
