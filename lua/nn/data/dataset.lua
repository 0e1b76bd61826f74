-- dataset.lua: what every source of data returns: x and y, a row for each sample, and the names of
-- classes and features. Methods give new datasets and leave this one alone.
--
-- What other files of ours use: dataset.new, is_dataset, check, like, take, has_labels, and
-- dataset.batch, which gives a batch as training wants it: augmented, with its weights.
local core = require "nn.core"
local registry = require "nn.files.registry"
local util = require "nn.util"

local raise = util.raise
local gather = core.rows.gather
local dataset = {}
local Dataset = {}

-- The held-out mark is shared by everything that is made of a held-out dataset, so that `opened`
-- counts however the data were transformed.
local function mark(ds, seal)
  rawset(ds, "held_out", true)
  rawset(ds, "seal", seal or {opened = 0})
end

local meta = {__name = "dataset"}

function meta.__index(ds, key)
  local method = Dataset[key]
  if method ~= nil then return method end
  local seal = key == "opened" and rawget(ds, "seal")
  return seal and seal.opened or nil
end

function meta.__newindex(ds, key, value)
  if key == "held_out" and value then
    mark(ds)
  elseif key == "opened" and rawget(ds, "seal") then
    ds.seal.opened = value
  else
    rawset(ds, key, value)
  end
end

-- {x, y, classes, feature_names, weight, held_out, augmentation}
function dataset.new(fields)
  local seal = fields.held_out and (fields.seal or {opened = 0})
  local ds = setmetatable(fields, meta)
  if seal then mark(ds, seal) end
  return ds
end

--- nn.data.is_dataset(v) -> boolean
--- Whether v is a dataset.
--- Example:
---   print(nn.data.is_dataset(nn.data.line()), nn.data.is_dataset {}) --> true false
function dataset.is_dataset(v)
  return getmetatable(v) == meta
end

-- Scripts may assign fields: those that everything here relies on are looked at again.
local function check_fields(ds, owner)
  local x, y, w = rawget(ds, "x"), rawget(ds, "y"), rawget(ds, "weight")
  for _, name in ipairs {"x", "y"} do
    local t = rawget(ds, name)
    if core.kind(t) ~= "tensor" or t:dim() == 0 then
      raise("%s: the dataset's %s must be a tensor with a row for each sample, got %s", owner, name,
        util.describe(t))
    end
  end
  if x:size(1) ~= y:size(1) then
    raise("%s: the dataset's x and y must have a row for each sample, got %s and %s", owner,
      util.shape(x), util.shape(y))
  end
  if w ~= nil and (core.kind(w) ~= "tensor" or w:dim() ~= 1 or w:size(1) ~= x:size(1)) then
    raise("%s: the dataset's weight must hold a number for each of the %d samples, got %s", owner,
      x:size(1), util.describe(w))
  end
end

function dataset.check(v, owner, what)
  if not dataset.is_dataset(v) then
    raise("%s: %s must be a dataset, such as nn.data.tensors(x, y), got %s", owner, what,
      util.describe(v))
  end
  check_fields(v, owner)
  return v
end

-- A dataset like `ds` with other x, y and (nil: no) weights.
function dataset.like(ds, x, y, weight)
  return dataset.new {
    x = x, y = y, weight = weight, classes = ds.classes, feature_names = ds.feature_names,
    held_out = ds.held_out, seal = ds.seal, augmentation = ds.augmentation,
  }
end

-- Whether y holds labels; else it holds targets.
function dataset.has_labels(ds)
  return ds.y:dtype() == "int64" and ds.y:dim() == 1
end

-- The rows with these indices, an int64 tensor, copied.
function dataset.take(ds, indices, owner)
  owner = owner or "dataset"
  return dataset.like(ds, gather(owner, ds.x, indices), gather(owner, ds.y, indices),
    ds.weight and gather(owner, ds.weight, indices))
end

-- Samples first .. first + count - 1 of `order` (a list of row numbers in int64, or nil: as they
-- come) for training: x, y and, where the dataset has them, the samples' weights (else nil). All
-- three are copies, made in C from pooled memory; x is augmented where the dataset says so.
function dataset.batch(ds, order, first, count)
  local x = gather("batch", ds.x, order, first, count)
  if ds.augmentation then core.rows.augment(x, ds.augmentation) end
  return x, gather("batch", ds.y, order, first, count),
    ds.weight and gather("batch", ds.weight, order, first, count)
end

function meta.__len(ds)
  local x = rawget(ds, "x")
  return core.kind(x) == "tensor" and x:dim() > 0 and x:size(1) or 0
end

-- "1x8x8", a sample's shape.
local function sample_shape(t)
  local size = t:size()
  table.remove(size, 1)
  return #size == 0 and "1 number" or table.concat(size, "x")
end

local MOST_NAMES = 12

function dataset.class_list(classes)
  local names = {}
  for i = 1, math.min(#classes, MOST_NAMES) do names[i] = tostring(classes[i]) end
  local rest = #classes > MOST_NAMES and ", ..." or ""
  return table.concat(names, ", ") .. rest
end

function meta.__tostring(ds)
  if not pcall(check_fields, ds, "tostring") then return "dataset without x and y that fit" end
  local samples = #ds == 1 and "1 sample" or #ds .. " samples"
  local parts = {("dataset of %s: x %s %s"):format(samples, ds.x:dtype(), sample_shape(ds.x))}
  if not dataset.has_labels(ds) then
    parts[2] = ("y %s %s"):format(ds.y:dtype(), sample_shape(ds.y))
  elseif type(ds.classes) == "table" then
    parts[2] = ("%d classes (%s)"):format(#ds.classes, dataset.class_list(ds.classes))
  else
    parts[2] = "labels"
  end
  if ds.weight then parts[#parts + 1] = "weights" end
  if ds.augmentation then
    parts[#parts + 1] = require "nn.data.augment".describe(ds.augmentation)
  end
  if ds.held_out then
    local times = ds.opened == 1 and "once" or ("%s times"):format(ds.opened)
    parts[#parts + 1] = ds.opened == 0 and "held out" or "held out, opened " .. times
  end
  return table.concat(parts, ", ")
end

-- ---- parts ------------------------------------------------------------------------------------

local function indices_of(ds, indices)
  if core.kind(indices) == "tensor" then
    local dtype, dim = indices:dtype(), indices:dim()
    if dtype == "uint8" and dim == 1 and indices:size(1) == #ds then
      return indices:nonzero():reshape(-1)
    end
    if dtype == "int64" and dim == 1 then return indices:contiguous() end
    raise("subset: expected row numbers (int64, one dimension) or a mask of %d, got %s", #ds,
      util.describe(indices))
  end
  if type(indices) ~= "table" then
    raise("subset: expected a list of row numbers, got %s", util.describe(indices))
  end
  for i, row in ipairs(indices) do
    if math.type(row) ~= "integer" or row == 0 or math.abs(row) > #ds then
      raise("subset: index %d must be a row number in 1..%d, got %s", i, #ds, util.describe(row))
    end
  end
  if #indices == 0 then return core.zeros({0}, {dtype = "int64"}) end
  return core.tensor(indices, {dtype = "int64"})
end

--- dataset:subset(indices) -> dataset
--- The rows that `indices` names, in that order, copied: a list or int64 tensor of row numbers from
--- 1 (negative: from the end; a row may be named twice), or a mask, such as ds.y:eq(3).
--- Example:
---   local ds = nn.data.digits()
---   print(ds:subset {1, 2, -1}, ds:subset(ds.y:eq(3)))
function Dataset:subset(indices)
  dataset.check(self, "subset", "self")
  return dataset.take(self, indices_of(self, indices), "subset")
end

local function check_seed(seed, owner)
  if seed ~= nil and math.type(seed) ~= "integer" then
    raise("%s: the seed must be a whole number, got %s", owner, util.describe(seed))
  end
  return seed
end

--- dataset:shuffle(seed) -> dataset
--- The rows in a random order, drawn from the stream of shuffles (nn.seed) or, where a seed is
--- given, from that alone.
--- Example:
---   print(nn.data.line():shuffle(1).x:reshape(-1))
function Dataset:shuffle(seed)
  dataset.check(self, "shuffle", "self")
  check_seed(seed, "shuffle")
  return dataset.take(self, core.randperm(#self, {stream = "shuffle", seed = seed}))
end

-- ---- joining ----------------------------------------------------------------------------------

local function same_names(a, b)
  if a == nil or b == nil then return a == b end
  if #a ~= #b then return false end
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return true
end

local function join(a, b, name)
  local same = a:dtype() == b:dtype() and a:dim() == b:dim()
  for d = 2, same and a:dim() or 0 do same = same and a:size(d) == b:size(d) end
  if not same then
    raise("concat: %s is %s here and %s there", name, util.describe(a), util.describe(b))
  end
  return core.cat({a, b}, 1)
end

local function weights_of(ds, other)
  local dtype = (ds.weight or other.weight):dtype()
  return (ds.weight or core.ones({#ds}, {dtype = dtype})):to(dtype)
end

--- dataset:concat(other) -> dataset
--- The rows of both, first these. Classes, names of features and the shapes of rows must be the
--- same. Where only one has weights, the samples of the other weigh 1. Held out if one of them is.
--- Example:
---   local a, b = nn.data.line():split {0.5, 0.5}
---   print(a:concat(b))
function Dataset:concat(other)
  dataset.check(self, "concat", "self")
  dataset.check(other, "concat", "what is added")
  for _, name in ipairs {"classes", "feature_names"} do
    if not same_names(self[name], other[name]) then
      raise("concat: the two datasets have different %s", name)
    end
  end
  local weight = (self.weight or other.weight)
    and join(weights_of(self, other), weights_of(other, self), "weight")
  local both = dataset.like(self, join(self.x, other.x, "x"), join(self.y, other.y, "y"), weight)
  if other.held_out and not both.held_out then mark(both, other.seal) end
  return both
end

--- dataset:duplicates(other) -> rows, rows of other
--- The rows of x that stand in `other` too, as int64 tensors of row numbers: #rows of them; the
--- second tensor says for each where `other` has it (the first place). Without `other`: the rows
--- that stood earlier in this dataset, and where. Test rows that the training part has as well make
--- every result look better than it is. Equal means every number of x equal (0 and -0 are, NaN is
--- to NaN); y is not compared. Rows are hashed in C, and every match is verified.
--- Example:
---   local ds = nn.data.digits()
---   local train, test = ds:split {0.8, 0.2}
---   local rows = test:duplicates(train)
---   print(#rows .. " digits of the test part stand in the training part")
function Dataset:duplicates(other)
  dataset.check(self, "duplicates", "self")
  if other ~= nil then
    dataset.check(other, "duplicates", "the other side")
    local same = self.x:dtype() == other.x:dtype() and self.x:dim() == other.x:dim()
    for d = 2, same and self.x:dim() or 0 do same = same and self.x:size(d) == other.x:size(d) end
    if not same then
      raise("duplicates: rows can only be compared with rows like them, but x is %s here and %s "
        .. "there", util.describe(self.x), util.describe(other.x))
    end
  end
  local place = core.rows.match(self.x:detach():contiguous(),
    other and other.x:detach():contiguous())
  local rows = place:ne(0):nonzero():reshape(-1)
  return rows, place[rows]
end

-- ---- row by row -------------------------------------------------------------------------------

--- dataset:map(f) -> dataset
--- A new dataset of what f makes of each row, once: `x, y = f(x, y)`. f gets a copy of the sample
--- (a tensor) and its label or target (a label as a number); it returns tensors, numbers or tables
--- of numbers, all of one shape. Without a second result y stays what it is. Class names stay where
--- y stays labels, names of features where their number stays the same.
--- Example:
---   local ds = nn.data.line():map(function(x, y) return {x[1], x[1] ^ 2}, y end)
---   print(ds)
function Dataset:map(f)
  dataset.check(self, "map", "self")
  return require "nn.data.from".map(self, f)
end

--- dataset:augment{shift, flip, rotate, scale, noise, cutout, fill = 0} -> dataset
--- The same images, changed at random anew in every batch of nn.fit and dataset:batches, never in
--- nn.evaluate or the validation of a fit. x is N x channels x height x width, floating. In this
--- order: `flip`: true (or "horizontal"), "vertical" or "both": mirrored, each way with probability
--- 1/2; `scale`: larger or smaller by a factor from 1 - scale to 1 + scale, or from a range {0.8,
--- 1.1}; `rotate`: turned about the centre by up to so many degrees to either side; `shift`: moved
--- by up to so many pixels to each side, sideways and up and down ({2, 0}: sideways alone); a whole
--- number moves by whole pixels; `noise`: normal noise of that standard deviation added to each
--- pixel (not cut off at 0 and 1); `cutout`: a square of so many pixels a side, centred anywhere on
--- the image, is set to `fill`, as is what comes in from outside the image. All amounts are uniform
--- in their range. Between pixels the interpolation is bilinear; pixels are points, the centre is
--- ((width - 1) / 2, (height - 1) / 2). The draws have a stream of their own: shuffles and dropout
--- masks stay what they are without it. `augment{}` takes the changes away again.
--- Example:
---   local train = nn.data.digits():augment {shift = 1, rotate = 10, noise = 0.05}
---   for x, y in train:batches {size = 4} do print(x[1][1]) break end
function Dataset:augment(options)
  dataset.check(self, "augment", "self")
  local settings = require "nn.data.augment".settings(self, options)
  local ds = dataset.like(self, self.x, self.y, self.weight)
  ds.augmentation = settings
  return ds
end

--- dataset:describe() -> description
--- What the data are like: a table that prints as one, with the fields `samples`, `shape` (of a
--- sample), `features` (a list of {name, min, max, mean, std, missing, infinite}, a channel each
--- for images), `classes` (a list of {name, count, share}, where y holds labels), `targets` (as
--- features, where it does not), `missing` (NaN in x), `warnings` (a list of texts: inputs unscaled
--- or constant, numbers missing, classes scarce or absent).
--- Example:
---   local d = nn.data.digits():describe()
---   print(d)
---   print(d.classes[1].name, d.classes[1].share)
function Dataset:describe()
  dataset.check(self, "describe", "self")
  return require "nn.data.describe"(self)
end

for _, name in ipairs {"split", "kfold"} do
  Dataset[name] = function(self, ...)
    dataset.check(self, name, "self")
    return require "nn.data.split"[name](self, ...)
  end
end

-- ---- batches ----------------------------------------------------------------------------------

--- dataset:batches{size = 32, shuffle = true, drop_last = false, seed} -> iterator of x, y, weight
--- All samples once, `size` at a time: `for x, y in ds:batches{size = 32} do`. The order is drawn
--- from the stream of shuffles, or from `seed` alone; `shuffle = false`: as they come. The last
--- batch is smaller where the size does not divide the number, or left out with `drop_last`. Where
--- the dataset has weights, the third value holds the batch's. All are copies and the script's to
--- keep.
--- Example:
---   for x, y in nn.data.digits():batches {size = 600} do print(#x, y[1]) end
function Dataset:batches(options)
  dataset.check(self, "batches", "self")
  local o = util.options("batches", options, {
    size = {"count", 32}, shuffle = {"boolean", true}, drop_last = {"boolean", false},
    seed = {"integer"},
  })
  if o.seed and not o.shuffle then raise("batches: a seed without shuffle has nothing to do") end
  local n, size = #self, o.size
  local order = o.shuffle and core.randperm(n, {stream = "shuffle", seed = o.seed}) or nil
  local last, at = o.drop_last and n - n % size or n, 0
  return function()
    if at >= last then return nil end
    local first, count = at + 1, math.min(size, last - at)
    at = at + count
    return dataset.batch(self, order, first, count)
  end
end

-- ---- in files ---------------------------------------------------------------------------------

local function save(ds)
  check_fields(ds, "save")
  local names = {}
  for _, key in ipairs {"classes", "feature_names", "augmentation"} do names[key] = ds[key] end
  return {
    x = ds.x, y = ds.y, weight = ds.weight, names = names,
    opened = ds.held_out and (ds.opened or 0) or nil,
  }
end

local function load(state)
  local o = util.options("dataset", state, {
    x = {"any"}, y = {"any"}, weight = {"any"}, names = {"table"}, opened = {"index"},
  })
  local names = util.options("dataset", o.names, {
    classes = {"table"}, feature_names = {"table"}, augmentation = {"table"},
  })
  local ds = require "nn.data.tensors".tensors(o.x, o.y, {
    classes = names.classes, feature_names = names.feature_names, weight = o.weight,
  })
  if names.augmentation then
    ds.augmentation = require "nn.data.augment".check(ds, names.augmentation)
  end
  if o.opened then mark(ds, {opened = o.opened}) end
  return ds
end

registry.add("dataset", meta, save, load)

return dataset
