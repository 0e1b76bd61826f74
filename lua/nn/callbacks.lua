-- callbacks.lua: what runs beside nn.fit: tables with functions for the moments of a fit.
local core = require "nn.core"
local history = require "nn.history"
local module = require "nn.module"
local util = require "nn.util"

local raise = util.raise
local callbacks = {}

-- The moments, in the order in which they come.
local moments = {"on_fit_begin", "on_epoch_begin", "on_batch_end", "on_epoch_end", "on_fit_end"}

-- Sorts the callbacks by moment: returns moment -> list of callbacks that want it.
function callbacks.prepare(given)
  local known, plan = {}, {}
  for _, moment in ipairs(moments) do known[moment], plan[moment] = true, {} end
  if given == nil then return plan end
  if type(given) ~= "table" then
    raise("fit: callbacks are a list of tables, got %s", util.describe(given))
  end
  for i, callback in ipairs(given) do
    if type(callback) ~= "table" then
      raise("fit: callback %d must be a table with functions such as on_epoch_end, got %s", i,
        util.describe(callback))
    end
    for _, key in ipairs(util.sorted_keys(callback)) do
      if type(key) == "string" and key:sub(1, 3) == "on_" and not known[key] then
        util.unknown(("fit: callback %d"):format(i), "moment", key, moments)
      end
    end
    for _, moment in ipairs(moments) do
      if callback[moment] then table.insert(plan[moment], callback) end
    end
  end
  for _, key in ipairs(util.sorted_keys(given)) do
    if type(key) ~= "number" then
      raise("fit: callbacks are a list of tables; put { } around the one with '%s'", tostring(key))
    end
  end
  return plan
end

function callbacks.fire(plan, moment, state)
  for _, callback in ipairs(plan[moment]) do callback[moment](callback, state) end
end

-- ---- the best weights -------------------------------------------------------------------------

-- Every tensor of a model, each once, in order.
local function tensors_of(model)
  local list, seen = {}, {}
  module.each_tensor(model, function(entry)
    if seen[entry.tensor] then return end
    seen[entry.tensor] = true
    list[#list + 1] = entry.tensor
  end)
  return list
end

-- Copies into the same tensors as last time, so that a long fit makes no new ones.
local function remember(self, model)
  local now = tensors_of(model)
  local same = self.tensors and #self.tensors == #now
  for i = 1, same and #now or 0 do same = same and self.tensors[i] == now[i] end
  if not same then
    self.tensors, self.copies = now, {}
    for i, t in ipairs(now) do self.copies[i] = t:detach():clone() end
    return
  end
  for i, t in ipairs(now) do self.copies[i]:copy_(t:detach()) end
end

local function restore(self)
  core.no_grad(function()
    for i, t in ipairs(self.tensors) do t:copy_(self.copies[i]) end
  end)
end

-- ---- EarlyStopping ----------------------------------------------------------------------------

local EarlyStopping = {}
local meta = {__index = EarlyStopping, __name = "EarlyStopping"}

-- nn.EarlyStopping{monitor = "val_loss", patience = 5, min_delta = 0, mode, baseline,
--   start_from_epoch = 0, restore_best = true}
function callbacks.EarlyStopping(options)
  local o = util.options("EarlyStopping", options, {
    monitor = {"string", "val_loss"}, patience = {"index", 5}, min_delta = {"number", 0},
    mode = {"string"}, baseline = {"number"}, start_from_epoch = {"index", 0},
    restore_best = {"boolean", true},
  })
  if o.mode ~= nil and o.mode ~= "min" and o.mode ~= "max" then
    raise('EarlyStopping: option \'mode\' must be "min" or "max", got %s', util.describe(o.mode))
  end
  if o.min_delta < 0 then
    raise("EarlyStopping: option 'min_delta' must be 0 or more, got %s", o.min_delta)
  end
  o.mode = o.mode or history.mode(o.monitor)
  return setmetatable(o, meta)
end

function EarlyStopping:on_fit_begin()
  self.best, self.best_epoch, self.waited, self.tensors = self.baseline, nil, 0, nil
end

local function improves(self, value)
  if value ~= value then return false end
  if self.best == nil then return true end
  if self.mode == "min" then return value < self.best - self.min_delta end
  return value > self.best + self.min_delta
end

function EarlyStopping:on_epoch_end(state)
  local value = state.record[self.monitor]
  if type(value) ~= "number" then
    raise("EarlyStopping: the record has no number '%s', only %s%s", self.monitor,
      table.concat(util.sorted_keys(state.record), ", "),
      self.monitor:find "^val_" and "; does fit have the option 'validation'?" or "")
  end
  if state.epoch <= self.start_from_epoch then return end
  if improves(self, value) then
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
  if self.restore_best then restore(self) end
  self.tensors, self.copies = nil, nil
end

function meta:__tostring()
  return ('EarlyStopping{monitor = "%s", patience = %d}'):format(self.monitor, self.patience)
end

return callbacks
