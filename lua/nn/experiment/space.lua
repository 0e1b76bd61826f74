-- experiment/space.lua: what a search chooses from: nn.uniform, nn.log_uniform, nn.int, nn.choice.
-- Each maps [0, 1) to its values, so that methods draw, compare and store plain numbers.
local util = require "nn.util"
local workers = require "nn.experiment.workers"

local raise = util.raise
local space = {}
local meta = {__name = "range"}

local function text_of(v)
  return type(v) == "string" and ("%q"):format(v) or tostring(v)
end

function meta.__tostring(self)
  if self.kind ~= "choice" then
    return ("nn.%s(%.14g, %.14g)"):format(self.kind, self.low, self.high)
  end
  local texts = {}
  for i, v in ipairs(self.values) do texts[i] = text_of(v) end
  return "nn.choice{" .. table.concat(texts, ", ") .. "}"
end

local function bounds(name, low, high)
  for _, v in ipairs {low or false, high or false} do
    if type(v) ~= "number" or v - v ~= 0 then
      raise("%s: expected two numbers, %s(low, high), got %s", name, name, util.describe(v or nil))
    end
  end
  if low >= high then
    raise("%s: the first number must be below the second, got %g and %g", name, low, high)
  end
end

--- nn.uniform(low, high) -> range
--- For the `space` of nn.search: any number from low to high, all equally likely.
--- Example:
---   print(nn.uniform(0.2, 0.5))
function space.uniform(low, high)
  bounds("uniform", low, high)
  return setmetatable({kind = "uniform", low = low, high = high}, meta)
end

--- nn.log_uniform(low, high) -> range
--- For the `space` of nn.search: a number from low to high, above 0, each power of ten equally
--- likely: for learning rates, penalties, and what else is found by its size.
--- Example:
---   print(nn.log_uniform(1e-4, 1))
function space.log_uniform(low, high)
  bounds("log_uniform", low, high)
  if low <= 0 then raise("log_uniform: both numbers must be above 0, got %g", low) end
  return setmetatable({kind = "log_uniform", low = low, high = high}, meta)
end

--- nn.int(low, high) -> range
--- For the `space` of nn.search: a whole number from low to high, both included.
--- Example:
---   print(nn.int(1, 4))
function space.int(low, high)
  bounds("int", low, high)
  local a, b = math.tointeger(low), math.tointeger(high)
  if not a or not b then raise("int: expected whole numbers, got %g and %g", low, high) end
  return setmetatable({kind = "int", low = a, high = b}, meta)
end

--- nn.choice{value, value, ...} -> range
--- For the `space` of nn.search: one of a list of values of any kind.
--- Example:
---   print(nn.choice{16, 32, 64})
function space.choice(values)
  if type(values) ~= "table" or getmetatable(values) or #values == 0 then
    raise("choice: expected a list of values, as in choice{16, 32, 64}, got %s",
      util.describe(values))
  end
  local list = table.move(values, 1, #values, 1, {})
  return setmetatable({kind = "choice", values = list, low = 1, high = #list}, meta)
end

-- The value at u in [0, 1).
local function value_of(range, u)
  if range.kind == "uniform" then return range.low + u * (range.high - range.low) end
  if range.kind == "log_uniform" then
    return math.exp(math.log(range.low) + u * (math.log(range.high) - math.log(range.low)))
  end
  local i = math.min(range.low + math.floor(u * (range.high - range.low + 1)), range.high)
  return range.kind == "int" and i or range.values[i]
end

-- Ranges by name, and what is fixed: {names (sorted), ranges, fixed}.
function space.read(owner, given)
  if type(given) ~= "table" or getmetatable(given) or next(given) == nil then
    raise("%s: option 'space' is a table of ranges, such as {lr = nn.log_uniform(1e-4, 1)}, got %s",
      owner, util.describe(given))
  end
  local self = {names = {}, ranges = {}, fixed = {}}
  for _, name in ipairs(util.sorted_keys(given)) do
    if type(name) ~= "string" then
      raise("%s: what is searched for has a name, got %s at [%s]", owner,
        util.describe(given[name]), tostring(name))
    end
    if getmetatable(given[name]) == meta then
      self.names[#self.names + 1], self.ranges[name] = name, given[name]
    else
      self.fixed[name] = given[name]
    end
  end
  if #self.names == 0 then raise("%s: the space has no range, nothing to search for", owner) end
  return self
end

-- A number in [0, 1): the k-th of a trial.
local function draw(seed, trial, k)
  return workers.seed_of(workers.seed_of(seed, trial), k) / 2 ^ 53
end
space.draw = draw

-- A point of the unit cube, drawn for that trial.
function space.random(self, seed, trial)
  local point = {}
  for k, name in ipairs(self.names) do point[name] = draw(seed, trial, k) end
  return point
end

-- The values at a point.
function space.params(self, point)
  local params = {}
  for name, v in pairs(self.fixed) do params[name] = v end
  for _, name in ipairs(self.names) do params[name] = value_of(self.ranges[name], point[name]) end
  return params
end

-- ---- grids ------------------------------------------------------------------------------------

-- How many places a range has on a grid; `points` where it has no number of its own.
local function places(range, points)
  if range.kind == "uniform" or range.kind == "log_uniform" then return points end
  return range.kind == "choice" and range.high or math.min(range.high - range.low + 1, points)
end

function space.grid_size(self, points)
  local size = 1
  for _, name in ipairs(self.names) do size = size * places(self.ranges[name], points) end
  return size
end

-- The i-th point of the grid; the last name varies fastest. Ranges are taken at both ends too.
function space.grid_point(self, points, i)
  local point, rest = {}, i - 1
  for k = #self.names, 1, -1 do
    local range = self.ranges[self.names[k]]
    local n = places(range, points)
    local at = rest % n
    rest = rest // n
    local ends = range.kind == "uniform" or range.kind == "log_uniform"
      or n < range.high - range.low + 1
    if ends then
      point[self.names[k]] = n > 1 and math.min(at / (n - 1), 1 - 2 ^ -53) or 0.5
    else
      point[self.names[k]] = (at + 0.5) / n
    end
  end
  return point
end

-- What a file of results must agree with.
function space.text(self)
  local texts = {}
  for i, name in ipairs(self.names) do texts[i] = name .. " = " .. tostring(self.ranges[name]) end
  return table.concat(texts, ", ")
end

return space
