/*
 * tests/test_bind_optim.c: scripts that save and load optimizers, step by closures, clip and fit, with
 * every allocation failing in turn, Lua's own and the core's: an error or success, nothing leaks, and
 * the weights stand as before a step that failed.
 */
#include "bind_torture.h"

/* Each ends with what must hold, whatever happened before. */
static const char *const snippets[] = {
  "local w = nn.tensor({{1, 2}, {3, 4}}, {requires_grad = true}) "
  "local function run(o, n) for i = 1, n do o:step(function() o:zero_grad() "
  "  local l = (w * w):sum() l:backward() return l end) end end "
  "for _, name in ipairs{'Adam', 'NAdam', 'LBFGS', 'Nesterov', 'RandomSearch'} do "
  "  local o = nn.optim[name]{w} run(o, 2) local s = o:state() "
  "  local p = nn.optim[name]{w} p:load_state(s) run(p, 1) p:formula() "
  "  assert(p:state().params[1].steps == 3) end",

  "local w = nn.tensor({1, 2, 3}, {requires_grad = true}) "
  "local o = nn.optim.LBFGS({w}, {max_iter = 3}) local before = w:detach():clone() "
  "local ok, err = pcall(o.step, o, function() o:zero_grad() local l = (w * w * w * w):sum() "
  "  l:backward() return l end) "
  "if not ok then for i = 1, 3 do assert(w[i]:item() == before[i]) end error(err, 0) end",

  "local w = nn.tensor({1, 2}, {requires_grad = true}) ;(w * w):sum():backward() "
  "assert(nn.clip_grad_norm({w}, 1) > 1) nn.clip_grad_value({w}, 0.1) "
  "local o = nn.optim.SGD{w} o:step() tostring(o:explain(w, 1)) o:groups()[1].lr = 0.5 "
  "local s = nn.schedule.Warmup(o, {steps = 2, after = nn.schedule.Cosine(o, {T_max = 3})}) "
  "for i = 1, 4 do s:step() end s:load_state(s:state()) nn.schedule.plot(s)",

  "local w, b = nn.ols(nn.tensor{{1, 2}, {2, 1}, {3, 5}, {0, 1}}, nn.tensor{1, 2, 3, 4}) "
  "assert(w:numel() == 2 and b:numel() == 1)",
  NULL,
};

static void lua_allocations(void **state) {
  world *w = *state;
  torture_all(w, snippets, &w->fail_in);
}

static void core_allocations(void **state) {
  world *w = *state;
  torture_all(w, snippets, &w->ctx->mem.fail_in);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(lua_allocations, open_world, close_world),
    cmocka_unit_test_setup_teardown(core_allocations, open_world, close_world),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
