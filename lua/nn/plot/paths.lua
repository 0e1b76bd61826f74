-- plot/paths.lua: the ways of optimizers over the contours of a function; animate.lua moves them.
local colors = require "nn.plot.colors"
local picture = require "nn.plot.picture"
local scale = require "nn.plot.scale"
local series = require "nn.plot.series"
local simplify = require "nn.plot.simplify"
local util = require "nn.util"

local paths = {}
local FAR = 1

-- Each path up to its first point that is not finite.
local function sound(list)
  for _, s in ipairs(list) do
    for i = 1, #s.y do
      if not (scale.fits(s.x[i]) and scale.fits(s.y[i])) then
        s.x, s.y = table.move(s.x, 1, i - 1, 1, {}), table.move(s.y, 1, i - 1, 1, {})
        s.diverged = i
        break
      end
    end
  end
  return list
end

local function read(owner, p, data, options)
  local list = series.read(owner, data, p:names(options))
  p:name_alone(list, options)
  for _, s in ipairs(list) do
    s.number = p:next_series(s.name)
    s.color = colors.of(s.number)
  end
  return sound(list)
end

local function entries(list)
  local result = {}
  for _, s in ipairs(list) do
    if s.name then
      result[#result + 1] = {name = s.name, color = s.color, mark = "line", pattern = s.number}
    end
  end
  return result
end

local function extent(list)
  local x0, x1, y0, y1 = math.huge, -math.huge, math.huge, -math.huge
  for _, s in ipairs(list) do
    for i = 1, #s.y do
      x0, x1 = math.min(x0, s.x[i]), math.max(x1, s.x[i])
      y0, y1 = math.min(y0, s.y[i]), math.max(y1, s.y[i])
    end
  end
  if x0 <= x1 then return x0, x1, y0, y1 end
end

-- A cross where the minimum is: one point {x, y}, or several.
local function draw_minimum(scene, view, given)
  if type(given) ~= "table" then return end
  local list = type(given[1]) == "table" and given or {given}
  local r = view.terminal and 2 or 6
  for _, point in ipairs(list) do
    local x, y = point.x or point[1], point.y or point[2]
    if type(x) == "number" and type(y) == "number" then
      local px, py = view.x(x), view.y(y)
      scene:path({{{px - r, px + r}, {py - r, py + r}}, {{px - r, px + r}, {py + r, py - r}}},
        {stroke = colors.ink, line = 2})
    end
  end
end

-- A path in the picture, up to where it goes FAR widths of the panel out of it.
local function in_pixels(s, view)
  local xs, ys = {}, {}
  local wide, high = FAR * view.width, FAR * view.height
  for i = 1, #s.y do
    local x, y = view.x(s.x[i]), view.y(s.y[i])
    xs[i], ys[i] = x, y
    if x < view.left - wide or x > view.left + view.width + wide or y < view.top - high
        or y > view.top + view.height + high then
      break
    end
  end
  return xs, ys
end

local function inside(view, x, y)
  return x >= view.left and x <= view.left + view.width and y >= view.top
    and y <= view.top + view.height
end

-- p:paths(data, {minimum, line}): lines over a contour, the start a ring, the end a ball.
function paths.paths(owner, p, data, options)
  local list = read(owner, p, data, options)
  local layer = {kind = owner, entries = entries(list), series = list}
  function layer.extent() return extent(list) end
  function layer.draw(scene, view)
    draw_minimum(scene, view, options.minimum)
    for _, s in ipairs(list) do
      if #s.y > 0 then
        local xs, ys = in_pixels(s, view)
        local kx, ky = simplify.line(xs, ys, view.step)
        scene:enter(s.name and {{"data-series", s.name}} or {})
        if not view.terminal then
          scene:path({{kx, ky}}, {stroke = colors.paper, line = (options.line or 2) + 2,
            opacity = 0.7})
        end
        scene:path({{kx, ky}}, {stroke = s.color, line = options.line or 2, pattern = s.number})
        scene:leave()
      end
    end
  end
  function layer.over(scene, view)
    for _, s in ipairs(list) do
      if #s.y > 0 then
        local xs, ys = in_pixels(s, view)
        local n = #xs
        if inside(view, xs[n], ys[n]) then
          scene:marks({xs[n]}, {ys[n]}, {size = 5.5, fill = s.color, outline = colors.paper,
            shape = view.terminal and (s.number - 1) % 6 + 1 or 1})
        end
        if not view.terminal and inside(view, xs[1], ys[1]) then
          scene:marks({xs[1]}, {ys[1]}, {size = 4, fill = colors.paper, outline = colors.ink})
        end
      end
    end
  end
  return layer
end

-- ---- whole pictures ---------------------------------------------------------------------------

local page = {title = {"string"}, xlabel = {"any"}, ylabel = {"any"}, xrange = {"table"},
  yrange = {"table"}, legend = {"any"}, width = {"count"}, height = {"count"},
  scale = {"number"}, levels = {"any"}, minimum = {"any"}, seconds = {"number"}}

-- The contours under the paths, and the options.
local function ground(owner, f, options)
  local o = util.options(owner, options, page)
  if o.minimum == nil and type(f) == "table" then o.minimum = f.minimum end
  if o.seconds and not (o.seconds >= 0.1 and o.seconds <= 3600) then
    util.raise("%s: option 'seconds' is 0.1 to 3600, got %g", owner, o.seconds)
  end
  local seconds, minimum, levels = o.seconds or 8, o.minimum, o.levels
  o.seconds, o.minimum, o.levels = nil, nil, nil
  o.xlabel, o.ylabel = o.xlabel or "x", o.ylabel or "y"
  local p = picture.new("plot", o)
  if f ~= nil then
    p:contour(f, {filled = true, colors = "pale", levels = levels or 14, bar = false})
  end
  return p, {minimum = minimum, seconds = seconds, legend = o.legend}
end

-- Paths over the contours of f, a picture: f(x, y) or nil; data {name = n x 2, ...}; options:
-- title, xlabel, ylabel, xrange, yrange, legend (order), levels, minimum ({x, y}), width, height,
-- scale.
function paths.picture(owner, f, data, options)
  local p, own = ground(owner, f, options)
  return p:paths(data, {minimum = own.minimum})
end

paths.read, paths.entries, paths.extent = read, entries, extent
paths.draw_minimum, paths.ground, paths.in_pixels = draw_minimum, ground, in_pixels

return paths
