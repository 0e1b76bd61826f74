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
  /* Instead of forward: the layer is this operation of one tensor; its attr stands at
     attr_offset of the struct. */
  const nn_op *op;
  size_t attr_offset;
  bool container; /* takes other layers; the binding fills `child` */
  nn_example example[NN_MAXEXAMPLES];
};

/* A layer with every argument at its default, not yet built: set arguments, then build. */
nn_status nn_layer_new(nn_ctx *ctx, const nn_layer_class *class, nn_layer **out);
nn_status nn_layer_build(nn_ctx *ctx, nn_layer *l);
nn_layer *nn_layer_retain(nn_layer *l);
void nn_layer_release(nn_layer *l);

/* Runs a layer. `last` as in the class's forward. */
nn_status nn_layer_forward(nn_ctx *ctx, nn_layer *l, nn_tensor *x, bool last, nn_tensor **y);

/* Adds a tensor (consumed, also on failure) under a name. A parameter requires a gradient. */
nn_status nn_layer_add(nn_ctx *ctx, nn_layer *l, const char *name, nn_tensor *t, bool buffer);
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

/* A module that the host runs, as a child of a container (layer/foreign.c). `call` is the
   host's; it finds the module by the layer's address. */
typedef nn_status (*nn_foreign_call)(nn_ctx *ctx, nn_layer *l, nn_tensor *x, nn_tensor **y);
nn_status nn_layer_foreign_new(nn_ctx *ctx, nn_foreign_call call, nn_layer **out);

/* linear.c: with an activation fused, an operation whose gradient needs its output alone; NULL:
   none. */
nn_status nn_linear_forward(nn_ctx *ctx, nn_layer *l, const nn_op *act, nn_tensor *x,
                            nn_tensor **y);
extern const nn_layer_class nn_layer_linear;

/* The registry (layer/registry.c). */
extern const nn_layer_class *const nn_layers[]; /* NULL ends */
const nn_layer_class *nn_layer_class_find(const char *name);

#endif
