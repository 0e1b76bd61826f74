/*
 * base/rng.h: random streams from a counter-based generator.
 *
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC
 * 2011): a block of four 32-bit words is a pure function of (seed, stream, block number). So the
 * state of a stream is one integer, element i of a draw does not depend on who computes it, and
 * nothing depends on the number of threads.
 */
#ifndef NN_BASE_RNG_H
#define NN_BASE_RNG_H

#include <stdint.h>

/* One stream a purpose, so that a drawn dropout mask never shifts the order of the batches. */
typedef enum nn_stream {
  NN_RNG_USER,    /* nn.rand, nn.randn, ... */
  NN_RNG_INIT,    /* initial weights */
  NN_RNG_SHUFFLE, /* order of batches */
  NN_RNG_SPLIT,   /* parts of a dataset */
  NN_RNG_DROPOUT, /* masks */
  NN_RNG_NOISE,   /* GaussianNoise */
  NN_RNG_AUGMENT, /* images */
  NN_RNG_SEARCH,  /* hyper-parameters */
  NN_RNG_DATA,    /* generated datasets */
  NN_NSTREAMS
} nn_stream;

typedef struct nn_rng {
  uint64_t seed;
  uint64_t next[NN_NSTREAMS]; /* the first unused block of each stream */
} nn_rng;

/* The streams' names, as scripts and checkpoints see them. */
extern const char *const nn_stream_names[NN_NSTREAMS + 1];

void nn_rng_init(nn_rng *rng, uint64_t seed);
/* Reserves `blocks` blocks of a stream; returns the first. */
uint64_t nn_rng_reserve(nn_rng *rng, nn_stream stream, uint64_t blocks);
/* Computes one block: four words. */
void nn_rng_block(uint64_t seed, nn_stream stream, uint64_t block, uint32_t word[4]);
/* A whole number in 0..n-1, n > 0, without bias. */
uint64_t nn_rng_below(nn_rng *rng, nn_stream stream, uint64_t n);
/* Fills `index` (n) with a random order of first .. first + n - 1. */
void nn_rng_permutation(nn_rng *rng, nn_stream stream, int64_t first, int64_t n, int64_t *index);

#endif
