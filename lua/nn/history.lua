-- history.lua: what nn.fit returns: a list of records, one an epoch, that prints as a table.
local core = require "nn.core"
local util = require "nn.util"

local raise = util.raise
local history = {}
local History = {}
local meta = {__index = History, __name = "history"}

local ROWS, ENDS = 40, 15 -- a longer table shows its first and last rows

-- `columns`: the names in the order in which they are shown.
function history.new(columns)
  return setmetatable({columns = columns}, meta)
end

-- "min" for what is better when it is lower: losses, errors and costs; "max" for all else.
function history.mode(name)
  local words = {"loss", "mse", "mae", "error", "cost", "penalty", "perplexity", "seconds"}
  for _, word in ipairs(words) do
    if name:find(word, 1, true) then return "min" end
  end
  return "max"
end

-- The option `mode` of who watches a column: "min" or "max", or what the name says.
function history.check_mode(owner, mode, name)
  if mode == nil or mode == "auto" then return history.mode(name) end
  if mode == "min" or mode == "max" then return mode end
  raise('%s: option \'mode\' must be "min" or "max" (or "auto": by the name), got %s', owner,
    util.describe(mode))
end

-- Whether a value beats the best so far (nil: there is none) by more than `margin`. What is not a
-- number beats nothing.
function history.better(mode, value, best, margin)
  if value ~= value then return false end
  if best == nil then return true end
  if mode == "min" then return value < best - margin end
  return value > best + margin
end

-- A number as people read it; whole ones as such.
function history.text(v)
  if math.type(v) ~= "float" then return tostring(v) end
  if v - v ~= 0 then return v ~= v and "nan" or v > 0 and "inf" or "-inf" end
  local size = math.abs(v)
  if size ~= 0 and (size < 1e-3 or size >= 1e6) then return ("%.3e"):format(v) end
  return ("%.4f"):format(v)
end

local function cell(name, v)
  if v == nil then return "-" end
  return name == "seconds" and ("%.3f"):format(v) or history.text(v)
end

-- The columns, then what callbacks added to the records.
local function all_columns(self)
  local columns, known = {}, {}
  for i, name in ipairs(self.columns) do columns[i], known[name] = name, true end
  local extra = {}
  for _, record in ipairs(self) do
    for name in pairs(record) do extra[name] = not known[name] or nil end
  end
  for _, name in ipairs(util.sorted_keys(extra)) do columns[#columns + 1] = name end
  return columns
end

-- The record with the best value of a column, which is lowest for a loss and highest otherwise.
function History:best(name, mode)
  if name == nil then name = self[1] and self[1].val_loss and "val_loss" or "loss" end
  mode = history.check_mode("best", mode, tostring(name))
  local best
  for _, record in ipairs(self) do
    local v = record[name]
    if type(v) == "number" and history.better(mode, v, best and best[name], 0) then
      best = record
    end
  end
  if not best and #self > 0 then
    raise("best: no record has a number '%s'; the columns are %s", tostring(name),
      table.concat(all_columns(self), ", "))
  end
  return best
end

function meta.__tostring(self)
  local columns = all_columns(self)
  local widths, rows = {}, {columns}
  for i, record in ipairs(self) do
    if #self <= ROWS or i <= ENDS or i > #self - ENDS then
      local row = {}
      for c, name in ipairs(columns) do
        row[c] = cell(name, record[name])
      end
      rows[#rows + 1] = row
    elseif i == ENDS + 1 then
      rows[#rows + 1] = {".."}
    end
  end
  for c = 1, #columns do
    widths[c] = 0
    for _, row in ipairs(rows) do widths[c] = math.max(widths[c], #(row[c] or "")) end
  end
  for r, row in ipairs(rows) do
    for c, text in ipairs(row) do row[c] = (" "):rep(widths[c] - #text) .. text end
    rows[r] = table.concat(row, "  ")
  end
  return table.concat(rows, "\n")
end

local function csv_field(v)
  if v == nil then return "" end
  if math.type(v) == "float" then return ("%.17g"):format(v) end
  local text = tostring(v)
  return text:find '[,"\n\r]' and '"' .. text:gsub('"', '""') .. '"' or text
end

-- Writes a line for each record. A crash leaves the old file or the new one.
function History:csv(path)
  if type(path) ~= "string" then
    raise("csv: expected a path, got %s", util.describe(path))
  end
  local columns = all_columns(self)
  local lines = {table.concat(columns, ",")}
  for _, record in ipairs(self) do
    local fields = {}
    for c, name in ipairs(columns) do fields[c] = csv_field(record[name]) end
    lines[#lines + 1] = table.concat(fields, ",")
  end
  local file, why = io.open(path .. ".part", "wb")
  if not file then raise("csv: %s", why) end
  local written, trouble = file:write(table.concat(lines, "\n"), "\n")
  local closed, late = file:close()
  if not (written and closed) then
    os.remove(path .. ".part")
    raise("csv: cannot write %s: %s", path, trouble or late)
  end
  local moved, reason = os.rename(path .. ".part", path)
  if not moved then
    os.remove(path .. ".part")
    raise("csv: %s", reason)
  end
end

-- A metric's or a loss's value as a number.
function history.number(v, owner, name)
  if type(v) == "number" then return v end
  if core.kind(v) == "tensor" and v:numel() == 1 then return v:item() end
  raise("%s: %s must give a number, got %s", owner, name, util.describe(v))
end

return history
