-- plot/legend.lua: which colour is what: rows of samples and names above the data, and the bar of
-- a colour ramp beside them.
local colors = require "nn.plot.colors"
local scale = require "nn.plot.scale"
local terminal = require "nn.plot.terminal"
local text = require "nn.plot.text"

local legend = {}
local ROWS = 4

-- Entries as rows that fit: lists of {entry, x, text}.
local function flow(m, entries, width)
  local function wide(s) return m.text_width(s, m.legend) end
  local rows, x = {{}}, 0
  for i, entry in ipairs(entries) do
    local name = text.fit(entry.name, width - m.sample - m.gap, wide)
    local takes = m.sample + m.gap + wide(name)
    if x > 0 and x + takes > width then
      if #rows == ROWS then
        rows[ROWS][#rows[ROWS]] = {x = rows[ROWS][#rows[ROWS]].x, text = ("+ %d more"):format(
          #entries - i + 2)}
        return rows
      end
      rows[#rows + 1], x = {}, 0
    end
    table.insert(rows[#rows], {entry = entry, x = x, text = name})
    x = x + takes + m.apart
  end
  return rows
end

local function sample(scene, m, entry, x, y)
  if m.terminal then
    local char = terminal.lines[((entry.pattern or 1) - 1) % 4 + 1]
    if m.how.color and entry.mark == "line" then char = terminal.lines[1] end
    if entry.mark == "dot" then char = terminal.marks[entry.shape or 1] end
    if entry.mark == "box" then
      char = terminal.fills[m.how.color and 1 or ((entry.pattern or 1) - 1) % 4 + 1]:rep(3)
    end
    return scene:text(x, y, char, {size = 4, color = entry.color})
  end
  if entry.mark == "line" then
    return scene:segment(x, y, x + m.sample, y,
      {stroke = entry.color, line = 2.5, dash = entry.dash})
  elseif entry.mark == "dot" then
    return scene:marks({x + m.sample / 2}, {y},
      {shape = entry.shape, size = 5, fill = entry.color})
  end
  scene:rect(x + 4, y - 5.5, m.sample - 8, 11, {fill = entry.color, opacity = entry.opacity})
end

-- The height of the entries.
function legend.rows(m, entries, width)
  local rows = flow(m, entries, width)
  return rows, #rows * m.line(m.legend) + (m.terminal and 0 or 4)
end

function legend.draw(scene, m, rows, left, top)
  for r, row in ipairs(rows) do
    local y = top + (r - 0.5) * m.line(m.legend)
    for _, place in ipairs(row) do
      local x = left + place.x
      if place.entry then
        scene:enter {{"data-legend", place.entry.name}}
        sample(scene, m, place.entry, x, y)
      end
      scene:text(place.entry and x + m.sample + m.gap or x, y, place.text,
        {size = m.legend, color = colors.ink})
      if place.entry then scene:leave() end
    end
  end
end

-- ---- the bar of a ramp ------------------------------------------------------------------------

local BAR = 14

-- bar: {lo, hi, log, ramp, steps}; what it needs on the right.
function legend.bar_width(m, bar, height)
  if m.terminal then return 0 end
  bar.values, bar.labels = scale.ticks(bar.lo, bar.hi,
    math.max(2, math.min(7, height // 34)), bar.log)
  local wide = 0
  for _, label in ipairs(bar.labels) do wide = math.max(wide, m.text_width(label, m.tick)) end
  return 14 + BAR + 6 + wide
end

local function page_bar(scene, m, bar, left, top, height)
  local n = 64
  local at = scale.map(bar.lo, bar.hi, top + height, top, bar.log)
  for i = 1, n do
    scene:rect(left, top + height * (n - i) / n, BAR, height / n + (i > 1 and 0.6 or 0),
      {fill = bar.ramp((i - 0.5) / n)})
  end
  for i, v in ipairs(bar.values) do
    scene:segment(left + BAR, at(v), left + BAR + 3, at(v), {stroke = colors.axis})
    scene:text(left + BAR + 6, at(v), bar.labels[i], {size = m.tick, color = colors.muted})
  end
end

-- One row of a terminal: low, the ramp, high.
local function terminal_bar(scene, m, bar, left, y)
  local low, high = scale.label(bar.lo), scale.label(bar.hi)
  local x = left + m.text_width(low) + 2
  scene:text(left, y, low, {size = 4, color = colors.muted})
  for i = 0, 15 do
    scene:rect(x + i * 2, y - 2, 2, 4, {fill = bar.ramp(i / 15), pattern = 4 - i // 4,
      role = "cell"})
  end
  scene:text(x + 34, y, high, {size = 4, color = colors.muted})
end

function legend.draw_bar(scene, m, bar, left, top, height)
  if m.terminal then return terminal_bar(scene, m, bar, left, top) end
  page_bar(scene, m, bar, left, top, height)
end

return legend
