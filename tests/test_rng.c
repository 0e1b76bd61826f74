/* Random streams: Philox against its published vectors, and the numbers that are made of its words.
 */
#include "kernel/random.h"
#include "nn_test.h"

/* ---- the generator, written again ---- */

typedef struct words {
  uint32_t v[4];
} words;

static words philox(words c, uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 10; round++) {
    uint64_t a = (uint64_t)0xD2511F53u * c.v[0], b = (uint64_t)0xCD9E8D57u * c.v[2];
    c = (words){{(uint32_t)(b >> 32) ^ c.v[1] ^ k0, (uint32_t)b, (uint32_t)(a >> 32) ^ c.v[3] ^ k1,
                 (uint32_t)a}};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c;
}

static words block_of(uint64_t seed, nn_stream stream, uint64_t block) {
  words c = {{(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)stream, 0}};
  return philox(c, (uint32_t)seed, (uint32_t)(seed >> 32));
}

/* Random123's kat_vectors: counter, key, result of philox4x32 with 10 rounds. */
static const struct {
  words counter;
  uint32_t key[2];
  words result;
} vectors[] = {
  {{{0, 0, 0, 0}}, {0, 0}, {{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}}},
  {{{~0u, ~0u, ~0u, ~0u}}, {~0u, ~0u}, {{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}}},
  {{{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}},
   {0xa4093822u, 0x299f31d0u},
   {{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}}}};

static void known_answers(void **state) {
  uint32_t w[4];
  (void)state;
  for (size_t i = 0; i < COUNT(vectors); i++) {
    words got = philox(vectors[i].counter, vectors[i].key[0], vectors[i].key[1]);
    assert_memory_equal(got.v, vectors[i].result.v, sizeof got.v);
  }
  nn_rng_block(0, NN_RNG_USER, 0, w); /* the one vector that the layout of the counter allows */
  assert_memory_equal(w, vectors[0].result.v, sizeof w);
}

static void blocks(void **state) {
  uint64_t s = 1;
  (void)state;
  for (int i = 0; i < 20000; i++) {
    uint64_t seed = t_bits(&s), block = t_bits(&s) >> t_int(&s, 0, 63);
    nn_stream stream = (nn_stream)t_int(&s, 0, NN_NSTREAMS - 1);
    words want = block_of(seed, stream, block);
    uint32_t w[4];
    nn_rng_block(seed, stream, block, w);
    assert_memory_equal(w, want.v, sizeof w);
  }
}

static void streams(void **state) {
  nn_rng rng;
  (void)state;
  nn_rng_init(&rng, 42);
  assert_int_equal(nn_rng_reserve(&rng, NN_RNG_INIT, 5), 0);
  assert_int_equal(nn_rng_reserve(&rng, NN_RNG_INIT, 1), 5);
  assert_int_equal(nn_rng_reserve(&rng, NN_RNG_DROPOUT, 1), 0);
  assert_int_equal(rng.next[NN_RNG_INIT], 6);
  for (int i = 0; i < NN_NSTREAMS; i++) assert_non_null(nn_stream_names[i]);
  assert_null(nn_stream_names[NN_NSTREAMS]);
  assert_string_equal(nn_stream_names[NN_RNG_DROPOUT], "dropout");
  assert_string_equal(nn_stream_names[NN_RNG_SEARCH], "search");
}

/* ---- arrays: element i is made of its own words, whatever the length ---- */

enum { MOST = 300 };

static void arrays(void **state) {
  float f[MOST];
  double d[MOST];
  uint8_t m[MOST];
  (void)state;
  for (int64_t n = 0; n <= MOST; n += n < 140 ? 1 : 37) {
    nn_rng rng;
    nn_rng_init(&rng, 99);
    rng.next[NN_RNG_USER] = 0xfffffffffu; /* counters carry into the second word */
    uint64_t at = rng.next[NN_RNG_USER];
    nn_random_uniform_f32(&rng, NN_RNG_USER, n, 0, 1, f);
    for (int64_t i = 0; i < n; i++) {
      uint32_t w = block_of(99, NN_RNG_USER, at + (uint64_t)i / 4).v[i % 4];
      assert_true(f[i] == (float)(w >> 8) * 0x1p-24f);
    }
    assert_int_equal(rng.next[NN_RNG_USER], at + (uint64_t)(n + 3) / 4);
    at = rng.next[NN_RNG_USER];
    nn_random_uniform_f64(&rng, NN_RNG_USER, n, 0, 1, d);
    for (int64_t i = 0; i < n; i++) {
      words w = block_of(99, NN_RNG_USER, at + (uint64_t)i / 2);
      uint64_t bits = (uint64_t)w.v[i % 2 * 2] << 32 | w.v[i % 2 * 2 + 1];
      assert_true(d[i] == (double)(bits >> 11) * 0x1p-53);
    }
    at = rng.next[NN_RNG_USER];
    nn_random_mask(&rng, NN_RNG_USER, n, 0.25, m);
    for (int64_t i = 0; i < n; i++)
      assert_int_equal(m[i], block_of(99, NN_RNG_USER, at + (uint64_t)i / 4).v[i % 4] < 1u << 30);
  }
}

static void normals_by_position(void **state) {
  double whole[MOST], part[MOST];
  float narrow[MOST];
  (void)state;
  nn_rng rng;
  nn_rng_init(&rng, 3);
  nn_random_normal_f64(&rng, NN_RNG_INIT, MOST, 1, 2, whole);
  assert_int_equal(rng.next[NN_RNG_INIT], MOST / 2);
  for (int64_t n = 1; n < MOST; n += 7) {
    nn_rng_init(&rng, 3);
    nn_random_normal_f64(&rng, NN_RNG_INIT, n, 1, 2, part);
    assert_memory_equal(part, whole, (size_t)n * sizeof *part);
  }
  nn_rng_init(&rng, 3);
  nn_random_normal_f32(&rng, NN_RNG_INIT, MOST, 1, 2, narrow);
  for (int i = 0; i < MOST; i++) {
    assert_true(narrow[i] == (float)whole[i]);
    words w = block_of(3, NN_RNG_INIT, (uint64_t)i / 2);
    double u = 1 - (double)(((uint64_t)w.v[0] << 32 | w.v[1]) >> 11) * 0x1p-53;
    double a = 2 * M_PI * ((double)(((uint64_t)w.v[2] << 32 | w.v[3]) >> 11) * 0x1p-53);
    NEAR(whole[i], 1 + 2 * sqrt(-2 * log(u)) * (i % 2 ? sin(a) : cos(a)), 1e-13);
  }
}

/* [lo, hi): also where rounding would reach hi. */
static void ends(void **state) {
  static const double ranges[][2] = {{0, 1},         {-1, 1},          {1, 2},
                                     {1e6, 1e6 + 1}, {-3, -2.9999998}, {5, 5}};
  float f[4096];
  double d[4096];
  nn_rng rng;
  (void)state;
  nn_rng_init(&rng, 8);
  for (size_t r = 0; r < COUNT(ranges); r++) {
    float lo = (float)ranges[r][0], hi = (float)ranges[r][1];
    nn_random_uniform_f32(&rng, NN_RNG_USER, 4096, ranges[r][0], ranges[r][1], f);
    for (int i = 0; i < 4096; i++)
      if (f[i] < lo || (f[i] >= hi && lo < hi))
        fail_msg("uniform in [%.9g, %.9g) gives %.9g in float32", (double)lo, (double)hi,
                 (double)f[i]);
    double a = ranges[r][0] * 1e9, b = ranges[r][1] > 1e5 ? a + 1 : ranges[r][1] * 1e9;
    nn_random_uniform_f64(&rng, NN_RNG_USER, 4096, a, b, d);
    for (int i = 0; i < 4096; i++)
      if (d[i] < a || (d[i] >= b && a < b))
        fail_msg("uniform in [%.17g, %.17g) gives %.17g in float64", a, b, d[i]);
  }
}

/* ---- statistics ---- */

enum { MANY = 400000 };

static void moments(const double *x, double *mean, double *var, double *skew, double *kurt) {
  *mean = *var = *skew = *kurt = 0;
  for (int i = 0; i < MANY; i++) *mean += x[i] / MANY;
  for (int i = 0; i < MANY; i++) {
    double c = x[i] - *mean;
    *var += c * c / MANY;
    *skew += c * c * c / MANY;
    *kurt += c * c * c * c / MANY;
  }
  *skew /= pow(*var, 1.5);
  *kurt /= *var * *var;
}

static void statistics(void **state) {
  double *x = calloc(MANY, sizeof *x), mean, var, skew, kurt;
  uint8_t *m = calloc(MANY, 1);
  nn_rng rng;
  (void)state;
  nn_rng_init(&rng, 2024);
  nn_random_normal_f64(&rng, NN_RNG_USER, MANY, 3, 2, x);
  moments(x, &mean, &var, &skew, &kurt);
  NEAR(mean, 3, 5 * 2 / sqrt(MANY));
  NEAR(var, 4, 5 * 4 * sqrt(2.0 / MANY));
  NEAR(skew, 0, 5 * sqrt(6.0 / MANY));
  NEAR(kurt, 3, 5 * sqrt(24.0 / MANY));
  nn_random_uniform_f64(&rng, NN_RNG_USER, MANY, -1, 1, x);
  moments(x, &mean, &var, &skew, &kurt);
  NEAR(mean, 0, 5 * sqrt(1.0 / 3 / MANY));
  NEAR(var, 1.0 / 3, 5 * sqrt(4.0 / 45 / MANY));
  NEAR(kurt, 1.8, 0.02);
  double product = 0; /* neighbours know nothing of each other */
  for (int i = 1; i < MANY; i++) product += x[i] * x[i - 1] / (MANY - 1);
  NEAR(product, 0, 5 / 3.0 / sqrt(MANY));
  static const double keeps[] = {0, 0.1, 0.5, 0.999, 1};
  for (size_t k = 0; k < COUNT(keeps); k++) {
    double kept = 0;
    nn_random_mask(&rng, NN_RNG_USER, MANY, keeps[k], m);
    for (int i = 0; i < MANY; i++) kept += m[i];
    NEAR(kept / MANY, keeps[k], 5 * sqrt(keeps[k] * (1 - keeps[k]) / MANY));
  }
  free(x);
  free(m);
}

/* ---- whole numbers and orders ---- */

static void below(void **state) {
  nn_rng rng;
  int seen[7] = {0};
  (void)state;
  nn_rng_init(&rng, 4);
  for (int i = 0; i < 70000; i++) seen[nn_rng_below(&rng, NN_RNG_SPLIT, 7)]++;
  for (int k = 0; k < 7; k++) NEAR(seen[k], 10000, 5 * 93);
  for (int i = 0; i < 100; i++) {
    assert_int_equal(nn_rng_below(&rng, NN_RNG_SPLIT, 1), 0);
    uint64_t large = (1ull << 63) + 1; /* nearly half of all draws must be refused */
    assert_true(nn_rng_below(&rng, NN_RNG_SPLIT, large) < large);
    assert_true(nn_rng_below(&rng, NN_RNG_SPLIT, UINT64_MAX) < UINT64_MAX);
  }
}

static void permutations(void **state) {
  int64_t p[1000], q[1000], count[24] = {0};
  bool seen[1000];
  nn_rng rng;
  (void)state;
  nn_rng_init(&rng, 6);
  for (int64_t n = 0; n <= 1000; n += n < 10 ? 1 : 330) {
    memset(seen, 0, sizeof seen);
    nn_rng_permutation(&rng, NN_RNG_SHUFFLE, 1, n, p);
    for (int64_t i = 0; i < n; i++) {
      assert_true(p[i] >= 1 && p[i] <= n && !seen[p[i] - 1]);
      seen[p[i] - 1] = true;
    }
  }
  nn_rng again = rng;
  nn_rng_permutation(&rng, NN_RNG_SHUFFLE, 0, 1000, p);
  nn_rng_permutation(&again, NN_RNG_SHUFFLE, 0, 1000, q);
  assert_memory_equal(p, q, sizeof p);
  nn_rng_permutation(&again, NN_RNG_SHUFFLE, 0, 1000, q);
  assert_memory_not_equal(p, q, sizeof p);
  for (int i = 0; i < 24000; i++) { /* each order of four as often as any other */
    nn_rng_permutation(&rng, NN_RNG_SHUFFLE, 0, 4, p);
    int64_t code = p[0] * 6 + (p[1] - (p[1] > p[0])) * 2 + (p[2] > p[3]);
    count[code]++;
  }
  for (int k = 0; k < 24; k++) NEAR((double)count[k], 1000, 5 * 31);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(known_answers), cmocka_unit_test(blocks),
    cmocka_unit_test(streams),       cmocka_unit_test(arrays),
    cmocka_unit_test(ends),          cmocka_unit_test(normals_by_position),
    cmocka_unit_test(statistics),    cmocka_unit_test(below),
    cmocka_unit_test(permutations)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
