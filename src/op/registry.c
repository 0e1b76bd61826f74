/* op/registry.c: the operations as a table; ops.def is the list. */
#include <string.h>

#include "grad/op.h"

#define NN_OP(name) extern const nn_op nn_op_##name;
#include "op/ops.def"
#undef NN_OP

#define NN_OP(name) &nn_op_##name,
const nn_op *const nn_ops[] = {
#include "op/ops.def"
  NULL};

const nn_op *nn_op_find(const char *name) {
  for (const nn_op *const *op = nn_ops; *op; op++)
    if (strcmp((*op)->name, name) == 0) return *op;
  return NULL;
}
