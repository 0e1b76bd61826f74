-- experiment/race.lua: nn.race: optimizers on a function of two variables, all from one point.
local core = require "nn.core"
local optimizers = require "nn.experiment.optimizers"
local result = require "nn.experiment.result"
local util = require "nn.util"
local workers = require "nn.experiment.workers"

local raise = util.raise

local NEAR = 1e-3 -- how far above its minimum a function may be to count as there

-- ---- the function -----------------------------------------------------------------------------

local function is_callable(f)
  return type(f) == "function" or (getmetatable(f) or {}).__call ~= nil
end

-- Its value as a tensor.
local function value_of(f, w)
  local v = f(w[1], w[2])
  if core.kind(v) == "tensor" and v:numel() == 1 then return v:reshape {} end
  raise("race: f(x, y) of two tensors without dimensions must return one, got %s",
    util.describe(v))
end

local function height(f, x, y)
  local v = f(x, y)
  return core.kind(v) == "tensor" and v:item() or v
end

-- The minima as a list of points, and the lowest value that is known.
local function minima_of(f)
  local m = type(f) == "table" and f.minimum or nil
  if not m then return {} end
  local list = type(m[1]) == "table" and m or {m}
  return list, height(f, list[1][1], list[1][2])
end

local function check_start(start)
  local x, y = (start or {})[1], (start or {})[2]
  if type(start) ~= "table" or #start ~= 2 or not result.is_finite(x)
    or not result.is_finite(y) then
    raise("race: option 'start' is two numbers, {x, y}, got %s", util.describe(start))
  end
  return {x + 0.0, y + 0.0}
end

-- ---- one racer --------------------------------------------------------------------------------

local function run(f, make, start, steps)
  local w = core.tensor(start, {dtype = "float64", requires_grad = true})
  local opt = make({w})
  local path, diverged = {{w[1]:item(), w[2]:item()}}, nil
  local function closure()
    opt:zero_grad()
    local v = value_of(f, w)
    if v.requires_grad then v:backward() end
    return v:item()
  end
  for i = 1, steps do
    if optimizers.needs_closure(opt) then
      opt:step(closure)
    else
      closure()
      opt:step()
    end
    local x, y = w[1]:item(), w[2]:item()
    path[#path + 1] = {x, y}
    if x - x ~= 0 or y - y ~= 0 then
      diverged = i
      break
    end
  end
  return core.tensor(path, {dtype = "float64"}), diverged, tostring(opt)
end

-- How it went, as a record of the table.
local function judge(self, name)
  local path, f = self.paths[name]:totable(), self.f
  local last = path[#path]
  local record = {optimizer = name, x = last[1], y = last[2], f = height(f, last[1], last[2])}
  local minima, lowest = minima_of(f)
  if lowest then
    for i, p in ipairs(path) do
      local v = height(f, p[1], p[2])
      if v - lowest > NEAR or v ~= v then
        record.reached = nil
      elseif not record.reached then
        record.reached = i - 1
      end
    end
    record.distance = math.huge
    for _, m in ipairs(minima) do
      local d = math.sqrt((last[1] - m[1]) ^ 2 + (last[2] - m[2]) ^ 2)
      record.distance = math.min(record.distance, d == d and d or math.huge)
    end
  end
  if self.diverged[name] then record.note = "diverged at step " .. self.diverged[name] end
  return record
end

-- ---- the result -------------------------------------------------------------------------------

local function table_of(self)
  local columns = {"optimizer", "f", "x", "y"}
  if #minima_of(self.f) > 0 then columns = {"optimizer", "reached", "f", "distance", "x", "y"} end
  for _, record in ipairs(self.records) do
    if record.note then columns[#columns + 1] = "note" break end
  end
  return columns, self.records
end

local function title(self)
  return ("%d steps from (%g, %g)%s"):format(self.steps, self.start[1], self.start[2],
    type(self.f) == "table" and self.f.text and " on " .. self.f.text or "")
end

local function notes(self)
  if #minima_of(self.f) == 0 then return {} end
  return {("reached: the step from which f stays within %g of the minimum"):format(NEAR)}
end

-- The part of the plane that is drawn: the option, the function's own, or where the paths go.
local function ranges(self)
  local r = self.range or (type(self.f) == "table" and self.f.range) or nil
  if r then
    if type(r[1]) == "table" then return r[1], r[2] end
    return {r[1], r[2]}, {r[3] or r[1], r[4] or r[2]}
  end
  local low, high = {math.huge, math.huge}, {-math.huge, -math.huge}
  for _, path in pairs(self.paths) do
    for _, p in ipairs(path:totable()) do
      for d = 1, 2 do
        if p[d] - p[d] == 0 and math.abs(p[d] - self.start[d]) < 1e3 then
          low[d], high[d] = math.min(low[d], p[d]), math.max(high[d], p[d])
        end
      end
    end
  end
  for d = 1, 2 do
    local room = 0.15 * (high[d] - low[d]) + 0.1
    low[d], high[d] = low[d] - room, high[d] + room
  end
  return {low[1], high[1]}, {low[2], high[2]}
end

-- f of two numbers, for the contours.
local function numbers_of(f)
  return function(x, y) return height(f, x, y) end
end

local function picture_options(self, options)
  local xrange, yrange = ranges(self)
  local o = {xrange = xrange, yrange = yrange, legend = self.names,
    minimum = type(self.f) == "table" and self.f.minimum or nil,
    title = type(self.f) == "table" and self.f.name or nil}
  for name, v in pairs(options or {}) do o[name] = v end
  return o
end

local methods = {}

--- race:animate(path, {title, width, height, seconds = 8})
--- Writes the race as an animation: one SVG that browsers play, every optimizer a ball that runs
--- along its path and draws its trail.
--- Example:
---   local race = nn.race{f = nn.functions.saddle, start = {1, 1e-3}, steps = 60,
---     optimizers = {SGD = {lr = 0.05}, Adam = {lr = 0.05}}}
---   local path = os.tmpname() .. ".svg"
---   race:animate(path)
---   os.remove(path)
function methods.animate(self, path, options)
  local o = util.options("animate", options, {title = {"string"}, width = {"count"},
    height = {"count"}, seconds = {"number"}})
  require "nn.plot.animate".save("animate", path, numbers_of(self.f), self.paths,
    picture_options(self, o))
end

local meta = result.class("race", {
  table = table_of, title = title, notes = notes, methods = methods,
  picture = function(self, options)
    return require "nn.plot.paths".picture("plot", numbers_of(self.f), self.paths,
      picture_options(self, options))
  end,
})

local M = {}

--- nn.race{f, start, optimizers, steps = 100, range} -> result
--- Lets optimizers run on f(x, y) from one point, in float64, and keeps their ways:
--- `result.paths[name]` is an n x 2 tensor, the start first. `f`: one of nn.functions, or a
--- function of two tensors without dimensions. `optimizers`: `name = function(params) return
--- nn.optim.X(params, {...}) end`, `name = {lr = 0.1}` where the name is one of nn.optim, `name =
--- {"SGD", lr = 0.1, momentum = 0.9}` for others, or a list of names, with their defaults. The
--- table says where each was after `steps`, f there, and, where f.minimum is known, the distance to
--- it and the step from which f stayed within 0.001 of it. What leaves the finite numbers ends
--- there (`result.diverged[name]` is the step). `:plot(path)` draws the ways over the contours
--- (`range`: {{x0, x1}, {y0, y1}}, left out: f.range, or where the ways go); `:animate(path)` moves
--- them; `:csv(path)` writes the table. Random streams are left as they were.
--- Example:
---   local race = nn.race{f = nn.functions.valley, start = {-9, 3}, steps = 80, optimizers = {
---     SGD = {lr = 0.4}, momentum = {"SGD", lr = 0.1, momentum = 0.9}, Adam = {lr = 0.5},
---   }}
---   print(race)
---   race:plot()
function M.race(options)
  local o = util.options("race", options, {f = {"any"}, start = {"any"}, optimizers = {"any"},
    steps = {"count", 100}, range = {"table"}})
  if not is_callable(o.f) then
    raise("race: option 'f' must be a function f(x, y), such as nn.functions.beale, got %s",
      util.describe(o.f))
  end
  local names, makers = optimizers.read("race", o.optimizers)
  local self = {f = o.f, start = check_start(o.start), steps = o.steps, range = o.range,
    paths = {}, diverged = {}, names = names, records = {}}
  for i, name in ipairs(names) do
    local _ <close> = workers.aside()
    self.paths[name], self.diverged[name] = run(o.f, makers[name], self.start, o.steps)
    self.records[i] = judge(self, name)
  end
  return setmetatable(self, meta)
end

return M
