/* bind/l_terminal.c: what the Lua part asks of the system for what it shows and logs: the width of
   a terminal, folders, the time of day. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>

#include "bind/nnl.h"

/* core.columns(fd): how many a terminal has, nil where it does not say */
static int l_columns(lua_State *L) {
  struct winsize size = {0};
  if (ioctl((int)luaL_checkinteger(L, 1), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    lua_pushnil(L);
  else
    lua_pushinteger(L, size.ws_col);
  return 1;
}

/* core.wall_time(): seconds since 1970, with fractions */
static int l_wall_time(lua_State *L) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  lua_pushnumber(L, (double)t.tv_sec + 1e-9 * (double)t.tv_nsec);
  return 1;
}

/* core.make_folder(path): true, also when it was there; or nil and why not */
static int l_make_folder(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct stat s;
  if (mkdir(path, 0777) == 0 || (errno == EEXIST && stat(path, &s) == 0 && S_ISDIR(s.st_mode))) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, strerror(errno));
  return 2;
}

static const luaL_Reg functions[] = {
  {"columns", l_columns}, {"wall_time", l_wall_time}, {"make_folder", l_make_folder}, {NULL, NULL}};

void nnL_open_terminal(lua_State *L, nnL_state *s) {
  nnL_setfuncs(L, s, functions);
}
