-- dataset.lua: what every source of data returns: x and y, a row for each sample, and the names of
-- classes and features. Methods give new datasets and leave this one alone.
local core = require "nn.core"
local util = require "nn.util"

local raise = util.raise
local dataset = {}
local Dataset = {}

-- Not a field of the methods' table, so that it can be told what a dataset is.
local meta = {__index = Dataset, __name = "dataset"}

-- {x, y, classes, feature_names, held_out}
function dataset.new(fields)
  return setmetatable(fields, meta)
end

function dataset.is_dataset(v)
  return getmetatable(v) == meta
end

function dataset.check(v, owner, what)
  if dataset.is_dataset(v) then return v end
  raise("%s: %s must be a dataset, such as nn.data.tensors(x, y), got %s", owner, what,
    util.describe(v))
end

-- A dataset like `ds` with other x and y.
function dataset.like(ds, x, y)
  return dataset.new {
    x = x, y = y, classes = ds.classes, feature_names = ds.feature_names, held_out = ds.held_out,
  }
end

-- Whether y holds labels; else it holds targets.
function dataset.has_labels(ds)
  return ds.y:dtype() == "int64" and ds.y:dim() == 1
end

-- The rows with these indices, an int64 tensor.
function dataset.take(ds, indices)
  return dataset.like(ds, ds.x[indices], ds.y[indices])
end

function meta.__len(ds)
  return ds.x:size(1)
end

-- "1x8x8", a sample's shape.
local function sample_shape(t)
  local size = t:size()
  table.remove(size, 1)
  return #size == 0 and "1 number" or table.concat(size, "x")
end

function meta.__tostring(ds)
  local parts = {("dataset of %d samples: x %s %s"):format(#ds, ds.x:dtype(), sample_shape(ds.x))}
  if not dataset.has_labels(ds) then
    parts[2] = ("y %s %s"):format(ds.y:dtype(), sample_shape(ds.y))
  elseif ds.classes then
    parts[2] = ("%d classes (%s)"):format(#ds.classes, table.concat(ds.classes, ", "))
  else
    parts[2] = "labels"
  end
  if ds.held_out then parts[#parts + 1] = "held out" end
  return table.concat(parts, ", ")
end

-- ---- parts ------------------------------------------------------------------------------------

-- split{0.7, 0.15, 0.15, stratify =, ordered =, held_out =, seed =}
function Dataset:split(options)
  dataset.check(self, "split", "self")
  return require "nn.data.split"(self, options)
end

function Dataset:subset(indices)
  dataset.check(self, "subset", "self")
  if core.kind(indices) == "tensor" then
    if indices:dtype() ~= "int64" or indices:dim() ~= 1 then
      raise("subset: indices must be int64 and one-dimensional, got %s", util.describe(indices))
    end
    return dataset.take(self, indices)
  end
  if type(indices) ~= "table" then
    raise("subset: expected a list of row numbers, got %s", util.describe(indices))
  end
  for i, row in ipairs(indices) do
    if math.type(row) ~= "integer" or row == 0 or math.abs(row) > #self then
      raise("subset: index %d must be a row number in 1..%d, got %s", i, #self, util.describe(row))
    end
  end
  return dataset.take(self, core.tensor(indices, {dtype = "int64"}))
end

function Dataset:shuffle(seed)
  dataset.check(self, "shuffle", "self")
  if seed ~= nil and math.type(seed) ~= "integer" then
    raise("shuffle: the seed must be a whole number, got %s", util.describe(seed))
  end
  return dataset.take(self, core.randperm(#self, {stream = "shuffle", seed = seed}))
end

-- ---- joining ----------------------------------------------------------------------------------

local function same_names(a, b)
  if a == nil or b == nil then return a == b end
  return table.concat(a, "\0") == table.concat(b, "\0")
end

local function join(a, b, name)
  local same = a:dtype() == b:dtype() and a:dim() == b:dim()
  for d = 2, same and a:dim() or 0 do same = same and a:size(d) == b:size(d) end
  if not same then
    raise("concat: %s is %s here and %s there", name, util.describe(a), util.describe(b))
  end
  local size = a:size()
  size[1] = a:size(1) + b:size(1)
  local both = core.zeros(size, {dtype = a:dtype()})
  both:narrow(1, 1, a:size(1)):copy_(a)
  both:narrow(1, a:size(1) + 1, b:size(1)):copy_(b)
  return both
end

function Dataset:concat(other)
  dataset.check(self, "concat", "self")
  dataset.check(other, "concat", "what is added")
  for _, name in ipairs {"classes", "feature_names"} do
    if not same_names(self[name], other[name]) then
      raise("concat: the two datasets have different %s", name)
    end
  end
  local both = dataset.like(self, join(self.x, other.x, "x"), join(self.y, other.y, "y"))
  both.held_out = self.held_out or other.held_out
  return both
end

-- ---- batches ----------------------------------------------------------------------------------

-- for x, y in ds:batches{size = 32, shuffle = true, drop_last = false} do ... end
function Dataset:batches(options)
  dataset.check(self, "batches", "self")
  local o = util.options("batches", options, {
    size = {"count", 32}, shuffle = {"boolean", true}, drop_last = {"boolean", false},
  })
  local x, y, n, size = self.x, self.y, #self, o.size
  local order = o.shuffle and core.randperm(n, {stream = "shuffle"})
  local stop = o.drop_last and n - n % size or n
  local first = 1
  return function()
    if first > stop then return nil end
    local count = math.min(size, stop - first + 1)
    local from = first
    first = first + count
    if order then
      local rows = order:narrow(1, from, count)
      return x[rows], y[rows]
    end
    -- Copies, or a script that changes its batch would change the dataset.
    return x:narrow(1, from, count):clone(), y:narrow(1, from, count):clone()
  end
end

return dataset
