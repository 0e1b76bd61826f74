/* base/rng.c: Philox4x32-10; see rng.h. */
#include "base/rng.h"

const char *const nn_stream_names[NN_NSTREAMS + 1] = {
  "user", "init", "shuffle", "split", "dropout", "noise", "augment", "search", "data", 0};

void nn_rng_init(nn_rng *rng, uint64_t seed) {
  *rng = (nn_rng){.seed = seed};
}

uint64_t nn_rng_reserve(nn_rng *rng, nn_stream stream, uint64_t blocks) {
  uint64_t first = rng->next[stream];
  rng->next[stream] = first + blocks;
  return first;
}

void nn_rng_block(uint64_t seed, nn_stream stream, uint64_t block, uint32_t word[4]) {
  uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32), c2 = (uint32_t)stream, c3 = 0;
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)c0 * 0xD2511F53u, p1 = (uint64_t)c2 * 0xCD9E8D57u;
    c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    k0 += 0x9E3779B9u; /* the golden ratio and sqrt(3) - 1, as 32-bit fractions */
    k1 += 0xBB67AE85u;
  }
  word[0] = c0;
  word[1] = c1;
  word[2] = c2;
  word[3] = c3;
}

uint64_t nn_rng_below(nn_rng *rng, nn_stream stream, uint64_t n) {
  uint64_t reject = (0 - n) % n; /* 2^64 mod n: draws below it would favour small results */
  for (;;) {
    uint32_t w[4];
    nn_rng_block(rng->seed, stream, nn_rng_reserve(rng, stream, 1), w);
    for (int i = 0; i < 4; i += 2) {
      uint64_t x = (uint64_t)w[i] << 32 | w[i + 1];
      if (x >= reject) return x % n;
    }
  }
}

void nn_rng_permutation(nn_rng *rng, nn_stream stream, int64_t first, int64_t n, int64_t *index) {
  for (int64_t i = 0; i < n; i++) index[i] = first + i;
  for (int64_t i = n - 1; i > 0; i--) { /* Fisher and Yates */
    int64_t j = (int64_t)nn_rng_below(rng, stream, (uint64_t)i + 1), t = index[i];
    index[i] = index[j];
    index[j] = t;
  }
}
