/* layer/registry.c: the layers as a table; layers.def is the list. */
#include <string.h>

#include "layer/layer.h"

#define NN_LAYER(name) extern const nn_layer_class nn_layer_##name;
#include "layer/layers.def"
#undef NN_LAYER

#define NN_LAYER(name) &nn_layer_##name,
const nn_layer_class *const nn_layers[] = {
#include "layer/layers.def"
  NULL};

const nn_layer_class *nn_layer_class_find(const char *name) {
  for (const nn_layer_class *const *k = nn_layers; *k; k++)
    if (strcmp((*k)->name, name) == 0) return *k;
  return NULL;
}
