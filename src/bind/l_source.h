/* bind/l_source.h: the parts of nn.core.source that stand in files of their own. */
#ifndef NN_BIND_L_SOURCE_H
#define NN_BIND_L_SOURCE_H

#include "bind/nnl.h"

/* A dtype's name at `index`. */
nn_dtype nnL_check_dtype(lua_State *L, int index);

/* source.csv (l_source_csv.c); source.images and its kin (l_source_image.c): the table on the top of
   the stack. */
void nnL_open_source_csv(lua_State *L, nnL_state *s);
void nnL_open_source_image(lua_State *L, nnL_state *s);

#endif
