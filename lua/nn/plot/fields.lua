-- plot/fields.lua: layers for heights over a plane: contours and heat maps.
local colors = require "nn.plot.colors"
local field = require "nn.plot.field"
local scale = require "nn.plot.scale"
local util = require "nn.util"

local fields = {}

local FINE, COARSE = 200, 100 -- samples of a function each way: contours, heat maps
local MOST_LINES, MOST_CELLS = 1200, 600 -- rows or columns of a tensor that are all used

-- ---- what contours and heat maps share --------------------------------------------------------


-- The extent of what was given: a grid's, or what a function says of itself.
local function extent(given, half)
  if given.f then
    local x0, x1, y0, y1 = field.own_range(given)
    if type(x0) == "number" then return x0, x1, y0, y1 end
    return nil
  end
  local nx, ny = #given.x, #given.y
  local dx = nx > 1 and (given.x[nx] - given.x[1]) / (nx - 1) or 1
  local dy = ny > 1 and (given.y[ny] - given.y[1]) / (ny - 1) or 1
  half = (half or nx == 1 or ny == 1) and 0.5 or 0
  return given.x[1] - half * dx, given.x[nx] + half * dx, given.y[1] - half * dy,
    given.y[ny] + half * dy
end

-- A layer whose grid is made when the ranges are known.
local function new_layer(owner, p, data, options, count, half)
  local given = field.read(owner, data, half and MOST_CELLS or MOST_LINES)
  local layer = {kind = owner, tight = true, given = given}
  function layer.extent() return extent(given, half) end
  function layer.prepare(xrange, yrange, known)
    if given.f and not known and not (p.options.xrange and p.options.yrange) then
      util.raise("%s: say where the function is to be drawn: xrange = {from, to}, yrange = "
        .. "{from, to}", owner)
    end
    local key = ("%.17g %.17g %.17g %.17g"):format(xrange.lo, xrange.hi, yrange.lo, yrange.hi)
    if layer.key == key then return end
    layer.grid = given.f and field.sample(owner, given, xrange, yrange, options.points or count)
      or given
    layer.heights = field.heights(owner, layer.grid.z, options)
    layer.key = key
    if layer.heights and options.bar ~= false then
      local h = layer.heights
      layer.bar = {lo = h.lo, hi = h.hi, log = h.log, ramp = layer.ramp}
    end
  end
  return layer
end

-- ---- contours ---------------------------------------------------------------------------------

local function draw_lines(scene, view, layer, levels, options)
  local share = field.share(layer.heights)
  for _, level in ipairs(levels) do
    local parts = field.contour(layer.grid, level, false, view)
    if #parts > 0 then
      scene:path(parts, {stroke = options.color or layer.ramp(share(level)),
        line = options.line or (options.filled and 0.7 or 1.3)})
    end
  end
end

local function draw_bands(scene, view, layer, levels)
  local share = field.share(layer.heights)
  local n = #levels
  local x0, x1, y0, y1 = extent(layer.grid)
  local left, right, top, bottom = view.x(x0), view.x(x1), view.y(y1), view.y(y0)
  local function tone(k)
    local low = k == 0 and layer.heights.lo or levels[k]
    local high = k == n and layer.heights.hi or levels[k + 1]
    return layer.ramp((share(low) + share(high)) / 2)
  end
  scene:rect(math.min(left, right), math.min(top, bottom), math.abs(right - left),
    math.abs(bottom - top), {fill = tone(0)})
  for k, level in ipairs(levels) do
    local parts = field.contour(layer.grid, level, true, view)
    if #parts > 0 then scene:path(parts, {fill = tone(k), closed = true}) end
  end
end

-- In a terminal bands are cells of colour.
local function draw_cells(scene, view, layer)
  local x0, x1, y0, y1 = extent(layer.grid)
  local pixels = field.pixels(layer.grid.z:flip(1), layer.heights, layer.ramp)
  scene:image(view.x(x0), view.y(y1), view.x(x1) - view.x(x0) + 1, view.y(y0) - view.y(y1) + 1,
    pixels)
end

-- options: levels, filled, colors, color, line, points, zlog, zrange, bar
function fields.contour(owner, p, data, options)
  local layer = new_layer(owner, p, data, options, FINE)
  local whole = colors.ramp(owner, options.colors or "viridis")
  layer.ramp = whole
  if not options.filled and not options.colors then -- yellow on white is hard to see
    layer.ramp = function(t) return whole(t * 0.88) end
  end
  if options.color then layer.ramp = function() return options.color end end
  if options.color and not options.filled then options.bar = false end
  field.levels(owner, {lo = 1, hi = 2}, options.levels) -- complains at once
  layer.under = options.filled
  function layer.draw(scene, view)
    if not layer.heights then return end
    local levels = field.levels(owner, layer.heights, options.levels)
    if options.filled and not view.terminal then
      draw_bands(scene, view, layer, levels)
      return draw_lines(scene, view, {grid = layer.grid, heights = layer.heights,
        ramp = function() return options.color or colors.muted end}, levels,
        {line = 0.5, filled = true})
    end
    if options.filled and view.medium.how.color then return draw_cells(scene, view, layer) end
    draw_lines(scene, view, layer, levels, options)
  end
  return layer
end

-- ---- heat maps --------------------------------------------------------------------------------

local NAMED = 20 -- this many rows or columns all have their number
local FEW = 625 -- cells that are drawn as rectangles, sharp in every viewer

local function cell_text(scene, view, layer, x, y, v, color)
  if not layer.values or v ~= v then return end
  local m = view.medium
  scene:text(x, y, scale.label(v), {size = m.tick, anchor = "middle",
    color = m.terminal and colors.ink or colors.lightness(color) < 0.5 and colors.paper
      or colors.ink})
end

local function draw_rectangles(scene, view, layer)
  local grid, share = layer.grid, field.share(layer.heights)
  local rows, nx, ny = grid.z:totable(), #grid.x, #grid.y
  local x0, x1, y0, y1 = extent(grid, true)
  local dx, dy = (x1 - x0) / nx, (y1 - y0) / ny
  for i = 1, ny do
    for j = 1, nx do
      local v = rows[i][j]
      local color = layer.ramp(share(v))
      local left, right = view.x(x0 + (j - 1) * dx), view.x(x0 + j * dx)
      local top, bottom = view.y(y0 + (i - 1) * dy), view.y(y0 + i * dy)
      if top > bottom then top, bottom = bottom, top end
      scene:rect(left, top, right - left + 0.3, bottom - top + 0.3, {fill = color})
      cell_text(scene, view, layer, (left + right) / 2, (top + bottom) / 2, v, color)
    end
  end
end

-- options: colors, zlog, zrange, bar, values, points
function fields.heatmap(owner, p, data, options)
  options.zlog = options.zlog or false
  local layer = new_layer(owner, p, data, options, COARSE, true)
  layer.ramp = colors.ramp(owner, options.colors or "viridis")
  layer.under, layer.plain = true, true
  local counted = not layer.given.f and not (type(data) == "table" and data.z ~= nil)
  if counted and #layer.given.x <= NAMED then layer.xnames = layer.given.x end
  if counted and #layer.given.y <= NAMED then layer.ynames = layer.given.y end
  layer.down = not layer.given.f and not (type(data) == "table" and data.y ~= nil)
  local prepare = layer.prepare
  function layer.prepare(...)
    prepare(...)
    local cells = layer.grid.z:numel()
    layer.values = options.values
    if options.values == nil then layer.values = cells <= 100 and not layer.given.f end
  end
  function layer.draw(scene, view)
    if not layer.heights then return end
    if layer.grid.z:numel() <= FEW and not view.terminal then
      return draw_rectangles(scene, view, layer)
    end
    local z = layer.down and layer.grid.z or layer.grid.z:flip(1)
    local edge = view.terminal and 1 or 0
    local x0, x1, y0, y1 = extent(layer.grid, true)
    local top, bottom = view.y(y0), view.y(y1)
    if top > bottom then top, bottom = bottom, top end
    scene:image(view.x(x0), top, view.x(x1) - view.x(x0) + edge, bottom - top + edge,
      field.pixels(z, layer.heights, layer.ramp))
  end
  return layer
end

return fields
