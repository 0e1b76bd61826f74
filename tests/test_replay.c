/*
 * Training steps that are played from a tape (optim/replay.h): the same bits as steps that are not, for
 * every model that can be; and whatever changes between steps is noticed.
 */
#include "kernel/blas.h"
#include "kernel/gemm.h"
#include "layer/layer.h"
#include "loss/loss.h"
#include "nn_test.h"
#include "optim/replay.h"
#include "optim/train.h"

typedef struct net {
  nn_layer *model;
  nn_loss *loss;
  nn_optim *optim;
  int nparams;
  nn_tensor *param[8]; /* borrowed */
} net;

static nn_layer *layer(nn_ctx *ctx, const char *name, const char *args) {
  const nn_layer_class *class = nn_layer_class_find(name);
  nn_layer *l;
  assert_non_null(class);
  OK(nn_layer_new(ctx, class, &l));
  if (args) OK(nn_param_parse(ctx, name, class->params, l, args));
  OK(nn_layer_build(ctx, l));
  return l;
}

static void append(nn_ctx *ctx, net *n, const char *name, const char *args) {
  nn_layer *l = layer(ctx, name, args);
  OK(nn_layer_append(ctx, n->model, l));
  for (int i = 0; i < l->nslot; i++) n->param[n->nparams++] = l->slot[i].tensor;
  nn_layer_release(l);
}

/* "tanh" is the name of the layer between two Linear layers. */
static net make(nn_ctx *ctx, const char *between, const char *loss, const char *optim,
                const char *options) {
  net n = {.model = layer(ctx, "Sequential", NULL)};
  const nn_optim_class *class = nn_optim_class_find(optim);
  void *hyper;
  nn_rng_init(&ctx->rng, 7);
  append(ctx, &n, "Flatten", NULL);
  append(ctx, &n, "Linear", "6, 5");
  append(ctx, &n, between, NULL);
  append(ctx, &n, "Linear", "5, 3");
  OK(nn_loss_new(ctx, nn_loss_class_find(loss), &n.loss));
  OK(nn_optim_new(ctx, class, &n.optim));
  OK(nn_optim_add_group(ctx, n.optim, n.nparams, n.param, &hyper));
  OK(nn_optim_parse(ctx, class, hyper, options));
  OK(nn_optim_build(ctx, n.optim));
  return n;
}

static void drop(net *n) {
  nn_optim_release(n->optim);
  nn_loss_release(n->loss);
  nn_layer_release(n->model);
}

/* Ten rows; targets are numbers or labels. */
static void data(nn_ctx *ctx, const char *loss, nn_tensor **x, nn_tensor **y) {
  *x = t_random(ctx, NN_F32, "10x2x3", -1, 1, 3);
  if (strcmp(loss, "CrossEntropyLoss") != 0) {
    *y = t_random(ctx, NN_F32, "10x3", -1, 1, 4);
    return;
  }
  *y = t_new(ctx, NN_I64, "10");
  for (int64_t i = 0; i < 10; i++) t_set(*y, i, (double)(1 + i * i % 3));
}

static nn_tensor *rows(nn_ctx *ctx, const nn_tensor *t, int64_t from, int64_t n) {
  nn_value v;
  nn_tensor *out;
  nn_value_copy(&v, &t->v);
  v.offset += from * v.stride[0];
  v.shape.dim[0] = n;
  nn_value_settle(&v);
  OK(nn_tensor_view(ctx, &v, &out));
  return out;
}

/* A trainer of batches of `size` rows, as nn.fit makes it. */
static nn_status new_trainer(nn_ctx *ctx, const net *n, nn_tensor *x, nn_tensor *y, int64_t size,
                             nn_trainer **out) {
  NN_TRY(nn_trainer_new(ctx, n->nparams, 0, out));
  nn_trainer *t = *out;
  t->model = nn_layer_retain(n->model);
  t->loss = nn_loss_retain(n->loss);
  t->optim = nn_optim_retain(n->optim);
  t->x = nn_tensor_retain(x);
  t->y = nn_tensor_retain(y);
  for (int i = 0; i < n->nparams; i++) t->param[i] = nn_tensor_retain(n->param[i]);
  t->size = size;
  t->accumulate = 1;
  return nn_trainer_build(t);
}

/* One batch through a trainer of its own. */
static nn_status train_step(nn_ctx *ctx, const net *n, nn_tensor *x, nn_tensor *y, double *value) {
  nn_trainer *t = NULL;
  nn_status st;
  NN_GO(new_trainer(ctx, n, x, y, x->v.shape.dim[0], &t));
  NN_GO(nn_trainer_run(t, 1));
  *value = t->value;
done:
  nn_trainer_free(t);
  return st;
}

/* One step on rows from .. from + n - 1. */
static nn_status step(nn_ctx *ctx, const net *n, nn_tensor *x, nn_tensor *y, int64_t from,
                      int64_t count, double *value) {
  nn_tensor *bx = rows(ctx, x, from, count), *by = rows(ctx, y, from, count);
  nn_status st = train_step(ctx, n, bx, by, value);
  nn_tensor_release(bx);
  nn_tensor_release(by);
  return st;
}

/* Epochs of batches of four: 4, 4, 2. */
static double train(nn_ctx *ctx, const net *n, const char *loss, int epochs) {
  nn_tensor *x, *y;
  double sum = 0, value = 0;
  data(ctx, loss, &x, &y);
  for (int e = 0; e < epochs; e++)
    for (int64_t at = 0; at < 10; at += 4) {
      OK(step(ctx, n, x, y, at, at + 4 <= 10 ? 4 : 10 - at, &value));
      sum += value;
    }
  nn_tensor_release(x);
  nn_tensor_release(y);
  return sum;
}

static void check_same(const net *a, const net *b) {
  for (int i = 0; i < a->nparams; i++) {
    assert_true(t_equal(a->param[i], b->param[i]));
    assert_true(a->param[i]->has_grad == b->param[i]->has_grad);
    if (a->param[i]->has_grad) assert_true(t_equal(a->param[i]->grad, b->param[i]->grad));
  }
}

static void test_same_bits(void **state) {
  nn_ctx *ctx = *state;
  static const char *const between[] = {"Tanh", "ReLU", "Sigmoid", "Softmax", "ELU", "Flatten"};
  static const char *const losses[] = {"MSELoss", "CrossEntropyLoss"};
  static const char *const optims[][2] = {{"SGD", "lr = 0.1, momentum = 0.9"},
                                          {"Adam", "lr = 0.01"}};
  for (size_t i = 0; i < COUNT(between); i++)
    for (size_t j = 0; j < COUNT(losses); j++)
      for (size_t k = 0; k < COUNT(optims); k++) {
        net a = make(ctx, between[i], losses[j], optims[k][0], optims[k][1]);
        net b = make(ctx, between[i], losses[j], optims[k][0], optims[k][1]);
        double played = train(ctx, &a, losses[j], 12);
        assert_true(nn_replay_played(a.optim->replay) > 20);
        ctx->reuse = false;
        double plain = train(ctx, &b, losses[j], 12);
        ctx->reuse = true;
        assert_true(nn_replay_played(b.optim->replay) == 0);
        assert_true(t_same_bits(played, plain));
        check_same(&a, &b);
        drop(&a);
        drop(&b);
      }
}

/* What changes between two steps; done to both nets. */
static void freeze(const net *n) {
  n->param[1]->requires_grad = false;
}
static void other_loss(const net *n) {
  n->loss->reduction = "sum";
}
static void other_rate(const net *n) {
  ((nn_hyper *)n->optim->hyper[0])->lr = 0.03;
}
static void other_weights(const net *n) {
  t_set(n->param[0], 0, 0.5);
  nn_touch(&n->param[0]->v);
}
static void other_tensor(const net *n) {
  nn_layer *l = n->model->child[1];
  nn_ctx *ctx = l->ctx;
  nn_tensor *t = t_leaf(ctx, NN_F32, "5x6", 11);
  nn_layer_replace(l, 0, t);
  nn_tensor_release(t);
}
static void shorter(const net *n) {
  nn_layer_release(n->model->child[2]);
  n->model->child[2] = nn_layer_retain(n->model->child[0]);
}

static void test_changes(void **state) {
  nn_ctx *ctx = *state;
  void (*const change[])(const net *) = {freeze,        other_loss,   other_rate,
                                         other_weights, other_tensor, shorter};
  for (size_t i = 0; i < COUNT(change); i++) {
    net a = make(ctx, "Tanh", "MSELoss", "SGD", "lr = 0.1");
    net b = make(ctx, "Tanh", "MSELoss", "SGD", "lr = 0.1");
    train(ctx, &a, "MSELoss", 4);
    assert_true(nn_replay_played(a.optim->replay) > 2);
    change[i](&a);
    train(ctx, &a, "MSELoss", 4);
    ctx->reuse = false;
    train(ctx, &b, "MSELoss", 4);
    change[i](&b);
    train(ctx, &b, "MSELoss", 4);
    ctx->reuse = true;
    /* the layer's own tensors: those of the optimizer may be out of it */
    for (int c = 0; c < a.model->nchild; c++)
      for (int s = 0; s < a.model->child[c]->nslot; s++)
        assert_true(t_equal(a.model->child[c]->slot[s].tensor, b.model->child[c]->slot[s].tensor));
    drop(&a);
    drop(&b);
  }
}

/* A failure inside a played step leaves the weights, and what follows goes on as before. */
static void test_failures(void **state) {
  nn_ctx *ctx = *state;
  net a = make(ctx, "Tanh", "CrossEntropyLoss", "SGD", "lr = 0.1");
  nn_tensor *x, *y;
  double value;
  data(ctx, "CrossEntropyLoss", &x, &y);
  for (int i = 0; i < 4; i++) OK(step(ctx, &a, x, y, 0, 4, &value));
  assert_true(nn_replay_played(a.optim->replay) > 0);
  nn_tensor *before = t_new(ctx, NN_F32, "5x6");
  OK(nn_copy_into(ctx, &before->v, &a.param[0]->v));
  t_set(y, 1, 9);
  FAILS(step(ctx, &a, x, y, 0, 4, &value), NN_EVALUE, "9");
  assert_true(t_equal(before, a.param[0]));
  assert_false(a.param[0]->has_grad);
  t_set(y, 1, 2);
  t_set(x, 0, (double)INFINITY); /* inf - inf in the first layer: the loss is not finite */
  t_set(x, 1, -(double)INFINITY);
  OK(step(ctx, &a, x, y, 0, 4, &value));
  assert_true(t_equal(before, a.param[0]) == !isfinite(value));
  assert_false(a.param[0]->has_grad && !isfinite(value));
  nn_interrupted = 1;
  FAILS(step(ctx, &a, x, y, 4, 4, &value), NN_EINTR, NULL);
  nn_interrupted = 0;
  nn_tensor_release(before);
  nn_tensor_release(x);
  nn_tensor_release(y);
  drop(&a);
}

/* Every request of memory fails in turn: the steps are as they would have been, or fail cleanly. */
static void test_memory(void **state) {
  nn_ctx *ctx = *state;
  net want = make(ctx, "Tanh", "MSELoss", "SGD", "lr = 0.1");
  nn_tensor *x, *y;
  double value;
  data(ctx, "MSELoss", &x, &y);
  for (int i = 0; i < 5; i++) OK(step(ctx, &want, x, y, 0, 4, &value));
  for (int64_t fail = 0; fail < 200; fail++) {
    net n = make(ctx, "Tanh", "MSELoss", "SGD", "lr = 0.1");
    int done = 0;
    OK(step(ctx, &n, x, y, 0, 4, &value));
    nn_tensor *bx = rows(ctx, x, 0, 4), *by = rows(ctx, y, 0, 4);
    ctx->mem.fail_in = fail;
    for (done = 1; done < 5;)
      if (train_step(ctx, &n, bx, by, &value) == NN_OK) done++;
    bool over = ctx->mem.fail_in >= 0;
    ctx->mem.fail_in = -1;
    assert_null(ctx->tape);
    check_same(&n, &want);
    nn_tensor_release(bx);
    nn_tensor_release(by);
    drop(&n);
    if (over) break;
    assert_true(fail < 199);
  }
  nn_tensor_release(x);
  nn_tensor_release(y);
  drop(&want);
}

/* What a step may not be played for. */
static void test_refused(void **state) {
  nn_ctx *ctx = *state;
  net n = make(ctx, "Dropout", "MSELoss", "SGD", "lr = 0.1");
  train(ctx, &n, "MSELoss", 4);
  assert_true(nn_replay_played(n.optim->replay) == 0);
  drop(&n);
  n = make(ctx, "Tanh", "HuberLoss", "SGD", "lr = 0.1");
  train(ctx, &n, "HuberLoss", 4);
  assert_true(nn_replay_played(n.optim->replay) == 0);
  drop(&n);
}

/* A step that would keep megabytes is noted once, and never again. */
static void test_large(void **state) {
  nn_ctx *ctx = *state;
  net n = {.model = layer(ctx, "Sequential", NULL)};
  void *hyper;
  double value;
  uint64_t before;
  append(ctx, &n, "Linear", "4, 600");
  append(ctx, &n, "Tanh", NULL);
  OK(nn_loss_new(ctx, nn_loss_class_find("MSELoss"), &n.loss));
  OK(nn_optim_new(ctx, nn_optim_class_find("SGD"), &n.optim));
  OK(nn_optim_add_group(ctx, n.optim, n.nparams, n.param, &hyper));
  OK(nn_optim_build(ctx, n.optim));
  nn_tensor *x = t_random(ctx, NN_F32, "1000x4", -1, 1, 1);
  nn_tensor *y = t_random(ctx, NN_F32, "1000x600", -1, 1, 2);
  for (int i = 0; i < 3; i++) OK(train_step(ctx, &n, x, y, &value));
  before = ctx->mem.requests;
  OK(train_step(ctx, &n, x, y, &value));
  uint64_t once = ctx->mem.requests - before;
  ctx->reuse = false;
  before = ctx->mem.requests;
  OK(train_step(ctx, &n, x, y, &value));
  ctx->reuse = true;
  assert_true(once <= ctx->mem.requests - before);
  assert_true(nn_replay_played(n.optim->replay) == 0);
  nn_tensor_release(x);
  nn_tensor_release(y);
  drop(&n);
}

/* ---- descent: whole epochs in one call, so that gradients are seen only at their ends ---- */

static net make_wide(nn_ctx *ctx, const char *optim, const char *options) {
  net n = {.model = layer(ctx, "Sequential", NULL)};
  const nn_optim_class *class = nn_optim_class_find(optim);
  void *hyper;
  nn_rng_init(&ctx->rng, 7);
  append(ctx, &n, "Linear", "64, 32");
  append(ctx, &n, "Tanh", NULL);
  append(ctx, &n, "Linear", "32, 32");
  OK(nn_loss_new(ctx, nn_loss_class_find("MSELoss"), &n.loss));
  OK(nn_optim_new(ctx, class, &n.optim));
  OK(nn_optim_add_group(ctx, n.optim, n.nparams, n.param, &hyper));
  OK(nn_optim_parse(ctx, class, hyper, options));
  OK(nn_optim_build(ctx, n.optim));
  return n;
}

typedef struct descent {
  const char *optim, *options;
  int64_t size;
  double first; /* of the data from the third epoch on; 0: as drawn */
  int frozen;   /* parameter; -1: none */
  double clip;
  bool descends;
} descent;

static void run_epochs(nn_ctx *ctx, const net *n, const descent *d, nn_tensor *x, nn_tensor *y) {
  nn_trainer *t;
  OK(new_trainer(ctx, n, x, y, d->size, &t));
  t->clip_value = d->clip;
  if (d->frozen >= 0) n->param[d->frozen]->requires_grad = false;
  for (int e = 0; e < 5; e++) {
    t->row = t->batch = 0;
    if (e == 0 || e == 2) {
      t_set(x, 0, e == 2 && d->first != 0 ? d->first : 0.5);
      nn_touch(&x->v);
    }
    OK(nn_trainer_run(t, INT64_MAX));
    assert_true(t->fault == NN_FAULT_NONE && t->row == x->v.shape.dim[0]);
  }
  nn_trainer_free(t);
}

/* Products of our own round as it must be; BLAS may not. */
static bool can_descend(int64_t rows) {
  nn_gemm_job j = {
    .p = {.ta = true, .m = 32, .n = 64, .k = rows, .alpha = 1, .lda = 32, .ldb = 64, .ldc = 64}};
  nn_gemm_job_f32(&j);
  return j.rounds;
}

/* Batches of 1, 4 and 9 of thirty rows; 25, with which the products are no smaller than their results. */
static void test_descent(void **state) {
  nn_ctx *ctx = *state;
  static const descent all[] = {
    {"SGD", "lr = 0.1", 1, 0, -1, 0, true},
    {"SGD", "lr = 0.1", 4, 0, -1, 0, true},
    {"SGD", "lr = 0.3", 9, 0, -1, 0, true},
    {"SGD", "lr = 0.1", 4, 0, 0, 0, true},     /* one of two is frozen */
    {"SGD", "lr = 0.1", 4, 1e38, -1, 0, true}, /* then gradients must be looked at */
    {"SGD", "lr = 0.1", 25, 0, -1, 0, false},
    {"SGD", "lr = 0.1", 4, 0, -1, 0.01, false},
    {"SGD", "lr = 0.1, weight_decay = 0.01", 4, 0, -1, 0, false},
    {"SGD", "lr = 0.1, momentum = 0.5", 4, 0, -1, 0, false},
    {"Adam", "lr = 0.01", 4, 0, -1, 0, false}};
  for (size_t i = 0; i < COUNT(all); i++) {
    const descent *d = &all[i];
    net a = make_wide(ctx, d->optim, d->options), b = make_wide(ctx, d->optim, d->options);
    nn_tensor *x = t_random(ctx, NN_F32, "30x64", -1, 1, 3);
    nn_tensor *y = t_random(ctx, NN_F32, "30x32", -1, 1, 4);
    run_epochs(ctx, &a, d, x, y);
    ctx->reuse = false;
    run_epochs(ctx, &b, d, x, y);
    ctx->reuse = true;
    check_same(&a, &b);
    for (int k = 0; k < a.nparams; k++)
      assert_int_equal(a.optim->param[k].steps, b.optim->param[k].steps);
    if (d->descends && can_descend(d->size))
      assert_true(nn_replay_descended(a.optim->replay) > 5);
    else
      assert_true(nn_replay_descended(a.optim->replay) == 0);
    nn_tensor_release(x);
    nn_tensor_release(y);
    drop(&a);
    drop(&b);
  }
}

/* Steps of which each is seen, and the one after which the user stops, leave their gradients. */
static void test_seen(void **state) {
  nn_ctx *ctx = *state;
  net n = make_wide(ctx, "SGD", "lr = 0.1");
  nn_tensor *x = t_random(ctx, NN_F32, "30x64", -1, 1, 3);
  nn_tensor *y = t_random(ctx, NN_F32, "30x32", -1, 1, 4);
  nn_trainer *t;
  OK(new_trainer(ctx, &n, x, y, 3, &t));
  for (int i = 0; i < 8; i++) OK(nn_trainer_run(t, 1));
  assert_true(nn_replay_descended(n.optim->replay) == 0);
  t->row = 0;
  nn_stop_asked = 2;
  OK(nn_trainer_run(t, INT64_MAX));
  nn_stop_asked = 0;
  assert_int_equal(t->row, 3);
  for (int k = 0; k < n.nparams; k++) assert_true(n.param[k]->has_grad);
  nn_trainer_free(t);
  nn_tensor_release(x);
  nn_tensor_release(y);
  drop(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(test_same_bits), TEST(test_changes), TEST(test_failures),
                                     TEST(test_memory),    TEST(test_refused), TEST(test_large),
                                     TEST(test_descent),   TEST(test_seen)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
