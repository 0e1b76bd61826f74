-- csv.lua: nn.data.csv, a dataset from a table of text. The rows are read in C (src/io/csv.h); here
-- columns get their meaning and labels their order.
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local util = require "nn.util"

local raise = util.raise

-- ---- columns ----------------------------------------------------------------------------------

-- The number of the column that a name or number means.
local function column_of(names, v, what)
  if type(v) == "string" then
    for c, name in ipairs(names) do
      if name == v then return c end
    end
    local known = {}
    for _, name in ipairs(names) do known[#known + 1] = name or nil end
    util.unknown("csv", "column", v, known)
  end
  local c = math.type(v) == "integer" and v
  if c and c < 0 then c = #names + 1 + c end
  if not c or c < 1 or c > #names then
    raise("csv: '%s' must name a column or be its number in 1..%d, got %s", what, #names,
      util.describe(v))
  end
  return c
end

local function columns_of(names, list, what)
  local result, seen = {}, {}
  for i, v in ipairs(list) do
    local c = column_of(names, v, what)
    if seen[c] then raise("csv: '%s' has column %s twice", what, tostring(names[c] or c)) end
    seen[c], result[i] = true, c
  end
  if #result == 0 then raise("csv: '%s' must be a list of columns, got an empty table", what) end
  return result, seen
end

-- The columns of y: those asked for, or the last that has a name and is no feature.
local function targets_of(names, o, features)
  if o.target == false then return {}, {} end
  if type(o.target) == "table" then return columns_of(names, o.target, "target") end
  local c = o.target ~= nil and column_of(names, o.target, "target") or #names
  local function is_left(k) return not features[k] and (names[k] or not names.named) end
  while o.target == nil and c > 0 and not is_left(c) do c = c - 1 end
  if c == 0 then
    raise("csv: all columns are features, and none is left for the target; target = false does "
      .. "without")
  end
  return {c}, {[c] = true}
end

-- The columns of x: those asked for, or all that have a name and are no target.
local function resolve(names, o)
  local x, features = nil, {}
  if o.columns then x, features = columns_of(names, o.columns, "columns") end
  local y, targets = targets_of(names, o, features)
  for _, c in ipairs(x or {}) do
    if targets[c] then
      raise("csv: column %s cannot be a feature and the target", tostring(names[c] or c))
    end
  end
  if not x then
    x = {}
    for c, name in ipairs(names) do
      if not targets[c] and (name or not names.named) then x[#x + 1] = c end
    end
  end
  if #x == 0 then
    raise("csv: there is no feature: the only column is %s%s", tostring(names[1] or 1),
      o.delimiter and "" or "; is the delimiter another?")
  end
  return x, y
end

-- ---- labels -----------------------------------------------------------------------------------

-- The numbers that all texts are, or nil.
local function numbers_of(reader, texts)
  local values = {}
  for i, text in ipairs(texts) do
    values[i] = reader:number(text)
    if not values[i] then return nil end
  end
  return values
end

-- Names and ranks (text number -> label): numbers ascending, equal ones as one; texts by bytes.
local function sort_texts(reader, texts)
  local values = numbers_of(reader, texts)
  local keys, order, names, ranks = values or texts, {}, {}, {}
  for i = 1, #texts do order[i] = i end
  table.sort(order, function(a, b)
    if keys[a] ~= keys[b] then return keys[a] < keys[b] end
    return a < b
  end)
  for k, i in ipairs(order) do
    if k == 1 or keys[i] ~= keys[order[k - 1]] then names[#names + 1] = texts[i] end
    ranks[i] = #names
  end
  return names, ranks, values
end

-- Whole numbers as labels: 0..K-1 or 1..K, which only 0 and K tell apart.
local function number_ranks(values, count)
  local low, high, whole = math.huge, -math.huge, true
  for _, v in ipairs(values) do
    low, high = math.min(low, v), math.max(high, v)
    whole = whole and v == math.floor(v)
  end
  if not whole or low < 0 or high > count or (low == 0) == (high == count) then return nil end
  local ranks = {}
  for i, v in ipairs(values) do ranks[i] = math.tointeger(v) + (low == 0 and 1 or 0) end
  return ranks
end

-- Ranks by a list of names: texts are found in it; numbers count from 0 or 1, or are as many.
local function given_ranks(reader, texts, classes, column)
  local place, ranks = {}, {}
  for i, name in ipairs(classes) do place[name] = i end
  local missing
  for i, text in ipairs(texts) do
    ranks[i] = place[text]
    missing = missing or (not ranks[i] and text)
  end
  if not missing then return ranks end
  local names, sorted, values = sort_texts(reader, texts)
  if not values then
    local near = util.nearest(missing, classes)
    raise("csv: column %s has the text %q, which is not in 'classes'%s", column, missing,
      near and (" (did you mean %q?)"):format(near) or "")
  end
  ranks = number_ranks(values, #classes)
  if ranks then return ranks end
  if #names == #classes then return sorted end
  raise("csv: 'classes' has %d names, but column %s has %d different numbers, %s to %s; which is "
    .. "which cannot be told", #classes, column, #names, names[1], names[#names])
end

local function check_classes(classes)
  if classes == nil or classes == true then return end
  if type(classes) ~= "table" or #classes == 0 then
    raise("csv: option 'classes' must be true or a list of names, got %s", util.describe(classes))
  end
  local seen = {}
  for i, name in ipairs(classes) do
    if type(name) ~= "string" then
      raise("csv: 'classes' must be a list of names, got %s at [%d]", util.describe(name), i)
    end
    if seen[name] then raise("csv: 'classes' has the name %q twice", name) end
    seen[name] = true
  end
end

-- ---- reading ----------------------------------------------------------------------------------

local function check_options(options)
  local o = util.options("csv", options, {
    target = {"any"}, columns = {"table"}, header = {"boolean"}, delimiter = {"string"},
    decimal = {"string", "."}, missing = {"any", "error"}, classes = {"any"},
    dtype = {"string", "float32"}, nonfinite = {"boolean", false}, text = {"string", "error"},
    stream = {"boolean", false},
  })
  if o.dtype ~= "float32" and o.dtype ~= "float64" then
    raise("csv: option 'dtype' must be \"float32\" or \"float64\", got %q", o.dtype)
  end
  if o.text ~= "error" and o.text ~= "codes" then
    raise("csv: option 'text' must be \"error\" or \"codes\", got %q", o.text)
  end
  local known = {error = true, mean = true, drop = true}
  local number = type(o.missing) == "number" and math.abs(o.missing) < 3e38
  if not known[o.missing] and not number then
    raise("csv: option 'missing' must be \"error\", \"mean\", \"drop\" or a finite number, got %s",
      util.describe(o.missing))
  end
  check_classes(o.classes)
  return o
end

-- What a dataset has besides x and y, and what makes the numbers of texts into theirs.
local function names_of(reader, names, x, y, label, coded, o)
  local fields = {feature_names = {}}
  local ranks = {x = {}}
  for i, c in ipairs(x) do fields.feature_names[i] = names[c] or "column " .. c end
  if label then
    local texts = reader:texts(y[1])
    if type(o.classes) == "table" then
      fields.classes = {table.unpack(o.classes)}
      ranks.y = given_ranks(reader, texts, o.classes, tostring(names[y[1]] or y[1]))
    else
      fields.classes, ranks.y = sort_texts(reader, texts)
    end
    ranks.y = core.tensor(ranks.y, {dtype = "int64"})
  end
  for _, c in ipairs(coded) do
    fields.codes = fields.codes or {}
    for i, feature in ipairs(x) do
      if feature == c then
        local list, rank = sort_texts(reader, reader:texts(c))
        fields.codes[fields.feature_names[i]] = list
        ranks.x[i] = core.tensor(rank, {dtype = "int64"})
      end
    end
  end
  return fields, ranks
end

-- In place where it can be.
local function apply_ranks(x, y, ranks, targets)
  for _, i in ipairs(util.sorted_keys(ranks.x)) do
    local column = x:select(2, i)
    column:copy_(ranks.x[i][column:to("int64")]:to(x:dtype()))
  end
  if ranks.y then return x, ranks.y[y] end
  return x, targets == 0 and x or y
end

local function open(path, o)
  local header = o.header == nil and -1 or o.header and 1 or 0
  local reader = core.source.csv(path, o.delimiter, o.decimal, header)
  local names = reader:names()
  for _, name in ipairs(names) do names.named = names.named or name and true end
  local x, y = resolve(names, o)
  if o.classes and #y ~= 1 then
    raise("csv: 'classes' wants one target that holds labels, got %d targets", #y)
  end
  local use = type(o.target) == "table" and "numbers" or o.classes and "labels" or "target"
  local missing = type(o.missing) == "number" and "value" or o.missing
  local label, coded = reader:begin(x, y, use, o.dtype, missing,
    missing == "value" and o.missing or 0, o.text == "codes", o.nonfinite)
  return {reader = reader, names = names, x = x, y = y, label = label, coded = coded}
end

local function load(t, o)
  local x, y = t.reader:load()
  local fields, ranks = names_of(t.reader, t.names, t.x, t.y, t.label, t.coded, o)
  fields.x, fields.y = apply_ranks(x, y, ranks, #t.y)
  t.reader:close()
  return dataset.new(fields)
end

--- nn.data.csv(path, {target, columns, header, delimiter, missing = "error", classes}) -> dataset
--- Reads a table of text: a row a line (LF or CR LF, UTF-8, gzip too), cells parted by a delimiter,
--- cells with quotes as in RFC 4180. x is N x features and y N labels or N x targets. `target`: the
--- column of y by its name or number (negative: from the end), or a list of them; without it the
--- last one; false for none (y is x then). A target of texts gives labels. `classes = true` makes
--- labels of numbers too, in ascending order; a list of names gives their order, and names for
--- numbers that count from 0 or 1. `columns`: the features, by name or number, in that order;
--- without it all other columns that have a name. A column of texts among them is an error, unless
--- `text = "codes"` makes whole numbers of its texts, which `ds.codes[name]` lists in order.
--- `header`: whether the first row names the columns; without it names are expected, and a first
--- row of numbers is an error that asks. `delimiter`: without it the one of , ; tab | that the
--- first row has most. `decimal = ","` for numbers such as 1,5. `missing`: a cell that is empty or
--- says NA, NaN, N/A, null, none or ? is an error; "mean" takes the mean of the column's others,
--- "drop" leaves the row out, a number stands for it. A missing target is never made up; it is an
--- error or dropped. Only an empty cell is a missing text. `nonfinite = true`: the texts nan and
--- inf are numbers, not missing and refused. `dtype = "float64"` keeps doubles.
--- Numbers are rounded correctly, whatever the locale. `stream = true` reads tables larger than
--- memory, see nn.data.stream. Errors name the row (and line), the column, and the text of the
--- cell.
--- Example:
---   local path = os.tmpname()
---   local f <close> = assert(io.open(path, "w"))
---   f:write "width,height,kind\n1.5,2,plum\n2,NA,apple\n1.7,2.5,plum\n"
---   f:close()
---   local ds = nn.data.csv(path, {target = "kind", missing = "mean"})
---   print(ds, ds.feature_names[2], ds.x[2][2], ds.classes[ds.y[1]])
---   os.remove(path)
local function csv(path, options)
  if type(path) ~= "string" then
    raise("csv: the first argument must be a path, got %s", util.describe(path))
  end
  local o = check_options(options)
  local t = open(path, o)
  if not o.stream then return load(t, o) end
  return require "nn.data.stream".of_csv(path, t, function()
    return names_of(t.reader, t.names, t.x, t.y, t.label, t.coded, o)
  end, apply_ranks)
end

return {csv = csv}
