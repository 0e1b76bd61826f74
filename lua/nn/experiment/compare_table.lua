-- experiment/compare_table.lua: what nn.compare returns, as table and picture.
local history = require "nn.history"
local result = require "nn.experiment.result"
local util = require "nn.util"

local M = {}

-- Beside the results, so that result[name] are optimizers and nothing else.
local abouts = setmetatable({}, {__mode = "k"})

local function by_rank(self)
  local about, names = abouts[self], {}
  for i, name in ipairs(about.names) do names[i] = name end
  table.sort(names, function(a, b)
    local x, y = self[a], self[b]
    if x.worth ~= y.worth then return x.worth > y.worth end
    local p, q = x.epochs_to_target or math.huge, y.epochs_to_target or math.huge
    if p ~= q then return p < q end
    return a < b
  end)
  return names
end

local function table_of(self)
  local about, records = abouts[self], {}
  local columns = {"optimizer", "median", "low", "high"}
  local tuned = util.sorted_keys(about.tune)
  for _, name in ipairs(tuned) do columns[#columns + 1] = name end
  if #tuned > 0 then columns[#columns + 1] = "good" end
  for _, name in ipairs {"to_target", "seconds", "diverged"} do columns[#columns + 1] = name end
  for i, name in ipairs(by_rank(self)) do
    local e = self[name]
    records[i] = {optimizer = name, median = e.median, low = e.low, high = e.high,
      to_target = e.epochs_to_target, seconds = e.seconds, diverged = e.diverged,
      good = e.tried and ("%d of %d"):format(e.good, #e.tried) or nil}
    for _, key in ipairs(tuned) do
      local v = e.settings[key]
      records[i][key] = math.type(v) == "float" and ("%g"):format(v) or v
    end
  end
  return columns, records
end

local function title(self)
  local about = abouts[self]
  return ("%s after %d epochs, median and range of %d seed%s"):format(about.column, about.epochs,
    about.seeds, about.seeds == 1 and "" or "s")
end

local function notes(self)
  local about, lines, edges = abouts[self], {}, {}
  local better = about.sign > 0 and "at or above" or "at or below"
  lines[1] = ("to_target: epochs until %s is %s %s"):format(about.column, better,
    history.text(about.target))
  if next(about.tune) ~= nil then
    lines[2] = "good: how many of the values tried come near the best; diverged: of the seeds"
  end
  for _, name in ipairs(by_rank(self)) do
    if self[name].at_edge then edges[#edges + 1] = name end
  end
  if #edges > 0 then
    lines[#lines + 1] = ("the best lr of %s is the first or last one tried: try more beyond it")
      :format(table.concat(edges, ", "))
  end
  return lines
end

-- Median, lowest and highest of the seeds in each epoch.
local function band(entry, column)
  local s, most = {x = {}, y = {}, low = {}, high = {}}, 0
  for _, records in ipairs(entry.histories) do most = math.max(most, #records) end
  for epoch = 1, most do
    local values = {}
    for _, records in ipairs(entry.histories) do
      local v = records[epoch] and records[epoch][column]
      if result.is_finite(v) then values[#values + 1] = v end
    end
    if #values > 0 then
      local n = #s.x + 1
      table.sort(values)
      s.x[n], s.y[n], s.low[n], s.high[n] = epoch, result.median(values), values[1],
        values[#values]
    end
  end
  return s
end

-- The score against the rate, as far as one was tuned.
local function sensitivity(entry)
  local s = {x = {}, y = {}}
  for _, e in ipairs(entry.tried or {}) do
    if type(e.settings.lr) == "number" and result.is_finite(e.score) then
      s.x[#s.x + 1], s.y[#s.y + 1] = e.settings.lr, e.score
    end
  end
  return s
end

local function picture(self, options)
  local about, plot = abouts[self], require "nn.plot"
  local curves, rates, names = {}, {}, by_rank(self)
  for _, name in ipairs(names) do
    local curve, rate = band(self[name], about.column), sensitivity(self[name])
    if #curve.x > 0 then curves[name] = curve end
    if #rate.x > 1 then rates[name] = rate end
  end
  if next(curves) == nil then util.raise "plot: every run diverged" end
  local panels = {plot{xlabel = "epoch", ylabel = about.column, legend = names}:line(curves)}
  if next(rates) ~= nil then
    panels[2] = plot{xlabel = "lr", ylabel = about.column, xlog = true, legend = names}
      :line(rates, {points = true})
  end
  return require "nn.plot.grid".new("grid", panels, options)
end

local meta = result.class("comparison", {table = table_of, title = title, notes = notes,
  picture = picture})

-- The result: an entry for each optimizer by name.
function M.new(self)
  local public = self.results
  abouts[public] = {names = self.names, column = self.column, epochs = self.epochs,
    seeds = self.seeds, target = self.target, tune = self.tune, sign = self.sign}
  return setmetatable(public, meta)
end

return M
