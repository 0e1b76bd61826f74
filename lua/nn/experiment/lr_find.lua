-- experiment/lr_find.lua: nn.lr_find, the learning-rate range test (Smith: "Cyclical learning rates
-- for training neural networks", WACV 2017): the rate grows from batch to batch until the loss
-- explodes; where the smoothed loss falls fastest a step does most.
local copy = require "nn.experiment.copy"
local core = require "nn.core"
local evaluate = require "nn.evaluate"
local history = require "nn.history"
local module = require "nn.module"
local optimizers = require "nn.experiment.optimizers"
local result = require "nn.experiment.result"
local util = require "nn.util"
local workers = require "nn.experiment.workers"

local raise = util.raise

local MEMORY = 0.9 -- of the running mean
local LAG = 9      -- MEMORY / (1 - MEMORY): so many batches it is behind
local BLOWN = 4    -- a loss so many times the lowest ends the test
local FALL = 0.95  -- a loss that never falls so far does not fall
local SHOWN = 12   -- rows of the printed table

-- ---- the test ---------------------------------------------------------------------------------

-- Batch after batch, for ever.
local function endless(data, size)
  local next_batch = data:batches {size = size}
  return function()
    local x, y, w = next_batch()
    if x == nil then
      next_batch = data:batches {size = size}
      x, y, w = next_batch()
    end
    return x, y, w
  end
end

-- One step; the loss before it.
local function step(model, opt, loss, x, y, w)
  local first
  local function closure()
    opt:zero_grad()
    local out = evaluate.answer("lr_find", model, x)
    local l = w and core.kind(loss) == "loss" and core.weighted_loss(loss, out, y, w)
      or loss(out, y, w)
    local value = history.number(l, "lr_find", "the loss")
    first = first or value
    if value - value == 0 then l:backward() end
    return value
  end
  if optimizers.needs_closure(opt) then
    opt:step(closure)
  else
    closure()
    if first - first == 0 then opt:step() end
  end
  return first
end

local function test(model, opt, data, o)
  local points, batch, mean, lowest = {}, endless(data, o.batch_size), 0, math.huge
  local factor = (o.high / o.low) ^ (1 / (o.steps - 1))
  local _ <close> = module.mode(model, true)
  for i = 1, o.steps do
    local lr = o.low * factor ^ (i - 1)
    opt.lr = lr
    local value = step(model, opt, o.loss, batch())
    if value - value ~= 0 then break end
    mean = MEMORY * mean + (1 - MEMORY) * value
    local smooth = mean / (1 - MEMORY ^ i)
    points[i] = {lr = lr, loss = value, smooth = smooth}
    if i > 10 and smooth > BLOWN * math.max(lowest, 1e-12) then break end
    lowest = math.min(lowest, smooth)
  end
  return points
end

-- The place where the smoothed loss falls fastest with the logarithm of the rate, before its
-- minimum: the slope over a few points to either side; nil where it hardly falls, as in a model
-- that is trained.
local function steepest(points)
  local least, reach = 1, math.max(1, #points // 25)
  for i, p in ipairs(points) do
    if p.smooth < points[least].smooth then least = i end
  end
  if points[least].smooth > FALL * points[1].smooth then return nil, least end
  local best, fastest = nil, 0
  for i = 1 + reach, math.min(least, #points - reach) do
    local a, b = points[i - reach], points[i + reach]
    local slope = (b.smooth - a.smooth) / math.log(b.lr / a.lr)
    if slope < fastest then best, fastest = i, slope end
  end
  return best, least
end

-- ---- the result -------------------------------------------------------------------------------

local function table_of(self)
  return {"lr", "loss", "smooth"}, self.points
end

local function shown(self)
  local rows, n = {}, #self.points
  local count = math.min(n, SHOWN)
  for k = 1, count do
    local p = self.points[count > 1 and 1 + (k - 1) * (n - 1) // (count - 1) or 1]
    rows[k] = {lr = ("%.2e"):format(p.lr), loss = p.loss, smooth = p.smooth}
  end
  return {"lr", "loss", "smooth"}, rows
end

local function notes(self)
  if not self.suggestion then
    return {"the loss fell nowhere: look at the model and the data first (nn.diagnose)"}
  end
  return {("suggestion: lr = %.2g, where the loss falls fastest (lowest at %.2g)"):format(
    self.suggestion, self.lowest)}
end

local function picture(self, options)
  local p = require "nn.plot" {title = options.title, xlabel = "lr", ylabel = "loss", xlog = true,
    width = options.width, height = options.height, scale = options.scale,
    legend = {"loss", "smooth"}}
  local x, y, smooth = {}, {}, {}
  for i, point in ipairs(self.points) do
    x[i], y[i], smooth[i] = point.lr, point.loss, point.smooth
  end
  p:line({loss = {x = x, y = y}, smooth = {x = x, y = smooth}})
  if self.suggestion then p:vline(self.suggestion, {name = "suggestion", dash = true}) end
  return p
end

local meta = result.class("lr_find", {table = shown, csv = table_of, notes = notes,
  picture = picture})

local M = {}

--- nn.lr_find(model, data, {loss, optimizer, low = 1e-6, high = 10, steps = 100, batch_size = 32})
---   -> result
--- Tries learning rates from `low` to `high` in one short run: the rate grows by the same factor
--- from batch to batch, `steps` of them, until the loss is four times its lowest.
--- `result.suggestion` is the rate at which the loss falls fastest (nil where it hardly falls),
--- `result.lowest` the one where it is lowest, which is already too large; `result.points` lists
--- lr, loss and smoothed loss. Prints, `:csv(path)`, `:plot(path)`. `optimizer`: one of nn.optim
--- made of the model's parameters, or nothing for Adam. A copy of model and optimizer is trained:
--- both, and all random streams, are left as they were.
--- Example:
---   local model = nn.Sequential{nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)}
---   local found = nn.lr_find(model, nn.data.digits(), {loss = nn.CrossEntropyLoss()})
---   print(found)
---   print(found.suggestion)
function M.lr_find(model, data, options)
  local _ <close> = workers.aside()
  local twin, twins, originals = copy.model("lr_find", model)
  result.check_data("lr_find", data, "the data")
  local o = util.options("lr_find", options, {
    loss = {"any"}, optimizer = {"any"}, low = {"number", 1e-6}, high = {"number", 10},
    steps = {"count", 100}, batch_size = {"count", 32},
  })
  evaluate.check_loss("lr_find", o.loss)
  if not (o.low > 0 and o.low < o.high) or o.steps < 10 then
    raise("lr_find: wants 0 < low < high and at least 10 steps, got low %g, high %g, steps %d",
      o.low,
      o.high, o.steps)
  end
  local opt = o.optimizer and copy.optimizer("lr_find", o.optimizer, twins, originals)
    or require "nn".optim.Adam(twins)
  if opt.lr == nil then raise("lr_find: %s has no learning rate", opt:_class()) end
  local points = test(twin, opt, data, o)
  if #points == 0 then raise("lr_find: the loss is not finite before the first step") end
  local best, least = steepest(points)
  local function rate(i) return points[math.max(1, i - LAG)].lr end
  return setmetatable({points = points, suggestion = best and rate(best), lowest = rate(least)},
    meta)
end

return M
