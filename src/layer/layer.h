/*
 * layer/layer.h: what a layer is. One file in src/layer/ ends in one nn_layer_class; layers.def
 * lists it.
 *
 * A layer's struct begins with nn_layer and goes on with its arguments, which `params` describes.
 * It owns named tensors: parameters, which an optimizer changes, and buffers, which it changes
 * itself. What walks over a model (parameters, state, to, clone) is written once, in
 * lua/nn/module.lua, from nslot, slot and child.
 */
#ifndef NN_LAYER_LAYER_H
#define NN_LAYER_LAYER_H

#include "grad/op.h"

typedef struct nn_layer_class nn_layer_class;
typedef struct nn_layer nn_layer;

/* The most tensors that a layer takes or gives. */
enum { NN_LAYER_MANY = 4 };

typedef struct nn_slot {
  char name[32];
  nn_tensor *tensor;
  bool buffer;
} nn_slot;

struct nn_layer {
  nn_ctx *ctx;
  const nn_layer_class *class;
  int refs;
  bool training;
  int nslot, nchild;
  nn_slot *slot;    /* (nslot) */
  nn_layer **child; /* (nchild), of containers; each one reference */
};

struct nn_layer_class {
  const char *name;
  const char *doc;        /* formula, shapes, source: the manual's text */
  size_t size;            /* of the layer's struct */
  const nn_param *params; /* constructor arguments */
  /* Checks the arguments together and makes the tensors; NULL: nothing to do. */
  nn_status (*build)(nn_ctx *ctx, nn_layer *l);
  /* y is a new reference. `last`: the caller will not use x again, so its buffer may be reused. */
  nn_status (*forward)(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y);
  /* A layer of several tensors has this too, and nn_layer_forward_one as forward: least .. most
     inputs, nout results, new references, all NULL on failure. */
  nn_status (*forward_many)(nn_ctx *ctx, nn_layer *l, int nin, nn_tensor *const *in,
                            nn_tensor **out);
  int least, most, nout;
  int state; /* where more than `least` are given, the last so many inputs, and the last outputs,
                are one state: a table for scripts when there are several (LSTM's {h, c}) */
  /* Instead of forward: the layer is this operation of one tensor; its attr stands at
     attr_offset of the struct. */
  const nn_op *op;
  size_t attr_offset;
  bool container; /* takes other layers; the binding fills `child` */
  bool pure; /* forward depends on x, the options and the tensors alone, and computes by nn_apply
                     only, so that a step can be replayed (optim/replay.h); so is a layer with `op` */
  nn_example example[NN_MAXEXAMPLES];
};

/* A layer with every argument at its default, not yet built: set arguments, then build. */
nn_status nn_layer_new(nn_ctx *ctx, const nn_layer_class *class, nn_layer **out);
nn_status nn_layer_build(nn_ctx *ctx, nn_layer *l);
nn_layer *nn_layer_retain(nn_layer *l);
void nn_layer_release(nn_layer *l);

/* Runs a layer. `last` as in the class's forward. */
nn_status nn_layer_forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y);

/* The same for any layer and number of tensors: out has room for class->nout, or 1. */
nn_status nn_layer_forward_many(nn_ctx *ctx, nn_layer *l, int nin, nn_tensor *const *in,
                                nn_tensor **out);
/* The forward of a layer of several tensors: one in, the first of its results out. */
nn_status nn_layer_forward_one(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y);

/* Adds a tensor (consumed, also on failure) under a name. A parameter requires a gradient. */
nn_status nn_layer_add(nn_ctx *ctx, nn_layer *l, const char *name, nn_tensor *t, bool buffer);
/* Adds a new parameter of the default floating dtype, drawn from U(-bound, bound). */
nn_status nn_layer_add_uniform(nn_ctx *ctx, nn_layer *l, const char *name, const nn_shape *s,
                               double bound);
/* Adds a new parameter or buffer of the default floating dtype that holds x everywhere. */
nn_status nn_layer_add_full(nn_ctx *ctx, nn_layer *l, const char *name, const nn_shape *s, double x,
                            bool buffer);
/* The tensor of that name, borrowed, or NULL. */
nn_tensor *nn_layer_find(const nn_layer *l, const char *name);
/* Replaces the tensor of a slot; the new one is retained. */
void nn_layer_replace(nn_layer *l, int slot, nn_tensor *t);
/* Whether `other` is l or stands somewhere inside it. */
bool nn_layer_contains(const nn_layer *l, const nn_layer *other);
/* Appends a child (retained) to a container. */
nn_status nn_layer_append(nn_ctx *ctx, nn_layer *l, nn_layer *child);

/* "Linear(784, 10)": the class and its arguments. Returns buf. */
const char *nn_layer_text(const nn_layer *l, char *buf, size_t size);
/* Fails with "Linear(784, 10): ..." */
nn_status nn_layer_fail(const nn_layer *l, nn_status code, const char *format, ...)
  __attribute__((format(printf, 3, 4)));

/* nn_apply whose failure begins with the layer's name and arguments. */
nn_status nn_layer_apply(const nn_layer *l, const nn_op *op, const void *attr, int nin,
                         nn_tensor *const *in, nn_tensor **y);
/* Fails when x is not floating or not of the dtype of the layer's own tensors. */
nn_status nn_layer_check_dtype(const nn_layer *l, const nn_tensor *x);

/* A module that the host runs, as a child of a container (layer/foreign.c). `call` is the
   host's; it finds the module by the layer's address. */
typedef nn_status (*nn_foreign_call)(nn_ctx *ctx, nn_layer *l, nn_tensor *x, nn_tensor **y);
nn_status nn_layer_foreign_new(nn_ctx *ctx, nn_foreign_call call, nn_layer **out);

/* linear.c: with an activation fused, an operation whose gradient needs its output alone; NULL:
   none. */
nn_status nn_linear_forward(nn_ctx *ctx, nn_layer *l, const nn_op *act, nn_tensor *x,
                            nn_tensor **y);
/* The same for any x (..., in), weight (out, in) and, if there are three, bias (out). */
nn_status nn_linear_apply(nn_ctx *ctx, int nin, nn_tensor *const *in, nn_tensor **y);
extern const nn_layer_class nn_layer_linear;
/* dropout.c: as in training. */
nn_status nn_dropout_apply(nn_ctx *ctx, double p, nn_tensor *x, nn_tensor **y);

/* The registry (layer/registry.c). */
extern const nn_layer_class *const nn_layers[]; /* NULL ends */
const nn_layer_class *nn_layer_class_find(const char *name);

#endif
