/* loss/registry.c: the losses as a table; losses.def is the list. */
#include <string.h>

#include "loss/loss.h"

#define NN_LOSS(name) extern const nn_loss_class nn_loss_##name;
#include "loss/losses.def"
#undef NN_LOSS

#define NN_LOSS(name) &nn_loss_##name,
const nn_loss_class *const nn_losses[] = {
#include "loss/losses.def"
  NULL};

const nn_loss_class *nn_loss_class_find(const char *name) {
  for (const nn_loss_class *const *k = nn_losses; *k; k++)
    if (strcmp((*k)->name, name) == 0) return *k;
  return NULL;
}
