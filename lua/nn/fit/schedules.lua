-- fit/schedules.lua: when nn.fit steps the schedules of the learning rate.
local util = require "nn.util"

local schedules = {}

-- Whether one is stepped by "batch" (or "epoch") now. A warm-up may count batches before epochs.
function schedules.any(run, by)
  for _, s in ipairs(run.schedules) do
    if s.by == by then return true end
  end
  return false
end

-- What ReduceOnPlateau watches.
local function watched(s, record)
  local monitor = s.monitor or "val_loss"
  local value = record[monitor]
  if type(value) == "number" then return value end
  util.raise("fit: the schedule %s watches '%s', which the record does not have, only %s", s.kind,
    monitor, table.concat(util.sorted_keys(record), ", "))
end

function schedules.step(run, by)
  for _, s in ipairs(run.schedules) do
    if s.by == by then
      s:step(s.kind == "ReduceOnPlateau" and watched(s, run.state.record) or nil)
    end
  end
end

return schedules
