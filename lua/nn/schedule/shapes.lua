-- schedule/shapes.lua: the schedules that a formula gives: the rate after t steps from the rate at
-- the start.
--   options        as util.options reads them
--   check(o)       raises where they make no sense
--   rate(o, t, base, g)  the rate of group g after t steps
--   also(s, t)     what changes beside the rate
--   by             how fit steps it by default, where that is not by epoch
local core = require "nn.core"
local util = require "nn.util"

local raise = util.raise
local kinds = {}

local function refuse(kind, name, expected, got)
  raise("%s: option '%s' must be %s, got %s", kind, name, expected, util.describe(got))
end

local function within(kind, o, name, low, high, expected)
  if not (o[name] >= low and o[name] <= high) then refuse(kind, name, expected, o[name]) end
end

local function needs(kind, o, ...)
  for _, name in ipairs {...} do
    if o[name] == nil then raise("%s: option '%s' is missing", kind, name) end
  end
end

--- nn.schedule.Step(optimizer, {step_size, gamma = 0.1, by = "epoch"}) -> schedule
--- lr = base gamma^(t // step_size): divided by ten, say, every step_size epochs. All schedules:
--- s:step()
--- after each epoch (nn.fit does it; after each batch with by = "batch"); state, load_state.
--- Example:
---   local opt = nn.optim.SGD({nn.ones(1):requires_grad_()}, {lr = 1})
---   local s = nn.schedule.Step(opt, {step_size = 2})
---   for _ = 1, 4 do s:step() print(opt.lr) end
kinds.Step = {
  options = {step_size = {"count"}, gamma = {"number", 0.1}},
  check = function(o)
    needs("Step", o, "step_size")
    within("Step", o, "gamma", 0, 1e6, "a number from 0")
  end,
  rate = function(o, t, base) return base * o.gamma ^ (t // o.step_size) end,
}

--- nn.schedule.MultiStep(optimizer, {milestones, gamma = 0.1, by = "epoch"}) -> schedule
--- Multiplies the rate by gamma at each of the milestones, a list of rising epochs.
--- Example:
---   local opt = nn.optim.SGD({nn.ones(1):requires_grad_()}, {lr = 1})
---   local s = nn.schedule.MultiStep(opt, {milestones = {1, 3}})
---   for _ = 1, 4 do s:step() print(opt.lr) end
kinds.MultiStep = {
  options = {milestones = {"table"}, gamma = {"number", 0.1}},
  check = function(o)
    needs("MultiStep", o, "milestones")
    within("MultiStep", o, "gamma", 0, 1e6, "a number from 0")
    for i, m in ipairs(o.milestones) do
      if math.type(m) ~= "integer" or m < 0 or (i > 1 and m < o.milestones[i - 1]) then
        refuse("MultiStep", "milestones", "a list of rising whole numbers", m)
      end
    end
  end,
  rate = function(o, t, base)
    local passed = 0
    for _, m in ipairs(o.milestones) do passed = passed + (m <= t and 1 or 0) end
    return base * o.gamma ^ passed
  end,
}

--- nn.schedule.Exponential(optimizer, {gamma, by = "epoch"}) -> schedule
--- lr = base gamma^t.
--- Example:
---   local opt = nn.optim.SGD({nn.ones(1):requires_grad_()}, {lr = 1})
---   local s = nn.schedule.Exponential(opt, {gamma = 0.9})
---   for _ = 1, 4 do s:step() print(opt.lr) end
kinds.Exponential = {
  options = {gamma = {"number"}},
  check = function(o)
    needs("Exponential", o, "gamma")
    within("Exponential", o, "gamma", 0, 1e6, "a number from 0")
  end,
  rate = function(o, t, base) return base * o.gamma ^ t end,
}

local function half_cosine(from, to, share)
  return to + (from - to) * (1 + math.cos(math.pi * share)) / 2
end

--- nn.schedule.Cosine(optimizer, {T_max, eta_min = 0, by = "epoch"}) -> schedule
--- Half a cosine from the base rate to eta_min in T_max epochs. Loshchilov and Hutter, 2016.
--- Example:
---   local opt = nn.optim.SGD({nn.ones(1):requires_grad_()}, {lr = 1})
---   local s = nn.schedule.Cosine(opt, {T_max = 4})
---   for _ = 1, 4 do s:step() print(opt.lr) end
kinds.Cosine = {
  options = {T_max = {"count"}, eta_min = {"number", 0}},
  check = function(o)
    needs("Cosine", o, "T_max")
    within("Cosine", o, "eta_min", 0, 1e6, "a rate from 0")
  end,
  rate = function(o, t, base) return half_cosine(base, o.eta_min, t / o.T_max) end,
}

--- nn.schedule.CosineRestarts(optimizer, {T_0, T_mult = 1, eta_min = 0, by = "epoch"}) -> schedule
--- Half a cosine of T_0 epochs, then from the top again, each time T_mult times as long.
--- Loshchilov and
--- Hutter, 2016 (SGDR).
--- Example:
---   local opt = nn.optim.SGD({nn.ones(1):requires_grad_()}, {lr = 1})
---   local s = nn.schedule.CosineRestarts(opt, {T_0 = 2})
---   for _ = 1, 4 do s:step() print(opt.lr) end
kinds.CosineRestarts = {
  options = {T_0 = {"count"}, T_mult = {"count", 1}, eta_min = {"number", 0}},
  check = function(o)
    needs("CosineRestarts", o, "T_0")
    within("CosineRestarts", o, "eta_min", 0, 1e6, "a rate from 0")
  end,
  rate = function(o, t, base)
    local length = o.T_0
    if o.T_mult == 1 then t = t % length end
    while t >= length do t, length = t - length, length * o.T_mult end
    return half_cosine(base, o.eta_min, t / length)
  end,
}

--- nn.schedule.Linear(optimizer, {start_factor = 1/3, end_factor = 1, total_iters = 5, by =
--- "epoch"}) -> schedule
--- From start_factor to end_factor of the base rate along a straight line of total_iters epochs.
--- Example:
---   local opt = nn.optim.SGD({nn.ones(1):requires_grad_()}, {lr = 1})
---   local s = nn.schedule.Linear(opt, {total_iters = 4})
---   for _ = 1, 4 do s:step() print(opt.lr) end
kinds.Linear = {
  options = {
    start_factor = {"number", 1 / 3}, end_factor = {"number", 1}, total_iters = {"count", 5},
  },
  check = function(o)
    within("Linear", o, "start_factor", 1e-300, 1, "a number above 0, to 1")
    within("Linear", o, "end_factor", 0, 1, "a number from 0 to 1")
  end,
  rate = function(o, t, base)
    local share = math.min(t / o.total_iters, 1)
    return base * (o.start_factor + (o.end_factor - o.start_factor) * share)
  end,
}

--- nn.schedule.Polynomial(optimizer, {total_iters = 5, power = 1, by = "epoch"}) -> schedule
--- lr = base (1 - t / total_iters)^power, 0 afterwards.
--- Example:
---   local opt = nn.optim.SGD({nn.ones(1):requires_grad_()}, {lr = 1})
---   local s = nn.schedule.Polynomial(opt, {total_iters = 4})
---   for _ = 1, 4 do s:step() print(opt.lr) end
kinds.Polynomial = {
  options = {total_iters = {"count", 5}, power = {"number", 1}},
  check = function(o) within("Polynomial", o, "power", 0, 1e6, "a number from 0") end,
  rate = function(o, t, base)
    return base * (1 - math.min(t / o.total_iters, 1)) ^ o.power
  end,
}

--- nn.schedule.InverseTime(optimizer, {decay, by = "epoch"}) -> schedule
--- lr = base / (1 + decay t).
--- Example:
---   local opt = nn.optim.SGD({nn.ones(1):requires_grad_()}, {lr = 1})
---   local s = nn.schedule.InverseTime(opt, {decay = 1})
---   for _ = 1, 4 do s:step() print(opt.lr) end
kinds.InverseTime = {
  options = {decay = {"number"}},
  check = function(o)
    needs("InverseTime", o, "decay")
    within("InverseTime", o, "decay", 0, 1e9, "a number from 0")
  end,
  rate = function(o, t, base) return base / (1 + o.decay * t) end,
}

--- nn.schedule.Lambda(optimizer, {lr_lambda, by = "epoch"}) -> schedule
--- lr = base lr_lambda(t); a list of functions has one for each group.
--- Example:
---   local opt = nn.optim.SGD({nn.ones(1):requires_grad_()}, {lr = 1})
---   local s = nn.schedule.Lambda(opt, {lr_lambda = function(t) return 0.5 ^ t end})
---   for _ = 1, 4 do s:step() print(opt.lr) end
kinds.Lambda = {
  options = {lr_lambda = {"any"}},
  check = function(o)
    local f = o.lr_lambda
    needs("Lambda", o, "lr_lambda")
    if type(f) ~= "function" and type(f) ~= "table" then
      refuse("Lambda", "lr_lambda", "a function of the step, or a list of them", f)
    end
  end,
  rate = function(o, t, base, g)
    local f = o.lr_lambda
    if type(f) == "table" then f = f[g] end
    if f == nil then raise("Lambda: option 'lr_lambda' has no function for group %d", g) end
    local factor = f(t)
    if type(factor) ~= "number" or factor - factor ~= 0 or factor < 0 then
      raise("Lambda: the function must return a number from 0, by which the rate is multiplied; "
        .. "at step %d it returned %s", t, util.describe(factor))
    end
    return base * factor
  end,
}

-- ---- one cycle --------------------------------------------------------------------------------

local function one_cycle_length(o)
  local total = o.total_steps
  if not total then
    if not (o.epochs and o.steps_per_epoch) then
      raise("OneCycle: option 'total_steps' is missing (or 'epochs' with 'steps_per_epoch')")
    end
    total = o.epochs * o.steps_per_epoch
  end
  return total
end

-- Where in the cycle: the ends of the phases, in steps, and what each goes from and to.
local function one_cycle(o, t, first, top, last)
  local total = one_cycle_length(o)
  local phases
  if o.three_phase then
    local up = o.pct_start * total - 1
    phases = {{up, first, top}, {2 * o.pct_start * total - 2, top, first}, {total - 1, first, last}}
  else
    phases = {{o.pct_start * total - 1, first, top}, {total - 1, top, last}}
  end
  local begin = 0
  t = math.min(t, total - 1)
  for i, phase in ipairs(phases) do
    local stop, from, to = table.unpack(phase)
    if t <= stop or i == #phases then
      local share = stop > begin and (t - begin) / (stop - begin) or 1
      if o.anneal_strategy == "linear" then return from + (to - from) * share end
      return half_cosine(from, to, share)
    end
    begin = stop
  end
end

kinds.OneCycle = {
  by = "batch",
  options = {
    max_lr = {"number"}, total_steps = {"count"}, epochs = {"count"}, steps_per_epoch = {"count"},
    pct_start = {"number", 0.3}, anneal_strategy = {"string", "cos"},
    cycle_momentum = {"boolean", true}, base_momentum = {"number", 0.85},
    max_momentum = {"number", 0.95}, div_factor = {"number", 25},
    final_div_factor = {"number", 1e4}, three_phase = {"boolean", false},
  },
  check = function(o)
    needs("OneCycle", o, "max_lr")
    one_cycle_length(o)
    within("OneCycle", o, "max_lr", 0, 1e6, "a rate from 0")
    within("OneCycle", o, "pct_start", 0, 1, "a number from 0 to 1")
    within("OneCycle", o, "base_momentum", 0, 0.999999, "a number from 0, below 1")
    within("OneCycle", o, "max_momentum", 0, 0.999999, "a number from 0, below 1")
    within("OneCycle", o, "div_factor", 1e-9, 1e300, "a number above 0")
    within("OneCycle", o, "final_div_factor", 1e-9, 1e300, "a number above 0")
    if o.anneal_strategy ~= "cos" and o.anneal_strategy ~= "linear" then
      refuse("OneCycle", "anneal_strategy", '"cos" or "linear"', o.anneal_strategy)
    end
  end,
  rate = function(o, t)
    local first = o.max_lr / o.div_factor
    return one_cycle(o, t, first, o.max_lr, first / o.final_div_factor)
  end,
  -- The momentum goes down while the rate goes up.
  also = function(s, t)
    local o, opt = s.options, s.optimizer
    if not o.cycle_momentum or core.kind(opt) ~= "optimizer" then return end
    local m = one_cycle(o, t, o.max_momentum, o.base_momentum, o.max_momentum)
    for g = 1, #s.base do
      local betas = opt:_get(g, "betas")
      if betas then
        opt:_set(g, "betas", {m, betas[2]})
      elseif opt:_get(g, "momentum") then
        opt:_set(g, "momentum", m)
      end
    end
  end,
}

return {kinds = kinds, refuse = refuse, within = within, needs = needs}
