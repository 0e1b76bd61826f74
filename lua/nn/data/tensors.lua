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

-- A list of texts as labels: by `classes`, or in the order of their bytes.
local function of_texts(list, classes)
  local names, place, labels = classes or {}, {}, {}
  if not classes then
    local seen = {}
    for _, text in ipairs(list) do seen[text] = true end
    names = util.sorted_keys(seen)
  end
  for label, name in ipairs(names) do place[name] = label end
  for i, text in ipairs(list) do
    labels[i] = place[text]
    if type(text) ~= "string" then
      raise("tensors: y[1] is a text, so all of y must be, but y[%d] is %s", i, util.describe(text))
    end
    if not labels[i] then
      local near = util.nearest(text, names)
      raise("tensors: y[%d] is %q, which is not in 'classes'%s", i, text,
        near and (" (did you mean %q?)"):format(near) or "")
    end
  end
  return core.tensor(labels, {dtype = "int64"}), names
end

local function check_labels(y, classes)
  local wrong = (y:lt(1) | y:gt(#classes)):nonzero()
  if #wrong == 0 then return end
  local row = wrong[1][1]
  raise("tensors: y[%d] is %d, but there are %d classes and labels count from 1%s", row, y[row],
    #classes, y[row] == 0 and "; labels = labels:add(1) mends it" or "")
end

local function read_weight(v, n)
  if v == nil then return nil end
  local ok, w = true, v
  if type(v) == "table" then ok, w = pcall(core.tensor, v) end
  if not ok or core.kind(w) ~= "tensor" or w:dim() ~= 1 or w:size(1) ~= n then
    raise("tensors: 'weight' must be a list of %d numbers, one for each sample, got %s", n,
      core.kind(w) == "tensor" and util.describe(w) or util.describe(v))
  end
  if not w:dtype():find "^float" then w = w:to(core.zeros(1):dtype()) end
  local wrong = (w:ge(0) & w:isfinite()):eq(0):nonzero()
  if #wrong > 0 then
    local row = wrong[1][1]
    raise("tensors: weight[%d] must be a finite number from 0, got %s", row, tostring(w[row]))
  end
  return w
end

--- nn.data.tensors(x, y, {classes, feature_names, weight}) -> dataset
--- A dataset of tensors (which are taken as they are, not copied) or tables of numbers, a row for
--- each sample. x of N numbers becomes N x 1. y of N whole numbers (int64, or a table of integers)
--- is labels, counted from 1, and so is a table of N texts, which name the classes (in the order of
--- `classes`, or sorted); other numbers are targets, N of them as N x 1. `classes`: the labels'
--- names. `feature_names`: of the columns of an N x features x. `weight`: how much each sample
--- counts, N numbers from 0.
--- Example:
---   local ds = nn.data.tensors({{1, 2}, {3, 4}, {5, 6}}, {1, 2, 1}, {classes = {"no", "yes"}})
---   print(ds)
local function tensors(x, y, options)
  local o = util.options("tensors", options, {classes = {"table"}, feature_names = {"table"},
    weight = {"any"}})
  if y == nil then
    raise("tensors: y is missing; to learn x from x itself, give x twice")
  end
  if type(y) == "table" and type(y[1]) == "string" then
    check_names(o.classes, "classes")
    y, o.classes = of_texts(y, o.classes)
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
  return dataset.new {
    x = x:contiguous(), y = y:contiguous(), classes = o.classes, feature_names = o.feature_names,
    weight = read_weight(o.weight, x:size(1)),
  }
end

return {tensors = tensors}
