-- stream.lua: nn.data.stream, data larger than memory, read in batches from CSV, npy and IDX files.
--
-- A stream is what nn.fit, nn.evaluate and loops need of a dataset, without x and y: `#s`,
-- `s.classes`, `s.feature_names` and `s:batches{size, shuffle, drop_last}`. The file is seen as
-- blocks of rows that can be read one by one, {rows = {n1, n2, ...}, load = function(b) return x, y
-- end}.
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local util = require "nn.util"

local raise = util.raise
local stream = {}
local Stream = {}
local meta = {__index = Stream, __name = "stream"}

local BLOCK = 4 << 20 -- bytes of a block in a file of fixed records
local WINDOW = 8      -- blocks that are shuffled together

local function check(self, owner)
  if getmetatable(self) ~= meta then
    raise("%s: self must be a stream, such as nn.data.stream(path), got %s", owner,
      util.describe(self))
  end
end

--- nn.data.is_stream(v) -> boolean
--- Whether v is a stream of batches, see nn.data.stream.
--- Example:
---   print(nn.data.is_stream(nn.data.line())) --> false
function stream.is_stream(v)
  return getmetatable(v) == meta
end

local function new(fields)
  fields.n = 0
  for _, rows in ipairs(fields.rows) do fields.n = fields.n + rows end
  return setmetatable(fields, meta)
end

-- What a checkpoint knows the data by: the first block stands for all of them.
function stream.fingerprint(s)
  if s.n == 0 then return "empty" end
  local x, y = s.load(1)
  return ("%d %s %s"):format(s.n, core.fingerprint(x:contiguous()),
    core.fingerprint(y:contiguous()))
end

function meta.__len(s)
  return s.n
end

function meta.__tostring(s)
  local kind = s.classes and ("%d classes"):format(#s.classes) or s.targets
  return ("stream of %d samples from %s in %d blocks, %s"):format(s.n, s.path, #s.rows, kind)
end

-- ---- batches ----------------------------------------------------------------------------------

local function join(a, b)
  return a and core.cat({a, b}, 1) or b
end

-- Reads blocks as they are asked for. `rest` rows of the ones before that made no whole batch come
-- first, so that a batch is short only at the end.
local function window_reader(s, order, count)
  local at = 0
  return function(rest_x, rest_y)
    local xs, ys = {rest_x}, {rest_y}
    for _ = 1, math.min(count, #s.rows - at) do
      at = at + 1
      xs[#xs + 1], ys[#ys + 1] = s.load(order and order[at] or at)
    end
    if #xs < 2 then return xs[1], ys[1], at == #s.rows end
    return core.cat(xs, 1), core.cat(ys, 1), at == #s.rows
  end
end

-- A seed for one pass over the file, from where the stream of shuffles stands; the stream moves on.
-- All of a pass is drawn by it, so that reading in pieces, with other draws in between, or a second
-- time from the beginning, gives the same rows.
local function draw_seed()
  local state = core.rng_state()
  core.randperm(2, {stream = "shuffle"})
  return state.seed ~ state.shuffle * 0x9E3779B97F4A7C15 -- odd: another for each place
end

-- One pass over the rows: a function that gives the next `size` (fewer at the end, then nil).
local function pass(s, shuffle, window)
  local seed = shuffle and draw_seed()
  local function permutation(n, k)
    return core.randperm(n, {stream = "shuffle", seed = seed + k})
  end
  local read = window_reader(s, shuffle and permutation(#s.rows, 0), shuffle and window or 1)
  local x, y, at, n, last, windows = nil, nil, 0, 0, false, 0
  local function refill()
    local left = n - at
    local rest_x = left > 0 and x:narrow(1, at + 1, left) or nil
    local rest_y = left > 0 and y:narrow(1, at + 1, left) or nil
    x, y, last = read(rest_x, rest_y)
    at, n, windows = 0, x and #x or 0, windows + 1
    if shuffle and n > 0 then
      local rows = permutation(n, windows)
      x, y = x[rows], y[rows]
    end
  end
  return function(size)
    while n - at < size and not last do refill() end
    local count = math.min(size, n - at)
    if count == 0 then return nil end
    at = at + count
    return x:narrow(1, at - count + 1, count):clone(), y:narrow(1, at - count + 1, count):clone()
  end
end

-- For nn.fit: the batches of an epoch by the place of their first row. Those of a step may be asked
-- for again until rows before `done` are not wanted any more; `y` lists the targets that have come.
function stream.reader(s, shuffle, keep_targets)
  local next_rows, kept, at, targets = pass(s, shuffle, WINDOW), {}, 0, {}
  local reader = {}
  function reader.rows(first, count, done)
    for place in pairs(kept) do
      if place <= done then kept[place] = nil end
    end
    if first == at + 1 then
      local x, y = next_rows(count)
      if not x or #x < count then
        raise("fit: %s has fewer rows than the %d of its first reading; has it changed?", s.path,
          s.n)
      end
      at, kept[first] = at + count, {x = x, y = y}
      if keep_targets then targets[#targets + 1] = y end
    end
    local batch = kept[first]
    return batch.x:narrow(1, 1, count), batch.y:narrow(1, 1, count)
  end
  -- The first `rows` of the epoch, which have been trained on before.
  function reader.skip(rows, size)
    for first = 1, rows, size do reader.rows(first, math.min(size, rows - first + 1), first - 1) end
  end
  function reader.targets()
    return core.cat(targets, 1)
  end
  return reader
end

--- stream:batches{size = 32, shuffle = true, drop_last = false, window = 8} -> iterator
--- Batches of x and y for a `for` loop, as a dataset's. With `shuffle` the file's blocks come in a
--- random order, and the rows of `window` blocks at a time are mixed: more mixes better and takes
--- more memory. The order follows the stream "shuffle" of nn.seed. x and y are the script's to
--- keep.
--- Example:
---   local path = os.tmpname()
---   local f <close> = assert(io.open(path, "w"))
---   f:write "a,b\n1,2\n3,4\n5,6\n"
---   f:close()
---   local s = nn.data.csv(path, {stream = true})
---   for x, y in s:batches{size = 2, shuffle = false} do print(#x, y[1][1]) end
---   os.remove(path)
function Stream:batches(options)
  check(self, "batches")
  local o = util.options("batches", options, {
    size = {"count", 32}, shuffle = {"boolean", true}, drop_last = {"boolean", false},
    window = {"count", WINDOW},
  })
  local next_rows = pass(self, o.shuffle, o.window)
  return function()
    local x, y = next_rows(o.size)
    if x and o.drop_last and #x < o.size then return nil end
    return x, y
  end
end

--- stream:head(n) -> dataset
--- The first n rows (or all, where there are fewer) as a dataset in memory: to look at, or to fit a
--- transform.
--- Example:
---   local path = os.tmpname()
---   nn.save(path .. ".npy", nn.range(1, 6):view(3, 2))
---   local s = nn.data.stream(path .. ".npy", {target = 2})
---   print(s:head(2))
---   os.remove(path) os.remove(path .. ".npy")
function Stream:head(n)
  check(self, "head")
  if math.type(n) ~= "integer" or n < 1 then
    raise("head: expected a number of rows from 1, got %s", util.describe(n))
  end
  local x, y
  for b = 1, #self.rows do
    local bx, by = self.load(b)
    x, y = join(x, bx), join(y, by)
    if #x >= n then break end
  end
  n = math.min(n, #x)
  return dataset.new {
    x = x:narrow(1, 1, n):clone(), y = y:narrow(1, 1, n):clone(), classes = self.classes,
    feature_names = self.feature_names,
  }
end

-- ---- CSV --------------------------------------------------------------------------------------

-- t: what csv.lua has opened. The first reading finds the blocks, the classes and the means.
function stream.of_csv(path, t, names, apply_ranks)
  local _, rows = t.reader:scan()
  local fields, ranks = names()
  fields.path, fields.rows = path, rows
  fields.targets = ("%d targets"):format(#t.y)
  function fields.load(b)
    local x, y = t.reader:block(b)
    return apply_ranks(x, y, ranks, #t.y)
  end
  return new(fields)
end

-- ---- files of records -------------------------------------------------------------------------

-- Blocks of about BLOCK bytes.
local function cut(n, record_bytes)
  local rows, each = {}, math.max(1, BLOCK // math.max(1, record_bytes))
  for first = 0, n - 1, each do rows[#rows + 1] = math.min(each, n - first) end
  return rows, each
end

local function elements(size)
  local n = 1
  for d = 2, #size do n = n * size[d] end
  return n
end

-- An npy file as (count, read(first, rows)); x and targets are floats.
local function npy(path, labels)
  local _, size = core.source.npy_rows(path, 0, 0)
  local function read(first, rows)
    local t = core.source.npy_rows(path, first, rows)
    if labels and #size == 1 and t:dtype() ~= "float32" and t:dtype() ~= "float64" then
      return t:to "int64"
    end
    if t:dtype() ~= "float64" then t = t:to "float32" end
    return #size == 1 and t:view(#t, 1) or t
  end
  return size, read
end

-- Labels in an npy file count from 1, as everywhere; the greatest is found by reading them once.
local function npy_classes(path, size, read, given)
  local first = core.source.npy_rows(path, 0, math.min(1, size[1]))
  local labels = #size == 1 and not first:dtype():find "^float"
  if not labels then
    if given then
      raise("stream: 'classes' names labels, but %s holds no list of integers", path)
    end
    return nil
  end
  local low, high = math.maxinteger, math.mininteger
  for at = 0, size[1] - 1, 1 << 20 do
    local t = read(at, 1 << 20)
    low, high = math.min(low, t:min():item()), math.max(high, t:max():item())
  end
  local k = given and #given or math.min(high, 65536)
  if low < 1 or high > k then
    raise("stream: the labels in %s go from %d to %d, expected 1 to %d%s", path, low, high, k,
      low == 0 and "; labels count from 1" or "")
  end
  local names = {}
  for i = 1, k do names[i] = given and given[i] or tostring(i) end
  return names
end

-- x and y in two files, or the last columns (`target`) of one.
local function of_npy(path, o)
  local size, read = npy(path)
  local fields = {path = path}
  local rows, each = cut(size[1], elements(size) * 4)
  fields.rows = rows
  if o.y then
    local y_size, y_read = npy(o.y, true)
    if y_size[1] ~= size[1] then
      raise("stream: %s has %d rows, but %s has %d", path, size[1], o.y, y_size[1])
    end
    fields.classes = npy_classes(o.y, y_size, y_read, o.classes)
    fields.targets = ("%d targets"):format(elements(y_size))
    function fields.load(b)
      return read((b - 1) * each, rows[b]), y_read((b - 1) * each, rows[b])
    end
    return fields
  end
  local width = #size == 2 and size[2] or 0
  local target = o.target or -1
  if target < 0 then target = width + 1 + target end
  if width < 2 or target < 1 or target > width then
    raise("stream: %s has %s; without {y = path} it must be rows x columns, one of them the "
      .. "target, got target %s", path, table.concat(size, "x"), tostring(o.target or "(the last)"))
  end
  fields.targets = "1 targets"
  function fields.load(b)
    local t = read((b - 1) * each, rows[b])
    local parts = {}
    if target > 1 then parts[1] = t:narrow(2, 1, target - 1) end
    if target < width then parts[#parts + 1] = t:narrow(2, target + 1, width - target) end
    return core.cat(parts, 2), t:narrow(2, target, 1):clone()
  end
  return fields
end

local function of_idx(path, o)
  if not o.y then raise("stream: %s: {y = path} says where the labels are", path) end
  local size = core.source.idx_info(path)
  local y_size, floating = core.source.idx_info(o.y)
  if size[1] ~= y_size[1] then
    raise("stream: %s has %d samples, but %s has %d labels", path, size[1], o.y, y_size[1])
  end
  core.source.idx_rows(path, 0, 0, "float32") -- or an error: gzip
  local rows, each = cut(size[1], elements(size) * 4)
  local fields = {path = path, rows = rows, targets = ("%d targets"):format(elements(y_size))}
  local samples = require "nn.data.idx".as_samples
  local labels
  if not floating then -- they fit: a number a sample
    local most
    labels, most = core.source.idx_labels(o.y, o.classes and #o.classes or 0)
    fields.classes = require "nn.data.idx".names_of(o.classes, most)
  end
  function fields.load(b)
    local first = (b - 1) * each
    local x = samples(core.source.idx_rows(path, first, rows[b], "float32"))
    if labels then return x, labels:narrow(1, first + 1, rows[b]):clone() end
    return x, samples(core.source.idx_rows(o.y, first, rows[b], "float32"))
  end
  return fields
end

--- nn.data.stream(path, {y, target, classes, ...}) -> stream
--- Data larger than memory: a stream has `#s`, `s.classes`, `s.feature_names` and `s:batches{size,
--- shuffle, drop_last}` as a dataset has, and nn.fit, nn.evaluate, model:predict and the option
--- `validation` of a fit take it like one; x and y are read from the file in blocks, when their
--- batches come. `s:head(n)` is a dataset of the first rows. A table of text (any file that is
--- neither npy nor IDX) takes the options of nn.data.csv; it is read once in the beginning, to
--- count rows, collect classes and compute means. An npy file (row-major): `y` is the path of
--- another with the targets (floats, or a list of integers: labels from 1), or `target` is the
--- column of this one (the last, unless given) to be predicted. An IDX file, not compressed: `y` is
--- the path of the labels' file. `classes` names the labels.
--- Example:
---   local path = os.tmpname() .. ".npy"
---   nn.save(path, nn.rand(1000, 4))
---   local s = nn.data.stream(path)
---   for x, y in s:batches{size = 500} do print(x.shape[2], y.shape[2]) end
---   os.remove(path)
function stream.stream(path, options)
  if type(path) ~= "string" then
    raise("stream: the first argument must be a path, got %s", util.describe(path))
  end
  local f = io.open(path, "rb")
  local begin = f and f:read(8) or ""
  if f then f:close() end
  if begin:sub(1, 2) == "\x1f\x8b" then
    raise("stream: %s: gzip data can only be read from its beginning; unpack it first (gunzip)",
      path)
  end
  local is_npy = begin:sub(1, 6) == "\x93NUMPY"
  local is_idx = #begin == 8 and begin:find "^\0\0[\x08\x09\x0b-\x0e][\1-\8]"
  if not is_npy and not is_idx then
    local o = {stream = true}
    if options ~= nil and type(options) ~= "table" then
      raise("stream: options are a table of named fields, got %s", util.describe(options))
    end
    for key, value in pairs(options or {}) do o[key] = value end
    return require "nn.data".csv(path, o)
  end
  local o = util.options("stream", options, {
    y = {"string"}, target = {"integer"}, classes = {"table"},
  })
  if o.y and o.target then raise "stream: 'y' and 'target' both say where the targets are" end
  return new(is_npy and of_npy(path, o) or of_idx(path, o))
end

return stream
