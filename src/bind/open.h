/* open.h: the entry points of the module, for `require` and for the host. */
#ifndef NN_BIND_OPEN_H
#define NN_BIND_OPEN_H

#include <lua.h>

/* The module "nn", Lua part included. The name is what `require "nn"` looks for in nn.so. */
int luaopen_nn(lua_State *L);

/* The part that is written in C, "nn.core" (l_nn.c). */
int luaopen_nn_core(lua_State *L);

#endif
