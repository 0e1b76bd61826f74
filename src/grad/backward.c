/*
 * grad/backward.c: the walk back. It starts at the root's node and goes to older ones, running
 * those for which a gradient is pending, until none is. The first gradient that reaches a node or a
 * leaf is stored, later ones added.
 */
#include <string.h>

#include "grad/graph.h"
#include "grad/tape.h"

struct nn_pass {
  nn_ctx *ctx;
  bool retain;
  size_t pending; /* nodes that wait with a gradient */
  int ntargets;   /* 0: leaves collect; else only these do */
  nn_tensor *const *target;
  nn_tensor **result;  /* (ntargets) */
  struct shelf *shelf; /* gradients of outer passes that this one set aside */
};

/* A nested pass met a node that an outer pass has a gradient for. */
typedef struct shelf {
  nn_node *node;
  nn_tensor *pending;
  nn_pass *pass;
  struct shelf *next;
} shelf;

/* ---- pending gradients ---- */

static nn_status set_aside(nn_pass *p, nn_node *n) {
  shelf *s = nn_mem_take(p->ctx, sizeof *s);
  if (!s) return NN_ENOMEM;
  *s = (shelf){n, n->pending, n->pass, p->shelf};
  p->shelf = s;
  n->pending = NULL;
  n->pass = NULL;
  n->refs++;
  return NN_OK;
}

/* The outer pass still has to run that node: it must not be used up. */
static bool is_shelved(const nn_pass *p, const nn_node *n) {
  for (const shelf *s = p->shelf; s; s = s->next)
    if (s->node == n) return true;
  return false;
}

static void put_back(nn_pass *p) {
  while (p->shelf) {
    shelf *s = p->shelf;
    p->shelf = s->next;
    s->node->pending = s->pending;
    s->node->pass = s->pass;
    nn_node_release(s->node);
    nn_mem_give(p->ctx, s, sizeof *s);
  }
}

/* Makes `g` (consumed) the pending gradient of a node that has none in this pass. */
static void wait_for(nn_pass *p, nn_node *n, nn_tensor *g) {
  n->pending = g;
  n->pass = p;
  n->refs++;
  p->pending++;
}

static nn_tensor *take_pending(nn_pass *p, nn_node *n) {
  nn_tensor *g = n->pending;
  n->pending = NULL;
  n->pass = NULL;
  p->pending--;
  return g;
}

/* Replaces *g by a copy that nobody else sees, dense. */
static nn_status own_copy(nn_ctx *ctx, nn_tensor **g) {
  nn_tensor *t = NULL;
  NN_TRY(nn_tensor_new(ctx, (*g)->v.dtype, &(*g)->v.shape, &t));
  nn_status st = nn_copy_into(ctx, &t->v, &(*g)->v);
  if (st != NN_OK) {
    nn_tensor_release(t);
    return st;
  }
  if (ctx->tape) nn_tape_copy(ctx->tape, &t->v, &(*g)->v);
  nn_tensor_release(*g);
  *g = t;
  return NN_OK;
}

static bool is_own(const nn_tensor *g) {
  return g->refs == 1 && g->v.storage->refs == 1 && g->v.dense;
}

/* ---- where a gradient goes ---- */

typedef struct goal {
  nn_value *into; /* NULL: not wanted */
  bool add;
  bool *fresh; /* the leaf's has_grad that this call set, to be undone when the call fails */
} goal;

static int find_target(const nn_pass *p, const nn_tensor *leaf) {
  for (int i = 0; i < p->ntargets; i++)
    if (p->target[i] == leaf) return i;
  return -1;
}

static bool wanted(const nn_pass *p, const nn_edge *e) {
  return e->node || (e->leaf && (p->ntargets == 0 || find_target(p, e->leaf) >= 0));
}

static nn_status leaf_goal(nn_pass *p, nn_tensor *leaf, goal *to) {
  nn_tensor *g;
  if (p->ntargets > 0) {
    nn_tensor **r = &p->result[find_target(p, leaf)];
    to->add = *r != NULL;
    if (!*r) NN_TRY(nn_tensor_new(p->ctx, leaf->v.dtype, &leaf->v.shape, r));
    if (to->add && !is_own(*r)) NN_TRY(own_copy(p->ctx, r));
    to->into = &(*r)->v;
    return NN_OK;
  }
  NN_TRY(nn_tensor_grad(p->ctx, leaf, &g));
  to->add = leaf->has_grad;
  to->fresh = leaf->has_grad ? NULL : &leaf->has_grad;
  leaf->has_grad = true;
  if (p->ctx->tape && to->fresh) nn_tape_leaf(p->ctx->tape, leaf);
  nn_touch(&g->v);
  to->into = &g->v;
  return NN_OK;
}

static nn_status used_up(nn_ctx *ctx) {
  return nn_fail(ctx, NN_ESTATE,
                 "backward: this graph, or a part of it, was used up by an earlier backward(); "
                 "compute the value again, "
                 "or call the earlier one as y:backward(nil, {retain = true})");
}

/* A node about to get a gradient: it must still be there, and free of what an outer pass has
   gathered. */
static nn_status ready(nn_pass *p, nn_node *n) {
  if (n->done) return used_up(p->ctx);
  if (n->running)
    return nn_fail(p->ctx, NN_ESTATE,
                   "backward: called inside the backward of '%s' over the same graph", n->op->name);
  return n->pending && n->pass != p ? set_aside(p, n) : NN_OK;
}

static nn_status find_goal(nn_pass *p, const nn_edge *e, const nn_value *like, goal *to) {
  *to = (goal){0};
  if (!wanted(p, e)) return NN_OK;
  if (e->leaf) return leaf_goal(p, e->leaf, to);
  nn_node *n = e->node;
  NN_TRY(ready(p, n));
  to->add = n->pending != NULL;
  if (!n->pending) {
    nn_tensor *g;
    NN_TRY(nn_tensor_new(p->ctx, like->dtype, &like->shape, &g));
    wait_for(p, n, g);
  } else if (!is_own(n->pending)) {
    NN_TRY(own_copy(p->ctx, &n->pending));
  }
  to->into = &n->pending->v;
  return NN_OK;
}

/* ---- running one node ---- */

static nn_status check_saved(nn_ctx *ctx, const nn_node *n) {
  for (int i = 0; i < n->nsaved; i++) {
    const nn_saved *s = &n->saved[i];
    if (!s->v.storage || s->v.storage->version == s->version) continue;
    nn_text t;
    return nn_fail(ctx, NN_ESTATE,
                   "backward: '%s' saved a %s tensor that was changed in place afterwards (version "
                   "%u, saved at %u); "
                   "change a clone() instead, or change it after backward",
                   n->op->name, nn_value_text(&t, &s->v), (unsigned)s->v.storage->version,
                   (unsigned)s->version);
  }
  return NN_OK;
}

/* Adds or stores a gradient that is ready: `g` in the input's shape, or a wider one that
   broadcasting made. */
static nn_status deliver(nn_pass *p, const nn_edge *e, const nn_value *like, nn_tensor *g) {
  goal to;
  nn_node *n = e->node;
  if (n && nn_shape_equal(&g->v.shape, &like->shape)) {
    NN_TRY(ready(p, n));
    if (!n->pending) { /* passed on by reference; whoever must add to it makes a copy */
      wait_for(p, n, nn_tensor_retain(g));
      return NN_OK;
    }
  }
  NN_TRY(find_goal(p, e, like, &to));
  if (!to.into) return NN_OK;
  nn_status st = nn_sum_to(p->ctx, to.into, &g->v, to.add);
  if (p->ctx->tape) nn_tape_sum_to(p->ctx->tape, to.into, &g->v, to.add);
  if (st != NN_OK && to.fresh) *to.fresh = false;
  return st;
}

/* Where the gradient of input k goes: where nobody else will read the output's, over that, so that memory
   which is in the cache is used again. */
static nn_status row_goal(nn_pass *p, nn_node *n, nn_tensor *gout, int k, goal *to) {
  const nn_edge *e = &n->edge[k];
  for (int later = k + 1; later < n->nin; later++)
    if (wanted(p, &n->edge[later])) return find_goal(p, e, &n->saved[k].v, to);
  if (!e->node || !is_own(gout) || n->saved[k].v.dtype != gout->v.dtype)
    return find_goal(p, e, &n->saved[k].v, to);
  NN_TRY(ready(p, e->node));
  if (e->node->pending) return find_goal(p, e, &n->saved[k].v, to);
  wait_for(p, e->node, nn_tensor_retain(gout));
  *to = (goal){.into = &gout->v};
  return NN_OK;
}

/* The gradient of input k of an elementwise operation. */
static nn_status row_gradient(nn_pass *p, nn_node *n, nn_tensor *gout, int k) {
  const nn_row_grad *rg = &n->op->grad[k];
  const nn_value *like = &n->saved[k].v, *v[NN_WALK_MAX];
  nn_value wide[NN_MAXIN];
  const nn_shape *shape = &gout->v.shape;
  nn_tensor *full = NULL;
  goal to = {0};
  nn_status st = NN_OK;
  int at = 2;
  v[1] = &gout->v;
  for (int j = 0; j < n->nin; j++) {
    if (!(rg->needs & NN_IN(j))) continue;
    const nn_value *x = &n->saved[j].v;
    if (!nn_shape_equal(&x->shape, shape)) nn_value_expand(&wide[j], x, shape), x = &wide[j];
    v[at++] = x;
  }
  if (rg->needs & NN_OUT) v[at++] = &n->saved[n->nin].v;
  nn_row row = rg->row[n->dtype];
  if (nn_shape_equal(&like->shape, shape)) {
    NN_TRY(row_goal(p, n, gout, k, &to));
    v[0] = to.into;
    unsigned flags = to.add ? NN_WALK_ADD : 0;
    if (p->ctx->tape) nn_tape_walk(p->ctx->tape, row, n->attr, n->op->attr_size, at, v, flags);
    st = nn_walk(p->ctx, row, n->attr, at, v, flags);
    if (st != NN_OK && to.fresh) *to.fresh = false;
    return st;
  }
  NN_GO(nn_tensor_new(p->ctx, gout->v.dtype, shape,
                      &full)); /* broadcast: at full size first, then summed */
  v[0] = &full->v;
  if (p->ctx->tape) nn_tape_walk(p->ctx->tape, row, n->attr, n->op->attr_size, at, v, 0);
  NN_GO(nn_walk(p->ctx, row, n->attr, at, v, 0));
  NN_GO(deliver(p, &n->edge[k], like, full));
done:
  nn_tensor_release(full);
  return st;
}

static nn_status pull_gradient(nn_pass *p, nn_node *n, nn_call *c) {
  nn_value g;
  nn_tensor *t = NULL;
  NN_TRY(n->op->pull(c, &g));
  NN_TRY(nn_tensor_view(p->ctx, &g, &t));
  nn_status st = deliver(p, &n->edge[0], &n->saved[0].v, t);
  nn_tensor_release(t);
  return st;
}

/* The arrays that one call of a kernel needs; room for a few inputs stands on the stack. */
typedef struct room {
  nn_value *few_in[NN_MAXIN], *few_gin[NN_MAXIN];
  goal few_to[NN_MAXIN];
  bool few_add[NN_MAXIN];
  nn_value **in, **gin;
  goal *to;
  bool *add;
  void *many;
} room;

static size_t many_bytes(int nin) {
  return (size_t)nin * (2 * sizeof(nn_value *) + sizeof(goal) + sizeof(bool));
}

static nn_status make_room(nn_ctx *ctx, room *r, int nin) {
  r->in = r->few_in;
  r->gin = r->few_gin;
  r->to = r->few_to;
  r->add = r->few_add;
  r->many = NULL;
  if (nin <= NN_MAXIN) return NN_OK;
  if (!(r->many = nn_mem_take(ctx, many_bytes(nin)))) return NN_ENOMEM;
  r->to = r->many;
  r->in = (nn_value **)(void *)(r->to + nin);
  r->gin = r->in + nin;
  r->add = (bool *)(void *)(r->gin + nin);
  return NN_OK;
}

static nn_status kernel_gradients(nn_pass *p, nn_node *n, nn_call *c, room *r) {
  nn_status st = NN_OK;
  int k;
  for (k = 0; k < n->nin; k++) {
    r->to[k] = (goal){0};
    NN_GO(find_goal(p, &n->edge[k], &n->saved[k].v, &r->to[k]));
    r->gin[k] = r->to[k].into;
    r->add[k] = r->to[k].add;
  }
  c->gin = r->gin;
  c->add = r->add;
  if (p->ctx->tape) nn_tape_kernel(p->ctx->tape, n->op->backward[n->dtype], c);
  st = n->op->backward[n->dtype](c);
done:
  for (int i = 0; st != NN_OK && i < n->nin && i <= k; i++)
    if (r->to[i].fresh) *r->to[i].fresh = false;
  return st;
}

static void fill_call(nn_ctx *ctx, nn_node *n, const nn_tensor *gout, nn_call *c, nn_value **in) {
  int at = n->nin;
  *c =
    (nn_call){.ctx = ctx, .op = n->op, .attr = n->attr, .nin = n->nin, .in = in, .gout = &gout->v};
  for (int k = 0; k < n->nin; k++) in[k] = &n->saved[k].v;
  if (n->saves & NN_OUT) c->out = &n->saved[at++].v;
  for (int i = 0; i < n->op->nout_aux; i++)
    if (n->saves & NN_AUX(i)) c->aux[i] = &n->saved[at++].v;
}

static nn_status run_rows(nn_pass *p, nn_node *n, nn_tensor *gout) {
  const nn_op *op = n->op;
  for (int k = 0; k < n->nin; k++) {
    if (!wanted(p, &n->edge[k])) continue;
    NN_TRY(op->grad[k].pass ? deliver(p, &n->edge[k], &n->saved[k].v, gout)
                            : row_gradient(p, n, gout, k));
  }
  return NN_OK;
}

static nn_status run_node(nn_pass *p, nn_node *n, nn_tensor **gout) {
  nn_call c;
  room r;
  const nn_op *op = n->op;
  NN_TRY(nn_poll(p->ctx));
  NN_TRY(check_saved(p->ctx, n));
  if (!op->pull && !op->backward[n->dtype]) return run_rows(p, n, *gout);
  if (!(op->flags & NN_OP_STRIDED) && !(*gout)->v.dense) NN_TRY(own_copy(p->ctx, gout));
  NN_TRY(make_room(p->ctx, &r, n->nin));
  fill_call(p->ctx, n, *gout, &c, r.in);
  nn_status st = op->pull ? pull_gradient(p, n, &c) : kernel_gradients(p, n, &c, &r);
  if (r.many) nn_mem_give(p->ctx, r.many, many_bytes(n->nin));
  return st;
}

/* A target that is not a leaf: its gradient is what its node had pending. */
static void capture(nn_pass *p, const nn_node *n, nn_tensor *gout) {
  for (int i = 0; i < p->ntargets; i++)
    if (p->target[i]->node == n && !p->result[i]) p->result[i] = nn_tensor_retain(gout);
}

/* ---- the pass ---- */

static nn_status walk_back(nn_pass *p, nn_node *root) {
  nn_status st = NN_OK;
  nn_node *n = root;
  while (p->pending > 0 && n) {
    if (n->pass != p) {
      n = n->older;
      continue;
    }
    nn_tensor *gout =
      take_pending(p, n); /* the reference that waited keeps the node through its run */
    capture(p, n, gout);
    n->running = true;
    st = run_node(p, n, &gout);
    n->running = false;
    nn_tensor_release(gout);
    nn_node *older = n->older;
    if (st == NN_OK && !p->retain && !is_shelved(p, n)) nn_node_finish(n);
    nn_node_release(n);
    if (st != NN_OK) return st;
    n = older;
  }
  return st;
}

/* After a failure: forget what still waits. The nodes are released behind the walk, because the last
   reference to one may take the older ones with it. */
static void forget(nn_pass *p, nn_node *from) {
  nn_node *doomed = NULL;
  for (nn_node *n = from; p->pending > 0 && n; n = n->older) {
    if (n->pass != p) continue;
    nn_tensor_release(take_pending(p, n));
    n->chain = doomed;
    doomed = n;
  }
  while (doomed) {
    nn_node *n = doomed;
    doomed = n->chain;
    nn_node_release(n);
  }
}

static nn_status make_seed(nn_ctx *ctx, nn_tensor *root, nn_tensor *seed, nn_tensor **out) {
  nn_text a, b;
  *out = NULL;
  if (!nn_needs_grad(root))
    return nn_fail(
      ctx, NN_ESTATE,
      "backward: this value does not depend on any tensor that requires a gradient "
      "(x:requires_grad_(true), or a layer's parameters), or was computed under nn.no_grad");
  if (!nn_is_real(root->v.dtype))
    return nn_fail(ctx, NN_ETYPE, "backward: the value must be floating");
  if (!seed) {
    if (root->v.numel != 1)
      return nn_fail(ctx, NN_ESHAPE,
                     "backward: only a scalar has a gradient of its own, this is %s; reduce it "
                     "(y:sum(), y:mean()) or "
                     "pass a seed of the same shape",
                     nn_value_text(&a, &root->v));
    NN_TRY(nn_tensor_new(ctx, root->v.dtype, &root->v.shape, out));
    return nn_fill_into(ctx, &(*out)->v, 1);
  }
  if (seed->v.dtype != root->v.dtype || !nn_shape_equal(&seed->v.shape, &root->v.shape))
    return nn_fail(ctx, NN_ESHAPE, "backward: the seed must be %s %s like the value, got %s %s",
                   nn_value_text(&a, &root->v), nn_dtype_name(root->v.dtype),
                   nn_value_text(&b, &seed->v), nn_dtype_name(seed->v.dtype));
  *out = nn_tensor_retain(seed);
  return NN_OK;
}

static nn_status run_pass(nn_pass *p, nn_tensor *root, nn_tensor *seed) {
  nn_tensor *g = NULL;
  nn_status st = make_seed(p->ctx, root, seed, &g);
  if (st != NN_OK) {
    nn_tensor_release(g);
    return st;
  }
  nn_edge start = {root->node, root->node ? NULL : root};
  nn_node *from = root->node;
  if (!from) {
    st = deliver(p, &start, &root->v, g);
    nn_tensor_release(g);
    return st;
  }
  from->refs++;
  st = deliver(p, &start, &root->v, g);
  if (st == NN_OK) st = walk_back(p, from);
  if (st != NN_OK) forget(p, p->ctx->newest);
  nn_tensor_release(g);
  put_back(p);
  nn_node_release(from);
  return st;
}

nn_status nn_backward(nn_ctx *ctx, nn_tensor *root, nn_tensor *seed, bool retain) {
  nn_pass p = {.ctx = ctx, .retain = retain};
  return run_pass(&p, root, seed);
}

nn_status nn_gradients(nn_ctx *ctx, nn_tensor *root, nn_tensor *seed, bool retain, int n,
                       nn_tensor *const *targets, nn_tensor **grads) {
  nn_pass p = {.ctx = ctx, .retain = retain, .ntargets = n, .target = targets, .result = grads};
  for (int i = 0; i < n; i++) grads[i] = NULL;
  nn_status st = run_pass(&p, root, seed);
  for (int i = 0; i < n; i++) /* a leaf that is listed twice was given to its first place */
    for (int j = 0; j < i && !grads[i]; j++)
      if (targets[j] == targets[i] && grads[j]) grads[i] = nn_tensor_retain(grads[j]);
  for (int i = 0; st != NN_OK && i < n; i++) {
    nn_tensor_release(grads[i]);
    grads[i] = NULL;
  }
  return st;
}
