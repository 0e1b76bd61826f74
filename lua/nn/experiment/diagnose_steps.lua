-- experiment/diagnose_steps.lua: what nn.diagnose finds out by taking steps with copies of the
-- model and its optimizer: how far a step moves the weights, what some of them do to the loss, and,
-- for gradient descent, the rate against the curvature.
--
-- On a quadratic with largest curvature L gradient descent converges for lr < 2 / L, with momentum
-- b for lr < 2 (1 + b) / L. L is found by power iteration; the Hessian times v is the difference of
-- the gradients at w + e v and w - e v, over 2 e.
local copy = require "nn.experiment.copy"
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local evaluate = require "nn.evaluate"
local history = require "nn.history"
local module = require "nn.module"
local optimizers = require "nn.experiment.optimizers"

local M = {}

local ROUNDS, SETTLED = 20, 0.01 -- of the power iteration
local STEPS = 30                 -- that are taken
local WORSE, DUST = 1.5, 0.02    -- a loss so many times that before, and more than dust, is worse
local HOPELESS = 4               -- times the limit: no luck helps
local IDLE = 1e-5                -- a step of that share of the weights does nothing
local ALIVE = 1e-3               -- gradients above that share of the weights want steps

local text = history.text

-- ---- gradients of a batch ---------------------------------------------------------------------

-- Forward and backward; the loss as a number.
local function pass(c, model, x, y, w)
  for _, t in ipairs(module.Module.parameters(model)) do t:zero_grad() end
  local out = evaluate.answer("diagnose", model, x)
  local l = w and core.kind(c.loss) == "loss" and core.weighted_loss(c.loss, out, y, w)
    or c.loss(out, y, w)
  local value = history.number(l, "diagnose", "the loss")
  if value - value == 0 and core.kind(l) == "tensor" and l.requires_grad then l:backward() end
  return value
end
M.pass = pass

local function gradients(params)
  local list = {}
  for i, t in ipairs(params) do list[i] = t.grad and t.grad:clone() or t:zeros_like() end
  return list
end

local function length(list)
  local sum = 0
  for _, t in ipairs(list) do sum = sum + t:to("float64"):square():sum():item() end
  return math.sqrt(sum)
end

-- ---- the largest curvature --------------------------------------------------------------------

local function move(params, start, direction, step)
  core.no_grad(function()
    for i, t in ipairs(params) do t:copy_(start[i] + direction[i] * step) end
  end)
end

-- The Hessian of the sample's loss times v, a list of tensors of length 1.
local function hessian_times(c, params, start, v, step)
  move(params, start, v, step)
  pass(c, c.probe, c.x, c.y, c.w)
  local there = gradients(params)
  move(params, start, v, -step)
  pass(c, c.probe, c.x, c.y, c.w)
  for i, g in ipairs(gradients(params)) do there[i] = (there[i] - g) / (2 * step) end
  return there
end

-- The largest eigenvalue by size; nil where it is not to be had.
function M.curvature(c)
  local params = module.Module.parameters(c.probe)
  local start, v = {}, {}
  for i, t in ipairs(params) do
    start[i], v[i] = t:detach():clone(), core.randn(t:size()):to(t:dtype())
  end
  local _ <close> = module.mode(c.probe, false)
  local step, value = 1e-3 * math.max(length(start), 1e-3), nil
  if params[1]:dtype() == "float32" then step = 3 * step end
  local size = length(v)
  for _ = 1, ROUNDS do
    if not (size > 0 and size < math.huge) then break end
    for i, t in ipairs(v) do v[i] = t / size end
    local hv = hessian_times(c, params, start, v, step)
    local before
    before, value = value, 0
    for i, t in ipairs(hv) do value = value + (t * v[i]):to("float64"):sum():item() end
    v, size = hv, length(hv)
    if before and math.abs(value - before) < SETTLED * math.abs(value) then break end
  end
  move(params, start, start, 0)
  return value and value - value == 0 and math.abs(value) or nil
end

-- ---- steps ------------------------------------------------------------------------------------

local function weights(rows)
  local list = {}
  for i, row in ipairs(rows) do list[i] = row.tensor:detach():clone() end
  return list
end

local function note_ratios(c, before)
  for i, row in ipairs(c.rows) do
    local size = length {before[i]}
    local moved = length {row.tensor:detach() - before[i]}
    row.ratio = size > 0 and moved / size or nil
    if row.ratio then c.ratio = math.max(c.ratio or 0, row.ratio) end
  end
end

-- The loss of the sample, in evaluation mode.
local function sample_loss(c)
  local _ <close> = module.mode(c.twin, false)
  return core.no_grad(pass, c, c.twin, c.x, c.y, c.w)
end

-- Takes some steps, fewer where a loss is not finite; returns that it was.
local function take_steps(c)
  local before = weights(c.rows)
  local _ <close> = module.mode(c.twin, true)
  c.steps = 0
  while c.steps < STEPS do
    for x, y, w in c.data:batches {size = math.min(c.batch_size, #c.data)} do
      local first
      local function closure()
        c.opt:zero_grad()
        local value = pass(c, c.twin, x, y, w)
        first = first or value
        return value
      end
      if optimizers.needs_closure(c.opt) then
        c.opt:step(closure)
      else
        closure()
        if first - first == 0 then c.opt:step() end
      end
      c.steps = c.steps + 1
      if c.steps == 1 then note_ratios(c, before) end
      if first - first ~= 0 then return false end
      if c.steps >= STEPS then break end
    end
  end
  return true
end

-- ---- the rate ---------------------------------------------------------------------------------

-- What nn.lr_find says, within what the curvature allows.
local function cure(c)
  local found = require "nn.experiment.lr_find".lr_find(c.model, c.data, {loss = c.loss,
    optimizer = c.given, batch_size = math.min(c.batch_size, #c.data), low = 1e-5})
  local rate = found.suggestion
  if c.limit then
    rate = math.max(c.limit / 10, math.min(rate or 0, c.limit / 2))
  end
  return rate and ("optimizer.lr = %.1g"):format(rate)
    or "nn.lr_find(model, train, {loss = loss, optimizer = optimizer})"
end

-- For gradient descent, the limit of the rate.
local function limit_of(c)
  local class = c.opt:_class()
  if class ~= "SGD" and class ~= "Nesterov" then return nil end
  c.curvature = M.curvature(c)
  if not c.curvature or c.curvature <= 0 then return nil end
  local momentum = class == "SGD" and not c.opt.nesterov and c.opt.momentum or 0
  c.limit = 2 * (1 + momentum) / c.curvature
  return c.limit
end

local function against_limit(c)
  if not c.limit then return "" end
  return ("; with a largest curvature of %s steps are stable up to about %s"):format(
    text(c.curvature), text(c.limit))
end

local function told(c, first, last)
  return ("lr = %g: the loss goes from %s to %s in %d steps, the first of which moves the weights "
    .. "by %s of their size"):format(c.opt.lr, text(first), text(last), c.steps, text(c.ratio or 0))
end

local function relative_gradient(c)
  local most = 0
  for _, row in ipairs(c.rows) do
    if row.weight > 0 then most = math.max(most, row.gradient / row.weight) end
  end
  return most
end

-- About the loss of an answer that has learnt nothing.
local function naive_loss(c)
  if dataset.has_labels(c.data) then return math.log(math.max(2, c.y:max():item())) end
  return c.y:to("float64"):var():item()
end

-- Takes the steps and judges the rate by them. c.rows hold the twin's weights.
function M.rate(c, add)
  c.opt = copy.optimizer("diagnose", c.given, c.twins, c.originals)
  if c.opt.lr == nil then return end
  local limit = limit_of(c)
  local lr, gradient = c.opt.lr, relative_gradient(c)
  local first, finite = sample_loss(c), take_steps(c)
  local last = finite and sample_loss(c) or 0 / 0
  local worse = last ~= last or last > WORSE * first + DUST * naive_loss(c)
  local beyond = limit and (lr > HOPELESS * limit or lr > limit and last >= first)
  if worse or beyond then
    add("learning rate too high", "optimizer", told(c, first, last) .. against_limit(c), cure(c))
  elseif (c.ratio or 1) < IDLE and gradient > ALIVE then
    add("learning rate too low", "optimizer", told(c, first, last) .. against_limit(c), cure(c))
  end
end

return M
