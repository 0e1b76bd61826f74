/*
 * Every optimizer, in every convention, against tests/golden/optim_traces.txt: 50 steps on a quadratic
 * of condition 10^4 and on Rosenbrock's function in float64, to 1e-10, beside traces that a program
 * without a line of ours wrote (optim_traces.py). Then the numbers of the chapter's seven points.
 */
#include "nn_test.h"
#include "optim/optim.h"

enum { STEPS = 50, MOST = 4 };

/* ---- the problems ---- */

typedef struct problem {
  const char *name;
  int n;
  const char *shapes[2]; /* the first half of the weights, and the second, which is a bias */
  double start[MOST];
  double (*value)(const double *w, double *g);
} problem;

/* (w - c)' A (w - c) / 2 with A = Q diag(L) Q, Q = I - 2 u u' / u'u */
static double quadratic(const double *w, double *g) {
  static const double L[MOST] = {0.01, 0.4, 7, 100}, u[MOST] = {1, 2, 3, 4}, c[] = {1, -2, 0.5, 3};
  double d[MOST], q[MOST], f = 0;
  for (int pass = 0; pass < 2; pass++) {
    double dot = 0;
    for (int i = 0; i < MOST; i++) {
      d[i] = pass == 0 ? w[i] - c[i] : L[i] * q[i];
      if (pass == 1) f += d[i] * q[i] / 2;
    }
    for (int i = 0; i < MOST; i++) dot += u[i] * d[i];
    for (int i = 0; i < MOST; i++) q[i] = d[i] - 2 * u[i] * dot / 30;
  }
  memcpy(g, q, sizeof q);
  return f;
}

static double rosenbrock(const double *w, double *g) {
  double x = w[0], y = w[1], r = y - x * x;
  g[0] = -2 * (1 - x) - 400 * x * r;
  g[1] = 200 * r;
  return (1 - x) * (1 - x) + 100 * r * r;
}

static const problem problems[] = {
  {"quadratic", 4, {"2x1", "2"}, {0}, quadratic},
  {"rosenbrock", 2, {"1x1", "1"}, {-1.2, 1}, rosenbrock},
};

/* ---- an optimizer at work on one ---- */

typedef struct bench {
  nn_ctx *ctx;
  const problem *p;
  nn_tensor *w[2];
  nn_optim *o;
  int evaluations;
} bench;

static nn_tensor *holder(const bench *b, int i, int64_t *at) {
  int half = b->p->n / 2;
  *at = i % half;
  return b->w[i / half];
}

static double weight(const bench *b, int i) {
  int64_t at;
  const nn_tensor *t = holder(b, i, &at);
  return t_get(t, at);
}

static nn_status evaluate(void *user, double *loss) {
  bench *b = user;
  double w[MOST], g[MOST];
  int64_t at;
  for (int i = 0; i < b->p->n; i++) w[i] = weight(b, i);
  *loss = b->p->value(w, g);
  for (int i = 0; i < b->p->n; i++) {
    nn_tensor *t = holder(b, i, &at), *grad;
    NN_TRY(nn_tensor_grad(b->ctx, t, &grad));
    t_set(grad, at, g[i]);
    t->has_grad = true;
  }
  b->evaluations++;
  return NN_OK;
}

static void begin(bench *b, nn_ctx *ctx, const problem *p, const char *name, const char *options) {
  const nn_optim_class *class = nn_optim_class_find(name);
  void *hyper;
  int64_t at;
  if (!class) fail_msg("there is no %s", name);
  *b = (bench){.ctx = ctx, .p = p};
  for (int k = 0; k < 2; k++) {
    b->w[k] = t_full(ctx, NN_F64, p->shapes[k], 0);
    b->w[k]->requires_grad = b->w[k]->is_parameter = true;
  }
  for (int i = 0; i < p->n; i++) {
    nn_tensor *t = holder(b, i, &at);
    t_set(t, at, p->start[i]);
  }
  OK(nn_optim_new(ctx, class, &b->o));
  OK(nn_optim_add_group(ctx, b->o, 2, b->w, &hyper));
  OK(nn_optim_parse(ctx, class, hyper, options));
  OK(nn_optim_build(ctx, b->o));
}

static void end(bench *b) {
  nn_optim_release(b->o);
  nn_tensor_release(b->w[0]);
  nn_tensor_release(b->w[1]);
}

static double step(bench *b) {
  nn_ctx *ctx = b->ctx;
  const nn_closure closure = {.call = evaluate, .user = b};
  double loss;
  OK(nn_optim_step_with(b->ctx, b->o, &closure, &loss));
  return loss;
}

/* ---- the stored traces ---- */

/* The text between two bars, without the spaces around it. */
static char *field(char **line) {
  char *s = *line + strspn(*line, " "), *bar = strpbrk(s, "|\n");
  assert_non_null(bar);
  *line = bar + 1;
  while (bar > s && bar[-1] == ' ') bar--;
  *bar = 0;
  return s;
}

/* How explain tells a step, beside the step. */
static void check_story(bench *b, int i, double before, double after) {
  nn_optim_story story;
  nn_ctx *ctx = b->ctx;
  int64_t at;
  const nn_tensor *t = holder(b, i, &at);
  const nn_hyper *h = b->o->hyper[0];
  if (!b->o->class->taken) return;
  if (h->l1 != 0 && fabs(before) < 0.05) return; /* it may have come from either side of 0 */
  OK(nn_optim_explain(ctx, b->o, t == b->w[0] ? 0 : 1, at, &story));
  assert_true(story.weight == after);
  NEAR(story.before, before, 1e-11 * fmax(1, fabs(before)));
}

static void take_steps(bench *b, int from, int to, int change, double rate, const char *name) {
  double before[MOST];
  for (int k = from; k <= to; k++) {
    for (int i = 0; i < b->p->n; i++) before[i] = weight(b, i);
    step(b);
    for (int i = 0; i < b->p->n; i++) check_story(b, i, before[i], weight(b, i));
    if (k == change) ((nn_hyper *)b->o->hyper[0])->lr = rate;
  }
  if (b->evaluations < to) fail_msg("%s: %d evaluations", name, b->evaluations);
}

static int compare(bench *b, const char *line, const char *name, const char *options) {
  char *rest;
  int k = (int)strtol(line, &rest, 10);
  for (int i = 0; i < b->p->n; i++) {
    double want = strtod(rest, &rest), got = weight(b, i);
    if (!(fabs(got - want) <= 1e-10 * fmax(1, fabs(want))))
      fail_msg("%s(%s) on %s, step %d, weight %d: %.17g, the trace has %.17g", name, options,
               b->p->name, k, i + 1, got, want);
  }
  return k;
}

/* One case: its head line, then lines of steps until another begins. Returns whether one does. */
static bool follow(nn_ctx *ctx, FILE *f, char *line, size_t size) {
  char head[512], *at = head + strlen("case "), *name, *options, *where, *change;
  bench b;
  int done = 0;
  bool more;
  snprintf(head, sizeof head, "%s", line);
  name = field(&at), options = field(&at), where = field(&at), change = field(&at);
  const problem *p = strcmp(where, "quadratic") == 0 ? &problems[0] : &problems[1];
  int when = (int)strtol(change, &change, 10);
  double rate = *change == ':' ? strtod(change + 1, NULL) : 0;
  begin(&b, ctx, p, name, options);
  while ((more = fgets(line, (int)size, f) != NULL) && strncmp(line, "case ", 5) != 0) {
    int k = (int)strtol(line, NULL, 10);
    take_steps(&b, done + 1, k, when, rate, name);
    done = compare(&b, line, name, options);
  }
  if (done < STEPS && strcmp(name, "LBFGS") != 0) fail_msg("%s: %d steps", name, done);
  end(&b);
  return more;
}

static void traces(void **state) {
  FILE *f = fopen("tests/golden/optim_traces.txt", "r");
  char line[512];
  int cases = 0;
  if (!f)
    fail_msg("tests/golden/optim_traces.txt cannot be opened: run from the repository's root");
  bool more = fgets(line, sizeof line, f) != NULL;
  for (; more; cases++) more = follow(*state, f, line, sizeof line);
  fclose(f);
  print_message("%d traces\n", cases);
  assert_true(cases > 100);
}

/* Each class and each convention is in the file. */
static void complete(void **state) {
  static char text[1 << 18];
  FILE *f = fopen("tests/golden/optim_traces.txt", "r");
  (void)state;
  assert_non_null(f);
  text[fread(text, 1, sizeof text - 1, f)] = 0;
  fclose(f);
  for (const nn_optim_class *const *k = nn_optims; *k; k++) {
    char want[64];
    const nn_param *p = nn_param_find((*k)->params, "convention");
    if (strcmp((*k)->name, "RandomSearch") == 0) continue; /* no two random streams agree */
    snprintf(want, sizeof want, "case %s |", (*k)->name);
    if (!strstr(text, want)) fail_msg("no trace of %s", (*k)->name);
    for (const char *const *c = p ? p->choices + 1 : NULL; c && *c; c++) {
      const char *at = text;
      snprintf(want, sizeof want, "convention = \"%s\"", *c);
      for (bool found = false; !found;) {
        char start[64];
        snprintf(start, sizeof start, "case %s |", (*k)->name);
        at = strstr(at, start);
        if (!at) fail_msg("no trace of %s, %s", (*k)->name, want);
        const char *stop = strchr(at, '\n'), *hit = strstr(at, want);
        found = hit && hit < stop;
        at = stop;
      }
    }
  }
}

/* ---- L-BFGS ---- */

static void lbfgs_rosenbrock(void **state) {
  bench b;
  double g[2], f = 1;
  begin(&b, *state, &problems[1], "LBFGS", NULL);
  while (f >= 1e-12 && b.evaluations < 200) {
    step(&b);
    f = rosenbrock((double[]){weight(&b, 0), weight(&b, 1)}, g);
  }
  print_message("L-BFGS: %.3g after %d evaluations\n", f, b.evaluations);
  assert_true(f < 1e-12 && b.evaluations < 60);
  end(&b);
}

/* ---- the chapter's seven points ---- */

static const double X[] = {2.4, 2.8, 3.2, 3.6, 4.0, 4.2, 5.0},
                    Y[] = {1.7, 1.85, 1.79, 1.95, 2.1, 2.0, 2.7};
static const double BEST = 0.01805188516084405;

static double line(const double *w, double *g) {
  double f = 0;
  g[0] = g[1] = 0;
  for (size_t i = 0; i < COUNT(X); i++) {
    double r = w[0] * X[i] + w[1] - Y[i];
    f += r * r / 7;
    g[0] += 2 * r * X[i] / 7;
    g[1] += 2 * r / 7;
  }
  return f;
}

/* The step after which J - J* is below 1e-6; 0: not within 20,000, or it grew beyond measure. */
static int steps_needed(nn_ctx *ctx, double m, double b0, const char *name, const char *options) {
  problem p = {"line", 2, {"1x1", "1"}, {m, b0}, line};
  bench b;
  double g[2];
  int k = 0, needed = 0;
  begin(&b, ctx, &p, name, options);
  while (!needed && k < 20000) {
    step(&b);
    k++;
    double f = line((double[]){weight(&b, 0), weight(&b, 1)}, g);
    if (f - BEST < 1e-6) needed = k;
    if (!(f < 1e12)) break;
  }
  end(&b);
  return needed;
}

static void seven_points(void **state) {
  static const struct {
    double m, b;
    const char *name, *options;
    int steps;
  } cases[] = {
    {0, 0, "SGD", "lr = 0.01", 5409},
    {0, 0, "SGD", "lr = 0.05", 1080},
    {-1, 4, "SGD", "lr = 0.01", 7140},
    {-1, 4, "SGD", "lr = 0.03", 2378},
    {-1, 4, "SGD", "lr = 0.05", 1426},
    {-1, 4, "SGD", "lr = 0.06", 1188},
    {-1, 4, "SGD", "lr = 0.01, momentum = 0.9", 656},
    {-1, 4, "SGD", "lr = 0.03, momentum = 0.9", 152},
    {-1, 4, "SGD", "lr = 0.06, momentum = 0.9", 142},
    {-1, 4, "Nesterov", "lr = 0.01", 663},
    {-1, 4, "Nesterov", "lr = 0.03", 164},
    {-1, 4, "Nesterov", "lr = 0.06", 0},
    {-1, 4, "Nesterov", "lr = 0.000001, convention = \"chapter\"", 0},
    {-1, 4, "Nesterov", "lr = 0.06, convention = \"chapter\"", 0},
    {-1, 4, "SGD", "lr = 0.068554", 0}, /* 2 / the largest curvature is 0.068549 */
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    int got = steps_needed(*state, cases[i].m, cases[i].b, cases[i].name, cases[i].options);
    if (got != cases[i].steps)
      fail_msg("%s(%s) from (%g, %g): %d steps, not %d", cases[i].name, cases[i].options,
               cases[i].m, cases[i].b, got, cases[i].steps);
  }
  assert_true(steps_needed(*state, -1, 4, "SGD", "lr = 0.0685") > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(traces), TEST(complete), TEST(lbfgs_rosenbrock),
                                     TEST(seven_points)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
