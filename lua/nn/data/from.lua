-- from.lua: datasets made row by row by a function: nn.data.from and dataset:map.
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local tensors = require "nn.data.tensors".tensors
local util = require "nn.util"

local raise = util.raise
local from = {}

-- What a function returned for one row, as a tensor; `labels`: whole numbers are int64.
local function to_row(v, what, labels)
  if core.kind(v) == "tensor" then return v:detach() end
  if type(v) == "number" then
    return core.tensor(v, labels and math.type(v) == "integer" and {dtype = "int64"} or nil)
  end
  if type(v) == "table" then
    local ok, t = pcall(core.tensor, v)
    if ok then return t end
  end
  raise("%s must be a number, a tensor or a table of numbers, got %s", what, util.describe(v))
end

-- Rows of one shape, written into a tensor that is made when the first is there.
local function writer(owner, name, n, labels)
  local all, first
  local w = {}
  function w.put(row, v)
    local t = to_row(v, ("%s: %s of row %d"):format(owner, name, row), labels)
    if not all then
      local size = t:size()
      table.insert(size, 1, n)
      all, first = core.zeros(size, {dtype = t:dtype()}), t
    elseif not util.same_shape(t, first) or t:dtype() ~= first:dtype() then
      raise("%s: %s of row %d is %s, but that of the first row is %s", owner, name, row,
        util.describe(t), util.describe(first))
    end
    all[row] = t
  end
  function w.all() return all end
  return w
end

--- nn.data.from(f, n, {classes, feature_names}) -> dataset
--- A dataset of n rows that a function makes: `x, y = f(i)` for i = 1..n, each called once, now. x
--- and y are numbers, tensors or tables of numbers, of one shape for all rows; whole numbers as y
--- are labels, counted from 1, as in nn.data.tensors.
--- Example:
---   local ds = nn.data.from(function(i) return i / 10, math.sin(i / 10) end, 60)
---   print(ds)
function from.from(f, n, options)
  local o = util.options("from", options, {classes = {"table"}, feature_names = {"table"}})
  if type(f) ~= "function" then
    raise("from: expected a function that returns x and y of row i, got %s", util.describe(f))
  end
  local rows = type(n) == "number" and math.tointeger(n)
  if not rows or rows < 1 then
    raise("from: the number of rows must be a whole number from 1, got %s", util.describe(n))
  end
  local x, y = writer("from", "x", rows), writer("from", "y", rows, true)
  for row = 1, rows do
    local sample, target = f(row)
    x.put(row, sample)
    y.put(row, target)
  end
  return tensors(x.all(), y.all(), o)
end

-- A row as f gets it: a copy, or the number of a label.
local function row_of(t, row, labels)
  if labels then return t[row] end
  return t:select(1, row):clone():detach()
end

local function check_labels(y, classes)
  local wrong = (y:lt(1) | y:gt(#classes)):nonzero()
  if #wrong == 0 then return end
  local row = wrong[1][1]
  raise("map: y of row %d is %d, but there are %d classes", row, y[row], #classes)
end

-- dataset:map(f); the methods' file documents it.
function from.map(ds, f)
  if type(f) ~= "function" then
    raise("map: expected a function of x and y that returns new ones, got %s", util.describe(f))
  end
  local n, labels = #ds, dataset.has_labels(ds)
  if n == 0 then return dataset.like(ds, ds.x, ds.y, ds.weight) end
  local x, y, kept = writer("map", "x", n), writer("map", "y", n, labels), nil
  for row = 1, n do
    local sample, target = f(row_of(ds.x, row), row_of(ds.y, row, labels))
    x.put(row, sample)
    if row == 1 then kept = target == nil end
    if not kept then y.put(row, target) end
  end
  local new_x, new_y = x.all(), kept and ds.y or y.all()
  if new_x:dim() == 1 then new_x = new_x:unsqueeze(2) end
  if new_y:dim() == 1 and new_y:dtype() ~= "int64" then new_y = new_y:unsqueeze(2) end
  local result = dataset.like(ds, new_x, new_y, ds.weight)
  if not dataset.has_labels(result) then result.classes = nil end
  if result.classes then check_labels(new_y, result.classes) end
  if new_x:dim() ~= ds.x:dim() or new_x:dim() == 2 and new_x:size(2) ~= ds.x:size(2) then
    result.feature_names = nil
  end
  if new_x:dim() ~= 4 then result.augmentation = nil end
  return result
end

return from
