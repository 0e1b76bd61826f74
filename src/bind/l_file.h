/* bind/l_file.h: what the bindings of files share. */
#ifndef NN_BIND_L_FILE_H
#define NN_BIND_L_FILE_H

#include "bind/nnl.h"

/* The path at `index`; `who` begins the error text. */
const char *nnL_check_path(lua_State *L, int index, const char *who);
/* The tensors of the list at `index`, as an array in a userdata that is pushed. */
nn_tensor **nnL_check_tensors(lua_State *L, int index, int *n);
/* Pushes a userdata of `size` zeros for what C owns meanwhile; `drop` is its finalizer. */
void *nnL_temporary(lua_State *L, size_t size, lua_CFunction drop);
/* Adds to the table on the top (l_file_formats.c). */
void nnL_open_file_formats(lua_State *L, nnL_state *s);
/* Pushes the box of a new layer with default arguments, not yet built (l_layer.c). */
void **nnL_new_layer(lua_State *L, const nn_layer_class *class);

#endif
