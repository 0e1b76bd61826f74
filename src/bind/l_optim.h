/* bind/l_optim.h: the parts of the optimizers' binding: steps (l_optim.c), state (l_optim_state.c),
   gradients clipped and least squares (l_fitting.c), training (l_train.c), what checkpoints need
   (l_checkpoint.c). */
#ifndef NN_BIND_L_OPTIM_H
#define NN_BIND_L_OPTIM_H

#include "bind/nnl.h"

/* The optimizer at `index`; anything else raises. */
static inline nn_optim *nnL_check_optim(lua_State *L, int index) {
  return nnL_check(L, index, NNL_OPTIM);
}
/* Sets option `name` of the groups first..end-1 to the value at `index`: of all, or of none with an
   error. */
void nnL_set_option(lua_State *L, nn_optim *o, int first, int end, const char *name, int index);

/* Fills the table of methods on the top of the stack. */
void nnL_open_optim_state(lua_State *L, nnL_state *s);
/* Fills the module's table on the top of the stack. */
void nnL_open_fitting(lua_State *L, nnL_state *s);
void nnL_open_train(lua_State *L, nnL_state *s);
void nnL_open_checkpoint(lua_State *L, nnL_state *s);

#endif
