-- monitor.lua: what the callbacks that watch a column of the history share.
local callbacks = require "nn.callbacks"
local util = require "nn.util"

local raise = util.raise
local monitor = {}

local function missing(owner, name, names)
  local near = util.nearest(name, names)
  local cure = near and (" (did you mean '%s'?)"):format(near)
    or name:find "^val_" and "; does fit have the option 'validation'?" or ""
  names = table.concat(names, ", ")
  raise("%s: the record has no number '%s', only %s%s", owner, name, names, cure)
end

-- At the start of a fit: the column must exist, unless another callback may come to add it.
function monitor.check(owner, name, state)
  for _, column in ipairs(state.history.columns) do
    if column == name then return end
  end
  for _, entry in ipairs(state.callbacks or {}) do
    if not callbacks.is_ours(entry) then return end
  end
  missing(owner, name, state.history.columns)
end

-- The column's value in the epoch's record.
function monitor.value(owner, name, state)
  local value = state.record[name]
  if type(value) == "number" then return value end
  local names = {}
  for _, key in ipairs(util.sorted_keys(state.record)) do
    if type(state.record[key]) == "number" then names[#names + 1] = key end
  end
  missing(owner, name, names)
end

return monitor
