/*
 * base/param.h: constructor arguments as data.
 *
 * A unit (op, layer, loss, optimizer) lists its arguments once, as nn_param records that say where
 * in its struct each value lives. Parsing, defaults, range checks, error texts, the nearest name
 * for a misspelt option, printing and the reference manual come from that list; nothing is edited
 * for a new unit.
 */
#ifndef NN_BASE_PARAM_H
#define NN_BASE_PARAM_H

#include "base/context.h"

typedef enum nn_param_kind {
  NN_PARAM_END,
  NN_PARAM_INT,  /* int64_t */
  NN_PARAM_REAL, /* double */
  NN_PARAM_BOOL, /* bool */
  NN_PARAM_ENUM, /* const char *, one of `choices` */
  NN_PARAM_PAIR, /* double[2] */
  NN_PARAM_INTS, /* nn_ints: a whole number or a list of them */
  NN_PARAM_REALS /* nn_reals: a number or a list of any length; empty unless given */
} nn_param_kind;

enum { NN_INTS_MAX = 8 };
typedef struct nn_ints {
  int64_t n, v[NN_INTS_MAX];
} nn_ints;

/* Owned by the unit, which gives them back with nn_param_drop. */
typedef struct nn_reals {
  int64_t n;
  double *v; /* (n); NULL: not given */
} nn_reals;

typedef enum nn_param_flags {
  NN_P_NEEDED = 1,   /* no default: must be given; given by position */
  NN_P_PLACE = 2,    /* has a default, may be given by position */
  NN_P_ABOVE_LO = 4, /* the lower end itself is excluded */
  NN_P_BELOW_HI = 8  /* the upper end itself is excluded */
} nn_param_flags;

typedef struct nn_param {
  const char *name;
  nn_param_kind kind;
  size_t offset;              /* of the value in the unit's struct */
  unsigned flags;             /* nn_param_flags */
  double def[2];              /* INT, REAL, BOOL: [0]; PAIR: both; INTS: one element, [0] */
  const char *choice;         /* ENUM: the default */
  double lo, hi;              /* INT, REAL, PAIR, INTS, REALS: the range of each number */
  const char *const *choices; /* ENUM: the names, NULL ends */
  const char *doc;
} nn_param;

#define NN_DIM_MAX 1000000000000.0 /* 1e12: no tensor that size fits anywhere */
#define NN_REAL_MAX 1e300          /* a finite number, please */

/* Records for the usual kinds: struct type, field (also the option's name), default, range,
   text. */
#define NN_P_INT(T, f, d, l, h, text)                                                         \
  {                                                                                           \
    .name = #f, .kind = NN_PARAM_INT, .offset = offsetof(T, f), .def = {d}, .lo = l, .hi = h, \
    .doc = text                                                                               \
  }
#define NN_P_SIZE(T, f, text)                                                                  \
  {                                                                                            \
    .name = #f, .kind = NN_PARAM_INT, .offset = offsetof(T, f), .flags = NN_P_NEEDED, .lo = 1, \
    .hi = NN_DIM_MAX, .doc = text                                                              \
  }
/* a whole number that must be given, by position */
#define NN_P_AT(T, f, l, h, text)                                                              \
  {                                                                                            \
    .name = #f, .kind = NN_PARAM_INT, .offset = offsetof(T, f), .flags = NN_P_NEEDED, .lo = l, \
    .hi = h, .doc = text                                                                       \
  }
#define NN_P_REAL(T, f, fl, d, l, h, text)                                                         \
  {                                                                                                \
    .name = #f, .kind = NN_PARAM_REAL, .offset = offsetof(T, f), .flags = fl, .def = {d}, .lo = l, \
    .hi = h, .doc = text                                                                           \
  }
#define NN_P_BOOL(T, f, d, text)                                                               \
  {                                                                                            \
    .name = #f, .kind = NN_PARAM_BOOL, .offset = offsetof(T, f), .def = {d}, .lo = 0, .hi = 1, \
    .doc = text                                                                                \
  }
#define NN_P_ENUM(T, f, d, names, text)                                                         \
  {                                                                                             \
    .name = #f, .kind = NN_PARAM_ENUM, .offset = offsetof(T, f), .choice = d, .choices = names, \
    .doc = text                                                                                 \
  }
#define NN_P_PAIR(T, f, fl, d0, d1, l, h, text)                                                \
  {                                                                                            \
    .name = #f, .kind = NN_PARAM_PAIR, .offset = offsetof(T, f), .flags = fl, .def = {d0, d1}, \
    .lo = l, .hi = h, .doc = text                                                              \
  }
#define NN_P_INTS(T, f, fl, d, l, h, text)                                                         \
  {                                                                                                \
    .name = #f, .kind = NN_PARAM_INTS, .offset = offsetof(T, f), .flags = fl, .def = {d}, .lo = l, \
    .hi = h, .doc = text                                                                           \
  }
/* a list of numbers without a default: class weights and the like */
#define NN_P_REALS(T, f, l, h, text) \
  { .name = #f, .kind = NN_PARAM_REALS, .offset = offsetof(T, f), .lo = l, .hi = h, .doc = text }
#define NN_P_END \
  { .kind = NN_PARAM_END }

/* A value that somebody offers for a parameter, or reads back from one. */
typedef enum nn_arg_kind {
  NN_ARG_NIL,
  NN_ARG_BOOL,
  NN_ARG_INT,
  NN_ARG_REAL,
  NN_ARG_TEXT,
  NN_ARG_LIST,
  NN_ARG_OTHER
} nn_arg_kind;
typedef struct nn_arg {
  nn_arg_kind kind;
  bool b;
  int64_t i;
  double r;
  const char *s; /* TEXT: the text; OTHER: what it is ("a function"); borrowed */
  int n;         /* LIST: how many numbers */
  double list[NN_INTS_MAX];
  const double *many; /* LIST for REALS: all n numbers, borrowed; NULL: they are in `list` */
} nn_arg;

/* Writes every default into `unit`, whose contents are not read: drop what it owned before. */
void nn_param_defaults(const nn_param *params, void *unit);
/* Gives back what the unit's parameters own (REALS); they are empty then. */
void nn_param_drop(nn_ctx *ctx, const nn_param *params, void *unit);
/* Checks `value` and stores it; `owner` ("Linear") begins the error text. On failure nothing
   changes. */
nn_status nn_param_set(nn_ctx *ctx, const char *owner, const nn_param *p, void *unit,
                       const nn_arg *value);
/* The same of an integer for an INT parameter; false, and nothing changes, where it does not fit. */
bool nn_param_set_whole(const nn_param *p, void *unit, int64_t i);
/* Reads a parameter back. */
nn_arg nn_param_get(const nn_param *p, const void *unit);
/* The record of that name, or NULL. */
const nn_param *nn_param_find(const nn_param *params, const char *name);
/* The i-th (from 0) of those that may be given by position, or NULL. */
const nn_param *nn_param_at(const nn_param *params, int i);
/* Fails with: no option of that name; did you mean ...? The options are ... */
nn_status nn_param_unknown(nn_ctx *ctx, const char *owner, const nn_param *params,
                           const char *name);
/* Of `names` (NULL ends) the one nearest to `name` within two slips of the finger, or NULL. */
const char *nn_nearest(const char *name, const char *const *names);
/* Writes "784, 10, {bias = false}": what makes such a unit again. `size` of buf as for snprintf. */
void nn_param_print(const nn_param *params, const void *unit, char *buf, size_t size);
/* The same with its name, as a script writes it: "Linear(784, 10)", "Softmax{dim = 2}". */
const char *nn_param_call(const char *name, const nn_param *params, const void *unit, char *buf,
                          size_t size);
/* Reads "3, 4, bias = false", or what nn_param_print wrote, into a unit; defaults first. */
nn_status nn_param_parse(nn_ctx *ctx, const char *owner, const nn_param *params, void *unit,
                         const char *text);

#endif
