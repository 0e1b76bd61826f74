/* bind/l_source_image.c: source.list, source.images, source.cifar: folders and pictures. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "bind/l_file.h"
#include "bind/l_source.h"
#include "io/cifar.h"
#include "io/image.h"

static int drop_folder(lua_State *L) {
  DIR **d = lua_touserdata(L, 1);
  if (*d) closedir(*d);
  *d = NULL;
  return 0;
}

/* (folder): the names in it that do not begin with a dot: a list of folders, a list of files */
static int l_list(lua_State *L) {
  char text[128];
  lua_settop(L, 1);
  const char *path = nnL_check_path(L, 1, "images");
  DIR **d = nnL_temporary(L, sizeof *d, drop_folder);
  *d = opendir(path);
  if (!*d)
    nnL_error(L, "%s: cannot be opened as a folder: %s", path,
              strerror_r(errno, text, sizeof text));
  lua_newtable(L); /* 3: folders */
  lua_newtable(L); /* 4: files */
  lua_Integer n[2] = {0};
  for (const struct dirent *e; (e = readdir(*d)) != NULL;) {
    struct stat s;
    if (e->d_name[0] == '.' || fstatat(dirfd(*d), e->d_name, &s, 0) != 0) continue;
    const int file = S_ISDIR(s.st_mode) ? 0 : 1;
    lua_pushstring(L, e->d_name);
    lua_rawseti(L, 3 + file, ++n[file]);
  }
  closedir(*d);
  *d = NULL;
  return 2;
}

/* The texts of the list at `index` as an array, which lives in a userdata that is pushed. They are
   borrowed from the list, so nothing may change it meanwhile. */
static const char **paths(lua_State *L, int index, int64_t *n) {
  luaL_checktype(L, index, LUA_TTABLE);
  *n = (int64_t)lua_rawlen(L, index);
  const char **list = lua_newuserdatauv(L, ((size_t)*n + 1) * sizeof *list, 0);
  for (int64_t i = 0; i < *n; i++) {
    lua_rawgeti(L, index, i + 1);
    list[i] = nnL_check_path(L, -1, "images");
    lua_pop(L, 1);
  }
  return list;
}

/* (paths, height, width, channels, dtype): one tensor of all */
static int l_images(lua_State *L) {
  lua_settop(L, 5);
  nn_tensor **box = nnL_box_tensor(L);
  int64_t n;
  const char **list = paths(L, 1, &n);
  nn_image_options o = {.height = luaL_checkinteger(L, 2),
                        .width = luaL_checkinteger(L, 3),
                        .channels = (int)luaL_checkinteger(L, 4),
                        .dtype = nnL_check_dtype(L, 5)};
  nnL_expect(L, nn_images_load(nnL_ctx(L), n, list, &o, box));
  lua_settop(L, 6);
  return 1;
}

/* (paths, dtype): x and y */
static int l_cifar(lua_State *L) {
  lua_settop(L, 2);
  nn_tensor **x = nnL_box_tensor(L), **y = nnL_box_tensor(L);
  int64_t n;
  const char **list = paths(L, 1, &n);
  nnL_expect(L, nn_cifar_load(nnL_ctx(L), (int)n, list, nnL_check_dtype(L, 2), x, y));
  lua_settop(L, 4);
  return 2;
}

void nnL_open_source_image(lua_State *L, nnL_state *s) {
  static const luaL_Reg functions[] = {
    {"list", l_list}, {"images", l_images}, {"cifar", l_cifar}, {NULL, NULL}};
  nnL_setfuncs(L, s, functions);
}
