-- schedule.lua: nn.schedule, learning rates that change while training. Options have PyTorch's
-- names.
--
-- Most schedules say what the rate is after t steps, from the rate that the optimizer had when
-- they were made. A rate set by hand holds: the schedule goes on from it, in proportion. So two
-- schedules on one optimizer multiply.
local core = require "nn.core"
local util = require "nn.util"

local raise = util.raise
local kinds, schedule = {}, {}

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

-- ---- the shapes -------------------------------------------------------------------------------
-- options: as util.options reads them. check(o). rate(o, t, base): the rate after t steps.

kinds.Step = {
  options = {step_size = {"count"}, gamma = {"number", 0.1}},
  check = function(o)
    needs("Step", o, "step_size")
    within("Step", o, "gamma", 0, 1e6, "a number from 0")
  end,
  rate = function(o, t, base) return base * o.gamma ^ (t // o.step_size) end,
}

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

kinds.Cosine = {
  options = {T_max = {"count"}, eta_min = {"number", 0}},
  check = function(o)
    needs("Cosine", o, "T_max")
    within("Cosine", o, "eta_min", 0, 1e6, "a rate from 0")
  end,
  rate = function(o, t, base) return half_cosine(base, o.eta_min, t / o.T_max) end,
}

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

kinds.Polynomial = {
  options = {total_iters = {"count", 5}, power = {"number", 1}},
  check = function(o) within("Polynomial", o, "power", 0, 1e6, "a number from 0") end,
  rate = function(o, t, base)
    return base * (1 - math.min(t / o.total_iters, 1)) ^ o.power
  end,
}

kinds.InverseTime = {
  options = {decay = {"number"}},
  check = function(o)
    needs("InverseTime", o, "decay")
    within("InverseTime", o, "decay", 0, 1e9, "a number from 0")
  end,
  rate = function(o, t, base) return base / (1 + o.decay * t) end,
}

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

-- ---- the optimizer's rates --------------------------------------------------------------------

local function group_count(opt)
  return core.kind(opt) == "optimizer" and #opt:groups() or 1
end
local function get_rate(opt, g)
  if core.kind(opt) == "optimizer" then return opt:_get(g, "lr") end
  return opt.lr
end
local function set_rate(opt, g, lr)
  if core.kind(opt) == "optimizer" then opt:_set(g, "lr", lr) else opt.lr = lr end
end

local function check_optimizer(kind, opt)
  local fits = core.kind(opt) == "optimizer" or (type(opt) == "table" and opt.step)
  if not fits then
    raise("%s: the first argument must be an optimizer, got %s", kind, util.describe(opt))
  end
  if type(get_rate(opt, 1)) ~= "number" then
    raise("%s: this optimizer has no learning rate, 'lr'", kind)
  end
end

-- What was set by hand since the last step becomes a factor of all that comes.
local function notice(s)
  for g = 1, #s.base do
    local now, last = get_rate(s.optimizer, g), s.last[g]
    if last and now ~= last then
      if last > 0 then
        s.scale[g] = s.scale[g] * (now / last)
      else
        s.base[g], s.scale[g] = now, 1
      end
    end
  end
end

local function put(s, g, lr)
  set_rate(s.optimizer, g, lr)
  s.last[g] = lr
end

-- Sets the rates of step s.t.
local function apply(s)
  local spec = kinds[s.kind]
  for g = 1, #s.base do
    put(s, g, spec.rate(s.options, s.t, s.base[g], g, s) * s.scale[g])
  end
  if spec.also then spec.also(s, s.t) end
end

-- ---- warm-up ----------------------------------------------------------------------------------

local function warming(s, t)
  local start = s.options.start
  return start + (1 - start) * t / s.options.steps
end

kinds.Warmup = {
  options = {steps = {"count"}, start = {"number"}, after = {"any"}},
  check = function(o, opt)
    needs("Warmup", o, "steps")
    if o.start == nil then o.start = 1 / (o.steps + 1) end
    within("Warmup", o, "start", 0, 1, "a share of the rate, from 0 to 1")
    if o.after == nil then return end
    if not schedule.is(o.after) then refuse("Warmup", "after", "a schedule", o.after) end
    if o.after.optimizer ~= opt then
      raise("Warmup: the schedule 'after' it must be of the same optimizer")
    end
    if o.after.t > 0 then raise("Warmup: the schedule 'after' it has begun already") end
  end,
  rate = function(_, t, base, _, s)
    return t >= s.options.steps and base or base * warming(s, t)
  end,
  step = function(s, metric)
    local after = s.options.after
    if after and s.t > s.options.steps then return after:step(metric) end
    notice(s)
    apply(s)
  end,
  -- The rate k steps from now.
  ahead = function(s, g, k)
    local steps, after, t = s.options.steps, s.options.after, s.t + k
    if after and t > steps then return after:_ahead(g, t - steps - after.t) end
    return kinds.Warmup.rate(nil, t, s.base[g], g, s) * s.scale[g]
  end,
}

-- ---- on a plateau -----------------------------------------------------------------------------

local function metric_value(metric)
  if core.kind(metric) == "tensor" and metric:numel() == 1 then metric = metric:item() end
  if type(metric) ~= "number" then
    raise("ReduceOnPlateau: step wants the number that should improve, s:step(val_loss), got %s",
      util.describe(metric))
  end
  return metric
end

local function improves(o, value, best)
  local margin = o.threshold_mode == "rel" and o.threshold * math.abs(best) or o.threshold
  if best - best ~= 0 then margin = 0 end
  if o.mode == "min" then return value < best - margin end
  return value > best + margin
end

local function reduce(s)
  local o = s.options
  for g = 1, #s.base do
    local old = get_rate(s.optimizer, g)
    local low = type(o.min_lr) == "table" and o.min_lr[g] or o.min_lr
    local new = math.max(old * o.factor, low)
    if old - new > o.eps then put(s, g, new) end
  end
end

kinds.ReduceOnPlateau = {
  options = {
    mode = {"string", "min"}, factor = {"number", 0.1}, patience = {"index", 10},
    threshold = {"number", 1e-4}, threshold_mode = {"string", "rel"}, cooldown = {"index", 0},
    min_lr = {"any", 0}, eps = {"number", 1e-8}, monitor = {"string", "val_loss"},
  },
  check = function(o)
    local kind = "ReduceOnPlateau"
    if o.mode ~= "min" and o.mode ~= "max" then refuse(kind, "mode", '"min" or "max"', o.mode) end
    if o.threshold_mode ~= "rel" and o.threshold_mode ~= "abs" then
      refuse(kind, "threshold_mode", '"rel" or "abs"', o.threshold_mode)
    end
    if not (o.factor > 0 and o.factor < 1) then
      refuse(kind, "factor", "a number above 0 and below 1", o.factor)
    end
    within(kind, o, "threshold", 0, 1e9, "a number from 0")
    for _, low in ipairs(type(o.min_lr) == "table" and o.min_lr or {o.min_lr}) do
      if type(low) ~= "number" or low ~= low or low < 0 then
        refuse(kind, "min_lr", "a rate from 0, or a list of them", o.min_lr)
      end
    end
  end,
  rate = function(_, _, base) return base end,
  begin = function(s)
    s.best, s.bad, s.resting = s.options.mode == "min" and math.huge or -math.huge, 0, 0
    s.monitor = s.options.monitor
  end,
  step = function(s, metric)
    local o, value = s.options, metric
    if improves(o, value, s.best) then s.best, s.bad = value, 0 else s.bad = s.bad + 1 end
    if s.resting > 0 then s.resting, s.bad = s.resting - 1, 0 end
    if s.bad > o.patience then
      reduce(s)
      s.resting, s.bad = o.cooldown, 0
    end
  end,
  ahead = function(s, g) return get_rate(s.optimizer, g) end,
  kept = {"best", "bad", "resting"},
}

-- ---- what all have ----------------------------------------------------------------------------

local Schedule, meta = {}, {__name = "schedule"}

-- "epoch" or "batch": when fit should step it, now. A warm-up may count batches before epochs.
local function when(s)
  local after = s.kind == "Warmup" and s.options.after
  if after and s.t >= s.options.steps then return after.by end
  return s.options.by
end

function meta.__index(s, name)
  if name == "by" then return when(s) end
  return Schedule[name]
end

function schedule.is(v)
  return type(v) == "table" and getmetatable(v) == meta
end

local function check(s, name)
  if not schedule.is(s) then
    raise("%s: called on %s; it wants a schedule (call it with a colon, s:%s())", name,
      util.describe(s), name)
  end
end

-- One step on: after an epoch or a batch. `metric`: what ReduceOnPlateau watches.
function Schedule.step(s, metric)
  check(s, "step")
  local spec = kinds[s.kind]
  if s.kind == "ReduceOnPlateau" then metric = metric_value(metric) end
  s.t = s.t + 1
  if spec.step then return spec.step(s, metric) end
  notice(s)
  apply(s)
end

-- The rate of group g, k steps from now.
function Schedule._ahead(s, g, k)
  local spec = kinds[s.kind]
  if spec.ahead then return spec.ahead(s, g, k) end
  return spec.rate(s.options, s.t + k, s.base[g], g, s) * s.scale[g]
end

-- The next n rates of a group (1), the present one first.
function Schedule.rates(s, n, g)
  check(s, "rates")
  if math.type(n) ~= "integer" or n < 1 then
    raise("rates: expected how many, a whole number from 1, got %s", util.describe(n))
  end
  local list = {}
  for k = 0, n - 1 do list[k + 1] = s:_ahead(g or 1, k) end
  return list
end

local function copy(v)
  if type(v) ~= "table" then return v end
  local new = {}
  for key, value in pairs(v) do new[key] = copy(value) end
  return new
end

-- The options that a state can hold: no function, no other schedule.
local function plain_options(s)
  local plain = {}
  for name, value in pairs(s.options) do
    if name ~= "after" and name ~= "lr_lambda" then plain[name] = copy(value) end
  end
  return plain
end

-- All that it needs to go on, but for the function of Lambda.
function Schedule.state(s)
  check(s, "state")
  local state = {
    schedule = s.kind, t = s.t, base = copy(s.base), scale = copy(s.scale), last = copy(s.last),
    options = plain_options(s),
  }
  for _, name in ipairs(kinds[s.kind].kept or {}) do state[name] = s[name] end
  if s.options.after then state.after = s.options.after:state() end
  return state
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

local function text_of(v)
  if type(v) ~= "table" then return type(v) == "string" and ("%q"):format(v) or tostring(v) end
  local words = {}
  for i, x in ipairs(v) do words[i] = text_of(x) end
  return "{" .. table.concat(words, ", ") .. "}"
end

-- What does not fit, as a list of complaints.
local function differences(s, state, complaints)
  local function complain(...) complaints[#complaints + 1] = string.format(...) end
  if type(state) ~= "table" or state.schedule ~= s.kind then
    complain("schedule: %s, must be %q",
      util.describe(type(state) == "table" and state.schedule or state), s.kind)
    return complaints
  end
  if math.type(state.t) ~= "integer" or state.t < 0 then
    complain("t: %s, must be a whole number from 0", util.describe(state.t))
  end
  for _, name in ipairs {"base", "scale", "last"} do
    local list, fits = state[name], true
    for g = 1, #s.base do fits = fits and type(list) == "table" and type(list[g]) == "number" end
    if not fits or #list ~= #s.base then
      complain("%s: must be %d number%s, one a group", name, #s.base, #s.base == 1 and "" or "s")
    end
  end
  for _, name in ipairs(kinds[s.kind].kept or {}) do
    if type(state[name]) ~= "number" then complain("missing: %s", name) end
  end
  local mine, other = plain_options(s), type(state.options) == "table" and state.options or {}
  for _, name in ipairs(util.sorted_keys(mine)) do
    if not same(mine[name], other[name]) then
      complain("options.%s: %s, here it is %s", name, text_of(other[name]), text_of(mine[name]))
    end
  end
  if s.options.after then differences(s.options.after, state.after, complaints) end
  return complaints
end

local function take(s, state)
  s.t, s.base, s.scale, s.last = state.t, copy(state.base), copy(state.scale), copy(state.last)
  for _, name in ipairs(kinds[s.kind].kept or {}) do s[name] = state[name] end
  if s.options.after then take(s.options.after, state.after) end
end

-- Goes on from a state; the optimizer gets the rates that belong to it.
function Schedule.load_state(s, state)
  check(s, "load_state")
  local complaints = differences(s, state, {})
  if #complaints > 0 then
    raise("load_state: this state does not fit the schedule, which is unchanged:\n  %s",
      table.concat(complaints, "\n  "))
  end
  take(s, state)
  local inner = s
  if s.options.after and s.t > s.options.steps then inner = s.options.after end
  for g = 1, #s.base do set_rate(s.optimizer, g, inner.last[g]) end
  if kinds[inner.kind].also then kinds[inner.kind].also(inner, inner.t) end
  return s
end

function meta.__tostring(s)
  local words = {}
  for _, name in ipairs(util.sorted_keys(s.options)) do
    local value = s.options[name]
    if schedule.is(value) then
      value = tostring(value)
    elseif type(value) == "function" then
      value = "function"
    else
      value = text_of(value)
    end
    words[#words + 1] = name .. " = " .. value
  end
  return ("%s{%s}"):format(s.kind, table.concat(words, ", "))
end

-- ---- making them ------------------------------------------------------------------------------

local function new(kind, opt, given)
  local spec, known = kinds[kind], {by = {"string"}}
  for name, option in pairs(spec.options) do known[name] = option end
  check_optimizer(kind, opt)
  local o = util.options(kind, given, known)
  spec.check(o, opt)
  if o.by == nil then o.by = spec.by or (o.after and o.after.options.by) or "epoch" end
  if o.by ~= "epoch" and o.by ~= "batch" then refuse(kind, "by", '"epoch" or "batch"', o.by) end
  local s = setmetatable({kind = kind, optimizer = opt, options = o, t = 0}, meta)
  s.base, s.scale, s.last = {}, {}, {}
  for g = 1, group_count(opt) do s.base[g], s.scale[g] = get_rate(opt, g), 1 end
  if spec.begin then spec.begin(s) end
  apply(s)
  return s
end

for kind in pairs(kinds) do
  schedule[kind] = function(opt, options) return new(kind, opt, options) end
end

-- nn.schedule.plot(s, {steps = 60, height = 12, group = 1}): the coming rates as text.
function schedule.plot(s, options)
  check(s, "plot")
  local o = util.options("plot", options,
    {steps = {"count", 60}, height = {"count", 12}, group = {"count", 1}})
  if o.group > #s.base then refuse("plot", "group", "a group, 1.." .. #s.base, o.group) end
  local rates, top, width = s:rates(o.steps, o.group), 0, math.min(o.steps, 72)
  for _, lr in ipairs(rates) do top = math.max(top, lr) end
  local lines = {tostring(s)}
  for row = o.height, 1, -1 do
    local cells = {}
    for c = 1, width do
      local lr = rates[1 + (c - 1) * (o.steps - 1) // math.max(width - 1, 1)]
      cells[c] = top > 0 and lr / top * o.height >= row - 0.5 and "#" or " "
    end
    local mark = (row == o.height or row == 1) and ("%10.4g"):format(row == 1 and 0 or top)
      or (" "):rep(10)
    lines[#lines + 1] = (mark .. " |" .. table.concat(cells)):gsub("%s+$", "")
  end
  lines[#lines + 1] = (" "):rep(10) .. " +" .. ("-"):rep(width)
  lines[#lines + 1] = ("%12s%-" .. width .. "s"):format("",
    ("step %d .. %d, by %s"):format(s.t, s.t + o.steps - 1, s.by))
  lines[#lines] = lines[#lines]:gsub("%s+$", "")
  return table.concat(lines, "\n")
end

return schedule
