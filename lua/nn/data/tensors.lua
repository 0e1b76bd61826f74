-- tensors.lua: nn.data.tensors, a dataset from tensors or tables of numbers.
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local util = require "nn.util"

local raise = util.raise

-- A tensor stays what it is; tables of whole numbers become labels where those are expected.
local function to_tensor(v, name, labels)
  if core.kind(v) == "tensor" then return v end
  if type(v) ~= "table" then
    raise("tensors: %s must be a tensor or a table, got %s", name, util.describe(v))
  end
  if not labels or #v == 0 then return core.tensor(v) end
  for _, element in ipairs(v) do
    if math.type(element) ~= "integer" then return core.tensor(v) end
  end
  return core.tensor(v, {dtype = "int64"})
end

-- N values are N x 1: models and losses take and give columns.
local function as_column(t)
  return t:dim() == 1 and t:unsqueeze(2) or t
end

local function check_names(names, name, count, what)
  if names == nil then return end
  if type(names) ~= "table" then
    raise("tensors: '%s' must be a list of names, got %s", name, util.describe(names))
  end
  if count and #names ~= count then
    raise("tensors: '%s' has %d names for %d %s", name, #names, count, what)
  end
end

local function check_labels(y, classes)
  for row, label in ipairs(y:totable()) do
    if label < 1 or label > #classes then
      raise("tensors: y[%d] is %d, but there are %d classes and labels count from 1%s", row, label,
        #classes, label == 0 and "; labels = labels:add(1) mends it" or "")
    end
  end
end

-- nn.data.tensors(x, y, {classes, feature_names})
local function tensors(x, y, options)
  local o = util.options("tensors", options, {classes = {"table"}, feature_names = {"table"}})
  if y == nil then
    raise("tensors: y is missing; to learn x from x itself, give x twice")
  end
  x, y = as_column(to_tensor(x, "x")), to_tensor(y, "y", true)
  if x:dim() == 0 or y:dim() == 0 or x:size(1) ~= y:size(1) then
    raise("tensors: x and y must have a row for each sample, got %s and %s", util.shape(x),
      util.shape(y))
  end
  local labels = y:dim() == 1 and y:dtype() == "int64"
  if not labels then y = as_column(y) end
  check_names(o.classes, "classes")
  check_names(o.feature_names, "feature_names", x:dim() == 2 and x:size(2), "features")
  if o.classes and not labels then
    raise("tensors: 'classes' names labels, but y is %s; labels are N int64 numbers from 1",
      util.describe(y))
  end
  if o.classes then check_labels(y, o.classes) end
  return dataset.new {x = x, y = y, classes = o.classes, feature_names = o.feature_names}
end

return {tensors = tensors}
