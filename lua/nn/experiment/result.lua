-- experiment/result.lua: what experiments return: tables with fields of their own that print as a
-- table, write it as CSV and draw themselves.
local core = require "nn.core"
local history = require "nn.history"
local util = require "nn.util"

local raise = util.raise
local result = {}

local function width_of(text) return utf8.len(text) or #text end

local function cell(v)
  if v == nil then return "-" end
  return type(v) == "number" and history.text(v) or tostring(v)
end

-- Rows of cells as lines; a column of texts is aligned at the left, one of numbers at the right.
local function aligned(columns, records)
  local rows, widths, left = {{}}, {}, {}
  for c, name in ipairs(columns) do
    rows[1][c], widths[c], left[c] = name, width_of(name), false
    for r, record in ipairs(records) do
      rows[r + 1] = rows[r + 1] or {}
      local text = cell(record[name])
      rows[r + 1][c] = text
      widths[c] = math.max(widths[c], width_of(text))
      left[c] = left[c] or type(record[name]) == "string"
    end
  end
  for r, row in ipairs(rows) do
    for c, text in ipairs(row) do
      local pad = (" "):rep(widths[c] - width_of(text))
      row[c] = left[c] and text .. pad or pad .. text
    end
    rows[r] = table.concat(row, "  "):gsub(" +$", "")
  end
  return rows
end

local function check(self, meta, name)
  if getmetatable(self) == meta then return end
  raise("%s: called on %s; it wants a %s, and a colon: result:%s(...)", name, util.describe(self),
    meta.__name, name)
end

-- A kind of result. parts: table(self) -> columns and records; picture(self, options); optionally
-- csv(self), where the file has more than the table, title(self), before the table, notes(self) ->
-- lines after it, methods.
function result.class(name, parts)
  local methods = parts.methods or {}
  local meta = {__index = methods, __name = name}
  function meta.__tostring(self)
    local lines = aligned(parts.table(self))
    if parts.title then table.insert(lines, 1, parts.title(self)) end
    for _, line in ipairs(parts.notes and parts.notes(self) or {}) do lines[#lines + 1] = line end
    return table.concat(lines, "\n")
  end
  function methods.csv(self, path)
    check(self, meta, "csv")
    history.check_path("csv", path)
    local columns, records = (parts.csv or parts.table)(self)
    core.files.write(path, history.csv_text(records, columns))
  end
  function methods.plot(self, path, options)
    check(self, meta, "plot")
    if path ~= nil then history.check_path("plot", path) end
    local o = util.options("plot", options, {title = {"string"}, width = {"count"},
      height = {"count"}, scale = {"number"}})
    local picture = parts.picture(self, o)
    if path then return picture:save(path) end
    return picture:show()
  end
  return meta
end

-- ---- what experiments are given ---------------------------------------------------------------

function result.check_function(owner, what, f)
  if type(f) == "function" then return f end
  raise("%s: %s must be a function, got %s", owner, what, util.describe(f))
end

function result.refuse_held_out(owner, data, what)
  if not data.held_out then return data end
  raise("%s: %s is held out (the last part of a split in three): a choice that saw it leaves "
    .. "nothing to test with. Use it once, with nn.evaluate, when all choices are made", owner,
    what)
end

-- A dataset for training or choosing.
function result.check_data(owner, data, what)
  require "nn.data.dataset".check(data, owner, what)
  result.refuse_held_out(owner, data, what)
  require "nn.evaluate".check_filled(owner, data, what)
  return data
end

-- ---- numbers ----------------------------------------------------------------------------------

function result.mean(list)
  local sum = 0
  for _, v in ipairs(list) do sum = sum + v end
  return sum / #list
end

-- The sample's standard deviation; 0 for one number.
function result.std(list)
  if #list < 2 then return 0.0 end
  local mean, sum = result.mean(list), 0
  for _, v in ipairs(list) do sum = sum + (v - mean) ^ 2 end
  return math.sqrt(sum / (#list - 1))
end

-- The median; lists hold numbers, infinite ones too.
function result.median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local n = #sorted
  if n == 0 then return nil end
  local a, b = sorted[(n + 1) // 2], sorted[n // 2 + 1]
  return a == b and a or (a + b) / 2
end

function result.is_finite(v)
  return type(v) == "number" and v - v == 0
end

return result
