-- checkpoint.lua: nn.Checkpoint, which saves the model while the fit runs: each time, or when it is
-- better than ever.
local core = require "nn.core"
local history = require "nn.history"
local monitor = require "nn.callbacks.monitor"
local util = require "nn.util"

local raise = util.raise
local M = {}
local Checkpoint = {}
local meta = {__index = Checkpoint, __name = "Checkpoint"}

--- nn.Checkpoint{path, monitor, mode = "auto", every = 1} -> callback
--- Saves model, optimizer and history to a .nn file after every `every` epochs; nn.load(path) gives
--- a table with `model`, `optimizer`, `history` and `epoch`. With `monitor`, a column of the
--- history, only when that column is better than in all epochs before (`mode`: "min", "max", or
--- "auto", by the name). A crash leaves the file before or the new one. (The option `checkpoint` of
--- nn.fit saves all that it takes to go on with the fit, bit for bit.)
--- Example:
---   local name = os.tmpname()
---   local path = name .. ".nn"
---   local model = nn.Linear(1, 1)
---   nn.fit(model, nn.data.line(), {loss = nn.MSELoss(), epochs = 3,
---     optimizer = nn.optim.SGD(model:parameters(), {lr = 0.01}),
---     callbacks = {nn.Checkpoint{path = path, monitor = "loss"}}})
---   print(nn.load(path).history)
---   os.remove(path)
---   os.remove(name)
function M.Checkpoint(options)
  local o = util.options("Checkpoint", options, {
    path = {"string"}, monitor = {"string"}, mode = {"string"}, every = {"count", 1},
  })
  history.check_path("Checkpoint", o.path)
  if not o.path:find "%.nn$" then
    raise("Checkpoint: the path must end in .nn, the format that holds models, got %s",
      util.describe(o.path))
  end
  o.mode = history.check_mode("Checkpoint", o.mode, o.monitor or "")
  return setmetatable(o, meta)
end

function Checkpoint:on_fit_begin(state)
  self.best = nil
  if self.monitor then monitor.check("Checkpoint", self.monitor, state) end
end

-- An optimizer of the script's own is not saved.
local function save(self, state)
  local optimizer = core.kind(state.optimizer) == "optimizer" and state.optimizer or nil
  require "nn".save(self.path, {
    model = state.model, optimizer = optimizer, history = state.history, epoch = state.epoch,
  })
end

function Checkpoint:on_epoch_end(state)
  if self.monitor then
    local value = monitor.value("Checkpoint", self.monitor, state)
    if not history.better(self.mode, value, self.best, 0) then return end
    self.best = value
    save(self, state)
  elseif state.epoch % self.every == 0 then
    save(self, state)
  end
end

function Checkpoint:state() return {best = self.best} end
function Checkpoint:load_state(saved) self.best = saved.best end

function meta:__tostring()
  return ('Checkpoint{path = "%s"%s}'):format(self.path,
    self.monitor and (', monitor = "%s"'):format(self.monitor) or "")
end

return M
