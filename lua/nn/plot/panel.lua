-- plot/panel.lua: one pair of axes with what lies in them: ranges, layout, order of drawing.
--
-- A layer is a table: extent(xlog, ylog) gives x0, x1, y0, y1 or nothing; draw(scene, view) draws
-- by view.x and view.y. Further fields: entries (for the legend), bar (a colour ramp), tight (no
-- room around), zero (the y axis includes nought), whole (x counts things), xnames and ynames
-- (the axis has names, not numbers), down (y grows downwards), plain (a frame, no grid), under
-- (drawn first, and no grid), prepare(xrange, yrange, known) (called before layout), over(scene,
-- view) (drawn without clipping), alone(scene, view) (the layer has no axes and the panel for
-- itself).
local axes = require "nn.plot.axes"
local colors = require "nn.plot.colors"
local legend = require "nn.plot.legend"
local scale = require "nn.plot.scale"
local text = require "nn.plot.text"

local panel = {}
local max, min, huge = math.max, math.min, math.huge

local PAD = 0.04

-- ---- ranges -----------------------------------------------------------------------------------

local function extent(layers, xlog, ylog)
  local x0, x1, y0, y1 = huge, -huge, huge, -huge
  for _, layer in ipairs(layers) do
    local a, b, c, d = layer.extent(xlog, ylog)
    if a then x0, x1 = min(x0, a), max(x1, b) end
    if c then y0, y1 = min(y0, c), max(y1, d) end
  end
  return x0 <= x1 and x0 or nil, x1, y0 <= y1 and y0 or nil, y1
end

local function any(layers, field)
  for _, layer in ipairs(layers) do
    if layer[field] then return layer[field] end
  end
end

local function all(layers, field)
  for _, layer in ipairs(layers) do
    if not layer[field] then return nil end
  end
  return #layers > 0
end

local function x_range(p, lo, hi)
  local o, names = p.options, any(p.layers, "xnames")
  local range = {log = o.xlog, whole = all(p.layers, "whole"), names = names}
  if names then
    range.lo, range.hi = 0.5, #names + 0.5
    if o.xrange then range.lo, range.hi = table.unpack(o.xrange) end
  elseif o.xrange then
    range.lo, range.hi = o.xrange[1], o.xrange[2]
  else
    range.lo, range.hi = scale.range(lo, hi, o.xlog, any(p.layers, "tight") and 0 or PAD)
  end
  return range
end

local function y_range(p, lo, hi)
  local o, names = p.options, any(p.layers, "ynames")
  local range = {log = o.ylog, names = names}
  if names then
    range.lo, range.hi = 0.5, #names + 0.5
  elseif o.yrange then
    range.lo, range.hi = o.yrange[1], o.yrange[2]
  else
    local zero = any(p.layers, "zero") and not o.ylog and lo
    if zero then lo, hi = min(lo, 0), max(hi, 0) end
    range.lo, range.hi = scale.range(lo, hi, o.ylog,
      any(p.layers, "tight") and 0 or any(p.layers, "pad") or PAD)
    if zero and lo == 0 and hi > 0 then range.lo = 0 end
    if zero and hi == 0 and lo < 0 then range.hi = 0 end
  end
  return range
end

-- ---- layout -----------------------------------------------------------------------------------

local function entries(p)
  local list = {}
  if p.options.legend == false then return list end
  for _, layer in ipairs(p.layers) do
    for _, entry in ipairs(layer.entries or {}) do list[#list + 1] = entry end
  end
  return list
end

local function title_lines(m, title, width)
  if not title then return {} end
  local function wide(s) return m.text_width(s, m.title, true) end
  return text.wrap(title, width, m.terminal and 1 or 2, wide)
end

-- The heights of what stands above the data: title, legend, in a terminal the names of the y axis
-- and of the ramp.
local function head(p, m, bar, width)
  local o, h = p.options, {}
  h.lines = title_lines(m, o.title, width)
  h.title = #h.lines * m.line(m.title) + (#h.lines > 0 and not m.terminal and 6 or 0)
  h.rows, h.legend = {}, 0
  local list = entries(p)
  if #list > 0 then h.rows, h.legend = legend.rows(m, list, width) end
  h.extra = m.terminal and (o.ylabel or bar) and 4 or 0
  h.height = h.title + h.legend + h.extra
  return h
end

-- Fits everything into x, y, width, height: the view that the layers draw by.
local function arrange(p, m, xrange, yrange, x, y, width, height)
  local o, bar = p.options, any(p.layers, "bar")
  local view = {medium = m, xrange = xrange, yrange = yrange, plain = any(p.layers, "plain"),
    covered = any(p.layers, "under"),
    xlog = o.xlog, ylog = o.ylog, step = m.column, bar = bar, terminal = m.terminal}
  local left, right = x + m.pad + 40, x + width - m.pad
  local depth = m.line(m.tick) * 2
  for _ = 1, 3 do
    view.head = head(p, m, bar, right - left)
    view.top = y + m.pad + view.head.height
    if m.terminal then view.top = math.ceil(view.top / 4) * 4 end
    local bottom = y + height - m.pad - depth - (o.xlabel and m.line(m.label) + 2 or 0)
    if m.terminal then bottom = bottom // 4 * 4 end
    view.height = max(bottom - view.top, m.terminal and 4 or 20)
    view.ymarks = axes.vertical(m, yrange, view.height)
    left = x + m.pad + axes.reach(m, view.ymarks)
      + ((o.ylabel and not m.terminal) and m.line(m.label) + 2 or 0)
    left = max(left, x + (m.reach or 0))
    right = x + width - m.pad - (bar and legend.bar_width(m, bar, view.height) or 0)
    if m.terminal then left = math.ceil(left / 2) * 2 end
    view.xmarks = axes.horizontal(m, xrange, max(right - left, 10))
    local last = view.xmarks.labels[#view.xmarks.labels]
    if last and not xrange.names and (m.terminal or not bar) then
      local at = scale.map(xrange.lo, xrange.hi, left, right, xrange.log)
      local over = at(view.xmarks.values[#view.xmarks.values])
        + m.text_width(last, m.tick) / 2 - (x + width - (m.terminal and 1 or 4))
      if over > 0 then right = right - over end
    end
    if m.terminal then right = right // 2 * 2 end
    view.left, view.width = left, max(right - left, 10)
    depth = axes.depth(m, view.xmarks)
  end
  view.depth = depth
  return view
end

-- The maps from data to the picture.
local function connect(p, view)
  local xr, yr, edge = view.xrange, view.yrange, view.terminal and 1 or 0
  view.x = scale.map(xr.lo, xr.hi, view.left, view.left + view.width - edge, xr.log)
  local top, bottom = view.top, view.top + view.height - edge
  if any(p.layers, "down") then top, bottom = bottom, top end
  view.y = scale.map(yr.lo, yr.hi, bottom, top, yr.log)
end

-- ---- drawing ----------------------------------------------------------------------------------

local function draw_titles(p, scene, view, x, y)
  local m, o, h = view.medium, p.options, view.head
  local top = y + m.pad
  for i, line in ipairs(h.lines) do
    scene:text(view.left, top + (i - 0.5) * m.line(m.title), line,
      {size = m.title, bold = true, color = colors.ink})
  end
  legend.draw(scene, m, h.rows, view.left, top + h.title)
  if m.terminal and o.ylabel then
    scene:text(x, view.top - 2, text.fit(o.ylabel, view.left + view.width - x, m.text_width),
      {size = 4, color = colors.ink})
  end
  if view.bar then
    local right = view.left + view.width
    local at = m.terminal and math.max(view.left, right - 60) or right + 14
    legend.draw_bar(scene, m, view.bar, at, m.terminal and view.top - 2 or view.top, view.height)
  end
end

local function draw_labels(p, scene, view, x)
  local m, o = view.medium, p.options
  local function fitted(label, most)
    return text.fit(label, most, function(s) return m.text_width(s, m.label) end)
  end
  if o.xlabel then
    scene:text(view.left + view.width / 2,
      view.top + view.height + view.depth + m.line(m.label) / 2 + (m.terminal and 0 or 2),
      fitted(o.xlabel, view.width), {size = m.label, anchor = "middle", color = colors.ink})
  end
  if o.ylabel and not m.terminal then
    scene:text(x + m.pad + m.line(m.label) / 2, view.top + view.height / 2,
      fitted(o.ylabel, view.height),
      {size = m.label, anchor = "middle", turned = true, color = colors.ink})
  end
end

local function draw_layers(p, scene, view)
  local edge = view.terminal and 0 or 1
  local function clip()
    scene:clip(view.left - edge, view.top - edge, view.width + 2 * edge, view.height + 2 * edge)
  end
  for _, layer in ipairs(p.layers) do
    if layer.under then
      clip()
      layer.draw(scene, view)
      scene:unclip()
    end
  end
  axes.grid(scene, view)
  for _, layer in ipairs(p.layers) do
    if not layer.under then
      clip()
      layer.draw(scene, view)
      scene:unclip()
    end
    if layer.over then layer.over(scene, view) end
  end
end

local function no_data(scene, view)
  scene:text(view.left + view.width / 2, view.top + view.height / 2, "no data",
    {size = view.medium.label, anchor = "middle", color = colors.muted})
end

-- What the title takes of a picture.
function panel.title_height(p, m, width)
  local lines = title_lines(m, p.options.title, width - 2 * m.pad)
  return #lines * m.line(m.title) + (#lines > 0 and 6 or 0)
end

-- A layer without axes has all the room below the title.
local function draw_alone(p, layer, scene, m, x, y, width, height)
  local o = p.options
  local h = head({options = {title = o.title}, layers = {}}, m, nil, width - 2 * m.pad)
  local view = {medium = m, head = h, terminal = m.terminal, left = x + m.pad,
    top = y + m.pad + h.height, width = width - 2 * m.pad,
    height = height - 2 * m.pad - h.height}
  draw_titles({options = {title = o.title}}, scene, view, x, y)
  if not layer.alone(scene, view) then no_data(scene, view) end
  return view
end

-- Draws the panel into a rectangle of the scene.
function panel.draw(p, scene, m, x, y, width, height)
  local alone = any(p.layers, "alone") and p.layers[1]
  if alone then return draw_alone(p, alone, scene, m, x, y, width, height) end
  local x0, x1, y0, y1 = extent(p.layers, p.options.xlog, p.options.ylog)
  local xrange, yrange = x_range(p, x0, x1), y_range(p, y0, y1)
  for _, layer in ipairs(p.layers) do
    if layer.prepare then layer.prepare(xrange, yrange, x0 ~= nil and y0 ~= nil) end
  end
  local view = arrange(p, m, xrange, yrange, x, y, width, height)
  view.reach = view.left - x
  if m.views then m.views[#m.views + 1] = {panel = p, view = view} end
  connect(p, view)
  draw_layers(p, scene, view)
  axes.draw(scene, view)
  draw_titles(p, scene, view, x, y)
  draw_labels(p, scene, view, x)
  if not x0 and not any(p.layers, "xnames") and not any(p.layers, "prepare") then
    no_data(scene, view)
  end
  return view
end

return panel
