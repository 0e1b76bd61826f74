-- transform.lua: what the transforms of data share: made by a constructor, they learn from the
-- training part with fit, then change datasets or tensors of samples, and may take the change back.
--
-- A kind is a table: `name`; `read(options)`, its options checked; `learn(self, x, train)`, which
-- returns a table of what is learned (tensors and numbers, `sample`: the shape of a sample) and
-- keeps nothing; `apply(fitted, x)` and `invert(fitted, x)` (nil: cannot); `check(fitted, options)`
-- for what comes from a file; `names(fitted, names)` of new features; `whole(self, ds, f)`: a
-- dataset, where not x is changed.
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local registry = require "nn.files.registry"
local util = require "nn.util"

local raise = util.raise
local transform = {}
local metas = {} -- metatable -> kind

function transform.is(v)
  return type(v) == "table" and metas[getmetatable(v)] ~= nil
end

-- Another class that is one.
function transform.also(meta)
  metas[meta] = {}
end

-- "1x8x8" of a list of sizes.
function transform.text(sample)
  return #sample == 0 and "1" or table.concat(sample, "x")
end

local function sample_of(x)
  local size = x:size()
  table.remove(size, 1)
  return size
end

-- Tensors whose samples have other shapes than those that were learned from are the caller's
-- mistake.
local function check_sample(name, x, sample)
  local size = sample_of(x)
  local same = #size == #sample
  for d = 1, #sample do same = same and size[d] == sample[d] end
  if not same then
    raise("%s: fitted to samples of %s, got x of %s", name, transform.text(sample), util.shape(x))
  end
end

-- Floats as they are; integers as the default float.
function transform.to_float(x)
  return x:dtype():find "^float" and x or x:to(core.zeros(1):dtype())
end

-- The rows of a dataset or tensor; a list of N numbers is N x 1 where the kind says so.
local function rows_of(kind, v, name)
  local x = dataset.is_dataset(v) and dataset.check(v, kind.name, "it").x or v
  if core.kind(x) == "tensor" and x:dim() == 1 and kind.lists then x = x:unsqueeze(2) end
  if core.kind(x) ~= "tensor" or x:dim() < 2 then
    raise("%s: %s wants a dataset or a tensor of N x features, got %s", kind.name, name,
      util.describe(v))
  end
  return x
end

-- {count, infinite, min, max, mean, var}: float64, each of a sample's shape. Columns without a
-- number, or with infinite ones, teach nothing.
function transform.columns(name, x, ds)
  local stats = core.rows.columns(x:detach():contiguous())
  local size = sample_of(x)
  local bad = (stats[2]:gt(0) | stats[1]:eq(0)):nonzero()
  if #bad > 0 then
    local c = bad[1][1]
    local names = dataset.is_dataset(ds) and x:dim() == 2 and ds.feature_names
    raise("%s: feature %d%s holds %s; mend the data first", name, c,
      names and (" (%s)"):format(names[c]) or "",
      stats[2][c] > 0 and "an infinite number" or "no number, only NaN")
  end
  local result = {}
  for i, key in ipairs {"count", "infinite", "min", "max", "mean", "var"} do
    result[key] = stats[i]:reshape(size)
  end
  return result
end

local function need_fit(kind, self, name)
  if not self.fitted then raise("%s: call t:fit(train) before t%s", kind.name, name) end
  return self.fitted
end

local function call(kind, self, v)
  local fitted = need_fit(kind, self, "(x)")
  local made = kind.whole and dataset.is_dataset(v) and kind.whole(self, v, kind.apply)
  if made then return made end
  local x = rows_of(kind, v, "(x)")
  check_sample(kind.name, x, fitted.sample)
  local y = kind.apply(fitted, x, self.options)
  if not dataset.is_dataset(v) then return y end
  local ds = dataset.like(v, y, v.y, v.weight)
  if kind.names then ds.feature_names = kind.names(fitted, v.feature_names, self.options) end
  return ds
end

local function invert(kind, self, v)
  if not kind.invert then raise("%s: cannot be inverted", kind.name) end
  local fitted = need_fit(kind, self, ":invert(x)")
  local made = kind.whole and dataset.is_dataset(v) and kind.whole(self, v, kind.invert)
  if made then return made end
  local x = rows_of(kind, v, "invert")
  check_sample(kind.name, x, fitted.out or fitted.sample)
  local y = kind.invert(fitted, x, self.options)
  if not dataset.is_dataset(v) then return y end
  local ds = dataset.like(v, y, v.y, v.weight)
  if kind.names then ds.feature_names = fitted.feature_names end
  return ds
end

local function fit(kind, self, train)
  local x = rows_of(kind, train, "fit")
  if dataset.is_dataset(train) and train.held_out then
    raise("%s: fit on the training part; this one is held out for the final test", kind.name)
  end
  if x:size(1) == 0 then raise("%s: fit needs at least one row", kind.name) end
  local learned = kind.learn(self.options, x:detach(), train)
  learned.sample = learned.sample or sample_of(x)
  if kind.names and dataset.is_dataset(train) then learned.feature_names = train.feature_names end
  self.fitted = learned
  return self
end

local function check_self(kind, self, name)
  if type(self) ~= "table" or metas[getmetatable(self)] ~= kind then
    raise("%s: call it as t:%s(...), on a %s", kind.name, name, kind.name)
  end
end

-- A copy of tables and tensors, so that a state does not change when the transform does.
local function copy(v)
  if core.kind(v) == "tensor" then return v:clone() end
  if type(v) ~= "table" then return v end
  local t = {}
  for key, value in pairs(v) do t[key] = copy(value) end
  return t
end

-- Sizes of a sample, as a file has them.
local function check_sizes(kind, list)
  for i, n in ipairs(list) do
    if math.type(n) ~= "integer" or n < 0 or i > 7 then
      raise("%s: a sample's shape in the state is wrong", kind.name)
    end
  end
  return list
end

local function load_state(kind, self, state)
  local o = util.options(kind.name, state, {class = {"string"}, options = {"table"},
    fitted = {"table"}})
  if o.class ~= kind.name then
    raise("%s: this is the state of %s", kind.name, util.describe(o.class))
  end
  local options = kind.read(o.options)
  local fitted = o.fitted and copy(o.fitted) or nil
  if fitted then
    if type(fitted.sample) ~= "table" then
      raise("%s: the state has no sample's shape", kind.name)
    end
    check_sizes(kind, fitted.sample)
    if fitted.out ~= nil and type(fitted.out) ~= "table" then
      raise("%s: wrong state", kind.name)
    end
    check_sizes(kind, fitted.out or {})
    local ok, why = pcall(kind.check, fitted, options)
    if not ok then
      raise("%s: the state does not fit together (%s)", kind.name, tostring(why):gsub("^.-:%d+: ",
        ""))
    end
  end
  self.options, self.fitted = options, fitted
  return self
end

-- A float64 tensor of that shape, for `check`.
function transform.check_tensor(t, sample, dtype)
  if core.kind(t) ~= "tensor" or t:dtype() ~= (dtype or "float64") or t:dim() ~= #sample then
    error("a tensor of " .. transform.text(sample) .. " is missing", 0)
  end
  for d, n in ipairs(sample) do
    if t:size(d) ~= n then error("a tensor is " .. util.shape(t), 0) end
  end
end

-- The constructor of a kind.
function transform.define(kind)
  local methods, meta = {}, {__name = kind.name}
  metas[meta] = kind
  for name, f in pairs {fit = fit, invert = invert, load_state = load_state} do
    methods[name] = function(self, v)
      check_self(kind, self, name)
      return f(kind, self, v)
    end
  end
  function methods.state(self)
    check_self(kind, self, "state")
    return {class = kind.name, options = copy(self.options), fitted = copy(self.fitted)}
  end
  -- What was learned reads as fields: t.mean.
  function meta.__index(self, key)
    if methods[key] then return methods[key] end
    local fitted = rawget(self, "fitted")
    return fitted and fitted[key]
  end
  function meta.__call(self, v) return call(kind, self, v) end
  function meta.__tostring(self)
    local words = {}
    for _, key in ipairs(util.sorted_keys(self.options)) do
      local v = self.options[key]
      words[#words + 1] = ("%s = %s"):format(key, type(v) == "table" and "{...}" or tostring(v))
    end
    if self.fitted then words[#words + 1] = "fitted to " .. transform.text(self.fitted.sample) end
    return ("%s(%s)"):format(kind.name, table.concat(words, ", "))
  end
  local function new(options)
    return setmetatable({options = kind.read(options)}, meta)
  end
  registry.add(kind.name, meta, methods.state, function(state) return new():load_state(state) end)
  return new
end

return transform
