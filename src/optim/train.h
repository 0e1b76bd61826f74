/*
 * optim/train.h: training, batch by batch, in C from end to end. nn.fit drives it in stretches; one
 * batch at a time gives the same bits, and so does the loop that a script would write.
 *
 * A step sees `accumulate` batches: the gradient is the mean over all their samples, as if they
 * were one batch. Then come the penalties, clipping, and the optimizer. What cannot be finished is
 * undone: where a loss or a gradient is not finite, where something fails and where the user
 * interrupts, weights, buffers, the optimizer's state and the random streams are as they were
 * before the step.
 */
#ifndef NN_OPTIM_TRAIN_H
#define NN_OPTIM_TRAIN_H

#include "layer/layer.h"
#include "loss/loss.h"
#include "optim/optim.h"
#include "optim/replay.h"

typedef enum nn_fault { NN_FAULT_NONE, NN_FAULT_LOSS, NN_FAULT_GRADIENT } nn_fault;

/* What an epoch came to: sums over its samples, and how long it took. */
typedef struct nn_epoch {
  double total, penalty, seconds;
} nn_epoch;

typedef struct nn_trainer {
  nn_ctx *ctx;
  nn_layer *model; /* one reference each; the three are NULL where Lua runs the batches */
  nn_loss *loss;
  nn_optim *optim;
  nn_tensor *x, *y, *weight; /* a row for each sample; weight (n) or NULL */
  int nparams, nbuffers;
  nn_tensor **param;                    /* (nparams) what is trained: penalised and clipped */
  nn_tensor **buffer;                   /* (nbuffers) what a forward may change */
  double l1, l2, clip_norm, clip_value; /* 0: none */
  int64_t size, accumulate;             /* samples in a batch, batches in a step */
  bool gather;                          /* predictions are wanted */
  bool is_sum;                          /* the loss is a sum over the samples, not their mean */
  bool yields;                          /* nobody but C sees a batch: it can be undone half-way */

  /* where the epoch stands */
  nn_tensor *order;        /* rows from 1, int64 (n), or NULL: as they come */
  int64_t row, batch;      /* rows and batches behind */
  double total, penalty;   /* sums of what the samples gave */
  nn_tensor *outputs;      /* (n, ...) predictions, row by row in the order of the epoch, or NULL */
  nn_fault fault;          /* why the next step cannot be made */
  int64_t at, fault_batch; /* the row where that batch begins, its number */
  double value;            /* the last batch's loss */

  /* the mark: how things were before the step */
  nn_rng rng;
  double global[NN_MAXGLOBALS];
  nn_value *kept; /* (nbuffers) over `keep` */
  nn_storage *keep;
  nn_tensor *rows[3]; /* batches of x, y, weight, to be used again */

  /* how the batch before was played, its rows, and whether it may descend (optim/replay.h): within one
     call of nn_trainer_run nobody changes the model, so the next one of as many rows is played without
     asking. plan < 0: it was not */
  nn_replay_step same;
  int64_t same_rows;
  bool same_descends;
  bool unseen;        /* nobody sees this step's gradients: more steps follow in this call */
  bool waits;         /* some of them wait to go straight into the weights */
  bool bounded;       /* all gradients but those of `others` have been found small */
  int nothers;        /* parameters whose gradients are no late products of `same` */
  nn_tensor **others; /* (nparams) */
  double most;        /* of x in size, when its storage had that version */
  uint32_t most_version;
  bool most_known;

  nn_epoch *ended; /* (ended_room) of nn_trainer_epochs: those that are over */
  int64_t nended, ended_room;
  double began, spent; /* when the one began in which it stands; its time when a call came back */
} nn_trainer;

/* All fields zero but the context; arrays of the given sizes. */
nn_status nn_trainer_new(nn_ctx *ctx, int nparams, int nbuffers, nn_trainer **out);
void nn_trainer_free(nn_trainer *t);
/* When all is filled in: makes room for the mark. */
nn_status nn_trainer_build(nn_trainer *t);

/* Remembers what a step may change; goes back there. */
nn_status nn_trainer_mark(nn_trainer *t);
void nn_trainer_rewind(nn_trainer *t);
/* Between backward and step: penalties are added (*penalty), then gradients clipped. *finite: whether
   a step by them leaves numbers. */
nn_status nn_trainer_settle(nn_trainer *t, double *penalty, bool *finite);

/* Takes steps until `most` batches are behind (whole steps, at least one), the epoch ends, the user
   wants to stop (a long batch that `yields` is undone then), or a step has a fault and is undone. */
nn_status nn_trainer_run(nn_trainer *t, int64_t most);

/* The same, when nobody but the core has run since. */
nn_status nn_trainer_go_on(nn_trainer *t, int64_t most);
/* The rest of the epoch, then whole ones, each in a new order if there is one, until `most` are over, a
   moment has passed or a step is not made (see nn_trainer_run). Where row is not the last the trainer
   stands inside one. */
nn_status nn_trainer_epochs(nn_trainer *t, int64_t most);

/* A loss whose samples count by `weight` (n): the terms times it, then the loss's own reduction. */
nn_status nn_loss_weighted(nn_ctx *ctx, nn_loss *loss, nn_tensor *prediction, nn_tensor *target,
                           nn_tensor *weight, nn_tensor **out);

#endif
