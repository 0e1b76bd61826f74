/*
 * The record of what was computed and the walk back through it (grad/graph.h): several graphs,
 * retained and used up, failing half-way, nested, long; and Sequential, which stands in no registry
 * test.
 */
#include <pthread.h>

#include "grad/gradcheck.h"
#include "layer/layer.h"
#include "nn_test.h"

static nn_tensor *call(nn_ctx *ctx, const char *op, nn_tensor *a, nn_tensor *b) {
  return t_call(ctx, op, NULL, a, b);
}

/* The same, giving up the caller's reference to a. */
static nn_tensor *then(nn_ctx *ctx, const char *op, nn_tensor *a, nn_tensor *b) {
  nn_tensor *y = call(ctx, op, a, b);
  nn_tensor_release(a);
  return y;
}

static nn_tensor *sum_of(nn_ctx *ctx, nn_tensor *a) { /* gives up a */
  return then(ctx, "sum", a, NULL);
}

static double grad_at(const nn_tensor *t, int64_t i) {
  assert_true(t->has_grad);
  return t_get(t->grad, i);
}

static const char *const USED = "backward: this graph, or a part of it, was used up by an earlier "
                                "backward(); compute the value again, or call the earlier one as "
                                "y:backward(nil, {retain = true})";

/* ---- several graphs ---- */

static void two_graphs(void **state) {
  nn_ctx *ctx = *state;
  for (int order = 0; order < 2; order++) {
    nn_tensor *x = t_leaf(ctx, NN_F64, "3", 1), *y[2];
    y[0] = sum_of(ctx, call(ctx, "square", x, NULL));
    y[1] = sum_of(ctx, call(ctx, "exp", x, NULL));
    assert_int_equal(ctx->nodes, 4);
    OK(nn_backward(ctx, y[order], NULL, false));
    double x0 = t_get(x, 0), want = order ? exp(x0) : 2 * x0;
    NEAR(grad_at(x, 0), want, 1e-15);
    assert_int_equal(ctx->nodes, 2);
    OK(nn_backward(ctx, y[!order], NULL, false));
    NEAR(grad_at(x, 0), exp(x0) + 2 * x0, 1e-15);
    assert_int_equal(ctx->nodes, 0);
    FAILS(nn_backward(ctx, y[0], NULL, false), NN_ESTATE, USED);
    assert_string_equal(ctx->err, USED);
    nn_tensor_release(y[0]), nn_tensor_release(y[1]), nn_tensor_release(x);
  }
}

/* Two roots over a common part: the second finds it used up, unless the first retained it. */
static void shared_part(void **state) {
  nn_ctx *ctx = *state;
  for (int retain = 0; retain < 2; retain++) {
    nn_tensor *x = t_leaf(ctx, NN_F64, "3", 1), *h = call(ctx, "square", x, NULL);
    nn_tensor *a = sum_of(ctx, call(ctx, "exp", h, NULL)),
              *b = sum_of(ctx, call(ctx, "neg", h, NULL));
    OK(nn_backward(ctx, a, NULL, retain));
    double first = grad_at(x, 1), x1 = t_get(x, 1);
    NEAR(first, exp(x1 * x1) * 2 * x1, 1e-14);
    nn_status st = nn_backward(ctx, b, NULL, false);
    assert_int_equal(st, retain ? NN_OK : NN_ESTATE);
    NEAR(grad_at(x, 1), first - (retain ? 2 * x1 : 0), 1e-14);
    nn_tensor_release(h), nn_tensor_release(a), nn_tensor_release(b), nn_tensor_release(x);
  }
}

static void twice(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *x = t_leaf(ctx, NN_F32, "2x3", 2);
  nn_tensor *y = sum_of(ctx, then(ctx, "sigmoid", call(ctx, "mul", x, x), NULL));
  OK(nn_backward(ctx, y, NULL, true));
  double once = grad_at(x, 4);
  OK(nn_backward(ctx, y, NULL, true));
  assert_true(grad_at(x, 4) == 2 * once);
  OK(nn_backward(ctx, y, NULL, false));
  NEAR(grad_at(x, 4), 3 * once, 1e-6);
  FAILS(nn_backward(ctx, y, NULL, true), NN_ESTATE, USED);
  x->has_grad = false; /* as zero_grad does: the next one is stored, not added */
  nn_tensor_release(y);
  y = sum_of(ctx, then(ctx, "sigmoid", call(ctx, "mul", x, x), NULL));
  OK(nn_backward(ctx, y, NULL, false));
  assert_true(grad_at(x, 4) == once);
  nn_tensor_release(y), nn_tensor_release(x);
}

/* Each way in which one tensor can enter one operation twice. */
static void same_twice(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *x = t_leaf(ctx, NN_F64, "3x3", 3);
  static const char *const ops[] = {"add", "sub", "mul", "div", "matmul"};
  for (size_t k = 0; k < COUNT(ops); k++) {
    for (int inner = 0; inner < 2; inner++) { /* the leaf itself, or a result in the middle */
      nn_tensor *in = inner ? call(ctx, "clone", x, NULL) : nn_tensor_retain(x);
      nn_tensor *y = sum_of(ctx, call(ctx, ops[k], in, in));
      x->has_grad = false;
      OK(nn_backward(ctx, y, NULL, false));
      for (int i = 0; i < 9; i++) {
        double row = 0, col = 0; /* d sum(x x) / d x_ij = sum of row j + sum of column i */
        for (int j = 0; j < 3; j++) row += t_get(x, i % 3 * 3 + j), col += t_get(x, j * 3 + i / 3);
        const double want[] = {2, 0, 2 * t_get(x, i), 0, row + col};
        NEAR(grad_at(x, i), want[k], 1e-13);
      }
      nn_tensor_release(y), nn_tensor_release(in);
    }
  }
  nn_tensor_release(x);
}

/* ---- seeds ---- */

static void seeds(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *x = t_leaf(ctx, NN_F64, "2x3", 1), *y = call(ctx, "square", x, NULL);
  nn_tensor *seed = t_random(ctx, NN_F64, "2x3", -1, 1, 9), *narrow = t_full(ctx, NN_F32, "2x3", 1);
  nn_tensor *flat = t_full(ctx, NN_F64, "6", 1), *constant = t_full(ctx, NN_F64, "s", 1);
  FAILS(
    nn_backward(ctx, y, NULL, false), NN_ESHAPE,
    "backward: only a scalar has a gradient of its own, this is 2x3; reduce it (y:sum(), y:mean()) "
    "or pass a seed of the same shape");
  FAILS(nn_backward(ctx, y, flat, false), NN_ESHAPE,
        "backward: the seed must be 2x3 float64 like the value, got 6 float64");
  FAILS(nn_backward(ctx, y, narrow, false), NN_ESHAPE, "got 2x3 float32");
  FAILS(nn_backward(ctx, constant, NULL, false), NN_ESTATE, "does not depend on any tensor");
  assert_false(x->has_grad);
  OK(nn_backward(ctx, y, seed, false)); /* the refusals have not used it up */
  for (int i = 0; i < 6; i++) NEAR(grad_at(x, i), 2 * t_get(x, i) * t_get(seed, i), 1e-15);
  OK(nn_backward(ctx, x, seed, false)); /* a leaf: the seed itself is added */
  for (int i = 0; i < 6; i++) NEAR(grad_at(x, i), (2 * t_get(x, i) + 1) * t_get(seed, i), 1e-15);
  nn_tensor *one = t_leaf(ctx, NN_F64, "1", 1);
  OK(nn_backward(ctx, one, NULL, false)); /* one element is scalar enough */
  assert_true(grad_at(one, 0) == 1);
  nn_tensor_release(one), nn_tensor_release(x), nn_tensor_release(y), nn_tensor_release(seed);
  nn_tensor_release(narrow), nn_tensor_release(flat), nn_tensor_release(constant);
}

/* The seed is the caller's: passing it on by reference must not let anybody add to it. */
static void seed_stays(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *x = t_leaf(ctx, NN_F64, "2x3", 1), *seed = t_full(ctx, NN_F64, "2x3", 1), *g[2];
  nn_tensor *a = call(ctx, "clone", x, NULL), *b = call(ctx, "add", a, a),
            *y = call(ctx, "add", b, a);
  nn_tensor *targets[2] = {a, y};
  OK(nn_gradients(ctx, y, seed, true, 2, targets, g));
  for (int i = 0; i < 6; i++) assert_true(t_get(g[0], i) == 3 && t_get(g[1], i) == 1);
  OK(nn_backward(ctx, y, seed, true));
  OK(nn_backward(ctx, y, seed, false));
  for (int i = 0; i < 6; i++) assert_true(t_get(seed, i) == 1 && grad_at(x, i) == 6);
  nn_tensor_release(g[0]), nn_tensor_release(g[1]), nn_tensor_release(x), nn_tensor_release(seed);
  nn_tensor_release(a), nn_tensor_release(b), nn_tensor_release(y);
}

/* ---- gradients by chosen tensors ---- */

static void gradients(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *x = t_leaf(ctx, NN_F64, "3", 1), *w = t_leaf(ctx, NN_F64, "3", 2);
  nn_tensor *other = t_leaf(ctx, NN_F64, "3", 3), *h = call(ctx, "mul", x, w);
  nn_tensor *y = sum_of(ctx, call(ctx, "square", h, NULL)), *g[5];
  nn_tensor *targets[5] = {w, h, y, other, w};
  OK(nn_gradients(ctx, y, NULL, true, 5, targets, g));
  for (int i = 0; i < 3; i++) {
    double xi = t_get(x, i), wi = t_get(w, i);
    NEAR(t_get(g[0], i), 2 * xi * xi * wi, 1e-15);
    NEAR(t_get(g[1], i), 2 * xi * wi, 1e-15);
  }
  assert_true(t_get(g[2], 0) == 1);
  assert_null(g[3]);
  assert_false(x->has_grad || w->has_grad || h->has_grad);
  assert_null(w->grad);
  bool both = g[4] != NULL; /* a target that is listed twice */
  if (both) NEAR(t_get(g[4], 1), t_get(g[0], 1), 0);
  for (int k = 0; k < 5; k++) nn_tensor_release(g[k]);
  OK(nn_gradients(ctx, y, NULL, false, 1, &x, g));
  nn_tensor_release(g[0]);
  FAILS(nn_gradients(ctx, y, NULL, false, 1, &x, g), NN_ESTATE, USED);
  assert_null(g[0]);
  nn_tensor_release(x), nn_tensor_release(w), nn_tensor_release(other);
  nn_tensor_release(h), nn_tensor_release(y);
  assert_true(both);
}

/* ---- changed in place ---- */

static void versions(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *x = t_leaf(ctx, NN_F64, "3", 1), *c = t_full(ctx, NN_F64, "3", 2);
  nn_tensor *y = sum_of(ctx, call(ctx, "mul", x, c)), *in[2] = {c, c};
  OK(nn_apply_into(ctx, nn_op_find("add"), NULL, 2, in));
  FAILS(nn_backward(ctx, y, NULL, false), NN_ESTATE, NULL);
  assert_string_equal(
    ctx->err, "backward: 'mul' saved a 3 tensor that was changed in place afterwards (version 1, "
              "saved at 0); change a clone() instead, or change it after backward");
  assert_false(x->has_grad);
  nn_tensor_release(y);
  y = sum_of(ctx, call(ctx, "mul", x, c)); /* computed again, all is well */
  OK(nn_backward(ctx, y, NULL, false));
  assert_true(grad_at(x, 0) == 4);
  nn_tensor_release(y);
  y = sum_of(ctx, call(ctx, "add", x, c)); /* add saves nothing: change what you like */
  OK(nn_apply_into(ctx, nn_op_find("add"), NULL, 2, in));
  OK(nn_backward(ctx, y, NULL, false));
  nn_tensor_release(y), nn_tensor_release(x), nn_tensor_release(c);
}

/* Writing where a gradient would be lost is refused; under no_grad it is the caller's business. */
static void in_place(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *x = t_leaf(ctx, NN_F64, "3", 1), *c = t_full(ctx, NN_F64, "3", 2);
  nn_tensor *h = call(ctx, "mul", x, c), *k = t_full(ctx, NN_I64, "3", 2),
            *wide = t_full(ctx, NN_F64, "2x3", 1);
  const nn_op *add = nn_op_find("add");
  FAILS(nn_apply_into(ctx, add, NULL, 2, (nn_tensor *[]){x, c}), NN_ESTATE, "requires a gradient");
  FAILS(nn_apply_into(ctx, add, NULL, 2, (nn_tensor *[]){h, c}), NN_ESTATE, "was computed from");
  FAILS(nn_apply_into(ctx, add, NULL, 2, (nn_tensor *[]){c, x}), NN_ESTATE, NULL);
  FAILS(nn_apply_into(ctx, add, NULL, 2, (nn_tensor *[]){k, c}), NN_ETYPE,
        "add_: a float64 result");
  FAILS(nn_apply_into(ctx, add, NULL, 2, (nn_tensor *[]){c, wide}), NN_ESHAPE,
        "add_: the result is 2x3");
  FAILS(nn_apply_into(ctx, nn_op_find("div"), NULL, 2, (nn_tensor *[]){k, k}), NN_ETYPE, "div_: ");
  OK(nn_apply_into(ctx, add, NULL, 2, (nn_tensor *[]){wide, c}));
  assert_true(t_get(wide, 4) == 3);
  nn_value v = c->v; /* c = c + c shifted by one: read before it is overwritten */
  nn_tensor *left, *right;
  v.shape.dim[0] = 2, v.numel = 2;
  OK(nn_tensor_view(ctx, &v, &left));
  v.offset = 1;
  OK(nn_tensor_view(ctx, &v, &right));
  for (int i = 0; i < 3; i++) t_set(c, i, pow(10, i));
  OK(nn_apply_into(ctx, add, NULL, 2, (nn_tensor *[]){right, left}));
  assert_true(t_get(c, 0) == 1 && t_get(c, 1) == 11 && t_get(c, 2) == 110);
  ctx->no_grad++;
  OK(nn_apply_into(ctx, add, NULL, 2, (nn_tensor *[]){x, c}));
  ctx->no_grad--;
  nn_tensor_release(left), nn_tensor_release(right), nn_tensor_release(wide), nn_tensor_release(k);
  nn_tensor_release(h), nn_tensor_release(x), nn_tensor_release(c);
}

/* ---- failing half-way ---- */

/*
 * root = ((x c) + n) + r with n = sigmoid(sigmoid(x)): when the backward of x c fails, n and r wait
 * with a gradient and n's chain hangs on nothing but that. It must be dropped without a trace.
 */
static void failing_pass(void **state) {
  nn_ctx *ctx = *state;
  for (int how = 0; how < 3; how++) {
    nn_tensor *x = t_leaf(ctx, NN_F64, "3", 1), *c = t_full(ctx, NN_F64, "3", 2);
    nn_tensor *r = call(ctx, "sigmoid", x, NULL);
    nn_tensor *n = then(ctx, "sigmoid", call(ctx, "sigmoid", x, NULL), NULL);
    nn_tensor *root = sum_of(ctx, then(ctx, "add", then(ctx, "add", call(ctx, "mul", x, c), n), r));
    if (how < 2) nn_tensor_release(n), nn_tensor_release(r);
    if (how == 1) nn_interrupted = 1;
    if (how != 1) nn_touch(&c->v);
    FAILS(nn_backward(ctx, root, NULL, how == 2), how == 1 ? NN_EINTR : NN_ESTATE, NULL);
    nn_interrupted = 0;
    for (const nn_node *p = ctx->newest; p; p = p->older) assert_true(!p->pending && !p->pass);
    nn_status st = nn_backward(ctx, root, NULL, false);
    assert_int_equal(st, how == 1 ? NN_OK : NN_ESTATE); /* interrupted before anything was done */
    assert_int_equal(x->has_grad, how == 1);
    if (how == 2) nn_tensor_release(n), nn_tensor_release(r);
    nn_tensor_release(root), nn_tensor_release(x), nn_tensor_release(c);
    assert_int_equal(ctx->nodes, 0);
    assert_int_equal(ctx->mem.live, 0);
  }
}

/* ---- nested ---- */

typedef struct nest {
  nn_tensor *root; /* what the inner backward starts from */
  nn_status st;
} nest;

static nn_status nest_forward(const nn_call *c) {
  return nn_copy_into(c->ctx, c->out, c->in[0]);
}
static nn_status nest_backward(const nn_call *c) {
  nest *k = *(nest *const *)c->attr;
  if (k->root) k->st = nn_backward(c->ctx, k->root, NULL, true);
  return nn_sum_to(c->ctx, c->gin[0], c->gout, c->add[0]);
}
static const nn_op nest_op = {.name = "nest",
                              .nin = 1,
                              .attr_size = sizeof(nest *),
                              .infer = nn_infer_same,
                              .forward = {nest_forward, nest_forward},
                              .backward = {nest_backward, nest_backward}};

/* A backward inside a backward: over another graph, over waiting parts of the same one, over
 * itself. */
static void nested(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *x = t_leaf(ctx, NN_F64, "3", 1), *z = t_leaf(ctx, NN_F64, "3", 2), *in = NULL,
            *both = NULL;
  nn_tensor *other = sum_of(ctx, call(ctx, "square", z, NULL)), *h = call(ctx, "square", x, NULL);
  nn_tensor *part = sum_of(ctx, call(ctx, "exp", h, NULL));
  for (int how = 0; how < 3; how++) {
    nest k = {NULL, NN_OK}, *attr = &k;
    OK(nn_apply(ctx, &nest_op, &attr, 1, &h, &in));
    both = sum_of(ctx, call(ctx, "add", in, h)); /* h waits with a gradient while nest runs */
    k.root = how == 0 ? other : how == 1 ? part : both;
    x->has_grad = z->has_grad = false;
    OK(nn_backward(ctx, both, NULL, true));
    assert_int_equal(k.st, how == 2 ? NN_ESTATE : NN_OK);
    if (how == 2) assert_non_null(strstr(ctx->err, "called inside the backward of"));
    assert_int_equal(z->has_grad, how == 0);
    for (int i = 0; i < 3; i++) {
      double xi = t_get(x, i), inner = how == 1 ? exp(xi * xi) * 2 * xi : 0;
      NEAR(grad_at(x, i), 4 * xi + inner, 1e-14);
      if (how == 0) NEAR(grad_at(z, i), 2 * t_get(z, i), 1e-15);
    }
    nn_tensor_release(in), nn_tensor_release(both);
  }
  nn_tensor_release(x), nn_tensor_release(z), nn_tensor_release(h), nn_tensor_release(other);
  nn_tensor_release(part);
}

/* A module of the host's inside a Sequential that trains something of its own while it is called.
 */
static nn_status busy(nn_ctx *ctx, nn_layer *l, nn_tensor *x, nn_tensor **y) {
  int no_grad = ctx->no_grad;
  (void)l;
  ctx->no_grad = 0; /* its own business, also when the caller records nothing */
  nn_tensor *own = t_leaf(ctx, NN_F32, "4", 5), *cost = sum_of(ctx, call(ctx, "square", own, NULL));
  nn_status st = nn_backward(ctx, cost, NULL, false);
  ctx->no_grad = no_grad;
  nn_tensor_release(cost), nn_tensor_release(own);
  *y = NULL;
  return st == NN_OK ? nn_apply(ctx, nn_op_find("exp"), NULL, 1, &x, y) : st;
}

/* ---- long chains, on a small stack ---- */

typedef struct task {
  nn_ctx *ctx;
  bool back;
} task;

enum { LONG_CHAIN = 100000 };

static void *chain(void *arg) {
  const task *t = arg;
  nn_ctx *ctx = t->ctx;
  nn_tensor *x = t_leaf(ctx, NN_F32, "1", 1), *y = call(ctx, "neg", x, NULL);
  for (int i = 1; i < LONG_CHAIN; i++) y = then(ctx, i % 3 ? "neg" : "sigmoid", y, NULL);
  if (t->back) OK(nn_backward(ctx, y, NULL, false));
  assert_int_equal(ctx->nodes, t->back ? 0 : LONG_CHAIN);
  nn_tensor_release(y);
  assert_int_equal(ctx->nodes, 0);
  nn_tensor_release(x);
  return NULL;
}

static void long_chains(void **state) {
  for (int back = 0; back < 2; back++) {
    task t = {*state, back};
    pthread_attr_t attr;
    pthread_t thread;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, 256 * 1024), 0);
    assert_int_equal(pthread_create(&thread, &attr, chain, &t), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attr);
  }
}

/* Forward passes without a backward leave nothing when their results go. */
static void dropped(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *x = t_leaf(ctx, NN_F32, "8x8", 1);
  uint64_t mallocs = 0;
  for (int i = 0; i < 2000; i++) {
    nn_tensor *y = sum_of(ctx, then(ctx, "sigmoid", call(ctx, "matmul", x, x), NULL));
    nn_tensor_release(y);
    assert_int_equal(ctx->nodes, 0);
    if (i == 2) mallocs = ctx->mem.mallocs;
  }
  assert_int_equal(ctx->mem.mallocs, mallocs); /* all of it comes from the pool */
  nn_tensor_release(x);
}

/* ---- Sequential ---- */

static nn_layer *make(nn_ctx *ctx, const char *name, const char *args) {
  const nn_layer_class *class = nn_layer_class_find(name);
  nn_layer *l;
  OK(nn_layer_new(ctx, class, &l));
  OK(nn_param_parse(ctx, name, class->params, l, args));
  OK(nn_layer_build(ctx, l));
  return l;
}

static void add(nn_ctx *ctx, nn_layer *to, nn_layer *l) { /* gives up l */
  OK(nn_layer_append(ctx, to, l));
  nn_layer_release(l);
}

static nn_layer *net(nn_ctx *ctx, const char *act) {
  nn_layer *s = make(ctx, "Sequential", NULL);
  nn_rng_init(&ctx->rng, 3);
  add(ctx, s, make(ctx, "Linear", "4, 6"));
  add(ctx, s, make(ctx, act, NULL));
  add(ctx, s, make(ctx, "Linear", "6, 2, bias = false"));
  return s;
}

/* A Linear with the activation behind it in one is what they are one after the other, bit for bit.
 */
static void fused(void **state) {
  nn_ctx *ctx = *state;
  static const char *const acts[] = {"ReLU", "Tanh", "Sigmoid", "Softmax", "Dropout", "Identity"};
  for (size_t k = 0; k < COUNT(acts); k++) {
    nn_layer *s = net(ctx, acts[k]);
    nn_tensor *x = t_leaf(ctx, NN_F32, "5x4", 1), *y[2],
              *seed = t_random(ctx, NN_F32, "5x2", -1, 1, 3), *g[8];
    nn_tensor *targets[4] = {x, s->child[0]->slot[0].tensor, s->child[0]->slot[1].tensor,
                             s->child[2]->slot[0].tensor};
    OK(nn_layer_forward(ctx, s, x, false, &y[0]));
    OK(nn_gradients(ctx, y[0], seed, false, 4, targets, g));
    nn_rng_init(&ctx->rng, 3);
    nn_rng_reserve(&ctx->rng, NN_RNG_INIT, 0);
    y[1] = nn_tensor_retain(x);
    for (int i = 0; i < 3; i++) {
      nn_tensor *next;
      OK(nn_layer_forward(ctx, s->child[i], y[1], false, &next));
      nn_tensor_release(y[1]);
      y[1] = next;
    }
    OK(nn_gradients(ctx, y[1], seed, false, 4, targets, g + 4));
    assert_true(t_equal(y[0], y[1]));
    for (int i = 0; i < 4; i++) assert_true(t_equal(g[i], g[i + 4]));
    for (int i = 0; i < 8; i++) nn_tensor_release(g[i]);
    nn_tensor_release(y[0]), nn_tensor_release(y[1]), nn_tensor_release(x), nn_tensor_release(seed);
    nn_layer_release(s);
  }
}

static nn_status whole(nn_ctx *ctx, void *user, nn_tensor *const *x, nn_tensor **y) {
  return nn_layer_forward(ctx, user, x[0], false, y);
}

static void sequential(void **state) {
  nn_ctx *ctx = *state;
  nn_gradcheck_report r;
  nn_layer *foreign;
  ctx->real = NN_F64;
  nn_layer *s = net(ctx, "Tanh");
  nn_tensor *x = t_leaf(ctx, NN_F64, "5x4", 1), *wrong = t_leaf(ctx, NN_F64, "5x3", 1), *y;
  nn_tensor *targets[4] = {x, s->child[0]->slot[0].tensor, s->child[0]->slot[1].tensor,
                           s->child[2]->slot[0].tensor};
  OK(nn_gradcheck(ctx, whole, s, 4, targets, NULL, 0, &r));
  assert_true(r.error < 1e-6 && r.checked == 20 + 24 + 6 + 12);
  assert_false(x->has_grad);
  FAILS(nn_layer_forward(ctx, s, wrong, false, &y), NN_ESHAPE,
        "Sequential[1]: Linear(4, 6): the input's last dimension must be 4, got 5x3");
  add(ctx, s, make(ctx, "Linear", "7, 1"));
  FAILS(nn_layer_forward(ctx, s, x, false, &y), NN_ESHAPE,
        "Sequential[4]: Linear(7, 1): the input's last dimension must be 7, got 5x2");
  assert_null(y);
  nn_layer *outer = make(ctx, "Sequential", NULL);
  add(ctx, outer, s); /* which it holds from now on */
  FAILS(nn_layer_forward(ctx, outer, x, false, &y), NN_ESHAPE,
        "Sequential[1][4]: Linear(7, 1): the");
  nn_layer_release(outer);
  s = net(ctx, "Tanh");
  OK(nn_layer_foreign_new(ctx, busy, &foreign));
  add(ctx, s, foreign);
  OK(nn_gradcheck(ctx, whole, s, 1, targets, NULL, 0, &r));
  assert_true(r.error < 1e-6);
  nn_layer *empty = make(ctx, "Sequential", NULL);
  OK(nn_layer_forward(ctx, empty, x, false, &y));
  assert_ptr_equal(y, x);
  nn_tensor_release(y), nn_tensor_release(x), nn_tensor_release(wrong);
  nn_layer_release(empty), nn_layer_release(s);
}

/* ---- gradcheck itself ---- */

static nn_status wrong_backward(const nn_call *c) { /* right for the first two elements only */
  const double *g = nn_data(c->gout);
  double *d = nn_data(c->gin[0]);
  for (int64_t i = 0; i < c->gout->numel; i++) d[i] = i < 2 ? g[i] : -g[i];
  return NN_OK;
}
static const nn_op wrong_op = {.name = "wrong",
                               .nin = 1,
                               .infer = nn_infer_same,
                               .forward = {nest_forward, nest_forward},
                               .backward = {NULL, wrong_backward}};

static nn_status apply_wrong(nn_ctx *ctx, void *user, nn_tensor *const *x, nn_tensor **y) {
  (void)user;
  return nn_apply(ctx, &wrong_op, NULL, 1, &x[1], y);
}

static void finds_faults(void **state) {
  nn_ctx *ctx = *state;
  nn_gradcheck_report r;
  nn_tensor *x[2] = {t_leaf(ctx, NN_F64, "2", 1), t_leaf(ctx, NN_F64, "4", 1)};
  nn_tensor *seed = t_full(ctx, NN_F64, "4", 0.5), *narrow = t_leaf(ctx, NN_F32, "4", 1);
  OK(nn_gradcheck(ctx, apply_wrong, NULL, 2, x, seed, 0, &r));
  assert_true(r.error > 1.99 && r.checked == 6 && r.input == 1 && r.element >= 2);
  NEAR(r.analytic, -0.5, 0);
  NEAR(r.numeric, 0.5, 1e-10);
  FAILS(nn_gradcheck(ctx, apply_wrong, NULL, 2, x, x[0], 0, &r), NN_ESHAPE, "the seed must be 4");
  FAILS(nn_gradcheck(ctx, apply_wrong, NULL, 2, (nn_tensor *[]){x[0], narrow}, NULL, 0, &r),
        NN_ETYPE, "gradcheck: input 2 must be a float64 leaf, it is float32");
  nn_tensor_release(x[0]), nn_tensor_release(x[1]), nn_tensor_release(seed),
    nn_tensor_release(narrow);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(two_graphs), TEST(shared_part),  TEST(twice),      TEST(same_twice),
    TEST(seeds),      TEST(seed_stays),   TEST(gradients),  TEST(versions),
    TEST(in_place),   TEST(failing_pass), TEST(nested),     TEST(long_chains),
    TEST(dropped),    TEST(fused),        TEST(sequential), TEST(finds_faults)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
