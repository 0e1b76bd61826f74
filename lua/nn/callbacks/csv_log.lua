-- csv_log.lua: nn.CSVLog, the history as a CSV file that grows while the fit runs.
local append = require "nn.callbacks.append"
local core = require "nn.core"
local history = require "nn.history"
local util = require "nn.util"

local M = {}
local CSVLog = {}
local meta = {__index = CSVLog, __name = "CSVLog"}

--- nn.CSVLog{path} -> callback
--- Writes a line to a CSV file after each epoch: the columns of the history, the first line naming
--- them. Each line is in the file when its epoch is over, so that others can read along. A new fit
--- begins the file anew; one that goes on from a checkpoint keeps the epochs before it and drops
--- those that the checkpoint does not know. A column that a callback adds later is in every line
--- from then on, empty before.
--- Example:
---   local path = os.tmpname()
---   local model = nn.Linear(1, 1)
---   nn.fit(model, nn.data.line(), {loss = nn.MSELoss(), epochs = 3,
---     optimizer = nn.optim.SGD(model:parameters(), {lr = 0.01}),
---     callbacks = {nn.CSVLog{path = path}}})
---   for line in io.lines(path) do print(line) end
---   os.remove(path)
function M.CSVLog(options)
  local o = util.options("CSVLog", options, {path = {"string"}})
  history.check_path("CSVLog", o.path)
  return setmetatable(o, meta)
end

local function rewrite(self, records)
  self.columns, self.known = history.all_columns(records), {}
  for _, name in ipairs(self.columns) do self.known[name] = true end
  core.files.write(self.path, history.csv_text(records, self.columns))
end

-- Whether the columns of the file are those of this record.
local function is_known(self, record)
  for name, v in pairs(record) do
    if history.is_shown(v) ~= (self.known[name] or false) then return false end
  end
  return true
end

-- The history is the truth, also of a file that a crash has left with more lines or less.
function CSVLog:on_fit_begin(state)
  rewrite(self, state.history)
end

function CSVLog:on_epoch_end(state)
  if is_known(self, state.record) then
    append("CSVLog", self.path, history.csv_line(state.record, self.columns) .. "\n")
  else
    rewrite(self, state.history)
  end
end

function meta:__tostring()
  return ('CSVLog{path = "%s"}'):format(self.path)
end

return M
