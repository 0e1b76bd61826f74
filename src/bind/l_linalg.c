/*
 * bind/l_linalg.c: the table nn.linalg. The operations with one result are those of the registry whose
 * names begin with "linalg."; the others (qr, svd, eigh) come packed in one tensor and are taken apart
 * here, by views, so that gradients go through.
 */
#include <string.h>

#include "bind/l_struct.h"
#include "grad/op.h"

extern const nn_op nn_op_linalg_qr, nn_op_linalg_svd, nn_op_linalg_eigh, nn_op_narrow, nn_op_view;

static const char prefix[] = "linalg.";

/* The part of a packed result that follows what was taken: an (a, b) matrix, or with b -1 a list. */
static void take_part(lua_State *L, nn_tensor *packed, int64_t *first, int64_t a, int64_t b) {
  int64_t n = b >= 0 ? a * b : a, attr[3] = {packed->v.shape.ndim, *first, n};
  nn_tensor **line = nnL_box_tensor(L), **box = nnL_box_tensor(L);
  nn_ints shape = {0};
  *first += n;
  for (int d = 0; d < packed->v.shape.ndim - 1; d++) shape.v[shape.n++] = packed->v.shape.dim[d];
  shape.v[shape.n++] = a;
  if (b >= 0) shape.v[shape.n++] = b;
  nnL_expect(L, nn_apply(nnL_ctx(L), &nn_op_narrow, attr, 1, &packed, line));
  nnL_expect(L, nn_apply(nnL_ctx(L), &nn_op_view, &shape, 1, line, box));
  lua_remove(L, -2);
}

static int l_packed(lua_State *L) {
  const nn_op *op = nnL_pointer(L);
  lua_settop(L, 1);
  nn_tensor **box = nnL_box_tensor(L), *x = nnL_check_tensor(L, 1);
  nnL_expect(L, nn_apply(nnL_ctx(L), op, NULL, 1, &x, box));
  const nn_shape *s = &x->v.shape;
  int64_t m = s->dim[s->ndim - 2], n = s->dim[s->ndim - 1], k = m < n ? m : n, first = 1;
  if (op == &nn_op_linalg_eigh) {
    take_part(L, *box, &first, n, -1);
    take_part(L, *box, &first, n, n);
    return 2;
  }
  take_part(L, *box, &first, m, k);
  if (op == &nn_op_linalg_svd) take_part(L, *box, &first, k, -1);
  take_part(L, *box, &first, k, n);
  return op == &nn_op_linalg_svd ? 3 : 2;
}

void nnL_open_linalg(lua_State *L, nnL_state *s) {
  static const nn_op *const packed[] = {&nn_op_linalg_qr, &nn_op_linalg_svd, &nn_op_linalg_eigh};
  lua_newtable(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->methods[NNL_TENSOR]);
  for (const nn_op *const *op = nn_ops; *op; op++) {
    const char *name = (*op)->name;
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) continue;
    lua_getfield(L, -3, name);
    lua_setfield(L, -3, name + sizeof prefix - 1);
    lua_pushnil(L);
    lua_setfield(L, -4, name);
    lua_pushnil(L);
    lua_setfield(L, -2, name);
  }
  lua_pop(L, 1);
  for (size_t i = 0; i < sizeof packed / sizeof *packed; i++) {
    nnL_closure(L, s, l_packed, packed[i]);
    lua_setfield(L, -2, packed[i]->name + sizeof prefix - 1);
  }
  lua_setfield(L, -2, "linalg");
}
