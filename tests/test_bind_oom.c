/*
 * tests/test_bind_oom.c: script snippets with every allocation failing in turn, Lua's own and the
 * core's: each ends in an error or in success, nothing leaks, and the same snippet works afterwards.
 */
#include "bind_torture.h"

static const char *const snippets[] = {
  "local x = nn.tensor({{1, 2}, {3, 4}}, {requires_grad = true}) "
  "local y = (x * x + 2 * x - 1):sum() y:backward() assert(x.grad[1][1] == 4)",
  "local m = nn.Sequential{nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 2)} "
  "local ps = {m[1].weight, m[1].bias, m[4].weight, m[4].bias} "
  "local o = nn.optim.Adam({{params = {ps[1], ps[2]}, lr = 0.1}, {params = {ps[3], ps[4]}}}) "
  "local l = nn.CrossEntropyLoss()(m(nn.rand(5, 3)), nn.randint(1, 2, {5})) "
  "l:backward() o:step() o:zero_grad() o.lr = 0.2 assert(#o:groups() == 2)",
  "local m = nn.Sequential{nn.Linear(2, 2), function(t) return t * 2 end} "
  "m[1] = nn.Linear(2, 2) m:add(nn.ReLU()) assert(#m == 3 and m(nn.rand(1, 2)):dim() == 2) "
  "tostring(m[1])",
  "local x = nn.rand(4, 5) x[{{2, 3}, 1}] = 7 local y = x[{{}, {2, -1}}]:t():contiguous() "
  "y:add_(1):mul_(x[{{}, {2, 5}}]:t()) assert(#y:totable() == 4) nn.eye(3) nn.linspace(0, 1, 5) "
  "nn.randperm(9)",
  "local a = nn.tensor(2.0, {requires_grad = true}) local g = nn.grad(a * a, {a}) "
  "assert(g[1]:item() == 4) "
  "nn.no_grad(function() a:add_(1) end) assert(not pcall(function() a:add_(1) end))",
  "local d = nn.data.tensors(nn.rand(6, 1, 3, 4), nn.randint(1, 2, {6})) "
  "local a, b = d:split{0.5, 0.5, stratify = false} assert(#a:duplicates(d) == 3) "
  "d = d:augment{rotate = 9, noise = 1} for x in d:batches{size = 4} do assert(x:dim() == 4) end "
  "nn.data.MinMax():fit(a)(b)",
  "local ok, e = pcall(nn.Linear(3, 4), nn.zeros(2, 2)) assert(not ok) nn.memory() nn.version() "
  "nn.seed(3)",
  NULL,
};

static void test_lua_allocations(void **state) {
  world *w = *state;
  torture_all(w, snippets, &w->fail_in);
}

static void test_core_allocations(void **state) {
  world *w = *state;
  torture_all(w, snippets, &w->ctx->mem.fail_in);
}

static void test_the_limit(void **state) {
  world *w = *state;
  live_after_collect(w);
  size_t limit = w->ctx->mem.limit;
  w->ctx->mem.limit = w->ctx->mem.live + (1 << 20);
  assert_int_equal(run(w, "local t = {} for i = 1, 1e9 do t[i] = nn.zeros(1000) end"), LUA_ERRRUN);
  assert_non_null(strstr(lua_tostring(w->L, -1), "not enough memory: asked for"));
  w->ctx->mem.limit = limit;
  assert_int_equal(run(w, snippets[0]), LUA_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_lua_allocations, open_world, close_world),
    cmocka_unit_test_setup_teardown(test_core_allocations, open_world, close_world),
    cmocka_unit_test_setup_teardown(test_the_limit, open_world, close_world),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
