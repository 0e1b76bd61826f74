-- folds.lua: 10-fold cross-validation of a small network on digits with one worker and with more,
-- whose numbers must be the same, and beside it what the machine allows: the same loop of plain Lua
-- in as many processes at once, which is all that a busy machine or a shared core gives.
--
--   build/nnlua tests/bench/folds.lua [workers, 2]
local core = require "nn.core"
local count = math.tointeger(tonumber(arg[1] or 2))
local ROUNDS = 3

local function folds(workers)
  local start = nn.time()
  local cv = nn.cross_validate(nn.data.digits(), {workers = workers}, function(train, val)
    local model = nn.Sequential{nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)}
    nn.fit(model, train, {loss = nn.CrossEntropyLoss(), epochs = 100,
      optimizer = nn.optim.Adam(model:parameters(), {lr = 0.005})})
    return nn.evaluate(model, val, {loss = nn.CrossEntropyLoss(), metrics = {"accuracy"}})
  end)
  return nn.time() - start, tostring(cv)
end

-- How long `n` loops take at the same time.
local function loops(n)
  local function busy()
    local x = 0
    for i = 1, 5e7 do x = x + i end
    return tostring(x)
  end
  local start, list = nn.time(), {}
  for i = 1, n do list[i] = core.workers.start(busy) end
  while #list > 0 do table.remove(list, core.workers.wait(list)) end
  return nn.time() - start
end

local one, more, bare_one, bare_more = math.huge, math.huge, math.huge, math.huge
for _ = 1, ROUNDS do
  local first, a = folds(1)
  local second, b = folds(count)
  assert(a == b, "the numbers depend on the number of workers")
  one, more = math.min(one, first), math.min(more, second)
  bare_one, bare_more = math.min(bare_one, loops(1)), math.min(bare_more, loops(count))
end
print(("10 folds: %.2f s with 1 worker, %.2f s with %d: %.2f times faster, the same numbers")
  :format(one, more, count, one / more))
print(("bare loops at the same time: %.2f times (the bound here)"):format(
  count * bare_one / bare_more))
