/*
 * The recipe for a new layer in CONTRIBUTING.md: the file that it shows is tests/recipe/swish.c to
 * the letter, compiles, and passes the checks that every registered layer passes, without another
 * line.
 */
#include "nn_generic.h"

#include "recipe/swish.c"

/* What src/layer/registry.c makes of layers.def, with the one line that the recipe adds. */
static const nn_layer_class *const registry[] = {&nn_layer_swish, NULL};

static void rules(void **state) {
  for (const nn_layer_class *const *k = registry; *k; k++) {
    subject s = {.layer = *k};
    for (int i = 0; i < NN_MAXEXAMPLES && (*k)->example[i].inputs; i++) {
      s.example = &(*k)->example[i];
      check_arguments(*state, &s);
      check_subject(*state, &s);
      assert_true(check_oom(*state, &s) > 1);
    }
  }
}

static void values(void **state) {
  nn_ctx *ctx = *state;
  const subject s = {.layer = &nn_layer_swish, .example = &nn_layer_swish.example[1]};
  unit u;
  nn_tensor *y;
  char text[64];
  OK(unit_make(ctx, &s, NN_F64, UNIT_PLAIN, &u));
  OK(unit_call(&u, u.in, false, &y));
  for (int64_t i = 0; i < y->v.numel; i++) {
    double x = t_get(u.in[0], i);
    NEAR(t_get(y, i), x / (1 + exp(-2.5 * x)), 1e-15);
  }
  assert_string_equal(nn_layer_text(u.layer, text, sizeof text), "Swish(2.5)");
  nn_tensor_release(y);
  unit_drop(&u);
}

static char *read_file(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) fail_msg("cannot read %s (the tests run in the repository's folder)", path);
  char *text = calloc(1, 1 << 16);
  size_t n = fread(text, 1, (1 << 16) - 1, f);
  assert_true(n > 0 && n < (1 << 16) - 1);
  fclose(f);
  return text;
}

/* The first block of C in CONTRIBUTING.md is the file. */
static void papers(void **state) {
  (void)state;
  char *paper = read_file("CONTRIBUTING.md"), *file = read_file("tests/recipe/swish.c");
  char *block = strstr(paper, "```c\n");
  assert_non_null(block);
  block += 5;
  char *end = strstr(block, "```");
  assert_non_null(end);
  *end = 0;
  assert_string_equal(block, file);
  free(paper);
  free(file);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(rules), TEST(values), cmocka_unit_test(papers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
