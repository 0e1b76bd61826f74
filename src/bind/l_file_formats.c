/* bind/l_file_formats.c: other programs' formats, for lua/nn/files.lua: npy, npz, safetensors, csv. */
#include "bind/l_file.h"
#include "io/csv_write.h"
#include "io/npy.h"
#include "io/npz.h"
#include "io/safetensors.h"

/* files.write_npy(path, tensor) */
static int l_write_npy(lua_State *L) {
  const char *path = nnL_check_path(L, 1, "save");
  nnL_expect(L, nn_npy_save(nnL_ctx(L), path, nnL_check_tensor(L, 2)));
  return 0;
}

/* files.read_npy(path) */
static int l_read_npy(lua_State *L) {
  lua_settop(L, 1);
  nn_tensor **box = nnL_box_tensor(L);
  return nnL_settle(L, nn_npy_load(nnL_ctx(L), nnL_check_path(L, 1, "load"), box));
}

/* files.write_csv(path, header, tensors, labels): header and labels (texts) or nil */
static int l_write_csv(lua_State *L) {
  const char *path = nnL_check_path(L, 1, "save"), *header = luaL_optstring(L, 2, NULL);
  nn_csv_labels labels = {0};
  int n;
  lua_settop(L, 4);
  nn_tensor **tensor = nnL_check_tensors(L, 3, &n);
  if (lua_istable(L, 4)) {
    labels.n = (int64_t)lua_rawlen(L, 4);
    const char **text = lua_newuserdatauv(L, ((size_t)labels.n + 1) * sizeof *text, 0);
    for (int64_t i = 0; i < labels.n; i++) {
      lua_rawgeti(L, 4, i + 1);
      text[i] = luaL_checkstring(L, -1);
      lua_pop(L, 1); /* the list keeps it alive */
    }
    labels.text = text;
  }
  nnL_expect(L, nn_csv_save(nnL_ctx(L), path, header, n, tensor, labels.text ? &labels : NULL));
  return 0;
}

/* ---- archives ---- */

typedef nn_status (*archive_load)(nn_ctx *ctx, const char *path, nn_bundle *out);
typedef nn_status (*archive_save)(nn_ctx *ctx, const char *path, const nn_bundle *b);

typedef struct archive {
  archive_load load;
  archive_save save;
} archive;
static const archive npz = {nn_npz_load, nn_npz_save},
                     safetensors = {nn_safetensors_load, nn_safetensors_save};

static int l_drop(lua_State *L) {
  nn_bundle *b = lua_touserdata(L, 1);
  if (b->ctx) nn_bundle_drop(b);
  return 0;
}

static nn_bundle *push_bundle(lua_State *L) {
  nn_bundle *b = nnL_temporary(L, sizeof *b, l_drop);
  b->ctx = nnL_ctx(L);
  return b;
}

/* files.read_npz(path), files.read_safetensors(path): tables of tensors and of texts, by name */
static int l_read(lua_State *L) {
  const archive *a = nnL_pointer(L);
  const char *path = nnL_check_path(L, 1, "load");
  nn_bundle *b = push_bundle(L);
  nnL_expect(L, a->load(b->ctx, path, b));
  lua_newtable(L);
  lua_newtable(L);
  int tensors = lua_gettop(L) - 1, texts = tensors + 1;
  for (int64_t i = 0; i < b->n; i++) {
    nn_named *item = &b->item[i];
    if (item->text) {
      lua_pushstring(L, item->text);
    } else {
      nn_tensor **box = nnL_box_tensor(L);
      *box = item->tensor;
      item->tensor = NULL;
    }
    lua_setfield(L, item->text ? texts : tensors, item->name);
  }
  nn_bundle_drop(b);
  return 2;
}

/* The element i of the list at `index`, a text. */
static const char *text_at(lua_State *L, int index, int64_t i, size_t *n) {
  lua_rawgeti(L, index, i);
  const char *text = luaL_checklstring(L, -1, n);
  lua_pop(L, 1); /* the list keeps it alive */
  return text;
}

/* files.write_...(path, names, tensors, keys, texts): the tensors by name and, in safetensors, texts */
static int l_write(lua_State *L) {
  const archive *a = nnL_pointer(L);
  const char *path = nnL_check_path(L, 1, "save");
  int n;
  lua_settop(L, 5);
  nn_tensor **tensor = nnL_check_tensors(L, 3, &n);
  nn_bundle *b = push_bundle(L);
  for (int i = 0; i < n; i++) {
    size_t length;
    const char *name = text_at(L, 2, i + 1, &length);
    nnL_expect(L, nn_bundle_add(b, name, length, NULL, tensor[i]));
  }
  for (int i = 1; i <= (int)lua_rawlen(L, 4); i++) {
    size_t length, more;
    const char *key = text_at(L, 4, i, &length), *text = text_at(L, 5, i, &more);
    nnL_expect(L, nn_bundle_add(b, key, length, text, NULL));
  }
  nnL_expect(L, a->save(b->ctx, path, b));
  nn_bundle_drop(b);
  return 0;
}

static const luaL_Reg functions[] = {
  {"write_npy", l_write_npy}, {"read_npy", l_read_npy}, {"write_csv", l_write_csv}, {NULL, NULL}};

void nnL_open_file_formats(lua_State *L, nnL_state *s) {
  nnL_setfuncs(L, s, functions);
  nnL_closure(L, s, l_read, &npz);
  lua_setfield(L, -2, "read_npz");
  nnL_closure(L, s, l_write, &npz);
  lua_setfield(L, -2, "write_npz");
  nnL_closure(L, s, l_read, &safetensors);
  lua_setfield(L, -2, "read_safetensors");
  nnL_closure(L, s, l_write, &safetensors);
  lua_setfield(L, -2, "write_safetensors");
}
