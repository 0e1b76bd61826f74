-- schedule.lua: nn.schedule, learning rates that change while training. Options have PyTorch's
-- names.
--
-- Most schedules say what the rate is after t steps, from the rate that the optimizer had when
-- they were made. A rate set by hand holds: the schedule goes on from it, in proportion. So two
-- schedules on one optimizer multiply.
local core = require "nn.core"
local registry = require "nn.files.registry"
local shapes = require "nn.schedule.shapes"
local util = require "nn.util"

local raise, refuse, within, needs = util.raise, shapes.refuse, shapes.within, shapes.needs
local kinds, schedule = shapes.kinds, {}

-- ---- the optimizer's rates --------------------------------------------------------------------

local function group_count(opt)
  return core.kind(opt) == "optimizer" and #opt:groups() or 1
end
-- Methods are called as functions here: looking one up costs as much as what these do.
local kind_of, get, set = core.kind, core.methods.optimizer._get, core.methods.optimizer._set
local function get_rate(opt, g)
  if kind_of(opt) == "optimizer" then return get(opt, g, "lr") end
  return opt.lr
end
local function set_rate(opt, g, lr)
  if kind_of(opt) == "optimizer" then set(opt, g, "lr", lr) else opt.lr = lr end
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

--- nn.schedule.Warmup(optimizer, {steps, start, after, by = "epoch"}) -> schedule
--- From `start` of the base rate (1 / (steps + 1) unless given) up to it in so many steps, then the
--- schedule `after`, of the same optimizer, if there is one.
--- Example:
---   local opt = nn.optim.SGD({nn.ones(1):requires_grad_()}, {lr = 1})
---   local s = nn.schedule.Warmup(opt, {steps = 3})
---   for _ = 1, 4 do s:step() print(opt.lr) end
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

--- nn.schedule.ReduceOnPlateau(optimizer, {mode = "min", factor = 0.1, patience = 10, threshold =
--- 1e-4, threshold_mode = "rel",
--- cooldown = 0, min_lr = 0, eps = 1e-8, monitor = "val_loss", by = "epoch"}) -> schedule
--- Multiplies the rate by factor when the metric has not improved for more than `patience` steps;
--- nn.fit gives it the column `monitor` of the history, else s:step(metric).
--- Example:
---   local opt = nn.optim.SGD({nn.ones(1):requires_grad_()}, {lr = 1})
---   local s = nn.schedule.ReduceOnPlateau(opt, {patience = 1})
---   for _ = 1, 4 do s:step(1) print(opt.lr) end
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

--- nn.schedule.is(value) -> boolean
--- Whether a value is a schedule.
--- Example:
---   print(nn.schedule.is(3))
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
    if type(state) == "table" then state = state.schedule end
    complain("schedule: %s, must be %q", util.describe(state), s.kind)
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

-- ---- in files ---------------------------------------------------------------------------------

local function save(s)
  return {optimizer = s.optimizer, options = s.options, state = s:state()}
end

-- Making a schedule sets the optimizer's rates; they go back to what they were when it was saved.
local function load(saved)
  local known = {optimizer = {"any"}, options = {"table"}, state = {"table"}}
  local o = util.options("schedule", saved, known)
  local kind, opt, after = o.state and o.state.schedule, o.optimizer, o.options and o.options.after
  if type(kind) ~= "string" or not rawget(kinds, kind) or core.kind(opt) ~= "optimizer" then
    raise("schedule: expected the kind of a schedule and its optimizer, got %s and %s",
      util.describe(kind), util.describe(opt))
  end
  local rates = {}
  for g, group in ipairs(opt:groups()) do
    rates[g] = {}
    for name, value in pairs(group) do rates[g][name] = name ~= "params" and value or nil end
  end
  if schedule.is(after) then after.t = 0 end -- its own state comes back with this one's
  local s = new(kind, opt, o.options):load_state(o.state)
  for g, options in ipairs(rates) do opt:_options(g, options, true) end
  return s
end

registry.add("schedule", meta, save, load)

for kind in pairs(kinds) do
  schedule[kind] = function(opt, options) return new(kind, opt, options) end
end

--- nn.schedule.plot(s, {steps = 60, group = 1, title, ylog, out}) -> picture
--- Draws the coming learning rates of a schedule, or of several, {name = schedule}, without taking
--- a step: in the terminal, or into the file `out` (.svg, .png, .pdf). `group`: of which group.
--- Example:
---   local opt = nn.optim.SGD({nn.zeros(2, {requires_grad = true})}, {lr = 0.1})
---   nn.schedule.plot(nn.schedule.Cosine(opt, {T_max = 50}))
function schedule.plot(s, options)
  local list = schedule.is(s) and {s} or type(s) == "table" and s or {}
  local o = util.options("plot", options, {steps = {"count", 60}, group = {"count", 1},
    title = {"string"}, ylog = {"boolean"}, out = {"string"}})
  local lines, first = {}, nil
  for _, name in ipairs(util.sorted_keys(list)) do
    local one = list[name]
    check(one, "plot")
    first = first or one
    if o.group > #one.base then refuse("plot", "group", "a group, 1.." .. #one.base, o.group) end
    local steps = {}
    for k = 1, o.steps do steps[k] = one.t + k - 1 end
    lines[tostring(name)] = {x = steps, y = one:rates(o.steps, o.group)}
  end
  if not first then check(s, "plot") end
  local data = schedule.is(s) and lines["1"] or lines
  return require "nn.plot".line(data, {
    title = o.title or (schedule.is(s) and tostring(s)) or nil, ylabel = "learning rate",
    xlabel = first.by, ylog = o.ylog, out = o.out,
  })
end

return schedule
