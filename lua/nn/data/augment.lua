-- augment.lua: the options of dataset:augment as settings of the C function that does it
-- (src/kernel/augment.h), and back in words.
local core = require "nn.core"
local util = require "nn.util"

local raise = util.raise
local augment = {}

-- A number or a list of two, each within lo..hi.
local function pair(name, v, what, lo, hi)
  local list = type(v) == "table" and v or {v, v}
  for i = 1, 2 do
    local n = list[i]
    if type(n) ~= "number" or not (n >= lo and n <= hi) or #list ~= 2 then
      raise("augment: option '%s' must be %s, got %s", name, what,
        type(v) == "table" and #list == 2 and util.describe(n) or util.describe(v))
    end
  end
  return list[1], list[2]
end

local function number(name, v, what, hi)
  if v == nil then return 0 end
  if type(v) ~= "number" or not (v >= 0 and v <= hi) then
    raise("augment: option '%s' must be %s, got %s", name, what, util.describe(v))
  end
  return v
end

local flips = {
  [true] = {true, false}, [false] = {false, false}, horizontal = {true, false},
  vertical = {false, true}, both = {true, true},
}

local function read_scale(v)
  if v == nil then return 1, 1 end
  if type(v) == "number" then
    if v >= 0 and v < 1 then return 1 - v, 1 + v end
    raise("augment: option 'scale' must be below 1 (0.1: by a factor of 0.9 to 1.1) or a range "
      .. "{0.8, 1.2}, got %s", util.describe(v))
  end
  local lo, hi = pair("scale", v, "a number below 1, or a range of factors, {0.8, 1.2}", 0.001,
    1000)
  if lo > hi then
    raise("augment: option 'scale' is a range from less to more, got {%s, %s}", lo, hi)
  end
  return lo, hi
end

local function check_images(ds)
  if ds.x:dim() ~= 4 or not ds.x:dtype():find "^float" then
    raise("augment: expected floating images, N x channels x height x width, but x is %s; "
      .. "x:reshape(n, 1, height, width) makes such of flat ones, x:to(\"float32\") of integers",
      util.describe(ds.x))
  end
end

-- The settings, or nil where nothing is to be done.
function augment.settings(ds, options)
  local o = util.options("augment", options, {
    shift = {"any"}, flip = {"any"}, rotate = {"number"}, scale = {"any"}, noise = {"number"},
    cutout = {"index", 0}, fill = {"number", 0},
  })
  check_images(ds)
  local s = {fill = o.fill, cutout = o.cutout}
  if s.cutout > 2 ^ 20 then
    raise("augment: option 'cutout' is a number of pixels, got %d", s.cutout)
  end
  local flip = flips[o.flip or false]
  if not flip then
    raise('augment: option \'flip\' must be true, "horizontal", "vertical" or "both", got %s',
      util.describe(o.flip))
  end
  s.flip_x, s.flip_y = flip[1], flip[2]
  s.shift_x, s.shift_y = pair("shift", o.shift or 0,
    "a number of pixels from 0, or two, {sideways, up and down}", 0, 2 ^ 20)
  s.rotate = number("rotate", o.rotate, "degrees from 0 to 180", 180)
  s.scale_lo, s.scale_hi = read_scale(o.scale)
  s.noise = number("noise", o.noise, "a standard deviation from 0", 1e300)
  local idle = s.shift_x == 0 and s.shift_y == 0 and not s.flip_x and not s.flip_y and s.rotate == 0
    and s.scale_lo == 1 and s.scale_hi == 1 and s.noise == 0 and s.cutout == 0
  return not idle and s or nil
end

-- Settings from a file: the C function checks every one.
function augment.check(ds, settings)
  check_images(ds)
  core.rows.augment(core.zeros({0, 1, 1, 1}), settings)
  local copy = {}
  for name, value in pairs(settings) do copy[name] = value end
  return copy
end

-- "augmented (shift 2, flip)"
function augment.describe(s)
  local words = {}
  local function add(...) words[#words + 1] = ("%s %s"):format(...) end
  if s.flip_x or s.flip_y then
    add("flip", s.flip_x and s.flip_y and "both" or s.flip_x and "horizontal" or "vertical")
  end
  if s.scale_lo ~= 1 or s.scale_hi ~= 1 then
    add("scale", ("%.4g to %.4g"):format(s.scale_lo, s.scale_hi))
  end
  if s.rotate ~= 0 then add("rotate", ("%.4g"):format(s.rotate)) end
  if s.shift_x ~= 0 or s.shift_y ~= 0 then
    local both = s.shift_x == s.shift_y and "%.4g" or "%.4g, %.4g"
    add("shift", both:format(s.shift_x, s.shift_y))
  end
  if s.noise ~= 0 then add("noise", ("%.4g"):format(s.noise)) end
  if s.cutout ~= 0 then add("cutout", ("%d"):format(s.cutout)) end
  return "augmented (" .. table.concat(words, ", ") .. ")"
end

return augment
