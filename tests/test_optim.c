/*
 * Optimizers, step by step against traces written here in plain C from the published formulas; and
 * what the base does around them: packing, groups, frozen and tied parameters, refusals.
 */
#include "optim/optim.h"

#include "nn_test.h"

static nn_optim *begin(nn_ctx *ctx, const char *name) {
  nn_optim *o;
  const nn_optim_class *class = nn_optim_class_find(name);
  assert_non_null(class);
  OK(nn_optim_new(ctx, class, &o));
  return o;
}

static void *group(nn_ctx *ctx, nn_optim *o, const char *args, int n, nn_tensor *const *params) {
  void *hyper;
  OK(nn_optim_add_group(ctx, o, n, params, &hyper));
  OK(nn_optim_parse(ctx, o->class, hyper, args));
  return hyper;
}

static nn_optim *make(nn_ctx *ctx, const char *name, const char *args, int n,
                      nn_tensor *const *params) {
  nn_optim *o = begin(ctx, name);
  group(ctx, o, args, n, params);
  OK(nn_optim_build(ctx, o));
  return o;
}

static nn_tensor *parameter(nn_ctx *ctx, nn_dtype dtype, const char *shape, uint64_t seed) {
  nn_tensor *t = t_leaf(ctx, dtype, shape, seed);
  t->is_parameter = true;
  return t;
}

static void set_grad(nn_ctx *ctx, nn_tensor *t, int64_t i, double g) {
  nn_tensor *grad;
  OK(nn_tensor_grad(ctx, t, &grad));
  t_set(grad, i, g);
  t->has_grad = true;
}

/* ---- the formulas ---- */

typedef struct options {
  const char *args;
  double lr, decay, l1;
  bool decay_bias, amsgrad, nesterov;
  double momentum, dampening, b1, b2, eps;
} options;

typedef struct trace { /* of one weight */
  double w, z, m, v, most;
  int t;
} trace;

static double decayed(const options *o, const trace *k, double g, bool is_bias) {
  if (is_bias && !o->decay_bias) return g;
  return g + o->decay * k->w + o->l1 * ((k->w > 0) - (k->w < 0));
}

/* PyTorch's SGD; without momentum the velocity is the gradient itself. */
static void sgd(const options *o, trace *k, double g) {
  k->t++;
  k->z = k->t == 1 ? g : o->momentum * k->z + (1 - o->dampening) * g;
  if (o->momentum == 0) k->z = g;
  k->w -= o->lr * (o->nesterov ? g + o->momentum * k->z : k->z);
}

/* Kingma and Ba, algorithm 1; AMSGrad as PyTorch has it: the largest v, then its bias taken out. */
static void adam(const options *o, trace *k, double g) {
  k->t++;
  k->m = o->b1 * k->m + (1 - o->b1) * g;
  k->v = o->b2 * k->v + (1 - o->b2) * g * g;
  k->most = fmax(k->most, k->v);
  double m = k->m / (1 - pow(o->b1, k->t)),
         v = (o->amsgrad ? k->most : k->v) / (1 - pow(o->b2, k->t));
  k->w -= o->lr * m / (sqrt(v) + o->eps);
}

static const options sgds[] = {
  {.args = "lr = 0.0001", .lr = 1e-4, .decay_bias = true},
  {.args = "lr = 0.0001, momentum = 0.9", .lr = 1e-4, .decay_bias = true, .momentum = 0.9},
  {.args = "lr = 0.0001, momentum = 0.9, dampening = 0.3",
   .lr = 1e-4,
   .decay_bias = true,
   .momentum = 0.9,
   .dampening = 0.3},
  {.args = "lr = 0.0001, momentum = 0.8, nesterov = true",
   .lr = 1e-4,
   .decay_bias = true,
   .momentum = 0.8,
   .nesterov = true},
  {.args = "lr = 0.0001, weight_decay = 0.1", .lr = 1e-4, .decay = 0.1, .decay_bias = true},
  {.args = "lr = 0.0001, weight_decay = 0.1, decay_bias = false", .lr = 1e-4, .decay = 0.1},
  {.args = "lr = 0.0001, l1 = 0.05, momentum = 0.5",
   .lr = 1e-4,
   .l1 = 0.05,
   .decay_bias = true,
   .momentum = 0.5},
  {.args = "lr = 0.0001, l1 = 0.05, weight_decay = 0.2, momentum = 0.9, nesterov = true, "
           "decay_bias = false",
   .lr = 1e-4,
   .l1 = 0.05,
   .decay = 0.2,
   .momentum = 0.9,
   .nesterov = true},
  {.args = "lr = 0", .decay_bias = true}};

#define ADAM .b1 = 0.9, .b2 = 0.999, .eps = 1e-8
static const options adams[] = {
  {.args = "lr = 0.01", .lr = 0.01, .decay_bias = true, ADAM},
  {.args = NULL, .lr = 1e-3, .decay_bias = true, ADAM},
  {.args = "lr = 0.01, amsgrad = true", .lr = 0.01, .decay_bias = true, .amsgrad = true, ADAM},
  {.args = "lr = 0.02, betas = {0.5, 0.9}, eps = 0.001",
   .lr = 0.02,
   .decay_bias = true,
   .b1 = 0.5,
   .b2 = 0.9,
   .eps = 1e-3},
  {.args = "lr = 0.02, betas = {0, 0.99}, amsgrad = true",
   .lr = 0.02,
   .decay_bias = true,
   .amsgrad = true,
   .b1 = 0,
   .b2 = 0.99,
   .eps = 1e-8},
  {.args = "lr = 0.01, weight_decay = 0.1", .lr = 0.01, .decay = 0.1, .decay_bias = true, ADAM},
  {.args = "lr = 0.01, weight_decay = 0.1, l1 = 0.01, decay_bias = false",
   .lr = 0.01,
   .decay = 0.1,
   .l1 = 0.01,
   ADAM}};

/* ---- two hills to descend ---- */

enum { MATRIX = 21, BIAS = 5, ALL = MATRIX + BIAS, STEPS = 50 };

/* sum of lambda (w - c)^2 / 2, lambda from 1 to 10^4 */
static void quadratic(const double *w, double *g) {
  for (int i = 0; i < ALL; i++) g[i] = pow(10, 4.0 * i / (ALL - 1)) * (w[i] - sin(i));
}

/* Rosenbrock's valley over neighbours: sum of 100 (w[i+1] - w[i]^2)^2 + (1 - w[i])^2 */
static void rosenbrock(const double *w, double *g) {
  memset(g, 0, ALL * sizeof *g);
  for (int i = 0; i + 1 < ALL; i++) {
    double d = w[i + 1] - w[i] * w[i];
    g[i] += -400 * d * w[i] - 2 * (1 - w[i]);
    g[i + 1] += 200 * d;
  }
}

typedef void (*hill)(const double *w, double *g);
typedef void (*formula)(const options *o, trace *k, double g);

/* Both go their own way from the same start, each with the gradient at its own place. */
static void race(nn_ctx *ctx, const char *name, const options *o, formula f, hill h, nn_dtype dtype,
                 double tol) {
  nn_tensor *p[2] = {parameter(ctx, dtype, "7x3", 1), parameter(ctx, dtype, "5", 2)};
  nn_optim *optim = make(ctx, name, o->args, 2, p);
  trace k[ALL] = {{0}};
  double w[ALL], g[ALL];
  for (int i = 0; i < ALL; i++) k[i].w = t_get(p[i >= MATRIX], i % MATRIX);
  for (int step = 1; step <= STEPS; step++) {
    for (int i = 0; i < ALL; i++) w[i] = k[i].w;
    h(w, g);
    for (int i = 0; i < ALL; i++) f(o, &k[i], decayed(o, &k[i], g[i], i >= MATRIX));
    for (int i = 0; i < ALL; i++) w[i] = t_get(p[i >= MATRIX], i % MATRIX);
    h(w, g);
    for (int i = 0; i < ALL; i++) set_grad(ctx, p[i >= MATRIX], i % MATRIX, g[i]);
    OK(nn_optim_step(ctx, optim));
    for (int i = 0; i < ALL; i++) {
      double got = t_get(p[i >= MATRIX], i % MATRIX);
      if (fabs(got - k[i].w) > tol * fmax(1, fabs(k[i].w)))
        fail_msg("%s(%s), step %d, weight %d: %.17g, the trace has %.17g", name,
                 o->args ? o->args : "", step, i, got, k[i].w);
    }
  }
  nn_optim_release(optim);
  nn_tensor_release(p[0]), nn_tensor_release(p[1]);
}

static void sgd_traces(void **state) {
  for (size_t i = 0; i < COUNT(sgds); i++) {
    race(*state, "SGD", &sgds[i], sgd, quadratic, NN_F64, 1e-10);
    race(*state, "SGD", &sgds[i], sgd, rosenbrock, NN_F64, 1e-10);
    race(*state, "SGD", &sgds[i], sgd, quadratic, NN_F32, 1e-3);
  }
}

static void adam_traces(void **state) {
  for (size_t i = 0; i < COUNT(adams); i++) {
    race(*state, "Adam", &adams[i], adam, quadratic, NN_F64, 1e-10);
    race(*state, "Adam", &adams[i], adam, rosenbrock, NN_F64, 1e-10);
    if (adams[i].b1 > 0) /* without the mean its steps amplify rounding without end */
      race(*state, "Adam", &adams[i], adam, quadratic, NN_F32, 1e-3);
  }
}

/* ---- packing ---- */

static char *bytes_of(const nn_tensor *t) {
  return nn_data(&t->v);
}

/* The bytes from the end of a to the beginning of the next slot of 64 are zero. */
static void check_padding(const nn_tensor *a) {
  const char *p = bytes_of(a);
  size_t n = (size_t)a->v.numel * nn_dtype_size(a->v.dtype);
  for (; n % 64 != 0; n++)
    if (p[n] != 0)
      fail_msg("the padding behind a %lld-element tensor is not zero", (long long)a->v.numel);
}

static void three(nn_ctx *ctx, nn_dtype dtype, nn_tensor **p) {
  p[0] = parameter(ctx, dtype, "3x5", 1);
  p[1] = parameter(ctx, dtype, "7", 2);
  p[2] = parameter(ctx, dtype, "30x20", 3); /* beyond what stands behind a storage's struct */
}
static void drop(nn_tensor **p, int n) {
  for (int i = 0; i < n; i++) nn_tensor_release(p[i]);
}

static void packs(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *p[3], *was[3], *view, *grad;
  three(ctx, NN_F32, p);
  for (int i = 0; i < 3; i++) was[i] = t_call(ctx, "clone", NULL, p[i], NULL);
  for (int i = 0; i < 15; i++) set_grad(ctx, p[0], i, i);
  OK(nn_tensor_view(ctx, &p[0]->v, &view));
  grad = nn_tensor_retain(p[0]->grad);
  nn_storage *held = p[0]->v.storage;
  nn_optim *o = make(ctx, "Adam", "lr = 0.1", 3, p);
  assert_ptr_equal(p[0]->v.storage, held); /* the storage stays, its data moves */
  assert_ptr_equal(p[0]->grad, grad);
  assert_ptr_equal(bytes_of(view), bytes_of(p[0]));
  for (int i = 0; i < 3; i++) {
    assert_true(t_equal(p[i], was[i]));
    assert_int_equal((uintptr_t)bytes_of(p[i]) % 64, 0);
    assert_non_null(p[i]->v.storage->block);
    assert_ptr_equal(p[i]->v.storage->block, p[0]->v.storage->block);
    assert_ptr_equal(p[i]->grad->v.storage->block, p[0]->grad->v.storage->block);
  }
  assert_ptr_equal(bytes_of(p[1]), bytes_of(p[0]) + 64);
  assert_ptr_equal(bytes_of(p[2]), bytes_of(p[1]) + 64);
  assert_ptr_equal(bytes_of(p[2]->grad), bytes_of(p[0]->grad) + 128);
  for (int i = 0; i < 15; i++) assert_true(t_get(grad, i) == i); /* an old gradient stays */
  assert_true(p[0]->has_grad && !p[1]->has_grad);
  OK(nn_optim_step(ctx, o));
  assert_true(t_get(view, 3) == t_get(p[0], 3) && t_get(p[0], 3) != t_get(was[0], 3));
  assert_true(t_equal(p[1], was[1]));
  nn_optim_release(o);
  assert_true(t_get(view, 0) ==
              t_get(was[0], 0)); /* gradient 0; the block outlives the optimizer */
  drop(p, 3), drop(was, 3), nn_tensor_release(view), nn_tensor_release(grad);
}

/* A graph that was recorded before the weights moved goes backward to the same gradients. */
static void saved_values_follow(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *w = parameter(ctx, NN_F64, "3", 1), *h = t_call(ctx, "square", NULL, w, NULL);
  nn_tensor *y = t_call(ctx, "sum", NULL, h, NULL);
  nn_optim *o = make(ctx, "SGD", "lr = 0.5", 1, &w);
  OK(nn_backward(ctx, y, NULL, true));
  for (int i = 0; i < 3; i++) NEAR(t_get(w->grad, i), 2 * t_get(w, i), 0);
  OK(nn_optim_step(ctx, o)); /* now the saved value has changed: refused, not wrong */
  FAILS(nn_backward(ctx, y, NULL, false), NN_ESTATE, "was changed in place afterwards");
  nn_optim_release(o);
  nn_tensor_release(w), nn_tensor_release(h), nn_tensor_release(y);
}

/* The weights, their gradients and what is kept for each of them. */
static void step_thrice(nn_ctx *ctx, nn_optim *o, nn_tensor *const *p) {
  for (int step = 0; step < 3; step++) {
    for (int i = 0; i < 3; i++)
      for (int64_t j = 0; j < p[i]->v.numel; j++) set_grad(ctx, p[i], j, (double)(j + 1));
    OK(nn_optim_step(ctx, o));
  }
  for (int i = 0; i < 3; i++) {
    nn_tensor *slot;
    check_padding(p[i]);
    check_padding(p[i]->grad);
    if (!o->nslots || !o->slot[0]) continue;
    OK(nn_optim_slot(ctx, o, 0, i, &slot));
    check_padding(slot);
    nn_tensor_release(slot);
  }
}

/* Zeros stay zeros under every update there is. */
static void padding_everywhere(void **state) {
  nn_ctx *ctx = *state;
  for (const nn_optim_class *const *k = nn_optims; *k; k++)
    for (int d = 0; d < NN_NREAL && !(*k)->drive; d++) {
      nn_tensor *p[3];
      three(ctx, (nn_dtype)d, p);
      nn_optim *o = make(ctx, (*k)->name, "weight_decay = 0.1, l1 = 0.1", 3, p);
      step_thrice(ctx, o, p);
      nn_optim_release(o);
      drop(p, 3);
    }
}

static void padding(void **state) {
  nn_ctx *ctx = *state;
  static const char *const how[][2] = {
    {"SGD", "lr = 0.1, momentum = 0.9, weight_decay = 0.1, l1 = 0.1"},
    {"Adam", "lr = 0.1, weight_decay = 0.1, l1 = 0.1"},
    {"Adam", "lr = 0.1, amsgrad = true, betas = {0, 0}"},
    {"Adam", "lr = 0.1, eps = 0"}, /* 0 / 0, unless it is refused or seen to */
    {"Adam", "lr = 0.1, eps = 1e-300"}};
  for (size_t k = 0; k < COUNT(how); k++)
    for (int d = 0; d < NN_NREAL; d++) {
      nn_tensor *p[3];
      nn_optim *o = begin(ctx, how[k][0]);
      void *hyper;
      three(ctx, (nn_dtype)d, p);
      OK(nn_optim_add_group(ctx, o, 3, p, &hyper));
      if (nn_param_parse(ctx, how[k][0], o->class->params, hyper, how[k][1]) == NN_OK) {
        OK(nn_optim_build(ctx, o));
        step_thrice(ctx, o, p);
      }
      nn_optim_release(o);
      drop(p, 3);
    }
}

/* ---- which parameters take part ---- */

/* Adam over three parameters, the middle one without a gradient in every other step: each goes as
   if it were alone, its own steps counted. */
static void frozen(void **state) {
  nn_ctx *ctx = *state;
  const options o = adams[0];
  nn_tensor *p[3], *slot, *before;
  trace k[3] = {{0}};
  three(ctx, NN_F64, p);
  nn_optim *optim = make(ctx, "Adam", o.args, 3, p);
  for (int i = 0; i < 3; i++) k[i].w = t_get(p[i], 2);
  for (int step = 0; step < 20; step++) {
    nn_optim_zero_grad(optim);
    bool rest = step % 2 == 1;
    OK(nn_optim_slot(ctx, optim, 0, 1, &slot));
    before = t_call(ctx, "clone", NULL, slot, NULL);
    for (int i = 0; i < 3; i++) {
      if (i == 1 && rest) continue;
      for (int64_t j = 0; j < p[i]->v.numel; j++) set_grad(ctx, p[i], j, cos(step + i));
      adam(&o, &k[i], cos(step + i));
    }
    OK(nn_optim_step(ctx, optim));
    for (int i = 0; i < 3; i++) NEAR(t_get(p[i], 2), k[i].w, 1e-12);
    assert_int_equal(t_equal(before, slot), rest);
    assert_true(nn_shape_equal(&slot->v.shape, &p[1]->v.shape));
    nn_tensor_release(slot), nn_tensor_release(before);
  }
  nn_optim_release(optim);
  drop(p, 3);
}

static void tied(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *p[3], *list[5];
  three(ctx, NN_F64, p);
  for (int i = 0; i < 5; i++) list[i] = p[i % 3];
  nn_optim *o = make(ctx, "SGD", "lr = 1", 5, list);
  double before = t_get(p[0], 0);
  assert_int_equal(o->nparams, 3);
  set_grad(ctx, p[0], 0, 0.25);
  for (int i = 1; i < 15; i++) set_grad(ctx, p[0], i, 0);
  OK(nn_optim_step(ctx, o));
  NEAR(t_get(p[0], 0), before - 0.25, 0); /* once */
  nn_optim_release(o);
  o = begin(ctx, "SGD");
  group(ctx, o, NULL, 2, p);
  void *hyper;
  FAILS(nn_optim_add_group(ctx, o, 2, p + 1, &hyper), NN_EVALUE,
        "SGD: parameter 1 of this group is in a group before it too");
  nn_optim_release(o);
  drop(p, 3);
}

static void groups(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *p[3], *was[3];
  three(ctx, NN_F64, p);
  for (int i = 0; i < 3; i++) was[i] = t_call(ctx, "clone", NULL, p[i], NULL);
  nn_optim *o = begin(ctx, "SGD");
  group(ctx, o, "lr = 1", 2, p);
  group(ctx, o, "lr = 0.5, weight_decay = 2", 1, p + 2);
  OK(nn_optim_build(ctx, o));
  for (int i = 0; i < 3; i++)
    for (int64_t j = 0; j < p[i]->v.numel; j++) set_grad(ctx, p[i], j, 0.125);
  OK(nn_optim_step(ctx, o));
  for (int i = 0; i < 3; i++) {
    double w = t_get(was[i], 6);
    NEAR(t_get(p[i], 6), i < 2 ? w - 0.125 : w - 0.5 * (0.125 + 2 * w), 1e-15);
  }
  nn_optim_release(o);
  drop(p, 3), drop(was, 3);
}

/* ---- sharing, replacing, refusing ---- */

static void two_optimizers(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *p[3], *reverse[3], *was[3];
  three(ctx, NN_F64, p);
  for (int i = 0; i < 3; i++)
    was[i] = t_call(ctx, "clone", NULL, p[i], NULL), reverse[2 - i] = p[i];
  nn_optim *a = make(ctx, "SGD", "lr = 1", 3, p);
  const char *place = bytes_of(p[1]);
  nn_optim *b = make(ctx, "SGD", "lr = 0.5", 3, reverse);
  assert_ptr_equal(bytes_of(p[1]), place); /* nothing in a block moves again */
  for (int i = 0; i < 3; i++)
    for (int64_t j = 0; j < p[i]->v.numel; j++) set_grad(ctx, p[i], j, 0.125 * (i + 1));
  OK(nn_optim_step(ctx, a));
  nn_optim_release(a);
  OK(nn_optim_step(ctx, b));
  for (int i = 0; i < 3; i++) NEAR(t_get(p[i], 5), t_get(was[i], 5) - 0.1875 * (i + 1), 1e-15);
  nn_optim_zero_grad(b);
  for (int i = 0; i < 3; i++) assert_false(p[i]->has_grad);
  nn_optim_retain(b);
  nn_optim_release(b);
  OK(nn_optim_step(ctx, b)); /* no gradient: nothing happens */
  nn_optim_release(b);
  drop(p, 3), drop(was, 3);
}

static void replaced(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *p[3], *other = t_full(ctx, NN_F32, "7", 1);
  three(ctx, NN_F32, p);
  nn_optim *o = make(ctx, "SGD", NULL, 3, p);
  nn_storage *old = p[1]->v.storage;
  p[1]->v.storage = other->v.storage; /* for a moment: a tensor keeps its storage for life */
  set_grad(ctx, p[0], 0, 1);
  double before = t_get(p[0], 0);
  FAILS(nn_optim_step(ctx, o), NN_ESTATE,
        "SGD: parameter 2 has got a new storage since the optimizer");
  assert_true(t_get(p[0], 0) == before);
  p[1]->v.storage = old;
  nn_optim_release(o);
  drop(p, 3), nn_tensor_release(other);
}

static void refusals(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *w = parameter(ctx, NN_F32, "3", 1), *i = t_full(ctx, NN_I64, "3", 1),
            *list[2] = {w, i};
  nn_tensor *h = t_call(ctx, "neg", NULL, w, NULL);
  void *hyper;
  nn_optim *o = begin(ctx, "SGD");
  FAILS(nn_optim_build(ctx, o), NN_EVALUE,
        "SGD: there are no parameters to train (the list is empty)");
  FAILS(nn_optim_add_group(ctx, o, 2, list, &hyper), NN_ETYPE,
        "SGD: parameter 2 is int64; only floating tensors can be trained");
  FAILS(nn_optim_add_group(ctx, o, 1, &h, &hyper), NN_ESTATE,
        "SGD: parameter 1 is the result of an operation; only leaves can be trained (detach() it)");
  hyper = group(ctx, o, "nesterov = true", 1, &w);
  FAILS(nn_optim_build(ctx, o), NN_EVALUE,
        "SGD: nesterov needs a momentum above 0 and dampening 0");
  const nn_param *params = o->class->params;
  static const char *const bad[] = {"lr = -1",           "lr = nan",        "lr = inf",
                                    "momentum = 1",      "momentum = -0.1", "dampening = 2",
                                    "weight_decay = -1", "l1 = -1",         "betas = {0, 0}"};
  for (size_t k = 0; k < COUNT(bad); k++)
    FAILS(nn_param_parse(ctx, "SGD", params, hyper, bad[k]), NN_EVALUE, "SGD: ");
  nn_optim_release(o);
  nn_tensor_release(w), nn_tensor_release(i), nn_tensor_release(h);
}

/* ---- odd parameters ---- */

/* A strided view, a part of a larger tensor, one without elements, one of both dtypes in one list.
 */
static void odd_parameters(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *whole = t_random(ctx, NN_F64, "6x4", -1, 1, 1),
            *was = t_call(ctx, "clone", NULL, whole, NULL);
  nn_tensor *columns, *rows, *p[5];
  nn_value v = whole->v;
  v.shape.dim[0] = 2; /* rows 1 and 2, columns 2 and 3 of them */
  v.shape.dim[1] = 2;
  v.offset = 1;
  nn_value_settle(&v);
  OK(nn_tensor_view(ctx, &v, &columns));
  v = whole->v;
  v.shape.dim[0] = 3; /* the last three rows: dense, but not the whole storage */
  v.offset = 12;
  nn_value_settle(&v);
  OK(nn_tensor_view(ctx, &v, &rows));
  p[0] = columns, p[1] = parameter(ctx, NN_F64, "0x3", 1), p[2] = parameter(ctx, NN_F32, "3", 2);
  p[3] = rows, p[4] = parameter(ctx, NN_F64, "s", 3);
  columns->requires_grad = rows->requires_grad = true;
  double scalar = t_get(p[4], 0), single = t_get(p[2], 1);
  nn_optim *o = make(ctx, "SGD", "lr = 1, momentum = 0.5", 5, p);
  for (int step = 0; step < 2; step++) {
    for (int i = 0; i < 5; i++) {
      nn_tensor *g;
      OK(nn_tensor_grad(ctx, p[i], &g));
      p[i]->has_grad = true;
      for (int64_t j = 0; j < p[i]->v.numel; j++) set_grad(ctx, p[i], j, 0.125);
    }
    OK(nn_optim_step(ctx, o));
  }
  for (int i = 0; i < 24; i++) { /* 1/8, then 1/8 + 1/16 */
    bool moved = i == 1 || i == 2 || i == 5 || i == 6 || i >= 12;
    NEAR(t_get(whole, i), t_get(was, i) - (moved ? 0.3125 : 0), 1e-15);
  }
  NEAR(t_get(p[4], 0), scalar - 0.3125, 1e-15);
  NEAR(t_get(p[2], 1), single - 0.3125, 1e-6);
  nn_optim_release(o);
  drop(p, 5), nn_tensor_release(whole), nn_tensor_release(was);
}

/* Long enough for two threads: the same bits as with one. */
static void threads(void **state) {
  nn_ctx *ctx = *state;
  nn_tensor *w[2];
  for (int t = 0; t < 2; t++) {
    ctx->threads = t + 1;
    w[t] = parameter(ctx, NN_F32, "300007", 1);
    nn_optim *o = make(ctx, "Adam", "lr = 0.1, weight_decay = 0.1", 1, &w[t]);
    uint64_t seed = 7;
    for (int step = 0; step < 3; step++) {
      for (int64_t j = 0; j < w[t]->v.numel; j++) set_grad(ctx, w[t], j, t_unit(&seed) - 0.5);
      OK(nn_optim_step(ctx, o));
    }
    nn_optim_release(o);
  }
  assert_memory_equal(bytes_of(w[0]), bytes_of(w[1]), 300007 * sizeof(float));
  drop(w, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(sgd_traces),     TEST(adam_traces),
                                     TEST(packs),          TEST(saved_values_follow),
                                     TEST(padding),        TEST(padding_everywhere),
                                     TEST(frozen),         TEST(tied),
                                     TEST(groups),         TEST(two_optimizers),
                                     TEST(replaced),       TEST(refusals),
                                     TEST(odd_parameters), TEST(threads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
