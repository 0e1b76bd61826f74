-- plot/series.lua: what people hand to a picture, as lists of numbers.
--
-- A series is a list of y (a table or a tensor), n x 2 points, or {x =, y =}; the data are one
-- series or several by name. Several become a list in the order of their names.
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local util = require "nn.util"

local raise = util.raise
local series = {}

local MOST = 20000000 -- numbers in one picture

local function is_tensor(v) return core.kind(v) == "tensor" end

-- The elements of a tensor as a flat list.
function series.flat(owner, t)
  if t:numel() > MOST then
    raise("%s: %s has more than %d numbers, which no picture shows; take a part, x[{{1, 1000}}]",
      owner, util.describe(t), MOST)
  end
  if t:numel() == 0 then return {} end
  return t:detach():reshape(-1):totable()
end

local function number(owner, v, what, i)
  if type(v) == "number" then return v end
  if is_tensor(v) and v:numel() == 1 then return v:item() end
  raise("%s: %s[%d] must be a number, got %s", owner, what, i, util.describe(v))
end

-- A list of numbers from a table or a tensor.
function series.numbers(owner, v, what)
  if is_tensor(v) then return series.flat(owner, v) end
  if type(v) ~= "table" then
    raise("%s: %s must be a list of numbers or a tensor, got %s", owner, what, util.describe(v))
  end
  local list = {}
  for i, x in ipairs(v) do list[i] = type(x) == "number" and x or number(owner, x, what, i) end
  return list
end

-- Which tables are one series rather than several by name.
local function is_coordinates(v)
  return type(v) == "table" and getmetatable(v) == nil and v.y ~= nil
    and (is_tensor(v.y) or type(v.y) == "table")
end

local function from_tensor(owner, t)
  local d = t:dim()
  if d == 2 and t:size(2) == 2 then
    return {x = series.flat(owner, t:select(2, 1)), y = series.flat(owner, t:select(2, 2))}
  end
  if d <= 1 or (d == 2 and (t:size(2) == 1 or t:size(1) == 1)) then
    return {y = series.flat(owner, t)}
  end
  raise("%s: a series is a list of y or n x 2 points; got %s. Several series have names: "
    .. "{first = x:select(2, 1), second = x:select(2, 2)}", owner, util.describe(t))
end

local function from_points(owner, v)
  local x, y = {}, {}
  for i, point in ipairs(v) do
    local count = (type(point) == "table" or is_tensor(point)) and #point or 0
    if count ~= 2 then
      raise("%s: a series is a list of numbers, or of points {x, y}; element %d is %s. Several "
        .. "series have names: {train = {...}, test = {...}}", owner, i, util.describe(point))
    end
    x[i], y[i] = number(owner, point[1], "x", i), number(owner, point[2], "y", i)
  end
  return {x = x, y = y}
end

local function from_coordinates(owner, v)
  for _, key in ipairs(util.sorted_keys(v)) do
    if key ~= "x" and key ~= "y" and key ~= "low" and key ~= "high" then
      raise("%s: a series of coordinates has x and y, and low and high where there is a band; "
        .. "got '%s'", owner, tostring(key))
    end
  end
  local s = {y = series.numbers(owner, v.y, "y")}
  for _, key in ipairs {"x", "low", "high"} do
    if v[key] ~= nil then
      s[key] = series.numbers(owner, v[key], key)
      if #s[key] ~= #s.y then
        raise("%s: %s has %d numbers and y has %d; they must be as many", owner, key, #s[key], #s.y)
      end
    end
  end
  if (s.low == nil) ~= (s.high == nil) then
    raise("%s: a band has both low and high", owner)
  end
  return s
end

-- One series: {x, y, low, high}; x may be nil, for 1, 2, 3, ...
local function one(owner, v)
  if is_tensor(v) then return from_tensor(owner, v) end
  if type(v) ~= "table" then
    raise("%s: a series is a list of y, n x 2 points or {x = ..., y = ...}; got %s", owner,
      util.describe(v))
  end
  if is_coordinates(v) then return from_coordinates(owner, v) end
  local first = v[1]
  if type(first) == "table" or (is_tensor(first) and first:dim() > 0) then
    return from_points(owner, v)
  end
  return {y = series.numbers(owner, v, "y")}
end

local function finish(s)
  if not s.x then
    s.x, s.counted = {}, true
    for i = 1, #s.y do s.x[i] = i end
  end
  return s
end

-- The rows of a dataset as points: by class where x is n x 2 and y are labels, else y over x.
local function from_dataset(owner, ds)
  local x, n = ds.x, #ds
  if x:dim() ~= 2 or x:size(2) > 2 then
    raise("%s: a dataset to draw has one or two features, this one's samples are %s", owner,
      util.shape(x:narrow(1, 1, 0)))
  end
  local first = series.flat(owner, x:select(2, 1))
  if x:size(2) == 1 then return {{x = first, y = series.flat(owner, ds.y)}} end
  local second = series.flat(owner, x:select(2, 2))
  if not dataset.has_labels(ds) then return {{x = first, y = second}} end
  local labels, found = series.flat(owner, ds.y), {}
  for i = 1, n do
    local s = found[labels[i]] or {x = {}, y = {}}
    found[labels[i]] = s
    s.x[#s.x + 1], s.y[#s.y + 1] = first[i], second[i]
  end
  local list = {}
  for _, label in ipairs(util.sorted_keys(found)) do
    local s = found[label]
    s.name, s.class = tostring(ds.classes and ds.classes[label] or label), label
    list[#list + 1] = s
  end
  return list
end

-- Several by name, in the order of `order` (a list of names) and then of their names.
function series.named(owner, data, order, read)
  local names, known, list = {}, {}, {}
  for _, name in ipairs(order or {}) do
    if data[name] ~= nil then
      names[#names + 1] = name
      known[name] = true
    end
  end
  for _, key in ipairs(util.sorted_keys(data)) do
    if not known[key] then names[#names + 1] = key end
  end
  for _, name in ipairs(names) do
    local s = read(owner, data[name])
    s.name = tostring(name)
    list[#list + 1] = s
  end
  return list
end

-- Whether a table holds several things by name.
function series.is_named(v)
  return type(v) == "table" and getmetatable(v) == nil and #v == 0 and next(v) ~= nil
    and not is_coordinates(v)
end

-- The data as a list of series {name or nil, x, y, low, high, counted}.
function series.read(owner, data, order)
  local list
  if dataset.is_dataset(data) then
    list = from_dataset(owner, data)
  elseif series.is_named(data) then
    list = series.named(owner, data, order, one)
  else
    list = {one(owner, data)}
  end
  for _, s in ipairs(list) do finish(s) end
  return list
end

-- Labels with one list of numbers each: {name = numbers}, or a single unnamed list.
function series.lists(owner, data, order)
  local function read(who, v)
    return {y = type(v) == "number" and {v} or series.numbers(who, v, "the list")}
  end
  if series.is_named(data) then return series.named(owner, data, order, read) end
  return {read(owner, data)}
end

return series
