-- plot/marks.lua: layers for lists of numbers: lines, points, bars and histograms.
local colors = require "nn.plot.colors"
local scale = require "nn.plot.scale"
local series = require "nn.plot.series"
local simplify = require "nn.plot.simplify"
local util = require "nn.util"

local marks = {}
local max, min, huge = math.max, math.min, math.huge

local DASHES = {false, {7, 4}, {2, 4}, {9, 3, 2, 3}}

-- The extent of lists of numbers that have a place on their axes.
local function extent(lists, xlog, ylog)
  local x0, x1, y0, y1 = huge, -huge, huge, -huge
  for _, s in ipairs(lists) do
    local xs, ys, low, high = s.x, s.y, s.low, s.high
    for i = 1, #ys do
      local x, y = xs[i], ys[i]
      if scale.fits(x, xlog) and scale.fits(y, ylog) then
        if x < x0 then x0 = x end
        if x > x1 then x1 = x end
        if y < y0 then y0 = y end
        if y > y1 then y1 = y end
        if low then
          if scale.fits(low[i], ylog) then y0 = min(y0, low[i]) end
          if scale.fits(high[i], ylog) then y1 = max(y1, high[i]) end
        end
      end
    end
  end
  if x0 > x1 then return nil end
  return x0, x1, y0, y1
end

-- A number for each series of a panel, which chooses its colour, dashes and marker.
local function look(p, s, options, k)
  local own = options.color and k == 1 -- then the next series has the next colour all the same
  local l = {number = own and 1 or p:next_series(s.name)}
  l.color = options.color or colors.of(l.number)
  l.dash = options.dash and DASHES[2]
    or (l.number > #colors.series and DASHES[((l.number - 1) // #colors.series) % 4 + 1])
    or nil
  l.shape = (l.number - 1) % 6 + 1
  l.pattern = options.dash and 2 or l.number
  return l
end

local function entries_of(lists, looks, mark)
  local entries = {}
  for k, s in ipairs(lists) do
    if s.name then
      local l = looks[k]
      entries[#entries + 1] = {name = s.name, color = l.color, mark = mark, dash = l.dash,
        shape = l.shape, pattern = l.pattern}
    end
  end
  return entries
end

local function whole(lists)
  for _, s in ipairs(lists) do
    if not s.counted then return false end
  end
  return true
end

-- ---- lines ------------------------------------------------------------------------------------

-- The stretches of a series between values that have no place, in pixels.
local function runs(s, view, ys)
  local list, rx, ry, n = {}, {}, {}, 0
  local fx, fy, xs = view.x, view.y, s.x
  local xlog, ylog, fits = view.xlog, view.ylog, scale.fits
  for i = 1, #ys do
    if fits(xs[i], xlog) and fits(ys[i], ylog) then
      n = n + 1
      rx[n], ry[n] = fx(xs[i]), fy(ys[i])
    elseif n > 0 then
      list[#list + 1] = {rx, ry}
      rx, ry, n = {}, {}, 0
    end
  end
  if n > 0 then list[#list + 1] = {rx, ry} end
  return list
end

local function draw_band(scene, view, s, color)
  local low, high = runs(s, view, s.low), runs(s, view, s.high)
  if #low ~= 1 or #high ~= 1 or #low[1][1] ~= #high[1][1] then return end
  local xs, ys = simplify.line(low[1][1], low[1][2], view.step)
  local bx, by = simplify.line(high[1][1], high[1][2], view.step)
  local px, py = {table.unpack(xs)}, {table.unpack(ys)}
  for i = #bx, 1, -1 do px[#px + 1], py[#py + 1] = bx[i], by[i] end
  scene:path({{px, py}}, {fill = color, opacity = 0.2, closed = true, role = "soft"})
end

local function draw_line(scene, view, s, l, line)
  local parts, points = {}, {{}, {}}
  for _, run in ipairs(runs(s, view, s.y)) do
    if #run[1] == 1 then
      table.insert(points[1], run[1][1])
      table.insert(points[2], run[2][1])
    else
      parts[#parts + 1] = {simplify.line(run[1], run[2], view.step)}
    end
  end
  if #parts > 0 then
    scene:path(parts, {stroke = l.color, line = line, dash = l.dash, pattern = l.pattern})
  end
  if #points[1] > 0 then
    local xs, ys = simplify.marks(points[1], points[2], view.step)
    scene:marks(xs, ys, {size = line * 1.4, fill = l.color, shape = 1})
  end
end

-- options: color, dash, width (of the line), points (mark them too)
function marks.line(owner, p, data, options)
  local lists, looks = series.read(owner, data, p:names(options)), {}
  p:name_alone(lists, options)
  for k, s in ipairs(lists) do looks[k] = look(p, s, options, k) end
  local layer = {entries = entries_of(lists, looks, "line"), whole = whole(lists)}
  layer.kind, layer.series, layer.looks = "line", lists, looks
  function layer.extent(xlog, ylog) return extent(lists, xlog, ylog) end
  function layer.draw(scene, view)
    for k, s in ipairs(lists) do
      scene:enter(s.name and {{"data-series", s.name}} or {})
      if s.low then draw_band(scene, view, s, looks[k].color) end
      draw_line(scene, view, s, looks[k], options.line or 2)
      if options.points and not view.terminal then
        marks.draw_points(scene, view, s, looks[k], 3.2)
      end
      scene:leave()
    end
  end
  return layer
end

-- ---- rules ------------------------------------------------------------------------------------

-- Straight lines across the panel at a value of x or of y.
local function rule(owner, axis, value, options)
  if type(value) ~= "number" or not scale.fits(value) then
    util.raise("%s: expected a finite number, where the line stands; got %s", owner,
      util.describe(value))
  end
  local l = {color = options.color or colors.muted, pattern = options.dash == false and 1 or 2,
    dash = options.dash ~= false and {5, 4} or nil}
  local layer = {kind = owner, series = {}, looks = {}}
  layer.entries = options.name and {{name = options.name, color = l.color, mark = "line",
    dash = l.dash, pattern = l.pattern}} or {}
  function layer.extent()
    if axis == "x" then return value, value, nil, nil end
    return nil, nil, value, value
  end
  function layer.draw(scene, view)
    local style = {stroke = l.color, line = options.line or 1.2, dash = l.dash,
      pattern = l.pattern}
    if axis == "x" then
      scene:segment(view.x(value), view.top, view.x(value), view.top + view.height, style)
    else
      scene:segment(view.left, view.y(value), view.left + view.width, view.y(value), style)
    end
  end
  return layer
end
function marks.vline(owner, _, value, options) return rule(owner, "x", value, options) end
function marks.hline(owner, _, value, options) return rule(owner, "y", value, options) end

-- ---- points -----------------------------------------------------------------------------------

function marks.draw_points(scene, view, s, l, size)
  local xs, ys, n = {}, {}, 0
  local xr, yr = view.xrange, view.yrange
  for i = 1, #s.y do
    local x, y = s.x[i], s.y[i]
    if scale.fits(x, view.xlog) and scale.fits(y, view.ylog) and x >= xr.lo and x <= xr.hi
        and y >= yr.lo and y <= yr.hi then
      n = n + 1
      xs[n], ys[n] = view.x(x), view.y(y)
    end
  end
  xs, ys = simplify.marks(xs, ys, view.step)
  local crowd = #xs > 1000
  scene:marks(xs, ys, {shape = l.shape, size = crowd and min(size, 2) or size, fill = l.color,
    outline = not crowd and #xs <= 400 and colors.paper or nil})
end

-- options: color, size
function marks.scatter(owner, p, data, options)
  local lists, looks = series.read(owner, data, p:names(options)), {}
  p:name_alone(lists, options)
  for _, s in ipairs(lists) do
    if s.class and options.classes then s.name = tostring(options.classes[s.class] or s.name) end
  end
  for k, s in ipairs(lists) do looks[k] = look(p, s, options, k) end
  local layer = {entries = entries_of(lists, looks, "dot")}
  layer.kind, layer.series, layer.looks = "scatter", lists, looks
  function layer.extent(xlog, ylog) return extent(lists, xlog, ylog) end
  function layer.draw() end
  function layer.over(scene, view) -- not clipped: a marker at the edge shows whole
    for k, s in ipairs(lists) do
      scene:enter(s.name and {{"data-series", s.name}} or {})
      marks.draw_points(scene, view, s, looks[k], options.size or 4.5)
      scene:leave()
    end
  end
  return layer
end

-- ---- bars -------------------------------------------------------------------------------------

-- What bars are of: groups (names under the axis) and one list of heights for each series.
-- {name = number}, {{name, number}, ...}, numbers, or {series = numbers}.
local function bar_data(owner, p, data, options)
  local groups, lists = options.classes
  local first = type(data) == "table" and data[1]
  if type(first) == "table" and type(first[1]) == "string" then
    lists, groups = {{y = {}}}, {}
    for i, pair in ipairs(data) do
      if type(pair) ~= "table" or type(pair[1]) ~= "string" or type(pair[2]) ~= "number" then
        util.raise("%s: bars with names are a list of {name, number}; element %d is not", owner, i)
      end
      groups[i], lists[1].y[i] = pair[1], pair[2]
    end
  else
    lists = series.lists(owner, data, p:names(options))
    local single = series.is_named(data)
    for _, s in ipairs(lists) do single = single and type(data[s.name]) == "number" end
    if single then
      groups, first = {}, {y = {}}
      for i, s in ipairs(lists) do groups[i], first.y[i] = s.name, s.y[1] end
      lists = {first}
    end
  end
  local most = 0
  for _, s in ipairs(lists) do most = max(most, #s.y) end
  local names = {}
  for i = 1, max(most, groups and #groups or 0) do
    names[i] = tostring(groups and groups[i] or i)
  end
  return names, lists
end

local function bar_extent(lists, ylog)
  local y0, y1 = huge, -huge
  for _, s in ipairs(lists) do
    for _, y in ipairs(s.y) do
      if scale.fits(y, ylog) then y0, y1 = min(y0, y), max(y1, y) end
    end
  end
  if y0 > y1 then return nil end
  return y0, y1
end

local function draw_bars(scene, view, names, lists, looks)
  local slot = 0.76 / #lists
  local floor = view.ylog and view.y(view.yrange.lo) or view.y(max(view.yrange.lo,
    min(0, view.yrange.hi)))
  local label = #names * #lists <= 14 and not view.terminal
  local m = view.medium
  for k, s in ipairs(lists) do
    scene:enter(s.name and {{"data-series", s.name}} or {})
    for i, v in ipairs(s.y) do
      if scale.fits(v, view.ylog) then
        local left = view.x(i - 0.38 + (k - 1) * slot)
        local right, y = view.x(i - 0.38 + k * slot), view.y(v)
        local gap = #lists > 1 and not view.terminal and 1 or 0
        scene:rect(left, min(y, floor), right - left - gap, math.abs(floor - y),
          {fill = looks[k].color, pattern = looks[k].pattern})
        local text = scale.label(v)
        if label and m.text_width(text, m.tick) < right - left + 8 then
          scene:text((left + right) / 2, v < 0 and y + 9 or y - 9, text,
            {size = m.tick, anchor = "middle", color = colors.muted})
        end
      end
    end
    scene:leave()
  end
end

function marks.bar(owner, p, data, options)
  local names, lists = bar_data(owner, p, data, options)
  p:name_alone(lists, options)
  local looks = {}
  for k, s in ipairs(lists) do looks[k] = look(p, s, options, k) end
  local layer = {entries = entries_of(lists, looks, "box"), zero = true, xnames = names,
    pad = 0.07}
  layer.kind, layer.series, layer.looks = "bar", lists, looks
  function layer.extent(_, ylog)
    local y0, y1 = bar_extent(lists, ylog)
    return nil, nil, y0, y1
  end
  function layer.draw() end
  function layer.over(scene, view) draw_bars(scene, view, names, lists, looks) end
  return layer
end

-- ---- histograms -------------------------------------------------------------------------------

-- The number of bins: the rule of D. Freedman and P. Diaconis (1981), 2 iqr / n^(1/3) wide, within
-- 5..60.
local function bin_count(values, lo, hi)
  local n = #values
  local sorted = table.move(values, 1, n, 1, {})
  table.sort(sorted)
  local spread = sorted[max(1, (3 * n) // 4)] - sorted[max(1, n // 4)]
  local width = 2 * spread / n ^ (1 / 3)
  if width <= 0 then return 10 end
  return max(5, min(60, math.ceil((hi - lo) / width)))
end

local function counted(lists, bins, xlog)
  local all, lo, hi = {}, huge, -huge
  for _, s in ipairs(lists) do
    for _, v in ipairs(s.y) do
      if scale.fits(v, xlog) then
        if xlog then v = math.log(v) end
        all[#all + 1] = v
        lo, hi = min(lo, v), max(hi, v)
      end
    end
  end
  if #all == 0 then return nil end
  if lo == hi then lo, hi = scale.range(lo, hi, false, 0) end
  bins = bins or bin_count(all, lo, hi)
  local edges = {}
  for b = 0, bins do
    local e = b == bins and hi or lo + (hi - lo) * b / bins
    edges[b + 1] = xlog and math.exp(e) or e
  end
  for _, s in ipairs(lists) do
    s.count = {}
    for b = 1, bins do s.count[b] = 0 end
    for _, v in ipairs(s.y) do
      if scale.fits(v, xlog) then
        if xlog then v = math.log(v) end
        local b = min(bins, math.floor((v - lo) / (hi - lo) * bins) + 1)
        s.count[b] = s.count[b] + 1
      end
    end
  end
  return edges
end

local function draw_bins(scene, view, s, l, edges, several)
  local floor = view.y(view.ylog and view.yrange.lo or 0)
  local px, py = {view.x(edges[1])}, {floor}
  for b, count in ipairs(s.count) do
    local left, right = view.x(edges[b]), view.x(edges[b + 1])
    local y = scale.fits(count, view.ylog) and view.y(count) or floor
    if several then
      px[#px + 1], py[#py + 1] = left, y
      px[#px + 1], py[#py + 1] = right, y
    elseif count > 0 then
      scene:rect(left, y, max(right - left - (view.terminal and 0 or 1), 0.5), floor - y,
        {fill = l.color, tip = ("%s … %s: %d"):format(scale.label(edges[b]),
          scale.label(edges[b + 1]), count)})
    end
  end
  if several then
    px[#px + 1], py[#py + 1] = view.x(edges[#edges]), floor
    scene:path({{px, py}}, {fill = l.color, opacity = 0.3, closed = true, role = "soft"})
    scene:path({{px, py}}, {stroke = l.color, line = 1.5, pattern = l.pattern})
  end
end

-- options: bins, color
function marks.hist(owner, p, data, options)
  local lists, looks = series.lists(owner, data, p:names(options)), {}
  p:name_alone(lists, options)
  for k, s in ipairs(lists) do looks[k] = look(p, s, options, k) end
  local layer = {entries = entries_of(lists, looks, "box"), zero = true}
  layer.kind, layer.series, layer.looks = "hist", lists, looks
  local edges
  function layer.extent(xlog)
    edges = counted(lists, options.bins, xlog)
    if not edges then return nil end
    local top = 1
    for _, s in ipairs(lists) do
      for _, count in ipairs(s.count) do top = max(top, count) end
    end
    return edges[1], edges[#edges], 1, top
  end
  function layer.draw(scene, view)
    for k, s in ipairs(edges and lists or {}) do
      scene:enter(s.name and {{"data-series", s.name}} or {})
      draw_bins(scene, view, s, looks[k], edges, #lists > 1)
      scene:leave()
    end
  end
  return layer
end

return marks
