/*
 * bind/nnl.h: what every binding is made of. Functions called nnL_* may raise a Lua error; those
 * ending in _nothrow cannot.
 *
 * A binding goes in four steps. Box: fix the arguments (lua_settop), then push an empty userdata
 * with nnL_box, which pays for the collector and may run finalizers, and those may run script code.
 * Check: nnL_check* and friends, which may raise and own nothing. Compute: the core, which cannot
 * raise and leaves its result in the box. Settle: raise or return. Between a core allocation and
 * its store in a box there is no Lua call that can raise.
 */
#ifndef NN_BIND_NNL_H
#define NN_BIND_NNL_H

#include <lauxlib.h>
#include <lua.h>

#include "base/param.h"
#include "layer/layer.h"
#include "loss/loss.h"
#include "optim/optim.h"
#include "tensor/tensor.h"

/* One userdata type a kind of object, with a class table inside the object where there are
   several. */
typedef enum nnL_kind { NNL_TENSOR, NNL_LAYER, NNL_LOSS, NNL_OPTIM, NNL_KINDS } nnL_kind;

/* One for each Lua state: a userdata in the registry; every function of ours has it as its first
   upvalue. */
typedef struct nnL_state {
  nn_ctx *ctx;
  int meta[NNL_KINDS];    /* registry references of the metatables */
  int methods[NNL_KINDS]; /* and of the tables of methods */
  int cache;   /* weak values: C object -> its box, so that the same object is the same Lua value */
  int modules; /* weak values: foreign layer -> the Lua module that it stands for */
  lua_State *main;       /* the main thread, for what happens while no binding runs */
  int caller;            /* functions that run Lua for C, protected: a module (l_layer.c), */
  int backward, checked; /* an nn.func's backward, a function under gradcheck (l_func.c) */
  int locate;            /* puts a module's path before an error's text (l_path.c) */
  int error;             /* the error value of a failed callback, until it is raised again */
  size_t soft;           /* live bytes at which the next box collects first */
  size_t boxes, most;    /* made since the last collection, and how many are allowed */
} nnL_state;

static inline nnL_state *nnL_here(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(1));
}
static inline nn_ctx *nnL_ctx(lua_State *L) {
  return nnL_here(L)->ctx;
}

/* ---- boxes ---- */

/* What a box's userdata holds. The mark tells its kind in one look, without its metatable; the
   finalizer clears it, so that no memory that once was a box can be taken for one. */
typedef struct nnL_content {
  void *object; /* NULL: none yet, or released */
  const char *mark;
} nnL_content;

/* Pushes an empty box; its address holds the object's pointer, NULL now. `values`: user values
   it needs. */
void **nnL_box(lua_State *L, nnL_kind kind, int values);
static inline nn_tensor **nnL_box_tensor(lua_State *L) {
  return (nn_tensor **)nnL_box(L, NNL_TENSOR, 0);
}
/* Pushes the box of an object that C holds: the same one each time while it lives. The box takes
   a reference of its own. */
void nnL_push(lua_State *L, nnL_kind kind, void *object);
/* Remembers the box at `index` as its object's, because C is about to hold the object. */
void nnL_remember(lua_State *L, int index, void *object);
/* The object in the box at `index`, or NULL when it is something else. Raises when it was
   released. */
void *nnL_test(lua_State *L, int index, nnL_kind kind);
/* For __close and __gc: takes the object out of the box at 1; NULL when it has none. */
void *nnL_empty(lua_State *L);
void *nnL_finalize(lua_State *L);
/* The same, but anything else raises. */
void *nnL_check(lua_State *L, int index, nnL_kind kind);
static inline nn_tensor *nnL_check_tensor(lua_State *L, int index) {
  return nnL_check(L, index, NNL_TENSOR);
}

/* ---- results ---- */

/* Raises the core's error. */
void nnL_raise(lua_State *L, nn_status st);
/* Raises it if there is one. */
static inline void nnL_expect(lua_State *L, nn_status st) {
  if (st != NN_OK) nnL_raise(L, st);
}
/* The same, or returns 1: the box on the top is the result. */
static inline int nnL_settle(lua_State *L, nn_status st) {
  nnL_expect(L, st);
  return 1;
}
/* Raises with the position of the script's call, not of our own Lua files, and with the path of the
   module in whose forward it happens. */
int nnL_error(lua_State *L, const char *format, ...)
  __attribute__((noreturn, format(printf, 2, 3)));

/* ---- arguments ---- */

/* The value at `index` as a parameter sees it: of v is set what its kind has. Texts are borrowed from
   the stack. */
void nnL_arg(lua_State *L, int index, nn_arg *v);
/* Pushes a parameter's value. */
void nnL_push_arg(lua_State *L, const nn_arg *v);
/* Reads arguments first..last into `unit` (defaults first): by position, then a table of
   options. */
void nnL_arguments(lua_State *L, int first, int last, const char *owner, const nn_param *params,
                   void *unit);
/* Reads the named fields of the table at `index`; `skip` is a field that is none of the options,
   or NULL. */
void nnL_options(lua_State *L, int index, const char *owner, const nn_param *params, void *unit,
                 const char *skip);
/* A shape from arguments first..last: numbers, or one list of them. */
nn_shape nnL_shape(lua_State *L, int first, int last, const char *owner);
/* Fails naming argument, expected and got. */
int nnL_bad_arg(lua_State *L, int index, const char *expected) __attribute__((noreturn));
/* "a float32 tensor of 2x3", "a table", ...: what stands at `index`. Pushes the text. */
const char *nnL_what(lua_State *L, int index);

/* ---- registering ---- */

/* Sets functions in the table on the top, each with the state as its upvalue. */
void nnL_setfuncs(lua_State *L, nnL_state *s, const luaL_Reg *list);
/* Pushes f with the state and a pointer as upvalues. */
void nnL_closure(lua_State *L, nnL_state *s, lua_CFunction f, const void *pointer);
static inline const void *nnL_pointer(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(2));
}

/* Sets __index of a kind's metatable, on the top: f, with the kind's methods as second upvalue. */
void nnL_set_index(lua_State *L, nnL_state *s, nnL_kind kind, lua_CFunction f);
/* In such a function: pushes the method that the key at 2 names, or nil; whether there is one. */
static inline bool nnL_push_method(lua_State *L) {
  lua_pushvalue(L, 2);
  return lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL;
}

/* Each fills the table of the module, on the top of the stack, and the metatable of its kind. */
void nnL_open_tensor(lua_State *L, nnL_state *s);
void nnL_open_index(lua_State *L, nnL_state *s);
void nnL_open_make(lua_State *L, nnL_state *s);
void nnL_open_op(lua_State *L, nnL_state *s);
void nnL_open_grad(lua_State *L, nnL_state *s);
void nnL_open_func(lua_State *L, nnL_state *s);
void nnL_open_layer(lua_State *L, nnL_state *s);
void nnL_open_init(lua_State *L, nnL_state *s);
void nnL_open_loss(lua_State *L, nnL_state *s);
void nnL_open_optim(lua_State *L, nnL_state *s);
void nnL_open_terminal(lua_State *L, nnL_state *s);
void nnL_open_data(lua_State *L, nnL_state *s);
void nnL_open_file(lua_State *L, nnL_state *s);
void nnL_open_plot(lua_State *L, nnL_state *s);
void nnL_open_source(lua_State *L, nnL_state *s);
void nnL_open_catalogue(lua_State *L, nnL_state *s);
void nnL_open_path(lua_State *L, nnL_state *s);
void nnL_open_workers(lua_State *L, nnL_state *s);
/* Puts the path before the text on the top of the stack, see l_path.c. */
void nnL_locate(lua_State *L);
/* What a container calls for a child written in Lua (l_layer.c). */
int nnL_layer_module(lua_State *L);
/* Pushes x[...] for the keys at stack index `key` (l_index.c). */
int nnL_index(lua_State *L, nn_tensor *x, int key);

#endif
