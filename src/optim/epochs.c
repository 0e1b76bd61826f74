/* optim/epochs.c: many epochs in one call, where nobody has to look at the model between them. */
#include <time.h>

#include "optim/train.h"

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static nn_status make_room(nn_trainer *t, int64_t n) {
  const size_t size = sizeof *t->ended;
  t->nended = 0;
  if (n <= t->ended_room) return NN_OK;
  nn_epoch *room = nn_mem_take(t->ctx, (size_t)n * size);
  if (!room) return NN_ENOMEM;
  nn_mem_give(t->ctx, t->ended, (size_t)t->ended_room * size);
  t->ended = room;
  t->ended_room = n;
  return NN_OK;
}

/* A new order, in the memory of the last where nobody else holds that. */
static nn_status draw(nn_trainer *t) {
  nn_ctx *ctx = t->ctx;
  if (!t->order) return NN_OK;
  const int64_t rows = t->order->v.numel;
  if (t->order->refs > 1) {
    nn_tensor *order;
    NN_TRY(nn_tensor_new(ctx, NN_I64, &t->order->v.shape, &order));
    nn_tensor_release(t->order);
    t->order = order;
  }
  nn_rng_permutation(&ctx->rng, NN_RNG_SHUFFLE, 1, rows, nn_data(&t->order->v));
  nn_touch(&t->order->v);
  return NN_OK;
}

/* Seconds after which a call returns at an epoch's end: a host without our Ctrl-C, and a script's debug
   hooks, wait for it. */
static const double LONG = 0.1;

nn_status nn_trainer_epochs(nn_trainer *t, int64_t most) {
  const int64_t rows = t->x->v.shape.dim[0];
  NN_TRY(make_room(t, most));
  t->spent = 0;
  const double start = t->began = now();
  for (;;) {
    NN_TRY(t->nended > 0 ? nn_trainer_go_on(t, INT64_MAX) : nn_trainer_run(t, INT64_MAX));
    const double time = now();
    t->spent = time - t->began;
    if (t->fault != NN_FAULT_NONE || t->row < rows) return NN_OK;
    t->ended[t->nended++] = (nn_epoch){t->total, t->penalty, t->spent};
    if (t->nended == most || nn_stop_asked || time - start > LONG) return NN_OK;
    NN_TRY(draw(t));
    t->row = t->batch = 0;
    t->total = t->penalty = 0;
    t->began = time;
  }
}
