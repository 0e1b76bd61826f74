/* bind/nnl.c: boxes, arguments and errors; see nnl.h. */
#include "bind/nnl.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- the collector ---- */

static const size_t STRIDE = (size_t)16 << 20;
static const size_t BOXES = 1024;

static size_t lua_heap(lua_State *L) {
  return (size_t)lua_gc(L, LUA_GCCOUNT, 0) * 1024;
}

/* Note [Pacing]: Lua sees a box as some 40 bytes, however large the tensor. So the next box
   collects first when live bytes have grown by 16 MiB, by a quarter, or by as much as Lua's own heap
   (whichever is most) since the last collection, or when 1,024 boxes were made, or one for 128 bytes
   of the heap: what they held is then still in the cache when it is used again. Near the memory
   limit it begins earlier. (A collection of a heap of 200 KB takes 15 us, 16 MiB of results take the
   kernels a millisecond.) */
static void collect(lua_State *L, nnL_state *s) {
  if (lua_gc(L, LUA_GCISRUNNING, 0)) lua_gc(L, LUA_GCCOLLECT, 0);
  size_t live = s->ctx->mem.live, heap = lua_heap(L), more = STRIDE, limit = s->ctx->mem.limit;
  if (live / 4 > more) more = live / 4;
  if (heap > more) more = heap;
  if (limit > live && (limit - live) / 2 < more) more = (limit - live) / 2;
  s->soft = live + more;
  s->boxes = 0;
  s->most = heap / 128 > BOXES ? heap / 128 : BOXES;
}

static const char *const kind_names[NNL_KINDS] = {"tensor", "layer", "loss", "optimizer"};

void **nnL_box(lua_State *L, nnL_kind kind, int values) {
  nnL_state *s = nnL_here(L);
  if (s->ctx->mem.live > s->soft || ++s->boxes > s->most) collect(L, s);
  nnL_content *box = lua_newuserdatauv(L, sizeof *box, values);
  *box = (nnL_content){NULL, kind_names[kind]};
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->meta[kind]);
  lua_setmetatable(L, -2);
  return &box->object;
}

static void retain(nnL_kind kind, void *object) {
  switch (kind) {
    case NNL_TENSOR: nn_tensor_retain(object); break;
    case NNL_LAYER: nn_layer_retain(object); break;
    case NNL_LOSS: nn_loss_retain(object); break;
    case NNL_OPTIM: nn_optim_retain(object); break;
    case NNL_KINDS: break;
  }
}

void nnL_remember(lua_State *L, int index, void *object) {
  nnL_state *s = nnL_here(L);
  index = lua_absindex(L, index);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->cache);
  lua_pushvalue(L, index);
  lua_rawsetp(L, -2, object);
  lua_pop(L, 1);
}

void nnL_push(lua_State *L, nnL_kind kind, void *object) {
  nnL_state *s = nnL_here(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->cache);
  lua_rawgetp(L, -1, object);
  void **box = lua_touserdata(L, -1);
  if (box && *box == object) { /* not a released box, nor one of an object that stood here before */
    lua_remove(L, -2);
    return;
  }
  lua_pop(L, 2);
  box = nnL_box(L, kind, 0);
  retain(kind, object);
  *box = object;
  nnL_remember(L, -1, object);
}

void *nnL_test(lua_State *L, int index, nnL_kind kind) {
  const nnL_content *box = lua_touserdata(L, index);
  if (!box || lua_rawlen(L, index) != sizeof *box || box->mark != kind_names[kind]) return NULL;
  if (!box->object) nnL_error(L, "this %s was released; it cannot be used any more", box->mark);
  return box->object;
}

void *nnL_empty(lua_State *L) {
  nnL_content *box = lua_touserdata(L, 1);
  if (!box) return NULL;
  void *object = box->object;
  box->object = NULL;
  return object;
}

void *nnL_finalize(lua_State *L) {
  nnL_content *box = lua_touserdata(L, 1);
  if (!box) return NULL;
  void *object = box->object;
  *box = (nnL_content){0};
  return object;
}

void *nnL_check(lua_State *L, int index, nnL_kind kind) {
  static const char *const wanted[NNL_KINDS] = {"a tensor", "a layer", "a loss", "an optimizer"};
  void *object = nnL_test(L, index, kind);
  if (!object) nnL_bad_arg(L, index, wanted[kind]);
  return object;
}

/* ---- errors ---- */

/* Pushes "script.lua:12: " of the innermost caller that is neither C nor a file of ours. */
static void where(lua_State *L) {
  lua_Debug ar;
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline > 0 && strncmp(ar.source, "@nn/", 4) != 0) {
      lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
      return;
    }
  }
  lua_pushliteral(L, "");
}

int nnL_error(lua_State *L, const char *format, ...) {
  char text[NN_ERR_SIZE];
  va_list ap;
  va_start(ap, format);
  vsnprintf(text, sizeof text, format, ap);
  va_end(ap);
  where(L);
  lua_pushstring(L, text);
  nnL_locate(L);
  lua_concat(L, 2);
  lua_error(L);
  __builtin_unreachable(); /* lua_error does not return, but its prototype says otherwise */
}

void nnL_raise(lua_State *L, nn_status st) {
  nnL_state *s = nnL_here(L);
  if (st == NN_ECALLBACK) { /* the callback's own error value, unchanged */
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->error);
    lua_pushboolean(L, 0);
    lua_rawseti(L, LUA_REGISTRYINDEX, s->error);
    lua_error(L);
  }
  if (st == NN_EINTR) {
    nn_interrupted = 0;
    lua_pushliteral(L, "interrupted");
    lua_error(L);
  }
  nnL_error(L, "%s", s->ctx->err);
}

const char *nnL_what(lua_State *L, int index) {
  if (lua_isnoneornil(L, index)) return lua_pushstring(L, lua_isnone(L, index) ? "nothing" : "nil");
  if (lua_type(L, index) == LUA_TNUMBER) return luaL_tolstring(L, index, NULL);
  if (lua_type(L, index) == LUA_TSTRING)
    return lua_pushfstring(L, "the string \"%s\"", lua_tostring(L, index));
  if (lua_type(L, index) != LUA_TUSERDATA)
    return lua_pushfstring(L, "a %s", luaL_typename(L, index));
  nn_tensor *t = nnL_test(L, index, NNL_TENSOR);
  nn_text text;
  if (t)
    return lua_pushfstring(L, "%s %s tensor of %s", t->v.dtype == NN_I64 ? "an" : "a",
                           nn_dtype_name(t->v.dtype), nn_value_text(&text, &t->v));
  for (int kind = NNL_LAYER; kind < NNL_KINDS; kind++)
    if (nnL_test(L, index, (nnL_kind)kind))
      return lua_pushfstring(L, kind == NNL_OPTIM ? "an %s" : "a %s", kind_names[kind]);
  return lua_pushliteral(L, "a userdata");
}

int nnL_bad_arg(lua_State *L, int index, const char *expected) {
  lua_Debug ar;
  const char *got = nnL_what(L, index), *name = "?";
  if (lua_getstack(L, 0, &ar)) {
    lua_getinfo(L, "n", &ar);
    if (ar.name) name = ar.name;
    if (ar.namewhat && strcmp(ar.namewhat, "method") == 0) {
      if (index == 1)
        nnL_error(L, "%s: called on %s; it wants %s (call it with a colon, x:%s())", name, got,
                  expected, name);
      index--;
    }
  }
  nnL_error(L, "%s: argument %d must be %s, got %s", name, index, expected, got);
}

/* ---- arguments ---- */

static void list_arg(lua_State *L, int index, nn_arg *v) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, index);
  v->kind = NN_ARG_OTHER;
  v->s = "a longer list";
  if (n > NN_INTS_MAX) return;
  for (lua_Integer i = 0; i < n; i++) {
    int number;
    lua_rawgeti(L, index, i + 1);
    v->list[i] = lua_tonumberx(L, -1, &number);
    lua_pop(L, 1);
    v->s = "a list of other things than numbers";
    if (!number) return;
  }
  v->kind = NN_ARG_LIST;
  v->n = (int)n;
  v->many = NULL;
}

void nnL_arg(lua_State *L, int index, nn_arg *v) {
  v->kind = NN_ARG_OTHER;
  switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL: v->kind = NN_ARG_NIL; break;
    case LUA_TBOOLEAN:
      v->kind = NN_ARG_BOOL;
      v->b = lua_toboolean(L, index);
      break;
    case LUA_TNUMBER:
      if (lua_isinteger(L, index)) {
        v->kind = NN_ARG_INT;
        v->i = lua_tointeger(L, index);
      } else {
        v->kind = NN_ARG_REAL;
        v->r = lua_tonumber(L, index);
      }
      break;
    case LUA_TSTRING:
      v->kind = NN_ARG_TEXT;
      v->s = lua_tostring(L, index);
      break;
    case LUA_TTABLE: list_arg(L, lua_absindex(L, index), v); break;
    case LUA_TFUNCTION: v->s = "a function"; break;
    default: v->s = nnL_test(L, index, NNL_TENSOR) ? "a tensor" : "a userdata"; break;
  }
}

void nnL_push_arg(lua_State *L, const nn_arg *v) {
  switch (v->kind) {
    case NN_ARG_NIL:
    case NN_ARG_OTHER: lua_pushnil(L); break;
    case NN_ARG_BOOL: lua_pushboolean(L, v->b); break;
    case NN_ARG_INT: lua_pushinteger(L, v->i); break;
    case NN_ARG_REAL: lua_pushnumber(L, v->r); break;
    case NN_ARG_TEXT: lua_pushstring(L, v->s); break;
    case NN_ARG_LIST:
      lua_createtable(L, v->n, 0);
      for (int i = 0; i < v->n; i++) {
        double r = v->many ? v->many[i] : v->list[i];
        if (r == floor(r) && fabs(r) < 9e15)
          lua_pushinteger(L, (lua_Integer)r);
        else
          lua_pushnumber(L, r);
        lua_rawseti(L, -2, i + 1);
      }
      break;
  }
}

/* A list of numbers of any length, or a tensor's elements, as one argument; they live in a
   userdata that is pushed. */
static void numbers_arg(lua_State *L, int index, nn_arg *arg) {
  nn_tensor *t = nnL_test(L, index, NNL_TENSOR);
  lua_Integer n = t ? t->v.numel : lua_istable(L, index) ? (lua_Integer)lua_rawlen(L, index) : -1;
  if (n < 0 || n > INT_MAX / 16 || (t && (t->v.shape.ndim > 1 || !nn_is_real(t->v.dtype)))) {
    nnL_arg(L, index, arg);
    return;
  }
  double *v = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *v, 0);
  for (lua_Integer i = 0; i < n; i++) {
    int number = 1;
    if (t) {
      v[i] = nn_value_real_at(&t->v, t->v.offset + (t->v.shape.ndim ? i * t->v.stride[0] : 0));
    } else {
      lua_rawgeti(L, index, i + 1);
      v[i] = lua_tonumberx(L, -1, &number);
      lua_pop(L, 1);
    }
    if (number) continue;
    *arg = (nn_arg){.kind = NN_ARG_OTHER, .s = "a list of other things than numbers"};
    return;
  }
  *arg = (nn_arg){.kind = NN_ARG_LIST, .n = (int)n, .many = v};
}

/* Stores the value at `index`. */
static void set_param(lua_State *L, const char *owner, const nn_param *p, void *unit, int index) {
  int top = lua_gettop(L);
  index = lua_absindex(L, index);
  nn_arg v;
  if (p->kind == NN_PARAM_REALS)
    numbers_arg(L, index, &v);
  else
    nnL_arg(L, index, &v);
  nnL_expect(L, nn_param_set(nnL_ctx(L), owner, p, unit, &v));
  lua_settop(L, top);
}

void nnL_options(lua_State *L, int index, const char *owner, const nn_param *params, void *unit,
                 const char *skip) {
  nn_ctx *ctx = nnL_ctx(L);
  char unknown[64] = "";
  index = lua_absindex(L, index);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      nnL_error(L, "%s: options have names, as in {%s = ...}; got a list", owner,
                params && params->kind != NN_PARAM_END ? params->name : "name");
    const char *name = lua_tostring(L, -2);
    if (skip && strcmp(name, skip) == 0) continue;
    const nn_param *p = nn_param_find(params, name);
    if (p) {
      set_param(L, owner, p, unit, -1);
    } else if (!unknown[0] ||
               strcmp(name, unknown) < 0) { /* the same one each time, whatever the table's order */
      snprintf(unknown, sizeof unknown, "%s", name);
    }
  }
  if (unknown[0]) nnL_expect(L, nn_param_unknown(ctx, owner, params, unknown));
}

/* A table whose first key is a name, or an empty one: options rather than a list. */
static bool is_options(lua_State *L, int index) {
  return lua_istable(L, index) && lua_rawlen(L, index) == 0;
}

/* Numbers index..last as one list argument: x:reshape(2, 3). */
static void rest_arg(lua_State *L, int *index, int last, nn_arg *v) {
  if (lua_type(L, *index) != LUA_TNUMBER) {
    nnL_arg(L, (*index)++, v);
    return;
  }
  *v = (nn_arg){.kind = NN_ARG_LIST};
  for (; *index <= last && lua_type(L, *index) == LUA_TNUMBER; (*index)++) {
    if (v->n == NN_INTS_MAX) {
      *v = (nn_arg){.kind = NN_ARG_OTHER, .s = "more numbers"};
      return;
    }
    v->list[v->n++] = lua_tonumber(L, *index);
  }
}

/* From p on, the first that may be given by position, or NULL. */
static const nn_param *next_place(const nn_param *p) {
  while (p && p->kind != NN_PARAM_END && !(p->flags & (NN_P_NEEDED | NN_P_PLACE))) p++;
  return p && p->kind != NN_PARAM_END ? p : NULL;
}

/* A Lua integer where one is wanted, which is the rule; false: anything else. */
static bool set_whole(lua_State *L, int index, const nn_param *p, void *unit) {
  return p && p->kind == NN_PARAM_INT && lua_isinteger(L, index) &&
         nn_param_set_whole(p, unit, lua_tointeger(L, index));
}

void nnL_arguments(lua_State *L, int first, int last, const char *owner, const nn_param *params,
                   void *unit) {
  const nn_param *p = next_place(params), *after;
  int index = first;
  nn_arg v;
  nn_param_defaults(params, unit);
  while (index <= last) {
    if (set_whole(L, index, p, unit)) {
      index++;
      p = next_place(p + 1);
      continue;
    }
    if (is_options(L, index)) break;
    if (!p && lua_isnil(L, index)) {
      index++;
      continue;
    }
    if (!p)
      nnL_error(L, "%s: too many arguments; %s is one more than it takes", owner,
                nnL_what(L, index));
    after = next_place(p + 1);
    if (p->kind == NN_PARAM_INTS && !after)
      rest_arg(L, &index, last, &v);
    else
      nnL_arg(L, index++, &v);
    bool skipped = v.kind == NN_ARG_NIL && !(p->flags & NN_P_NEEDED);
    if (!skipped) nnL_expect(L, nn_param_set(nnL_ctx(L), owner, p, unit, &v));
    p = after;
  }
  bool options = index <= last;
  if (options) nnL_options(L, index, owner, params, unit, NULL);
  if (options && index < last) nnL_error(L, "%s: the table of options comes last", owner);
  for (; p; p = next_place(p + 1)) { /* what was not given by position */
    if (!(p->flags & NN_P_NEEDED)) continue;
    if (options && lua_getfield(L, index, p->name) != LUA_TNIL) {
      lua_pop(L, 1);
      continue;
    }
    nnL_expect(L, nn_param_set(nnL_ctx(L), owner, p, unit, &(nn_arg){.kind = NN_ARG_NIL}));
  }
}

nn_shape nnL_shape(lua_State *L, int first, int last, const char *owner) {
  nn_shape s = {0};
  bool list = first == last && lua_istable(L, first);
  int n = list ? (int)lua_rawlen(L, first) : last - first + 1;
  if (n > NN_MAXDIM) nnL_error(L, "%s: at most %d dimensions, got %d", owner, NN_MAXDIM, n);
  for (int i = 0; i < n; i++) {
    int whole;
    if (list)
      lua_rawgeti(L, first, i + 1);
    else
      lua_pushvalue(L, first + i);
    s.dim[i] = lua_tointegerx(L, -1, &whole);
    if (!whole || lua_type(L, -1) != LUA_TNUMBER)
      nnL_error(L, "%s: size %d must be a whole number, got %s", owner, i + 1, nnL_what(L, -1));
    lua_pop(L, 1);
  }
  s.ndim = n < 0 ? 0 : n;
  return s;
}

/* ---- registering ---- */

void nnL_setfuncs(lua_State *L, nnL_state *s, const luaL_Reg *list) {
  lua_pushlightuserdata(L, s);
  luaL_setfuncs(L, list, 1);
}

void nnL_set_index(lua_State *L, nnL_state *s, nnL_kind kind, lua_CFunction f) {
  lua_pushlightuserdata(L, s);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->methods[kind]);
  lua_pushcclosure(L, f, 2);
  lua_setfield(L, -2, "__index");
}

void nnL_closure(lua_State *L, nnL_state *s, lua_CFunction f, const void *pointer) {
  union {
    const void *from;
    void *to;
  } p = {.from = pointer}; /* light userdata is never written through */
  lua_pushlightuserdata(L, s);
  lua_pushlightuserdata(L, p.to);
  lua_pushcclosure(L, f, 2);
}
