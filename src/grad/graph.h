/*
 * grad/graph.h: the record of what was computed, and the walk back through it.
 *
 * A node stands for one recorded call. Nodes live in one list in order of creation, which is a
 * topological order: an input's node is always older. A node is held by its output tensor, by the
 * nodes that read that output and by a running backward that has a gradient for it; it holds its
 * parents and the values that backward will read, never its own output tensor, so there are no
 * cycles. Several graphs stand in the list side by side.
 */
#ifndef NN_GRAD_GRAPH_H
#define NN_GRAD_GRAPH_H

#include "grad/op.h"

typedef struct nn_node nn_node;
typedef struct nn_pass nn_pass;

/* A value that backward will read, and the version its storage had. storage NULL: geometry only. */
typedef struct nn_saved {
  nn_value v;
  uint32_t version;
} nn_saved;

/* Where the gradient of an input goes: to the node that computed it, or to a leaf, or nowhere. */
typedef struct nn_edge {
  nn_node *node;
  nn_tensor *leaf;
} nn_edge;

struct nn_node {
  nn_ctx *ctx;
  const nn_op *op;
  nn_node *older, *newer;
  nn_tensor *pending; /* the gradient of the output that a pass has gathered so far */
  nn_pass *pass;      /* that pass */
  nn_node *chain;     /* while being freed */
  int refs;
  int nin, nsaved;
  unsigned saves;
  bool done;       /* used up by a backward without retain */
  bool running;    /* its backward runs now */
  nn_dtype dtype;  /* of the output */
  size_t bytes;    /* of this block */
  nn_edge *edge;   /* (nin) */
  nn_saved *saved; /* (nsaved): the inputs, then the output and the aux values where saved */
  void *attr;
};

/* Records a call whose output is `out`; `given` are the tensors as the script passed them (where
   gradients go), c->in the values that were computed with. */
nn_status nn_record(const nn_call *c, unsigned saves, nn_tensor *const *given, nn_tensor *out);

/* Drops what a node holds, when backward is through with it. */
void nn_node_finish(nn_node *n);

/* Adds d root / d leaf to the gradient of every leaf below root. `seed` has root's shape; NULL:
   root must be a scalar, 1. Without `retain` the graph is used up. After a failure leaves
   that were reached before it keep what they were given: zero_grad before trying again. */
nn_status nn_backward(nn_ctx *ctx, nn_tensor *root, nn_tensor *seed, bool retain);
/* The gradients of root by the n targets (leaves or not), as new references in grads; no leaf's
   own gradient changes. A target that root does not depend on: NULL. */
nn_status nn_gradients(nn_ctx *ctx, nn_tensor *root, nn_tensor *seed, bool retain, int n,
                       nn_tensor *const *targets, nn_tensor **grads);

#endif
