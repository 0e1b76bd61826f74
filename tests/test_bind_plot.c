/*
 * tests/test_bind_plot.c: pictures and reports with every allocation of the core failing in turn, and
 * the functions in C that they stand on with Lua's failing too: an error or success, nothing left.
 */
#include "bind_torture.h"

static const char *const snippets[] = {
  "local d = require 'nn.core'.draw local p = nn.zeros(2, 2, 3, {dtype = 'uint8'}) "
  "assert(#d.base64(d.encode(p)) > 20) assert(d.bytes(p) == ('\\0'):rep(12))",
  "local d = require 'nn.core'.draw assert(#d.pdf('', 10, 10, 1, 'title') > 100) "
  "assert(#d.png('', 10, 10, 1) > 50)",
  "local d = require 'nn.core'.draw "
  "local p, n = d.contour(nn.eye(3, {dtype = 'float64'}), 0.5, true) assert(#n > 0)",
  NULL,
};

static const char *const pictures[] = {
  "nn.plot{}:contour(function(x, y) return x * y end, {xrange = {-1, 1}, yrange = {-1, 1}, "
  "points = 9, filled = true}):svg()",
  "nn.plot{}:images(nn.rand(3, 4, 4)):svg()",
  "nn.plot{}:heatmap(nn.rand(30, 30)):svg()",
  "local x = nn.rand(6, 2) nn.plot{}:boundary(nn.Linear(2, 3), "
  "nn.data.tensors(x, nn.tensor({1, 2, 3, 1, 2, 3}, {dtype = 'int64'})), {points = 5}):svg()",
  NULL,
};

static void test_lua_allocations(void **state) {
  world *w = *state;
  torture_all(w, snippets, &w->fail_in);
}

static void test_core_allocations(void **state) {
  world *w = *state;
  torture_all(w, snippets, &w->ctx->mem.fail_in);
  torture_all(w, pictures, &w->ctx->mem.fail_in);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_lua_allocations, open_world, close_world),
    cmocka_unit_test_setup_teardown(test_core_allocations, open_world, close_world),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
