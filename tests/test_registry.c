/*
 * Every operation, layer and loss in the registries, held to the rules of nn_generic.h on each of
 * its examples: what is registered without an example fails.
 */
#include "grad/axis.h"
#include "nn_generic.h"
#include "optim/optim.h"

/* Layers that take other layers: no text builds them. test_graph and test_oom use them by hand. */
static const char *const containers[] = {"Sequential"};

static bool is_excepted(const char *name) {
  for (size_t i = 0; i < COUNT(containers); i++)
    if (strcmp(containers[i], name) == 0) return true;
  return false;
}

static void check_texts(const char *name, const char *doc) {
  if (!name || !*name) fail_msg("a unit has no name");
  if (!doc || strlen(doc) < 10) fail_msg("%s has no doc", name);
}

typedef void (*rule)(nn_ctx *ctx, const subject *s);

static void each_example(nn_ctx *ctx, rule check, subject s, const nn_example *examples) {
  if (!examples[0].inputs) fail_msg("%s has no example", subject_name(&s));
  for (int i = 0; i < NN_MAXEXAMPLES && examples[i].inputs; i++) {
    s.example = &examples[i];
    check(ctx, &s);
  }
}

static void each_unit(nn_ctx *ctx, rule check) {
  for (const nn_op *const *k = nn_ops; *k; k++)
    each_example(ctx, check, (subject){.op = *k}, (*k)->example);
  for (const nn_layer_class *const *k = nn_layers; *k; k++)
    if (!(*k)->container) each_example(ctx, check, (subject){.layer = *k}, (*k)->example);
  for (const nn_loss_class *const *k = nn_losses; *k; k++)
    each_example(ctx, check, (subject){.loss = *k}, (*k)->example);
}

/* How many names "x, y" lists. */
static int names_in(const char *list) {
  int n = list && *list ? 1 : 0;
  for (const char *c = list; c && *c; c++) n += *c == ',';
  return n;
}

static void ops(void **state) {
  for (const nn_op *const *op = nn_ops; *op; op++) {
    const nn_op *o = *op;
    check_texts(o->name, o->doc);
    assert_ptr_equal(nn_op_find(o->name), o);
    if (o->nin != NN_LIST && names_in(o->args) != o->nin)
      fail_msg("%s: args does not name %d tensors", o->name, o->nin);
    if ((o->params != NULL) != (o->attr_size > 0)) fail_msg("%s: attr_size and params", o->name);
    /* an output written over an input that backward reads */
    if (o->flags & NN_OP_REUSE && ((o->saves | o->grad[0].needs) & NN_IN(0)))
      fail_msg("%s: reuses the input that its gradient needs", o->name);
    each_example(*state, check_subject, (subject){.op = o}, o->example);
  }
  assert_null(nn_op_find("no such operation"));
}

/* The example's sizes, each replaced by another: equal ones stay equal and 1 stays 1, so whatever
   fitted still fits. "2x3 3" may become "5x4 4" or "6x2 2". */
static void other_sizes(const char *inputs, uint64_t *seed, char *out, size_t size) {
  long other[16] = {0};
  size_t at = 0;
  for (const char *c = inputs; *c && at + 4 < size;) {
    if (*c < '0' || *c > '9') {
      out[at++] = *c++;
      continue;
    }
    char *end;
    long n = strtol(c, &end, 10);
    if (n > 1 && n < 16 && !other[n]) other[n] = (long)t_int(seed, 2, 6);
    at += (size_t)snprintf(out + at, size - at, "%ld", n > 1 && n < 16 ? other[n] : n);
    c = end;
  }
  out[at] = 0;
}

/* Gradients at twenty random shapes of each operation, where no argument speaks of the sizes. */
static void random_shapes(void **state) {
  uint64_t seed = 7;
  int checked = 0;
  for (const nn_op *const *op = nn_ops; *op; op++) {
    const nn_param *p = (*op)->params;
    bool along = p == nn_axis_params || p == nn_axis_dim_params;
    for (int i = 0; i < NN_MAXEXAMPLES && (*op)->example[i].inputs; i++) {
      nn_example e = (*op)->example[i];
      if (e.args && !along) continue;
      for (int k = 0; k < 20; k++) {
        char inputs[128], name[256];
        other_sizes((*op)->example[i].inputs, &seed, inputs, sizeof inputs);
        e.inputs = inputs;
        subject s = {.op = *op, .example = &e};
        snprintf(name, sizeof name, "%s of %s", (*op)->name, inputs);
        check_gradients(*state, &s, name);
        checked++;
      }
    }
  }
  assert_true(checked > 1000);
}

static void layers(void **state) {
  for (const nn_layer_class *const *k = nn_layers; *k; k++) {
    check_texts((*k)->name, (*k)->doc);
    assert_ptr_equal(nn_layer_class_find((*k)->name), *k);
    assert_true(((*k)->forward != NULL) != ((*k)->op != NULL));
    if ((*k)->container != is_excepted((*k)->name))
      fail_msg("%s: containers are listed here, other layers are not", (*k)->name);
    if (!(*k)->container)
      each_example(*state, check_subject, (subject){.layer = *k}, (*k)->example);
  }
  assert_null(nn_layer_class_find("no such layer"));
}

static void losses(void **state) {
  for (const nn_loss_class *const *k = nn_losses; *k; k++) {
    check_texts((*k)->name, (*k)->doc);
    assert_ptr_equal(nn_loss_class_find((*k)->name), *k);
    if (!nn_param_find((*k)->params, "reduction")) fail_msg("%s has no reduction", (*k)->name);
    each_example(*state, check_subject, (subject){.loss = *k}, (*k)->example);
  }
  assert_null(nn_loss_class_find("no such loss"));
}

/* ---- optimizers: no example is needed, they all do the same job ---- */

static nn_optim *optimizer(nn_ctx *ctx, const nn_optim_class *class, const char *args, int n,
                           nn_tensor *const *params) {
  nn_optim *o;
  void *hyper;
  OK(nn_optim_new(ctx, class, &o));
  OK(nn_optim_add_group(ctx, o, n, params, &hyper));
  OK(nn_optim_parse(ctx, class, hyper, args));
  OK(nn_optim_build(ctx, o));
  return o;
}

/* w^2 / 2 and its gradient. */
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

/* Downhill on w^2 / 2, in either dtype, dense or strided, to the same place. */
static void descend(nn_ctx *ctx, const nn_optim_class *class) {
  double end[3];
  for (int form = 0; form < 3; form++) {
    nn_shape s = nn_shape_2(3, 5);
    nn_tensor *w = NULL;
    if (form == 2)
      OK(with_gaps(ctx, NN_F64, &s, &w));
    else
      w = t_new(ctx, form == 0 ? NN_F32 : NN_F64, "3x5");
    fill_real(w, -1, 1, 9);
    w->requires_grad = w->is_parameter = true;
    double before = largest(w);
    nn_optim *o = optimizer(ctx, class, "lr = 0.01", 1, &w);
    nn_closure closure = {half_square, w};
    nn_rng_init(&ctx->rng, 1);
    for (int i = 0; i < 20; i++) {
      double loss;
      OK(nn_optim_step_with(ctx, o, &closure, &loss));
      assert_true(loss > 0 || i > 0);
    }
    if (largest(w) >= before) fail_msg("%s goes uphill", class->name);
    end[form] = t_get(w, 7);
    nn_optim_release(o);
    nn_tensor_release(w);
  }
  NEAR(end[0], end[1], 1e-5);
  NEAR(end[2], end[1], 1e-15);
}

static void optims(void **state) {
  nn_ctx *ctx = *state;
  for (const nn_optim_class *const *k = nn_optims; *k; k++) {
    check_texts((*k)->name, (*k)->doc);
    assert_ptr_equal(nn_optim_class_find((*k)->name), *k);
    if (nn_param_find((*k)->params, "lr")) descend(ctx, *k); /* a blind guess descends nowhere */
    nn_optim *o;
    OK(nn_optim_new(ctx, *k, &o));
    FAILS(nn_optim_build(ctx, o), NN_EVALUE, (*k)->name);
    nn_optim_release(o);
  }
  assert_null(nn_optim_class_find("no such optimizer"));
}

/* Constructor arguments: printed and read again, and refused with a text that helps. */
static void arguments(void **state) {
  each_unit(*state, check_arguments);
}

static void optim_arguments(void **state) {
  for (const nn_optim_class *const *k = nn_optims; *k; k++)
    check_params(*state, (*k)->name, (*k)->params, (*k)->size, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(ops),    TEST(random_shapes), TEST(layers),         TEST(losses),
    TEST(optims), TEST(arguments),     TEST(optim_arguments)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
