-- plot/field.lua: heights over a rectangle: a 2-d tensor, {x =, y =, z =}, or a function of two
-- numbers, sampled; which levels to draw; heights as colours.
local colors = require "nn.plot.colors"
local core = require "nn.core"
local scale = require "nn.plot.scale"
local series = require "nn.plot.series"
local simplify = require "nn.plot.simplify"
local util = require "nn.util"

local raise = util.raise
local field = {}
local max, min = math.max, math.min

local OFF = 0.12 -- pixels that a contour may be off

-- ---- reading ----------------------------------------------------------------------------------

local function callable(v)
  if type(v) == "function" then return true end
  local meta = type(v) == "table" and getmetatable(v)
  return type(meta) == "table" and meta.__call ~= nil
end

-- Of more rows or columns than `most` every n-th is used.
local function as_matrix(owner, v, most)
  if type(v) == "table" then
    local ok, t = pcall(core.tensor, v)
    if not ok then
      raise("%s: expected rows of numbers: %s", owner, (tostring(t):gsub("^[^\n]-:%d+: ", "", 1)))
    end
    v = t
  end
  if core.kind(v) ~= "tensor" or v:dim() ~= 2 or v:numel() == 0 then
    raise("%s: expected a 2-d tensor, {x = ..., y = ..., z = tensor} or a function f(x, y), got %s",
      owner, util.describe(v))
  end
  v = v:detach():to "float64"
  local rows, columns = (v:size(1) - 1) // most + 1, (v:size(2) - 1) // most + 1
  if rows > 1 or columns > 1 then
    v = v:index_select(1, core.range(1, v:size(1), rows):to "int64")
      :index_select(2, core.range(1, v:size(2), columns):to "int64")
  end
  return v:contiguous(), rows, columns
end

local function places(owner, given, count, step, what)
  local list = {}
  if given == nil then
    for i = 1, count do list[i] = 1 + (i - 1) * step end
    return list
  end
  local all = series.numbers(owner, given, what)
  for i = 1, #all, step do list[#list + 1] = all[i] end
  if #list ~= count then
    raise("%s: %s has %d numbers; z needs %d", owner, what, #all, (count - 1) * step + 1)
  end
  for i, v in ipairs(list) do
    if not scale.fits(v) or (i > 1 and v <= list[i - 1]) then
      raise("%s: %s must be rising finite numbers; [%d] is %g", owner, what, i, v)
    end
  end
  return list
end

-- What was given: {f = function, range} or a grid {x, y, z}.
function field.read(owner, data, most)
  if callable(data) then
    return {f = data, range = type(data) == "table" and data.range or nil}
  end
  local xs, ys
  if type(data) == "table" and data.z ~= nil then xs, ys, data = data.x, data.y, data.z end
  local z, rows, columns = as_matrix(owner, data, most)
  return {
    x = places(owner, xs, z:size(2), columns or 1, "x"),
    y = places(owner, ys, z:size(1), rows or 1, "y"), z = z,
  }
end

-- A function's own range, {{x0, x1}, {y0, y1}}, {x0, x1, y0, y1} or {lo, hi} for both.
function field.own_range(given)
  local r = given.range
  if type(r) ~= "table" then return nil end
  if type(r[1]) == "table" then return r[1][1], r[1][2], r[2][1], r[2][2] end
  if r.x then return r.x[1], r.x[2], r.y[1], r.y[2] end
  if r[4] then return r[1], r[2], r[3], r[4] end
  return r[1], r[2], r[1], r[2]
end

local function value(owner, f, x, y)
  local v = f(x, y)
  if type(v) == "number" then return v end
  if core.kind(v) == "tensor" and v:numel() == 1 then return v:item() end
  raise("%s: f(%g, %g) must give a number, got %s", owner, x, y, util.describe(v))
end

local function spaced(range, count)
  local back = scale.map(0, 1, range.lo, range.hi)
  if range.log then
    local a, b = math.log(range.lo), math.log(range.hi)
    back = function(t) return math.exp(a + (b - a) * t) end
  end
  local list = {}
  for i = 1, count do list[i] = back((i - 1) / (count - 1)) end
  return list
end

-- A function at count x count places of two ranges: a grid.
function field.sample(owner, given, xrange, yrange, count)
  local xs, ys, rows = spaced(xrange, count), spaced(yrange, count), {}
  core.no_grad(function()
    for i, y in ipairs(ys) do
      local row = {}
      for j, x in ipairs(xs) do row[j] = value(owner, given.f, x, y) end
      rows[i] = row
    end
  end)
  return {x = xs, y = ys, z = core.tensor(rows, {dtype = "float64"})}
end

-- ---- levels -----------------------------------------------------------------------------------

local LOG_FROM = 50 -- heights that differ by this factor are shown on a logarithmic scale

local function finite_sorted(z)
  local flat = z:reshape(-1)
  local sorted = flat:masked_select(flat:isfinite()):sort()
  return sorted, #sorted
end

-- The lowest height worth telling from nought on a logarithmic scale. Much below what one place in
-- eighty has, valleys are narrower than the samples are apart.
local function lowest(sorted, n, lo, hi)
  local low = max(sorted[max(1, n // 80)] / 8, lo, hi * 1e-9)
  for i = n // 80 + 1, n do
    if low > hi * 1e-9 then break end
    low = max(sorted[i], low)
  end
  return low
end

-- The heights' scale: {lo, hi, log}; nil where there is no finite height.
function field.heights(owner, z, options)
  local sorted, n = finite_sorted(z)
  if n == 0 then return nil end
  local lo, hi, log = sorted[1], sorted[n], options.zlog
  if options.zrange then
    lo, hi = options.zrange[1], options.zrange[2]
    if type(lo) ~= "number" or type(hi) ~= "number" or lo >= hi then
      raise("%s: option 'zrange' is {from, to}, two numbers of which the second is larger", owner)
    end
  end
  if log ~= false and hi > 0 then
    local low = lowest(sorted, n, lo, hi)
    if lo < -1e-9 * hi and log == nil then low = hi end
    if log or hi / low > LOG_FROM then return {lo = min(low, hi / 1.01), hi = hi, log = true} end
  elseif log then
    raise("%s: zlog wants heights above 0; the highest is %g", owner, hi)
  end
  lo, hi = max(lo, -scale.LARGEST), min(hi, scale.LARGEST)
  if lo == hi then lo, hi = scale.range(lo, hi, false, 0) end
  return {lo = lo, hi = hi, log = false}
end

-- The levels of contours: those given, or `count` between the lowest and the highest height.
function field.levels(owner, heights, given)
  if type(given) == "table" or core.kind(given) == "tensor" then
    local list = series.numbers(owner, given, "levels")
    table.sort(list)
    return list
  end
  local count = given == nil and 12 or math.tointeger(given)
  if not count or count < 1 or count > 200 then
    raise("%s: option 'levels' is how many, 1 to 200, or a list of heights; got %s", owner,
      util.describe(given))
  end
  local list = {}
  for i = 1, count do
    local t = (i - (heights.log and 0.5 or 0)) / (count + (heights.log and 0 or 1))
    if heights.log then
      list[i] = heights.lo * (heights.hi / heights.lo) ^ t
    else
      list[i] = heights.lo + (heights.hi - heights.lo) * t
    end
  end
  return list
end

-- Where a height stands on its scale, 0..1.
function field.share(heights)
  local at = scale.map(heights.lo, heights.hi, 0, 1, heights.log)
  return function(v)
    if v ~= v then return v end
    if heights.log and v <= 0 then return 0 end
    return max(0, min(1, at(v)))
  end
end

-- ---- colours ----------------------------------------------------------------------------------

-- Heights as pixels, h x w x 3: 256 steps of a ramp, grey where there is none.
function field.pixels(z, heights, ramp)
  local lo, hi, t = heights.lo, heights.hi, z
  if heights.log then
    lo, hi, t = math.log(lo), math.log(hi), z:clamp(heights.lo, heights.hi):log()
  end
  local index = t:sub(lo):mul(255 / (hi - lo)):add(0.5):clamp(0, 255):floor():add(1)
  index = core.where(z:isnan(), 257, index):to "int64"
  local r, g, b = colors.table(ramp)
  local palette = core.tensor({r, g, b}, {dtype = "uint8"}):t():contiguous()
  return palette:index_select(1, index:reshape(-1)):view(z:size(1), z:size(2), 3)
end

-- From fractions of columns and rows to the picture.
local function positions(list, at)
  local px, n = {}, #list
  for i, v in ipairs(list) do px[i] = at(v) end
  return function(c) -- c counts from 0
    local i = max(1, min(n - 1, math.floor(c) + 1))
    if n == 1 then return px[1] end
    return px[i] + (px[i + 1] - px[i]) * (c - (i - 1))
  end
end

-- The contour of a grid at a level as parts of a path, in the picture.
function field.contour(grid, level, filled, view)
  local points, lengths = core.draw.contour(grid.z, level, filled)
  if #lengths == 0 then return {} end
  local list, parts, at = points:reshape(-1):totable(), {}, 1
  local fx, fy = positions(grid.x, view.x), positions(grid.y, view.y)
  for k, n in ipairs(lengths:totable()) do
    local xs, ys = {}, {}
    for i = 1, n do
      xs[i], ys[i] = fx(list[at]), fy(list[at + 1])
      at = at + 2
    end
    parts[k] = {simplify.curve(xs, ys, OFF * view.step)}
  end
  return parts
end

return field
