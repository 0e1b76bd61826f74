/* Arguments as data (base/param.h): every kind, its range, and the words of each refusal. */
#include "base/param.h"

#include "nn_test.h"

typedef struct thing {
  int64_t size, count;
  double rate, open, most, any;
  bool flag;
  const char *mode;
  double pair[2];
  nn_ints list;
} thing;

static const char *const modes[] = {"mean", "sum", "none", NULL};

static const nn_param params[] = {
  NN_P_SIZE(thing, size, "input features"),
  NN_P_REAL(thing, rate, NN_P_PLACE, 0.5, 0, 1, "a rate"),
  NN_P_INT(thing, count, 3, -5, 5, "a count"),
  NN_P_REAL(thing, open, NN_P_ABOVE_LO | NN_P_BELOW_HI, 1, 0, 10, "an open range"),
  NN_P_REAL(thing, most, NN_P_BELOW_HI, 0, -NN_REAL_MAX, 2, "bounded above"),
  NN_P_REAL(thing, any, 0, -1, -NN_REAL_MAX, NN_REAL_MAX, "anything finite"),
  NN_P_BOOL(thing, flag, true, "a flag"),
  NN_P_ENUM(thing, mode, "mean", modes, "a mode"),
  NN_P_PAIR(thing, pair, NN_P_BELOW_HI, 0.9, 0.999, 0, 1, "two numbers"),
  NN_P_INTS(thing, list, 0, 2, 1, 100, "sizes"),
  NN_P_END};

static nn_status set(nn_ctx *ctx, thing *t, const char *name, nn_arg v) {
  return nn_param_set(ctx, "Thing", nn_param_find(params, name), t, &v);
}

static nn_arg integer(int64_t i) {
  return (nn_arg){.kind = NN_ARG_INT, .i = i};
}
static nn_arg real(double r) {
  return (nn_arg){.kind = NN_ARG_REAL, .r = r};
}
static nn_arg text(const char *s) {
  return (nn_arg){.kind = NN_ARG_TEXT, .s = s};
}
static nn_arg boolean(bool b) {
  return (nn_arg){.kind = NN_ARG_BOOL, .b = b};
}
static nn_arg list(int n, double a, double b, double c) {
  return (nn_arg){.kind = NN_ARG_LIST, .n = n, .list = {a, b, c}};
}

static void defaults(void **state) {
  thing t = {.size = 77};
  (void)state;
  nn_param_defaults(params, &t);
  assert_int_equal(t.size, 0);
  assert_int_equal(t.count, 3);
  assert_true(t.rate == 0.5 && t.flag && t.pair[0] == 0.9 && t.pair[1] == 0.999);
  assert_string_equal(t.mode, "mean");
  assert_true(t.list.n == 1 && t.list.v[0] == 2);
  nn_param_defaults(NULL, &t); /* no arguments at all */
}

/* What is taken, and that it arrives. */
static void takes(void **state) {
  nn_ctx *ctx = *state;
  thing t;
  nn_param_defaults(params, &t);
  OK(set(ctx, &t, "size", integer(1)));
  OK(set(ctx, &t, "size", real(784)));
  assert_int_equal(t.size, 784);
  OK(set(ctx, &t, "size", integer(1000000000000)));
  OK(set(ctx, &t, "count", integer(-5)));
  OK(set(ctx, &t, "count", real(-0.0)));
  assert_int_equal(t.count, 0);
  OK(set(ctx, &t, "rate", integer(1)));
  OK(set(ctx, &t, "rate", real(0)));
  OK(set(ctx, &t, "open", real(1e-300)));
  OK(set(ctx, &t, "most", real(-1e299)));
  OK(set(ctx, &t, "any", real(1e300)));
  OK(set(ctx, &t, "flag", boolean(false)));
  assert_false(t.flag);
  char word[8] = "none";
  OK(set(ctx, &t, "mode", text(word)));
  memset(word, 'x', 4);
  assert_ptr_equal(t.mode, modes[2]); /* it keeps the list's own text */
  OK(set(ctx, &t, "pair", list(2, 0, 0.5, 0)));
  assert_true(t.pair[0] == 0 && t.pair[1] == 0.5);
  OK(set(ctx, &t, "list", integer(7)));
  assert_true(t.list.n == 1 && t.list.v[0] == 7);
  OK(set(ctx, &t, "list", list(3, 4, 5, 6)));
  assert_true(t.list.n == 3 && t.list.v[2] == 6);
}

typedef struct refusal {
  const char *name;
  nn_arg value;
  nn_status status;
  const char *text;
} refusal;

static void refuses(nn_ctx *ctx, const refusal *list_of, size_t n) {
  thing t, before;
  memset(&t, 0, sizeof t);
  nn_param_defaults(params, &t);
  memcpy(&before, &t, sizeof t);
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(set(ctx, &t, list_of[i].name, list_of[i].value), list_of[i].status);
    assert_string_equal(ctx->err, list_of[i].text);
    assert_memory_equal(&t, &before, sizeof t); /* nothing changes */
  }
}

static void refuses_numbers(void **state) {
  const nn_arg nil = {.kind = NN_ARG_NIL};
  const refusal r[] = {
    {"size", nil, NN_ETYPE,
     "Thing: 'size' is missing; it must be a whole number of at least 1 (input features)"},
    {"size", integer(0), NN_EVALUE, "Thing: 'size' must be a whole number of at least 1, got 0"},
    {"size", real(2.5), NN_EVALUE, "Thing: 'size' must be a whole number of at least 1, got 2.5"},
    {"size", real((double)NAN), NN_EVALUE,
     "Thing: 'size' must be a whole number of at least 1, got nan"},
    {"size", text("10"), NN_EVALUE,
     "Thing: 'size' must be a whole number of at least 1, got \"10\""},
    {"size", integer(INT64_MAX), NN_EVALUE,
     "Thing: 'size' must be a whole number of at least 1, got 9223372036854775807"},
    {"size", list(2, 1, 2.5, 0), NN_EVALUE,
     "Thing: 'size' must be a whole number of at least 1, got {1, 2.5}"},
    {"count", integer(6), NN_EVALUE, "Thing: 'count' must be a whole number from -5 to 5, got 6"},
    {"count", real(-5.5), NN_EVALUE,
     "Thing: 'count' must be a whole number from -5 to 5, got -5.5"},
    {"rate", real(1.0000001), NN_EVALUE,
     "Thing: 'rate' must be a finite number from 0 to 1, got 1.0000001"},
    {"rate", real((double)-INFINITY), NN_EVALUE,
     "Thing: 'rate' must be a finite number from 0 to 1, got -inf"},
    {"rate", boolean(true), NN_EVALUE,
     "Thing: 'rate' must be a finite number from 0 to 1, got true"},
    {"open", real(0), NN_EVALUE, "Thing: 'open' must be a finite number above 0 below 10, got 0"},
    {"open", real(10), NN_EVALUE, "Thing: 'open' must be a finite number above 0 below 10, got 10"},
    {"most", real(2), NN_EVALUE, "Thing: 'most' must be a finite number below 2, got 2"},
    {"any", real((double)INFINITY), NN_EVALUE, "Thing: 'any' must be a finite number, got inf"},
  };
  refuses(*state, r, COUNT(r));
}

static void refuses_others(void **state) {
  const nn_arg function = {.kind = NN_ARG_OTHER, .s = "a function"};
  const refusal r[] = {
    {"flag", integer(1), NN_EVALUE, "Thing: 'flag' must be true or false, got 1"},
    {"flag", function, NN_EVALUE, "Thing: 'flag' must be true or false, got a function"},
    {"mode", text("average"), NN_EVALUE,
     "Thing: 'mode' must be one of \"mean\", \"sum\", \"none\", got \"average\""},
    {"mode", integer(1), NN_EVALUE,
     "Thing: 'mode' must be one of \"mean\", \"sum\", \"none\", got 1"},
    {"mode", text("mea"), NN_EVALUE,
     "Thing: 'mode' must be one of \"mean\", \"sum\", \"none\", got \"mea\""},
    {"pair", list(1, 0.5, 0, 0), NN_EVALUE,
     "Thing: 'pair' must be a list of two numbers from 0 below 1, got {0.5}"},
    {"pair", list(2, 0.5, 1, 0), NN_EVALUE,
     "Thing: 'pair' must be a list of two numbers from 0 below 1, got {0.5, 1}"},
    {"pair", real(0.5), NN_EVALUE,
     "Thing: 'pair' must be a list of two numbers from 0 below 1, got 0.5"},
    {"list", list(2, 1, 101, 0), NN_EVALUE,
     "Thing: 'list' must be a whole number from 1 to 100 or a list of 1 to 8 of them, got {1, "
     "101}"},
    {"list", list(0, 0, 0, 0), NN_EVALUE,
     "Thing: 'list' must be a whole number from 1 to 100 or a list of 1 to 8 of them, got {}"},
    {"list", real(1.5), NN_EVALUE,
     "Thing: 'list' must be a whole number from 1 to 100 or a list of 1 to 8 of them, got 1.5"},
  };
  refuses(*state, r, COUNT(r));
}

/* ---- looking up ---- */

static void lookup(void **state) {
  (void)state;
  assert_string_equal(nn_param_find(params, "mode")->name, "mode");
  assert_null(nn_param_find(params, "Mode"));
  assert_null(nn_param_find(NULL, "x"));
  assert_string_equal(nn_param_at(params, 0)->name, "size");
  assert_string_equal(nn_param_at(params, 1)->name, "rate");
  assert_null(nn_param_at(params, 2));
  assert_null(nn_param_at(NULL, 0));
}

static void unknown(void **state) {
  nn_ctx *ctx = *state;
  static const nn_param none[] = {NN_P_END};
  const char *all = "size, rate, count, open, most, any, flag, mode, pair, list";
  char want[256];
  assert_int_equal(nn_param_unknown(ctx, "Thing", params, "modes"), NN_EVALUE);
  snprintf(want, sizeof want,
           "Thing: there is no option 'modes'; did you mean 'mode'? (the options are %s)", all);
  assert_string_equal(ctx->err, want);
  nn_param_unknown(ctx, "Thing", params, "momentum");
  snprintf(want, sizeof want, "Thing: there is no option 'momentum'; the options are %s", all);
  assert_string_equal(ctx->err, want);
  nn_param_unknown(ctx, "ReLU", none, "inplace");
  assert_string_equal(ctx->err, "ReLU: there is no option 'inplace'; it takes none");
  nn_param_unknown(ctx, "ReLU", NULL, "inplace");
  assert_string_equal(ctx->err, "ReLU: there is no option 'inplace'; it takes none");
}

static void nearest(void **state) {
  static const char *const names[] = {"momentum", "lr", "weight_decay", "nesterov", "bias", NULL};
  static const char *const none[] = {NULL};
  (void)state;
  assert_string_equal(nn_nearest("momentun", names), "momentum");
  assert_string_equal(nn_nearest("moementum", names), "momentum");
  assert_string_equal(nn_nearest("weigth_decay", names), "weight_decay");
  assert_string_equal(nn_nearest("biais", names), "bias");
  assert_string_equal(nn_nearest("l", names), "lr");
  assert_null(nn_nearest("xy", names)); /* as far from everything as it is long */
  assert_null(nn_nearest("betas_of_adam", names));
  assert_null(nn_nearest("", none));
  char word[1000];
  memset(word, 'm', sizeof word - 1);
  word[sizeof word - 1] = 0;
  assert_null(nn_nearest(word, names));
}

/* ---- printing and parsing ---- */

static void prints(void **state) {
  nn_ctx *ctx = *state;
  thing t;
  char buf[512];
  nn_param_defaults(params, &t);
  OK(set(ctx, &t, "size", integer(784)));
  nn_param_print(params, &t, buf, sizeof buf);
  assert_string_equal(buf, "784, 0.5");
  OK(set(ctx, &t, "flag", boolean(false)));
  OK(set(ctx, &t, "mode", text("sum")));
  OK(set(ctx, &t, "any", real(0.1)));
  OK(set(ctx, &t, "open", real(1.0 / 3)));
  OK(set(ctx, &t, "list", list(2, 3, 4, 0)));
  nn_param_print(params, &t, buf, sizeof buf);
  assert_string_equal(buf, "784, 0.5, {open = 0.3333333333333333, any = 0.1, flag = false, "
                           "mode = \"sum\", list = {3, 4}}");
  for (size_t n = 1; n < 60; n++) { /* cut where there is no room, never beyond it */
    memset(buf, 'x', sizeof buf);
    nn_param_print(params, &t, buf, n);
    assert_non_null(memchr(buf, 0, n));
    assert_int_equal(buf[n], 'x');
  }
  nn_param_print(NULL, NULL, buf, sizeof buf);
  assert_string_equal(buf, "");
}

static void parses(void **state) {
  nn_ctx *ctx = *state;
  thing t;
  OK(nn_param_parse(ctx, "Thing", params, &t,
                    "784, 0.25, flag = false, mode = \"none\", pair = {0.1, 0.2}, list = {3, 4}, "
                    "count = -2"));
  assert_true(t.size == 784 && t.rate == 0.25 && !t.flag && t.count == -2 && t.pair[1] == 0.2);
  assert_string_equal(t.mode, "none");
  assert_true(t.list.n == 2 && t.list.v[1] == 4);
  OK(nn_param_parse(ctx, "Thing", params, &t, "5"));
  assert_true(t.size == 5 && t.flag && t.rate == 0.5);
  OK(nn_param_parse(ctx, "Thing", params, &t, NULL));
  FAILS(nn_param_parse(ctx, "Thing", params, &t, "1, 1, 1"), NN_EVALUE, "too many values");
  FAILS(nn_param_parse(ctx, "Thing", params, &t, "rat = 1"), NN_EVALUE, "did you mean 'rate'?");
  FAILS(nn_param_parse(ctx, "Thing", params, &t, "rate = 2"), NN_EVALUE, "from 0 to 1, got 2");
  FAILS(nn_param_parse(ctx, "Thing", params, &t, "rate = "), NN_EVALUE, "cannot read");
  FAILS(nn_param_parse(ctx, "Thing", params, &t, "rate = x"), NN_EVALUE, "cannot read");
  FAILS(nn_param_parse(ctx, "Thing", params, &t, "mode = \"none"), NN_EVALUE, "cannot read");
  FAILS(nn_param_parse(ctx, "Thing", params, &t, "list = {1, 2"), NN_EVALUE, "cannot read");
  FAILS(nn_param_parse(ctx, "Thing", params, &t, "list = {1, 2, 3, 4, 5, 6, 7, 8, 9}"), NN_EVALUE,
        NULL);
  FAILS(
    nn_param_parse(ctx, "Thing", params, &t,
                   "a_name_that_is_longer_than_any_name_of_an_option_could_ever_be_in_here = 1"),
    NN_EVALUE, NULL);
}

/* What print writes, parse reads: the struct comes back bit for bit. */
static void round_trips(void **state) {
  nn_ctx *ctx = *state;
  uint64_t seed = 11;
  for (int i = 0; i < 2000; i++) {
    thing t, back;
    char buf[512];
    nn_param_defaults(params, &t);
    OK(set(ctx, &t, "size", integer(t_int(&seed, 1, 1000000000000))));
    if (i % 2) OK(set(ctx, &t, "rate", real(t_unit(&seed))));
    if (i % 3) OK(set(ctx, &t, "any", real((t_unit(&seed) - 0.5) * pow(10, i % 250))));
    if (i % 5) OK(set(ctx, &t, "flag", boolean(i % 2)));
    if (i % 7) OK(set(ctx, &t, "mode", text(modes[i % 3])));
    if (i % 4) OK(set(ctx, &t, "pair", list(2, t_unit(&seed), t_unit(&seed), 0)));
    if (i % 6) OK(set(ctx, &t, "list", list(1 + i % 3, 1 + i % 100, 50, 100)));
    nn_param_print(params, &t, buf, sizeof buf);
    nn_status st = nn_param_parse(ctx, "Thing", params, &back, buf);
    if (st != NN_OK) fail_msg("\"%s\": %s", buf, ctx->err);
    bool same = t.size == back.size && t.rate == back.rate && t.any == back.any &&
                t.flag == back.flag && t.mode == back.mode && t.pair[0] == back.pair[0] &&
                t.pair[1] == back.pair[1] && t.list.n == back.list.n &&
                memcmp(t.list.v, back.list.v, (size_t)t.list.n * sizeof *t.list.v) == 0;
    if (!same) fail_msg("\"%s\" reads back as something else", buf);
  }
}

/* Lists of any length, which the unit owns. */
static void reals(void **state) {
  typedef struct weighted {
    nn_reals w;
  } weighted;
  static const nn_param own[] = {NN_P_REALS(weighted, w, 0, 10, "weights"), NN_P_END};
  nn_ctx *ctx = *state;
  double many[20];
  weighted a, b;
  char buf[256];
  for (int i = 0; i < 20; i++) many[i] = i / 4.0;
  nn_param_defaults(own, &a);
  assert_int_equal(nn_param_get(own, &a).kind, NN_ARG_NIL);
  nn_param_print(own, &a, buf, sizeof buf);
  assert_string_equal(buf, "");
  OK(nn_param_set(ctx, "W", own, &a, &(nn_arg){.kind = NN_ARG_LIST, .n = 20, .many = many}));
  assert_int_equal(a.w.n, 20);
  assert_true(a.w.v[19] == 4.75 && nn_param_get(own, &a).many[19] == 4.75);
  OK(nn_param_set(ctx, "W", own, &a, &(nn_arg){.kind = NN_ARG_LIST, .n = 2, .list = {1, 2.5}}));
  nn_param_print(own, &a, buf, sizeof buf);
  assert_string_equal(buf, "{w = {1, 2.5}}");
  OK(nn_param_parse(ctx, "W", own, &b, buf));
  assert_true(b.w.n == 2 && b.w.v[1] == 2.5);
  nn_arg out = list(2, 1, 11, 0), none = list(0, 0, 0, 0), word = text("a");
  FAILS(nn_param_set(ctx, "W", own, &a, &out), NN_EVALUE, "from 0 to 10");
  FAILS(nn_param_set(ctx, "W", own, &a, &none), NN_EVALUE, "a list");
  FAILS(nn_param_set(ctx, "W", own, &a, &word), NN_EVALUE, "a list");
  ctx->mem.fail_in = 0;
  nn_status st = nn_param_set(ctx, "W", own, &a, &(nn_arg){.kind = NN_ARG_INT, .i = 3});
  ctx->mem.fail_in = -1;
  assert_true(st == NN_ENOMEM && a.w.n == 2 && a.w.v[1] == 2.5); /* a refusal changes nothing */
  OK(nn_param_set(ctx, "W", own, &a, &(nn_arg){.kind = NN_ARG_INT, .i = 3}));
  assert_true(a.w.n == 1 && a.w.v[0] == 3);
  nn_param_drop(ctx, own, &a);
  nn_param_drop(ctx, own, &b);
  assert_int_equal(ctx->mem.live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(defaults),       TEST(takes),  TEST(refuses_numbers),
                                     TEST(refuses_others), TEST(lookup), TEST(unknown),
                                     TEST(nearest),        TEST(prints), TEST(parses),
                                     TEST(round_trips),    TEST(reals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
