-- plot/surface.lua: heights over a plane seen from above and aside.
--
-- The view is turned by AZIMUTH about the vertical and tilted by ELEVATION, without perspective;
-- the faces are painted from the back to the front, coloured by their mean height and shaded a
-- little by their slope.
local colors = require "nn.plot.colors"
local field = require "nn.plot.field"
local scale = require "nn.plot.scale"
local simplify = require "nn.plot.simplify"
local util = require "nn.util"

local surface = {}

local AZIMUTH, ELEVATION = math.rad(35), math.rad(32)
local TALL = 0.75 -- of the height of the box to its sides

-- The box -1..1 (x and y), 0..1 (height) in the plane of the picture, y upwards; the third result
-- grows towards the viewer.
local function project(x, y, z)
  local c, s = math.cos(AZIMUTH), math.sin(AZIMUTH)
  local across, deep = c * x + s * y, -s * x + c * y
  return across, math.sin(ELEVATION) * deep + math.cos(ELEVATION) * 2 * TALL * (z - 0.5), -deep
end

-- From the box to the rectangle of the picture.
local function fitting(view)
  local left, right, low, high = math.huge, -math.huge, math.huge, -math.huge
  for i = 0, 7 do
    local a, b = project(i & 1 == 0 and -1 or 1, i & 2 == 0 and -1 or 1, i & 4 == 0 and 0 or 1)
    left, right, low, high = math.min(left, a), math.max(right, a), math.min(low, b),
      math.max(high, b)
  end
  local m = view.medium
  local below = m.terminal and 4 or 2.2 * m.line(m.tick)
  local width, height = view.width - (m.terminal and 12 or 110), view.height - below
  local unit = math.min(width / (right - left), 1.15 * height / (high - low))
  local cx, cy = view.left + view.width / 2, view.top + height / 2
  local up = math.min(unit, height / (high - low))
  return function(x, y, z)
    local a, b = project(x, y, z)
    return cx + unit * (a - (left + right) / 2), cy - up * (b - (low + high) / 2)
  end
end

local function corners(grid, heights, most)
  local rows, columns = simplify.indices(#grid.y, most), simplify.indices(#grid.x, most)
  local share, all = field.share(heights), grid.z:totable()
  local nx, ny = #grid.x, #grid.y
  local fx = scale.map(grid.x[1], nx > 1 and grid.x[nx] or grid.x[1] + 1, -1, 1)
  local fy = scale.map(grid.y[1], ny > 1 and grid.y[ny] or grid.y[1] + 1, -1, 1)
  local points = {}
  for i, r in ipairs(rows) do
    points[i] = {}
    for j, c in ipairs(columns) do
      local v = all[r][c]
      points[i][j] = {fx(grid.x[c]), fy(grid.y[r]), v == v and share(v) or nil}
    end
  end
  return points
end

-- The faces, those at the back first.
local function faces(points)
  local list = {}
  for i = 1, #points - 1 do
    for j = 1, #points[i] - 1 do
      local a, b = points[i][j], points[i][j + 1]
      local c, d = points[i + 1][j + 1], points[i + 1][j]
      if a[3] and b[3] and c[3] and d[3] then
        local _, _, near = project((a[1] + c[1]) / 2, (a[2] + c[2]) / 2, 0)
        list[#list + 1] = {a, b, c, d, near = near, order = #list}
      end
    end
  end
  table.sort(list, function(p, q)
    if p.near ~= q.near then return p.near < q.near end
    return p.order < q.order
  end)
  return list
end

local function shaded(ramp, f)
  local mean = (f[1][3] + f[2][3] + f[3][3] + f[4][3]) / 4
  local slope = (f[3][3] + f[2][3] - f[1][3] - f[4][3]) / math.max(f[3][1] - f[1][1], 1e-9)
  local color = ramp(mean)
  local light = math.max(-0.22, math.min(0.22, -0.12 * slope))
  if light > 0 then return colors.mix(color, "#ffffff", light) end
  return colors.mix(color, "#000000", -light)
end

local function axis_labels(scene, view, at, range, along)
  local m = view.medium
  local values, labels = scale.ticks(range.lo, range.hi, m.terminal and 3 or 5, range.log)
  local place = scale.map(range.lo, range.hi, along == "z" and 0 or -1, 1, range.log)
  for i, v in ipairs(values) do
    local t = place(v)
    local x, y, x2, y2
    if along == "x" then
      x, y = at(t, -1, 0)
      x2, y2 = at(t, -1.04, 0)
    elseif along == "y" then
      x, y = at(1, t, 0)
      x2, y2 = at(1.04, t, 0)
    else
      x, y = at(-1, -1, t)
      x2, y2 = at(-1.04, -1.02, t)
    end
    if not m.terminal then scene:segment(x, y, x2, y2, {stroke = colors.axis}) end
    local down = along ~= "z" and m.line(m.tick) * 0.6 or 0
    scene:text(along == "y" and x2 + m.gap or x2 - m.gap, y2 + down, labels[i],
      {size = m.tick, color = colors.muted, anchor = along == "y" and "start" or "end"})
  end
end

local function frame(scene, at)
  local parts = {}
  for _, line in ipairs {{{-1, -1, 0}, {1, -1, 0}, {1, 1, 0}}, {{-1, -1, 0}, {-1, -1, 1}}} do
    local xs, ys = {}, {}
    for i, p in ipairs(line) do xs[i], ys[i] = at(p[1], p[2], p[3]) end
    parts[#parts + 1] = {xs, ys}
  end
  scene:path(parts, {stroke = colors.axis})
end

local function back_walls(scene, at)
  local parts = {}
  for _, line in ipairs {{{-1, -1, 0}, {-1, 1, 0}, {1, 1, 0}, {1, 1, 1}, {-1, 1, 1}, {-1, -1, 1}},
      {{-1, 1, 0}, {-1, 1, 1}}} do
    local xs, ys = {}, {}
    for i, p in ipairs(line) do xs[i], ys[i] = at(p[1], p[2], p[3]) end
    parts[#parts + 1] = {xs, ys}
  end
  scene:path(parts, {stroke = colors.grid})
end

local function names(scene, view, at, options)
  local m = view.medium
  local both = {{options.xlabel, -0.05, -1.42, "end"}, {options.ylabel, 1.42, 0, "start"}}
  for _, axis in ipairs(both) do
    if axis[1] then
      local x, y = at(axis[2], axis[3], 0)
      scene:text(math.max(x, view.left), math.min(y, view.top + view.height - m.line(m.label) / 2),
        axis[1], {size = m.label, color = colors.ink, anchor = axis[4]})
    end
  end
end

local function draw(layer, p, scene, view)
  local at = fitting(view)
  local grid, heights = layer.grid, layer.heights
  if not view.terminal then back_walls(scene, at) end
  local points = corners(grid, heights, view.terminal and 22 or layer.lines)
  scene:enter {{"stroke", "#000000"}, {"stroke-opacity", ".15"}, {"stroke-width", ".5"}}
  for _, f in ipairs(faces(points)) do
    local xs, ys = {}, {}
    for k = 1, 4 do xs[k], ys[k] = at(f[k][1], f[k][2], f[k][3]) end
    local color = shaded(layer.ramp, f)
    scene:path({{xs, ys}}, {fill = color, stroke = colors.mix(color, "#000000", 0.15), line = 0.5,
      closed = true, role = "solid", bare = true})
  end
  scene:leave()
  frame(scene, at)
  local nx, ny = #grid.x, #grid.y
  axis_labels(scene, view, at, {lo = grid.x[1], hi = grid.x[math.max(nx, 2)] or grid.x[1] + 1}, "x")
  axis_labels(scene, view, at, {lo = grid.y[1], hi = grid.y[math.max(ny, 2)] or grid.y[1] + 1}, "y")
  axis_labels(scene, view, at, heights, "z")
  names(scene, view, at, p.options)
end

-- options: colors, points, zlog, zrange
function surface.surface(owner, p, data, options)
  local given = field.read(owner, data, 400)
  local layer = {kind = owner, lines = options.points or 30}
  layer.ramp = colors.ramp(owner, options.colors or "viridis")
  local x0, x1, y0, y1
  if given.f then
    x0, x1, y0, y1 = field.own_range(given)
    local xr, yr = options.xrange, options.yrange
    x0, x1 = xr and xr[1] or x0, xr and xr[2] or x1
    y0, y1 = yr and yr[1] or y0, yr and yr[2] or y1
    if not (x0 and y0) then
      util.raise("%s: say where the function is to be drawn: xrange = {from, to}, yrange = "
        .. "{from, to}", owner)
    end
    given = field.sample(owner, given, {lo = x0, hi = x1}, {lo = y0, hi = y1}, layer.lines)
  end
  options.zlog = options.zlog or false
  layer.grid, layer.heights = given, field.heights(owner, given.z, options)
  function layer.extent() end
  function layer.alone(scene, view)
    if layer.heights then draw(layer, p, scene, view) end
    return layer.heights ~= nil
  end
  return layer
end

return surface
