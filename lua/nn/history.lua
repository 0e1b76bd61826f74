-- history.lua: what nn.fit returns: a list of records, one an epoch, that prints as a table. Beside
-- them: `columns`, `stopped_by` ("epochs", or what ended the fit) and `best_epoch`.
local core = require "nn.core"
local registry = require "nn.files.registry"
local terminal = require "nn.terminal"
local util = require "nn.util"

local raise = util.raise
local history = {}
local History = {}
local meta = {__index = History, __name = "history"}

local ROWS, ENDS = 40, 15 -- a longer table shows its first and last rows
local CURVE = 5 -- so many epochs have a curve below

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
  if type(v) ~= "number" then return v == nil and "-" or tostring(v) end
  return name == "seconds" and ("%.3f"):format(v) or history.text(v)
end

function history.is_shown(v)
  return type(v) == "number" or type(v) == "string" or type(v) == "boolean"
end

-- The columns, then what callbacks added to the records. What is no number or text (a confusion
-- matrix) stays in its record.
local function all_columns(self)
  local columns, known, hidden, extra = {}, {}, {}, {}
  for _, name in ipairs(self.columns) do known[name] = true end
  for _, record in ipairs(self) do
    for name, v in pairs(record) do
      if not history.is_shown(v) then hidden[name] = true end
      extra[name] = not known[name] or nil
    end
  end
  for _, name in ipairs(self.columns) do
    if not hidden[name] then columns[#columns + 1] = name end
  end
  for _, name in ipairs(util.sorted_keys(extra)) do
    if type(name) == "string" and not hidden[name] then columns[#columns + 1] = name end
  end
  return columns
end
history.all_columns = all_columns

--- history:best(column = "val_loss", mode = "auto") -> record
--- The record with the best value of a column: the lowest of a loss or an error, the highest of
--- anything else; `mode` "min" or "max" says otherwise. Without a name: of `val_loss`, or of `loss`
--- where nothing was validated. Values that are not numbers are passed over.
--- Example:
---   local model = nn.Linear(1, 1)
---   local history = nn.fit(model, nn.data.line(), {loss = nn.MSELoss(), epochs = 5,
---     optimizer = nn.optim.SGD(model:parameters(), {lr = 0.01})})
---   print(history:best("loss").epoch)
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

-- ---- as text ----------------------------------------------------------------------------------

-- The curve of a column in the room that the column has; nothing where there is no curve.
local function curve(self, name, width, plain)
  local values, first, varies = {}, nil, false
  for i, record in ipairs(self) do
    local v = record[name]
    if type(v) ~= "number" then return "" end
    values[i], first = v, first or v
    varies = varies or v ~= first
  end
  if not varies or name == "epoch" or name == "seconds" then return "" end
  return terminal.spark(values, width, plain)
end

-- The rows of the table as lists of cells; those in the middle of a long history are left out.
local function table_rows(self, columns)
  local rows = {{table.unpack(columns)}}
  for i, record in ipairs(self) do
    if #self <= ROWS or i <= ENDS or i > #self - ENDS then
      local row = {}
      for c, name in ipairs(columns) do row[c] = cell(name, record[name]) end
      rows[#rows + 1] = row
    elseif i == ENDS + 1 then
      rows[#rows + 1] = {".."}
    end
  end
  return rows
end

local function width_of(text)
  return utf8.len(text) or #text
end

local function widths_of(rows, count)
  local widths = {}
  for c = 1, count do
    widths[c] = 0
    for _, row in ipairs(rows) do widths[c] = math.max(widths[c], width_of(row[c] or "")) end
  end
  return widths
end

-- How the fit ended, where that is not what everybody expects.
local function ending(self)
  local parts = {}
  if self.stopped_by and self.stopped_by ~= "epochs" then
    parts[1] = "stopped by " .. tostring(self.stopped_by)
  end
  if self.best_epoch then parts[#parts + 1] = "best epoch " .. self.best_epoch end
  return #parts > 0 and table.concat(parts, ", ") or nil
end

function meta.__tostring(self)
  local columns = all_columns(self)
  local rows = table_rows(self, columns)
  local widths = widths_of(rows, #columns)
  if #self >= CURVE then
    local row, plain = {}, not terminal.utf8()
    for c, name in ipairs(columns) do row[c] = curve(self, name, widths[c], plain) end
    rows[#rows + 1] = row
  end
  for r, row in ipairs(rows) do
    for c, text in ipairs(row) do row[c] = (" "):rep(widths[c] - width_of(text)) .. text end
    rows[r] = table.concat(row, "  "):gsub(" +$", "")
  end
  rows[#rows + 1] = ending(self)
  return table.concat(rows, "\n")
end

-- ---- as files ---------------------------------------------------------------------------------

local function csv_field(v)
  if v == nil then return "" end
  if math.type(v) == "float" then return ("%.17g"):format(v) end
  local text = tostring(v)
  return text:find '[,"\n\r]' and '"' .. text:gsub('"', '""') .. '"' or text
end

-- A record as a line of a CSV file.
function history.csv_line(record, columns)
  local fields = {}
  for c, name in ipairs(columns) do fields[c] = csv_field(record[name]) end
  return table.concat(fields, ",")
end

-- All records as CSV.
function history.csv_text(self, columns)
  local names = {}
  for c, name in ipairs(columns) do names[c] = csv_field(name) end
  local lines = {table.concat(names, ",")}
  for _, record in ipairs(self) do lines[#lines + 1] = history.csv_line(record, columns) end
  return table.concat(lines, "\n") .. "\n"
end

function history.check_path(owner, path)
  if type(path) == "string" and path ~= "" and not path:find("\0", 1, true) then return path end
  raise("%s: expected a path, got %s", owner, util.describe(path))
end

--- history:csv(path)
--- Writes the history as a CSV file: a line with the names of the columns, then one for each epoch.
--- Numbers are written so that they are read back as they were. A crash leaves the old file or the
--- new one.
--- Example:
---   local model = nn.Linear(1, 1)
---   local history = nn.fit(model, nn.data.line(), {loss = nn.MSELoss(), epochs = 5,
---     optimizer = nn.optim.SGD(model:parameters(), {lr = 0.01})})
---   local path = os.tmpname()
---   history:csv(path)
---   os.remove(path)
function History:csv(path)
  history.check_path("csv", path)
  core.files.write(path, history.csv_text(self, all_columns(self)))
end

--- history:plot(path, {title, width, height, scale}) -> picture
--- Draws the curves: a panel for each measure, training and validation in it, the best epoch marked
--- (the one that EarlyStopping found, else the best value). `path` ends in .svg, .png or .pdf;
--- without it the picture is drawn in the terminal. The same as nn.plot.history.
--- Example:
---   local model = nn.Linear(1, 1)
---   local history = nn.fit(model, nn.data.line(), {loss = nn.MSELoss(), epochs = 5,
---     optimizer = nn.optim.SGD(model:parameters(), {lr = 0.01})})
---   history:plot()
function History:plot(path, options)
  if path ~= nil then history.check_path("plot", path) end
  local o = util.options("plot", options, {
    title = {"string"}, width = {"count"}, height = {"count"}, scale = {"number"},
  })
  o.out = path
  return require "nn".plot.history(self, o)
end

-- ---- saved ------------------------------------------------------------------------------------

local function save(self)
  return {
    columns = self.columns, records = table.move(self, 1, #self, 1, {}),
    stopped_by = self.stopped_by, best_epoch = self.best_epoch,
  }
end

local function load(state)
  local o = util.options("history", state, {
    columns = {"table"}, records = {"table"}, stopped_by = {"string"}, best_epoch = {"count"},
  })
  local columns = {}
  for i, name in ipairs(o.columns or {}) do
    if type(name) ~= "string" then
      raise("history: column %d is called %s", i, util.describe(name))
    end
    columns[i] = name
  end
  local self = history.new(columns)
  for i, record in ipairs(o.records or {}) do
    if type(record) ~= "table" or getmetatable(record) or type(record.epoch) ~= "number" then
      raise("history: record %d is not a table with an epoch", i)
    end
    self[i] = record
  end
  self.stopped_by, self.best_epoch = o.stopped_by, o.best_epoch
  return self
end

registry.add("history", meta, save, load)

-- A metric's or a loss's value as a number.
function history.number(v, owner, name)
  if type(v) == "number" then return v end
  if core.kind(v) == "tensor" and v:numel() == 1 then return v:item() end
  raise("%s: %s must give a number, got %s", owner, name, util.describe(v))
end

return history
