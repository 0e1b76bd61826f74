#include "bind/l_struct.h"
void nnL_open_linalg(lua_State *L, nnL_state *s) {
  (void)L, (void)s;
}
