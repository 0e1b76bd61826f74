-- plot/axes.lua: the two axes of a panel: which values get marks so that no label meets another,
-- how much room they take, and their lines.
local colors = require "nn.plot.colors"
local scale = require "nn.plot.scale"
local text = require "nn.plot.text"

local axes = {}
local floor, max, min = math.floor, math.max, math.min

-- One axis: {values, labels, log}; `range` = {lo, hi, log, whole, names}.
local function marks(range, count)
  if range.names then
    local values, labels = {}, {}
    for i, name in ipairs(range.names) do values[i], labels[i] = i, tostring(name) end
    return {values = values, labels = labels}
  end
  local values, labels, every = scale.ticks(range.lo, range.hi, count, range.log, range.whole)
  return {values = values, labels = labels, every = every}
end

-- The marks of a horizontal axis `width` wide.
function axes.horizontal(m, range, width)
  local function wide(s) return m.text_width(s, m.tick) end
  if range.names then return axes.names(m, range, width, wide) end
  for count = max(2, min(10, floor(width / (3.6 * m.line(m.tick))))), 1, -1 do
    local found = marks(range, count)
    local at = scale.map(range.lo, range.hi, 0, width, range.log)
    local clear, last = true, -math.huge
    for i, v in ipairs(found.values) do
      local half = wide(found.labels[i]) / 2
      clear = clear and at(v) - half >= last
      last = at(v) + half + 1.2 * m.gap
    end
    if clear or count == 1 then return found end
  end
end

-- Names under their places: broken into lines, shortened, and where that is not enough only every
-- so many are written.
function axes.names(m, range, width, wide)
  local slot = width / (range.hi - range.lo) - (m.terminal and 1 or 2) * m.gap
  local found, rows = marks(range), 1
  local every = max(1, math.ceil(wide "0000" / max(slot, 1)))
  for i, name in ipairs(found.labels) do
    local lines = {}
    if (i - 1) % every == 0 then
      lines = text.wrap(name, slot * every, m.terminal and 1 or 2, wide)
    end
    found.labels[i] = lines
    rows = max(rows, #lines)
  end
  found.rows = rows
  return found
end

-- The marks of a vertical axis, and the width of their labels.
function axes.vertical(m, range, height)
  local count = m.terminal and max(2, height // 16)
    or max(2, min(8, floor(height / (2.2 * m.line(m.tick)))))
  local found, wide = marks(range, count), 0
  if range.names then
    local every = max(1, math.ceil(m.line(m.tick) * (range.hi - range.lo) / height - 1e-6))
    for i = 1, #found.labels do
      if (i - 1) % every ~= 0 then found.labels[i] = "" end
      found.labels[i] = text.fit(found.labels[i], m.width * 0.25,
        function(s) return m.text_width(s, m.tick) end)
    end
  end
  for _, label in ipairs(found.labels) do wide = max(wide, m.text_width(label, m.tick)) end
  found.wide = wide
  return found
end

-- Fainter marks between decades.
local function between(range, found)
  local list = {}
  if not range.log or not found.every or found.every > 1 then return list end
  if range.hi / range.lo > 1e6 then return list end
  for k = floor(math.log(range.lo, 10)), math.ceil(math.log(range.hi, 10)) do
    for factor = 2, 9 do
      local v = factor * 10.0 ^ k
      if v > range.lo and v < range.hi then list[#list + 1] = v end
    end
  end
  return list
end

local GRID = {stroke = colors.grid, role = "grid"}
local function style(base) return {stroke = base.stroke, role = base.role, line = base.line} end

-- Lines across the panel at the marks, behind the data.
function axes.grid(scene, view)
  if view.medium.terminal or view.plain or view.covered then return end
  local left, top = view.left, view.top
  local right, bottom = left + view.width, top + view.height
  if not view.xrange.names then
    for _, v in ipairs(view.xmarks.values) do
      local x = view.x(v)
      scene:segment(x, top, x, bottom, style(GRID))
    end
  end
  if view.yrange.names then return end
  for _, v in ipairs(view.ymarks.values) do
    local y = view.y(v)
    scene:segment(left, y, right, y, style(GRID))
  end
end

local LINE = {stroke = colors.axis, role = "axis"}
local TICK = 5

local function page_lines(scene, view)
  local left, top = view.left, view.top
  local right, bottom = left + view.width, top + view.height
  if view.plain then
    scene:path({{{left, right, right, left}, {top, top, bottom, bottom}}},
      {stroke = colors.axis, closed = true, role = "axis"})
  else
    scene:path({{{left, left, right}, {top, bottom, bottom}}}, style(LINE))
  end
  local parts = {}
  for _, v in ipairs(view.xrange.names and {} or view.xmarks.values) do
    local x = view.x(v)
    parts[#parts + 1] = {{x, x}, {bottom, bottom + TICK}}
  end
  for _, v in ipairs(between(view.xrange, view.xmarks)) do
    local x = view.x(v)
    parts[#parts + 1] = {{x, x}, {bottom, bottom + TICK * 0.6}}
  end
  for _, v in ipairs(view.yrange.names and {} or view.ymarks.values) do
    local y = view.y(v)
    parts[#parts + 1] = {{left - TICK, left}, {y, y}}
  end
  for _, v in ipairs(between(view.yrange, view.ymarks)) do
    local y = view.y(v)
    parts[#parts + 1] = {{left - TICK * 0.6, left}, {y, y}}
  end
  if #parts > 0 then scene:path(parts, style(LINE)) end
end

local function terminal_lines(scene, view)
  local left, top, bottom = view.left, view.top, view.top + view.height
  local function put(x, y, char)
    scene:text(x, y, char, {size = 4, color = colors.axis, role = "terminal"})
  end
  for y = top, bottom - 1, 4 do put(left - 2, y, "│") end
  put(left - 2, bottom, "└" .. ("─"):rep(view.width // 2))
  for _, v in ipairs(view.ymarks.values) do put(left - 2, view.y(v), "┤") end
  if not view.xrange.names then
    for _, v in ipairs(view.xmarks.values) do
      put(floor(view.x(v) / 2) * 2, bottom, "┬")
    end
  end
end

local function x_label(scene, m, x, top, label)
  for i, line in ipairs(type(label) == "table" and label or {label}) do
    scene:text(x, top + m.line(m.tick) * (i - 0.5), line,
      {size = m.tick, anchor = "middle", color = colors.muted})
  end
end

-- Lines, marks and labels.
function axes.draw(scene, view)
  local m = view.medium
  local bottom = view.top + view.height
  if m.terminal then terminal_lines(scene, view) else page_lines(scene, view) end
  local below = bottom + (m.terminal and 4 or TICK + 2)
  for i, v in ipairs(view.xmarks.values) do
    local x = view.x(v)
    if m.terminal then x = floor(x / 2) * 2 + 1 end
    x_label(scene, m, x, below, view.xmarks.labels[i])
  end
  for i, v in ipairs(view.ymarks.values) do
    scene:text(view.left - (m.terminal and 2 or TICK + 4), view.y(v), view.ymarks.labels[i],
      {size = m.tick, anchor = "end", color = colors.muted})
  end
end

-- How much the x axis takes below the panel, without its name.
function axes.depth(m, xmarks)
  return (m.terminal and 4 or TICK + 2) + m.line(m.tick) * (xmarks.rows or 1)
end
-- And the y axis left of it.
function axes.reach(m, ymarks)
  return ymarks.wide + (m.terminal and 2 or TICK + 6)
end

return axes
