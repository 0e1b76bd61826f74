/* grad/graph.c: recording nodes and freeing them; backward.c walks them. */
#include "grad/graph.h"

#include <string.h>

/* ---- the list ---- */

static void link_newest(nn_node *n) {
  nn_ctx *ctx = n->ctx;
  n->older = ctx->newest;
  n->newer = NULL;
  if (ctx->newest) ctx->newest->newer = n;
  ctx->newest = n;
  ctx->nodes++;
}

static void unlink_node(nn_node *n) {
  nn_ctx *ctx = n->ctx;
  if (n->newer)
    n->newer->older = n->older;
  else
    ctx->newest = n->older;
  if (n->older) n->older->newer = n->newer;
  ctx->nodes--;
}

/* ---- making one ---- */

static size_t align16(size_t n) {
  return (n + 15) & ~(size_t)15;
}

/* Without saves and dtype, and not in the list yet. (Member by member: an initializer would clear the
   whole first.) */
static nn_node *new_node(nn_ctx *ctx, const nn_op *op, int nin, int nsaved) {
  size_t edges = align16(sizeof(nn_node)), saved = edges + align16((size_t)nin * sizeof(nn_edge));
  size_t attr = saved + align16((size_t)nsaved * sizeof(nn_saved)), bytes = attr + op->attr_size;
  char *block = nn_mem_take(ctx, bytes);
  if (!block) return NULL;
  nn_node *n = (nn_node *)(void *)block;
  n->ctx = ctx;
  n->op = op;
  n->pending = NULL;
  n->pass = NULL;
  n->chain = NULL;
  n->refs = 1;
  n->nin = nin;
  n->nsaved = nsaved;
  n->done = n->running = false;
  n->bytes = bytes;
  n->edge = (nn_edge *)(void *)(block + edges);
  n->saved = (nn_saved *)(void *)(block + saved);
  n->attr = op->attr_size ? block + attr : NULL;
  return n;
}

/* Keeps the geometry, and with `whole` the storage too. */
static void save(nn_saved *s, const nn_value *v, bool whole) {
  nn_value_copy(&s->v, v);
  s->version = v->storage->version;
  if (whole)
    nn_storage_retain(v->storage);
  else
    s->v.storage = NULL;
}

nn_status nn_record(const nn_call *c, unsigned saves, nn_tensor *const *given, nn_tensor *out) {
  const nn_op *op = c->op;
  int nsaved = c->nin + (saves & NN_OUT ? 1 : 0), at = c->nin;
  for (int i = 0; i < op->nout_aux; i++) nsaved += saves & NN_AUX(i) ? 1 : 0;
  nn_node *n = new_node(c->ctx, op, c->nin, nsaved);
  if (!n) return NN_ENOMEM;
  n->saves = saves;
  n->dtype = out->v.dtype;
  for (int k = 0; k < c->nin; k++) {
    nn_tensor *t = given[k];
    n->edge[k] = (nn_edge){0};
    if (t->node) {
      n->edge[k].node = t->node;
      t->node->refs++;
    } else if (t->requires_grad) {
      n->edge[k].leaf = nn_tensor_retain(t);
    }
    save(&n->saved[k], c->in[k], (saves & NN_IN(k)) != 0);
  }
  if (saves & NN_OUT) save(&n->saved[at++], c->out, true);
  for (int i = 0; i < op->nout_aux; i++)
    if (saves & NN_AUX(i)) save(&n->saved[at++], c->aux[i], true);
  if (op->attr_size) memcpy(n->attr, c->attr, op->attr_size);
  out->node = n;
  link_newest(n);
  return NN_OK;
}

/* ---- freeing ---- */

/* Drops saved values and parents; parents that nobody holds any more are put on the chain, not
   recursed into. */
static void drop_contents(nn_node *n, nn_node **chain) {
  if (n->done) return;
  n->done = true;
  unlink_node(n);
  for (int k = 0; k < n->nin; k++) {
    nn_node *parent = n->edge[k].node;
    nn_tensor_release(n->edge[k].leaf);
    n->edge[k] = (nn_edge){0};
    if (parent && --parent->refs == 0) {
      parent->chain = *chain;
      *chain = parent;
    }
  }
  for (int i = 0; i < n->nsaved; i++) {
    nn_storage_release(n->saved[i].v.storage);
    n->saved[i].v.storage = NULL;
  }
  if (n->op->drop_attr) n->op->drop_attr(n->ctx, n->attr);
}

static void free_chain(nn_node *chain) {
  while (chain) {
    nn_node *n = chain;
    chain = n->chain;
    nn_tensor_release(n->pending);
    drop_contents(n, &chain);
    nn_mem_give(n->ctx, n, n->bytes);
  }
}

void nn_node_release(nn_node *n) {
  if (!n || --n->refs > 0) return;
  n->chain = NULL;
  free_chain(n);
}

void nn_node_finish(nn_node *n) {
  nn_node *chain = NULL;
  drop_contents(n, &chain);
  free_chain(chain);
}
