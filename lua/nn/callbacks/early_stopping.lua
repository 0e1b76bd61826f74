-- early_stopping.lua: nn.EarlyStopping, which ends a fit that no longer gets better and gives back
-- the weights of the evaluation that was best.
local core = require "nn.core"
local history = require "nn.history"
local module = require "nn.module"
local monitor = require "nn.callbacks.monitor"
local util = require "nn.util"

local raise = util.raise
local M = {}
local EarlyStopping = {}
local meta = {__index = EarlyStopping, __name = "EarlyStopping"}

-- ---- the best weights -------------------------------------------------------------------------

-- Every tensor of a model, each once, in order: weights and buffers.
local function tensors_of(model)
  local list, seen = {}, {}
  module.each_tensor(model, function(entry)
    if seen[entry.tensor] then return end
    seen[entry.tensor] = true
    list[#list + 1] = entry.tensor
  end)
  return list
end

local function same_place(copy, t)
  return copy and copy:dtype() == t:dtype() and util.same_shape(copy, t)
end

-- Copies into the tensors of last time, so that a long fit makes no new ones.
local function remember(self, model)
  local copies = self.copies or {}
  local now = tensors_of(model)
  for i, t in ipairs(now) do
    if same_place(copies[i], t) then
      copies[i]:copy_(t:detach())
    else
      copies[i] = t:detach():clone()
    end
  end
  for i = #copies, #now + 1, -1 do copies[i] = nil end
  self.copies = copies
end

local function restore(self, model)
  local now = tensors_of(model)
  local same = #now == #self.copies
  for i, t in ipairs(now) do same = same and same_place(self.copies[i], t) end
  if not same then
    raise("EarlyStopping: the model has other weights than at its best epoch (%d); they cannot be "
      .. "given back", self.best_epoch)
  end
  core.no_grad(function()
    for i, t in ipairs(now) do t:copy_(self.copies[i]) end
  end)
end

-- ---- the callback -----------------------------------------------------------------------------

--- nn.EarlyStopping{monitor = "val_loss", patience = 5, min_delta = 0, mode = "auto", baseline,
---     start_from_epoch = 0, restore_best = true} -> callback
--- Ends a fit after `patience` epochs in which the column `monitor` of the history did not get
--- better by more than `min_delta`. `mode`: "min" where less is better, "max" where more is, "auto"
--- by the name (losses and errors are "min"). `baseline`: a value that has to be beaten from the
--- start. The first `start_from_epoch` epochs do not count. A value that is not a number is never
--- better. With `restore_best` the model ends, however the fit does, with the weights and buffers
--- of the very evaluation that was best; `history.best_epoch` says which.
--- Example:
---   local train, val = nn.data.digits():split{0.8, 0.2}
---   local model = nn.Sequential{nn.Flatten(), nn.Linear(64, 10)}
---   local history = nn.fit(model, train, {
---     validation = val, loss = nn.CrossEntropyLoss(), epochs = 20,
---     optimizer = nn.optim.Adam(model:parameters(), {lr = 0.05}),
---     callbacks = {nn.EarlyStopping{monitor = "val_loss", patience = 3}},
---   })
---   print(history.best_epoch, history.stopped_by)
function M.EarlyStopping(options)
  local o = util.options("EarlyStopping", options, {
    monitor = {"string", "val_loss"}, patience = {"index", 5}, min_delta = {"number", 0},
    mode = {"string"}, baseline = {"number"}, start_from_epoch = {"index", 0},
    restore_best = {"boolean", true},
  })
  o.mode = history.check_mode("EarlyStopping", o.mode, o.monitor)
  if o.min_delta < 0 then
    raise("EarlyStopping: option 'min_delta' must be 0 or more, got %s", o.min_delta)
  end
  return setmetatable(o, meta)
end

function EarlyStopping:on_fit_begin(state)
  self.best, self.best_epoch, self.waited, self.copies = self.baseline, nil, 0, nil
  monitor.check("EarlyStopping", self.monitor, state)
end

function EarlyStopping:on_epoch_end(state)
  local value = monitor.value("EarlyStopping", self.monitor, state)
  if state.epoch <= self.start_from_epoch then return end
  if history.better(self.mode, value, self.best, self.min_delta) then
    self.best, self.best_epoch, self.waited = value, state.epoch, 0
    if self.restore_best then remember(self, state.model) end
    return
  end
  self.waited = self.waited + 1
  if self.waited >= self.patience then state:stop "EarlyStopping" end
end

-- The best weights come back also when the fit came to its last epoch or was stopped by another.
function EarlyStopping:on_fit_end(state)
  if not self.best_epoch then return end
  state.history.best_epoch = self.best_epoch
  if self.restore_best then restore(self, state.model) end
  self.copies = nil
end

-- What a fit that goes on has to know: the best value, how long ago it was, and the weights then.
function EarlyStopping:state()
  local copies = self.copies and {}
  for i, t in ipairs(self.copies or {}) do copies[i] = t:clone() end
  return {best = self.best, best_epoch = self.best_epoch, waited = self.waited, weights = copies}
end

function EarlyStopping:load_state(saved)
  self.best, self.best_epoch, self.waited = saved.best, saved.best_epoch, saved.waited
  self.copies = saved.weights
end

function meta:__tostring()
  return ('EarlyStopping{monitor = "%s", patience = %d}'):format(self.monitor, self.patience)
end

return M
