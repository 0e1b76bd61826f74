/* optim/registry.c: the optimizers as a table; optims.def is the list. */
#include <string.h>

#include "optim/optim.h"

#define NN_OPTIM(name) extern const nn_optim_class nn_optim_##name;
#include "optim/optims.def"
#undef NN_OPTIM

#define NN_OPTIM(name) &nn_optim_##name,
const nn_optim_class *const nn_optims[] = {
#include "optim/optims.def"
  NULL};

const nn_optim_class *nn_optim_class_find(const char *name) {
  for (const nn_optim_class *const *k = nn_optims; *k; k++)
    if (strcmp((*k)->name, name) == 0) return *k;
  return NULL;
}
