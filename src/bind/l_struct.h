/* bind/l_struct.h: the parts of the tensor's binding that stand in files of their own. */
#ifndef NN_BIND_L_STRUCT_H
#define NN_BIND_L_STRUCT_H

#include "bind/nnl.h"

/* where, split, chunk, ..., equal, allclose (l_struct.c) and nn.linalg (l_linalg.c): the module on
   the top of the stack. nnL_open_tensor calls them. */
void nnL_open_struct(lua_State *L, nnL_state *s);
void nnL_open_linalg(lua_State *L, nnL_state *s);

/* Pushes the tensor that the nested table at `index` lists, for `who`'s errors; fractions do not fit
   integer dtypes (l_make.c). */
nn_tensor *nnL_tensor_of_table(lua_State *L, int index, const char *who, nn_dtype dtype);

#endif
