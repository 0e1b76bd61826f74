-- features.lua: transforms that make other columns: OneHot, Polynomial; and Chain, several in a
-- row.
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local registry = require "nn.files.registry"
local transform = require "nn.data.transform"
local util = require "nn.util"

local raise = util.raise
local features = {}

-- ---- OneHot -----------------------------------------------------------------------------------

local function read_one_hot(options)
  local o = util.options("OneHot", options, {
    columns = {"table"}, target = {"boolean", false}, unknown = {"string", "error"},
  })
  if o.unknown ~= "error" and o.unknown ~= "ignore" then
    raise('OneHot: option \'unknown\' must be "error" or "ignore", got %s',
      util.describe(o.unknown))
  end
  if o.columns and o.target then
    raise("OneHot: 'columns' are those of x, 'target' is y: one of the two")
  end
  return o
end

-- The options' columns, numbers or names, as a set of numbers; nil: all.
local function chosen(columns, x, names)
  local set = {}
  for i, column in ipairs(columns or {}) do
    local at = math.type(column) == "integer" and column or nil
    for c, name in ipairs(type(column) == "string" and names or {}) do
      if name == column then at = c end
    end
    if type(column) == "string" and not at then
      util.unknown("OneHot", "feature", column, names or {})
    end
    if not at or at < 1 or at > x:size(2) then
      raise("OneHot: columns[%d] must be a feature's name or its number in 1..%d, got %s", i,
        x:size(2), util.describe(column))
    end
    set[at] = true
  end
  return columns and set or nil
end

-- The different values of a column of x, ascending.
local function values_of(x, c, name)
  local column = x:select(2, c)
  if column:dtype():find "^float" then
    if column:isnan():any() then
      raise("OneHot: %s holds NaN; mend the data first", name)
    end
    if column:ne(column:floor()):any() then
      raise("OneHot: %s holds fractions, so is no list of categories; name the columns that are, "
        .. "{columns = {...}}, or {target = true} for the labels in y", name)
    end
  end
  local values = column:contiguous():unique()
  return values:to("float64"):totable()
end

local function out_of(values)
  local n = 0
  for _, list in ipairs(values) do n = n + (list and #list or 1) end
  return {n}
end

local function learn_one_hot(o, x, train)
  if o.target then
    if not dataset.is_dataset(train) or not dataset.has_labels(train) then
      raise("OneHot: 'target' wants a dataset with labels, got %s",
        dataset.is_dataset(train) and "y " .. util.describe(train.y) or util.describe(train))
    end
    local list, most = {}, train.classes and #train.classes or train.y:max():item()
    for label = 1, most do list[label] = label end
    return {values = {list}, sample = {1}, out = {#list}}
  end
  if x:dim() ~= 2 then raise("OneHot: wants N x features, got x of %s", util.shape(x)) end
  local names = dataset.is_dataset(train) and train.feature_names or nil
  local set, values = chosen(o.columns, x, names), {}
  for c = 1, x:size(2) do
    local name = names and names[c] or "feature " .. c
    values[c] = (not set or set[c]) and values_of(x, c, name) or false
  end
  return {values = values, out = out_of(values)}
end

local function as_list(values)
  return core.tensor(values, {dtype = "float64"})
end

local function one_hot(f, x, o)
  local parts, float = {}, x:dtype():find "^float" and x:dtype() or core.zeros(1):dtype()
  if x:size(1) == 0 then return core.zeros({0, f.out[1]}, {dtype = float}) end
  for c, values in ipairs(f.values) do
    local column = x:narrow(2, c, 1)
    if values then
      local mask = column:to("float64"):eq(as_list(values):unsqueeze(1))
      local known = mask:sum(2)
      local strange = known:eq(0):nonzero()
      if #strange > 0 and o.unknown == "error" then
        raise("OneHot: row %d has %s in feature %d, which the training part had not; {unknown = "
          .. '"ignore"} makes zeros of such', strange[1][1], column[strange[1][1]][1], c)
      end
      parts[c] = mask:to(float)
    else
      parts[c] = column:to(float)
    end
  end
  return core.cat(parts, 2)
end

local function from_one_hot(f, x, o)
  local parts, first = {}, 1
  for c, values in ipairs(f.values) do
    local n = values and #values or 1
    local block = x:narrow(2, first, n)
    first = first + n
    if values and x:size(1) > 0 then
      local dtype = o.target and "int64" or transform.to_float(x):dtype()
      block = as_list(values):to(dtype)[block:argmax(2)]:unsqueeze(2)
    end
    parts[c] = values and block:narrow(2, 1, 1) or block
  end
  local y = core.cat(parts, 2)
  return o.target and y:reshape(-1) or y
end

local function one_hot_names(f, names)
  local list = {}
  for c, values in ipairs(f.values) do
    local name = names and names[c] or "x" .. c
    for _, v in ipairs(values or {}) do list[#list + 1] = ("%s=%.14g"):format(name, v) end
    if not values then list[#list + 1] = name end
  end
  return list
end

local function check_one_hot(f)
  if type(f.values) ~= "table" or #f.sample ~= 1 or #f.values ~= f.sample[1] then
    error("its values are not those of the sample", 0)
  end
  for _, list in ipairs(f.values) do
    if list ~= false and (type(list) ~= "table" or #list == 0) then error("no values", 0) end
    for _, v in ipairs(list or {}) do
      if type(v) ~= "number" then error("a value is no number", 0) end
    end
  end
  if not f.out or f.out[1] ~= out_of(f.values)[1] then error("its width is wrong", 0) end
end

-- Labels into rows of y, and back.
local function change_target(self, ds, f)
  if not self.options.target then return nil end
  local back = ds.y:dim() == 2
  if f == one_hot and not dataset.has_labels(ds) then
    raise("OneHot: 'target' wants labels, but y is %s", util.describe(ds.y))
  end
  if f ~= one_hot and not (back and ds.y:size(2) == self.fitted.out[1]) then
    raise("OneHot: y must be N x %d, got %s", self.fitted.out[1], util.describe(ds.y))
  end
  local y = f(self.fitted, back and ds.y or ds.y:unsqueeze(2), self.options)
  return dataset.like(ds, ds.x, y, ds.weight)
end

--- nn.data.OneHot{columns, target = false, unknown = "error"} -> transform
--- Each column of x that holds categories (whole numbers) becomes as many columns of 0 and 1 as the
--- training part had different values in it; `columns` lists those, by number or name (default:
--- all), the others stay. `target = true`: the labels in y instead, as N x classes (`t(labels)`
--- does a tensor of them). A value that fit has not seen is an error, or with `unknown = "ignore"`
--- all zeros. t:invert takes the largest of each group. Names of features become "name=value".
--- Example:
---   local ds = nn.data.tensors({{1, 0.5}, {3, 0.1}, {1, 0.9}}, {1, 2, 1})
---   print(nn.data.OneHot {columns = {1}}:fit(ds)(ds).x)
---   print(nn.data.OneHot {target = true}:fit(ds)(ds).y)
features.OneHot = transform.define {
  name = "OneHot", lists = true, read = read_one_hot, learn = learn_one_hot, apply = one_hot,
  invert = from_one_hot, names = one_hot_names, check = check_one_hot, whole = change_target,
}

-- ---- Polynomial -------------------------------------------------------------------------------

local MOST = 20000 -- columns

local function read_polynomial(options)
  return util.options("Polynomial", options, {
    degree = {"count", 2}, bias = {"boolean", false}, interaction_only = {"boolean", false},
  })
end

-- For each degree from 2 the terms, each a product of one of the degree before and a feature:
-- {parents = , features = , terms = lists of features}.
local function terms_of(n, o)
  local levels, before, count = {}, {}, n
  for c = 1, n do before[c] = {c} end
  for degree = 2, o.degree do
    local level = {parents = {}, features = {}, terms = {}}
    for parent, term in ipairs(before) do
      for c = term[#term] + (o.interaction_only and 1 or 0), n do
        count = count + 1
        if count > MOST then
          raise("Polynomial: %d features to degree %d make more than %d columns", n, o.degree, MOST)
        end
        local at = #level.parents + 1
        level.parents[at], level.features[at] = parent, c
        level.terms[at] = table.move(term, 1, #term, 1, {})
        level.terms[at][degree] = c
      end
    end
    if #level.parents == 0 then break end
    levels[#levels + 1], before = level, level.terms
  end
  return levels, count + (o.bias and 1 or 0)
end

local function list_of(numbers)
  return core.tensor(numbers, {dtype = "int64"})
end

local function powers(f, x, o)
  x = transform.to_float(x)
  local parts, before = {x}, x
  if o.bias then table.insert(parts, 1, core.ones({x:size(1), 1}, {dtype = x:dtype()})) end
  for _, level in ipairs(terms_of(f.sample[1], o)) do
    before = before:index_select(2, list_of(level.parents))
      * x:index_select(2, list_of(level.features))
    parts[#parts + 1] = before
  end
  return core.cat(parts, 2)
end

-- "a^2 b"
local function term_name(term, names)
  local words, i = {}, 1
  while i <= #term do
    local j = i
    while term[j + 1] == term[i] do j = j + 1 end
    words[#words + 1] = names[term[i]] .. (j > i and "^" .. j - i + 1 or "")
    i = j + 1
  end
  return table.concat(words, " ")
end

local function power_names(f, names, o)
  local base, list = {}, {}
  for c = 1, f.sample[1] do base[c] = names and names[c] or "x" .. c end
  if o.bias then list[1] = "1" end
  for _, name in ipairs(base) do list[#list + 1] = name end
  for _, level in ipairs(terms_of(f.sample[1], o)) do
    for _, term in ipairs(level.terms) do list[#list + 1] = term_name(term, base) end
  end
  return list
end

--- nn.data.Polynomial{degree = 2, bias = false, interaction_only = false} -> transform
--- All products of the features up to that degree: a, b become a, b, a^2, a b, b^2 (that order, as
--- in scikit-learn). `bias` puts a column of ones first; `interaction_only` leaves out powers. x is
--- N x features. t:invert(x) takes the features themselves out again. Gradients go through.
--- Example:
---   local ds = nn.data.line()
---   local t = nn.data.Polynomial {degree = 3}:fit(ds)
---   print(t(ds).x[1], table.concat(t(ds).feature_names, ", "))
features.Polynomial = transform.define {
  name = "Polynomial", lists = true, read = read_polynomial, apply = powers, names = power_names,
  learn = function(o, x)
    if x:dim() ~= 2 then raise("Polynomial: wants N x features, got x of %s", util.shape(x)) end
    local _, count = terms_of(x:size(2), o)
    return {out = {count}}
  end,
  invert = function(f, x, o)
    return x:narrow(2, o.bias and 2 or 1, f.sample[1]):clone()
  end,
  check = function(f, o)
    if #f.sample ~= 1 or not f.out or select(2, terms_of(f.sample[1], o)) ~= f.out[1] then
      error("its width is wrong", 0)
    end
  end,
}

-- ---- Chain ------------------------------------------------------------------------------------

local Chain = {}
local meta = {__index = Chain, __name = "Chain"}
transform.also(meta)

local function check(self, name)
  if getmetatable(self) ~= meta then raise("Chain: call it as t:%s(...), on a Chain", name) end
  return self.steps
end

function Chain:fit(train)
  for _, t in ipairs(check(self, "fit")) do train = t:fit(train)(train) end
  return self
end

function meta.__call(self, v)
  for _, t in ipairs(self.steps) do v = t(v) end
  return v
end

function Chain:invert(v)
  local steps = check(self, "invert")
  for i = #steps, 1, -1 do v = steps[i]:invert(v) end
  return v
end

function Chain:state()
  local states = {}
  for i, t in ipairs(check(self, "state")) do states[i] = t:state() end
  return {class = "Chain", steps = states}
end

function Chain:load_state(state)
  local steps = check(self, "load_state")
  local o = util.options("Chain", state, {class = {"string"}, steps = {"table"}})
  if o.class ~= "Chain" or not o.steps or #o.steps ~= #steps then
    raise("Chain: this is not the state of a chain of %d transforms", #steps)
  end
  for i, t in ipairs(steps) do t:load_state(o.steps[i]) end
  return self
end

function meta.__tostring(self)
  local words = {}
  for i, t in ipairs(self.steps) do words[i] = tostring(t) end
  return ("Chain{%s}"):format(table.concat(words, ", "))
end

--- nn.data.Chain{t1, t2, ...} -> transform
--- Several transforms in a row, as one: fit fits each to what those before it make of the training
--- part.
--- Example:
---   local train = nn.data.iris()
---   local t = nn.data.Chain {nn.data.Polynomial {degree = 2}, nn.data.Standardize()}:fit(train)
---   print(t(train), t:invert(t(train)).x[1])
function features.Chain(steps)
  if type(steps) ~= "table" or transform.is(steps) or #steps == 0 then
    raise("Chain: expected a list of transforms, such as {nn.data.Standardize(), ...}, got %s",
      util.describe(steps))
  end
  local list = {}
  for i, t in ipairs(steps) do
    if not transform.is(t) then
      raise("Chain: step %d must be a transform, got %s", i, util.describe(t))
    end
    list[i] = t
  end
  return setmetatable({steps = list}, meta)
end

registry.add("Chain", meta, function(self) return {steps = self.steps} end,
  function(state) return features.Chain(util.options("Chain", state,
    {steps = {"table"}}).steps) end)

return features
