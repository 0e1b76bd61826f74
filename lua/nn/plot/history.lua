-- plot/history.lua: the curves of a training run: a panel for each measure, training and validation
-- in it, the best epoch marked.
local core_history = require "nn.history"
local grid = require "nn.plot.grid"
local picture = require "nn.plot.picture"
local util = require "nn.util"

local plot_history = {}
local MOST = 8 -- panels

local skipped = {epoch = true, seconds = true, lr = true, batch = true}

-- The measures: columns with numbers, without what is only validation of another.
local function measures(h)
  local list, known = {}, {}
  for _, name in ipairs(core_history.all_columns(h)) do
    local base = name:match "^val_(.+)$" or name
    local number = false
    for _, record in ipairs(h) do number = number or type(record[name]) == "number" end
    if number and not skipped[base] and not known[base] then
      known[base] = true
      list[#list + 1] = base
    end
  end
  return list
end

local function column(h, name)
  local x, y = {}, {}
  for i, record in ipairs(h) do
    if type(record[name]) == "number" then
      x[#x + 1], y[#y + 1] = record.epoch or i, record[name]
    end
  end
  return #x > 0 and {x = x, y = y} or nil
end

-- Whether a measure is better seen on a logarithmic axis: above 0, and over two decades.
local function wants_log(lines)
  local lo, hi = math.huge, -math.huge
  for _, line in ipairs(lines) do
    for _, v in ipairs(line.y) do
      if v - v == 0 then lo, hi = math.min(lo, v), math.max(hi, v) end
    end
  end
  return lo > 0 and hi / lo > 100
end

local function best_record(h, name)
  local record = h.best_epoch and h[h.best_epoch]
  if record and type(record[name]) == "number" then return record end
  local ok, best = pcall(h.best, h, name)
  return ok and best or nil
end

local function panel(h, base, options)
  local train, val = column(h, base), column(h, "val_" .. base)
  local log = wants_log {train, val}
  local p = picture.new("plot", {xlabel = options.last and "epoch" or nil, ylabel = base,
    title = options.title, ylog = log})
  p.x_name = "epoch"
  if train then p:line(train, {name = "training"}) end
  if val then p:line(val, {name = "validation"}) end
  local name = val and "val_" .. base or base
  local best = #h > 1 and best_record(h, name)
  if best then
    p:vline(best.epoch, {name = ("best: epoch %d, %s"):format(best.epoch,
      core_history.text(best[name]))})
    p:scatter({{best.epoch, best[name]}}, {color = val and "vermilion" or "blue"})
  end
  return p
end

-- nn.plot.history(history, {title, width, height, scale, out}): a picture
function plot_history.new(owner, h, options)
  if type(h) ~= "table" or util.describe(h) ~= "a history" then
    util.raise("%s: expected the history that nn.fit returns, got %s", owner, util.describe(h))
  end
  local o = util.options(owner, options, {title = {"string"}, width = {"count"},
    height = {"count"}, scale = {"number"}, out = {"string"}})
  local names, panels = measures(h), {}
  for i, name in ipairs(names) do
    if i <= MOST then panels[i] = panel(h, name, {last = i == math.min(#names, MOST)}) end
  end
  if #panels == 0 then panels[1] = picture.new("plot", {xlabel = "epoch", ylabel = "loss"}) end
  o.columns = 1
  return grid.new(owner, panels, o)
end

return plot_history
