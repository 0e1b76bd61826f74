/*
 * Allocation 0, 1, 2, ... of everything fails: each time a refusal with NN_ENOMEM, no byte left
 * behind, and a retry that gives what an undisturbed run gives. (nn_generic.h has the loop for one
 * unit.)
 */
#include "nn_generic.h"
#include "optim/optim.h"

static void each_example(nn_ctx *ctx, subject s, const nn_example *examples) {
  for (int i = 0; i < NN_MAXEXAMPLES && examples[i].inputs; i++) {
    s.example = &examples[i];
    assert_true(check_oom(ctx, &s) > 1);
  }
}

static void ops(void **state) {
  for (const nn_op *const *k = nn_ops; *k; k++)
    each_example(*state, (subject){.op = *k}, (*k)->example);
}

static void layers(void **state) {
  for (const nn_layer_class *const *k = nn_layers; *k; k++)
    each_example(*state, (subject){.layer = *k}, (*k)->example);
}

static void losses(void **state) {
  for (const nn_loss_class *const *k = nn_losses; *k; k++)
    each_example(*state, (subject){.loss = *k}, (*k)->example);
}

/* ---- a training step: Sequential, loss, optimizer ---- */

typedef struct trainer {
  nn_ctx *ctx;
  nn_layer *net;
  nn_loss *loss;
  nn_optim *optim;
  nn_tensor *x, *label, *first; /* `first` is the first weight matrix, borrowed */
} trainer;

static nn_status add_layer(trainer *t, const char *name, const char *args) {
  const nn_layer_class *class = nn_layer_class_find(name);
  nn_layer *l = NULL;
  nn_status st;
  NN_TRY(nn_layer_new(t->ctx, class, &l));
  NN_GO(nn_param_parse(t->ctx, name, class->params, l, args));
  NN_GO(nn_layer_build(t->ctx, l));
  NN_GO(nn_layer_append(t->ctx, t->net, l));
  if (!t->first) t->first = nn_layer_find(l, "weight");
done:
  nn_layer_release(l);
  return st;
}

static nn_status make_net(trainer *t) {
  nn_rng_init(&t->ctx->rng, 5);
  NN_TRY(nn_layer_new(t->ctx, nn_layer_class_find("Sequential"), &t->net));
  NN_TRY(add_layer(t, "Flatten", NULL));
  NN_TRY(add_layer(t, "Linear", "6, 5"));
  NN_TRY(add_layer(t, "ReLU", NULL));
  NN_TRY(add_layer(t, "Dropout", "0.25"));
  NN_TRY(add_layer(t, "Linear", "5, 3"));
  NN_TRY(nn_loss_new(t->ctx, nn_loss_class_find("CrossEntropyLoss"), &t->loss));
  return nn_param_parse(t->ctx, "loss", t->loss->class->params, t->loss, "label_smoothing = 0.1");
}

static nn_status make_optim(trainer *t, const char *name, const char *args) {
  nn_tensor *list[8];
  void *hyper;
  int n = 0;
  for (int i = 0; i < t->net->nchild; i++)
    for (int k = 0; k < t->net->child[i]->nslot; k++) list[n++] = t->net->child[i]->slot[k].tensor;
  NN_TRY(nn_optim_new(t->ctx, nn_optim_class_find(name), &t->optim));
  NN_TRY(nn_optim_add_group(t->ctx, t->optim, n, list, &hyper));
  NN_TRY(nn_param_parse(t->ctx, name, t->optim->class->params, hyper, args));
  return nn_optim_build(t->ctx, t->optim);
}

static nn_status make_data(trainer *t) {
  nn_shape s = t_shape("4x3x2"), n = nn_shape_1(4);
  NN_TRY(nn_tensor_new(t->ctx, NN_F32, &s, &t->x));
  fill_real(t->x, -1, 1, 3);
  NN_TRY(nn_tensor_new(t->ctx, NN_I64, &n, &t->label));
  for (int i = 0; i < 4; i++) t_set(t->label, i, 1 + i % 3);
  return NN_OK;
}

static nn_status train_step(trainer *t) {
  nn_tensor *scores = NULL, *cost = NULL;
  nn_status st;
  nn_optim_zero_grad(t->optim);
  NN_GO(nn_layer_forward(t->ctx, t->net, t->x, false, &scores));
  NN_GO(nn_loss_forward(t->ctx, t->loss, scores, t->label, &cost));
  NN_GO(nn_backward(t->ctx, cost, NULL, false));
  NN_GO(nn_optim_step(t->ctx, t->optim));
done:
  nn_tensor_release(scores);
  nn_tensor_release(cost);
  return st;
}

static void drop_all(trainer *t) {
  nn_optim_release(t->optim);
  nn_layer_release(t->net);
  nn_loss_release(t->loss);
  nn_tensor_release(t->x);
  nn_tensor_release(t->label);
}

/* Two steps from nothing; the first weights go to `out` (30). */
static nn_status whole(nn_ctx *ctx, const char *optim, const char *args, double *out) {
  trainer t = {.ctx = ctx};
  nn_status st;
  NN_GO(make_net(&t));
  NN_GO(make_data(&t));
  NN_GO(make_optim(&t, optim, args));
  NN_GO(train_step(&t));
  NN_GO(train_step(&t));
  for (int i = 0; i < 30; i++) out[i] = t_get(t.first, i);
done:
  drop_all(&t);
  return st;
}

static void fail_whole(nn_ctx *ctx, const char *optim, const char *args) {
  double want[30], got[30];
  OK(whole(ctx, optim, args, want));
  assert_int_equal(ctx->mem.live, 0);
  for (int n = 0;; n++) {
    ctx->mem.fail_in = n;
    nn_status st = whole(ctx, optim, args, got);
    bool unused = ctx->mem.fail_in >= 0;
    ctx->mem.fail_in = -1;
    if (ctx->mem.live != 0 || ctx->nodes != 0) fail_msg("%s: allocation %d leaks", optim, n);
    if (unused) assert_int_equal(st, NN_OK);
    if (!unused) assert_int_equal(st, NN_ENOMEM);
    OK(whole(ctx, optim, args, got));
    assert_memory_equal(got, want, sizeof want);
    if (unused) break;
  }
}

static void from_nothing(void **state) {
  fail_whole(*state, "SGD", "lr = 0.1, momentum = 0.9");
  fail_whole(*state, "Adam", "lr = 0.1, amsgrad = true, weight_decay = 0.01");
}

/* One step of a trainer that lives on: it fails before it changes a weight, so that a retry from
   the same place of the random streams is the step that should have been. */
static void within_a_life(void **state) {
  nn_ctx *ctx = *state;
  double want[30];
  for (int n = 0, done = 0; !done; n++) {
    trainer a = {.ctx = ctx}, *t = &a;
    OK(make_net(t));
    OK(make_data(t));
    OK(make_optim(t, "Adam", "lr = 0.1"));
    OK(train_step(t));
    nn_rng rng = ctx->rng;
    ctx->mem.fail_in = n;
    nn_status st = train_step(t);
    done = ctx->mem.fail_in >= 0;
    ctx->mem.fail_in = -1;
    if (!done) {
      assert_int_equal(st, NN_ENOMEM);
      assert_int_equal(ctx->nodes, 0);
      ctx->rng = rng;
      OK(train_step(t));
    }
    for (int i = 0; i < 30; i++) {
      if (n == 0) want[i] = t_get(t->first, i);
      assert_true(t_same_bits(t_get(t->first, i), want[i]));
    }
    drop_all(t);
  }
}

/* The same with a failure while the optimizer is made: the weights stay, a new one can be made. */
static void making_an_optimizer(void **state) {
  nn_ctx *ctx = *state;
  for (int n = 0, done = 0; !done; n++) {
    trainer a = {.ctx = ctx}, *t = &a;
    OK(make_net(t));
    OK(make_data(t));
    double before = t_get(t->first, 3);
    ctx->mem.fail_in = n;
    nn_status st = make_optim(t, "Adam", NULL);
    done = ctx->mem.fail_in >= 0;
    ctx->mem.fail_in = -1;
    if (!done) {
      assert_int_equal(st, NN_ENOMEM);
      nn_optim_release(t->optim);
      assert_true(t_same_bits(before, t_get(t->first, 3)));
      OK(make_optim(t, "Adam", NULL));
    }
    OK(train_step(t));
    assert_true(t_get(t->first, 3) != before);
    drop_all(t);
    assert_int_equal(ctx->mem.live, 0);
  }
}

/* ---- each optimizer, two steps ---- */

static nn_status half_square(void *user, double *loss) {
  nn_tensor *w = user, *g;
  *loss = 0;
  NN_TRY(nn_tensor_grad(w->ctx, w, &g));
  for (int64_t i = 0; i < w->v.numel; i++) {
    t_set(g, i, t_get(w, i));
    *loss += t_get(w, i) * t_get(w, i) / 2;
  }
  w->has_grad = true;
  return NN_OK;
}

/* `strided`: a view with gaps, which is updated by way of a copy. */
static nn_status two_steps(nn_ctx *ctx, const nn_optim_class *class, bool strided, double *out) {
  nn_shape s = nn_shape_2(2, 3);
  nn_tensor *w = NULL;
  nn_optim *o = NULL;
  void *hyper;
  double loss;
  nn_status st;
  nn_rng_init(&ctx->rng, 1);
  NN_GO(strided ? with_gaps(ctx, NN_F64, &s, &w) : nn_tensor_new(ctx, NN_F64, &s, &w));
  fill_real(w, -1, 1, 4);
  w->requires_grad = w->is_parameter = true;
  NN_GO(nn_optim_new(ctx, class, &o));
  NN_GO(nn_optim_add_group(ctx, o, 1, &w, &hyper));
  NN_GO(nn_optim_parse(ctx, class, hyper, NULL));
  NN_GO(nn_optim_build(ctx, o));
  nn_closure closure = {half_square, w};
  NN_GO(nn_optim_step_with(ctx, o, &closure, &loss));
  NN_GO(nn_optim_step_with(ctx, o, &closure, &loss));
  for (int i = 0; i < 6; i++) out[i] = t_get(w, i);
done:
  nn_optim_release(o);
  nn_tensor_release(w);
  return st;
}

static void optims(void **state) {
  nn_ctx *ctx = *state;
  for (const nn_optim_class *const *k = nn_optims; *k; k++)
    for (int strided = 0; strided < 2; strided++) {
      double want[6], got[6];
      OK(two_steps(ctx, *k, strided, want));
      for (int n = 0, unused = 0; !unused; n++) {
        ctx->mem.fail_in = n;
        nn_status st = two_steps(ctx, *k, strided, got);
        unused = ctx->mem.fail_in >= 0;
        ctx->mem.fail_in = -1;
        if (st != (unused ? NN_OK : NN_ENOMEM) || ctx->mem.live != 0)
          fail_msg("%s: allocation %d: status %d, %zu bytes left", (*k)->name, n, st,
                   ctx->mem.live);
        OK(two_steps(ctx, *k, strided, got));
        assert_memory_equal(got, want, sizeof want);
      }
    }
}

/* gradcheck itself gives back what it took, and leaves its input alone. */
static nn_status squared(nn_ctx *ctx, void *user, nn_tensor *const *x, nn_tensor **y) {
  (void)user;
  return nn_apply(ctx, nn_op_find("square"), NULL, 1, x, y);
}

static void gradcheck(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *x = t_leaf(ctx, NN_F64, "2", 1);
  nn_gradcheck_report r;
  double before = t_get(x, 1);
  size_t live = ctx->mem.live;
  for (int n = 0;; n++) {
    ctx->mem.fail_in = n;
    nn_status st = nn_gradcheck(ctx, squared, NULL, 1, &x, NULL, 0, &r);
    bool unused = ctx->mem.fail_in >= 0;
    ctx->mem.fail_in = -1;
    assert_int_equal(ctx->mem.live, live);
    assert_true(t_same_bits(t_get(x, 1), before));
    assert_int_equal(st, unused ? NN_OK : NN_ENOMEM);
    if (unused) break;
  }
  assert_true(r.error < 1e-9 && r.checked == 2);
  nn_tensor_release(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(ops),           TEST(layers),
                                     TEST(losses),        TEST(from_nothing),
                                     TEST(within_a_life), TEST(making_an_optimizer),
                                     TEST(optims),        TEST(gradcheck)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
