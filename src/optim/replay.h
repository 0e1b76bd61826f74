/*
 * optim/replay.h: training steps of small networks, played from a tape (grad/tape.h). The second step in
 * a row with the same model, loss and shapes is noted; later ones run its kernels over the same memory,
 * so they give the same bits, and neither check shapes nor make tensors and nodes: on a network of a few
 * weights those cost several times what the kernels do. Only for layers and losses whose class is
 * `pure`, and while what a step keeps is small.
 */
#ifndef NN_OPTIM_REPLAY_H
#define NN_OPTIM_REPLAY_H

#include "layer/layer.h"
#include "loss/loss.h"
#include "optim/optim.h"

/* What a step is about to do. */
typedef struct nn_replay_step {
  nn_replay *replay; /* NULL: this step can be neither played nor noted */
  int plan;          /* to be played; -1: none */
  bool note;         /* this step is noted */
} nn_replay_step;

/* Before a step: *r is the optimizer's, made where there is none. */
nn_replay_step nn_replay_begin(nn_ctx *ctx, nn_replay **r, nn_layer *model, nn_loss *loss,
                               const nn_tensor *x, const nn_tensor *y);
/* Plays it: gradients as after backward, *value the loss; where that is not finite, no gradient.
   `descend`: some products wait. */
nn_status nn_replay_play(const nn_replay_step *s, const nn_tensor *x, const nn_tensor *y,
                         bool descend, double *value);

/* Descent. Where an optimizer's step is w -= rate g, and g is one product of matrices that a step's end
   has no other use for, the product goes straight into the weights: the same bits, and one pass over
   them instead of a pass over the gradient, a look at it and a pass over both. */

/* Whether a step may be played so, as far as model and optimizer go. */
bool nn_replay_descends(const nn_replay_step *s, const nn_optim *o, const nn_tensor *x);
/* What no element of the gradients that are late products can pass in size, as nn_late_bound, where
   `most` is that of the batches' x; whether t's is among them. */
double nn_replay_bound(const nn_replay_step *s, double most);
bool nn_replay_bounds(const nn_replay_step *s, const nn_tensor *t);
/* Those that wait become gradients after all; or they go into the weights. */
void nn_replay_stay(const nn_replay_step *s);
void nn_replay_descend(const nn_replay_step *s, nn_optim *o);
/* Of a step that is noted: its forward part is over, and this is the loss; the whole is. */
void nn_replay_turn(const nn_replay_step *s, const nn_tensor *loss);
void nn_replay_end(const nn_replay_step *s, nn_status st, nn_layer *model, nn_loss *loss,
                   const nn_tensor *x, const nn_tensor *y);
/* How many steps were played; how many of them descended. */
uint64_t nn_replay_played(const nn_replay *r);
uint64_t nn_replay_descended(const nn_replay *r);
void nn_replay_free(nn_replay *r);

#endif
