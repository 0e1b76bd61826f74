-- generate.lua: datasets made by a formula: xor, blobs, moons, circles, spirals, polynomial,
-- regression. The numbers are drawn in float64 from the random stream "data": those of a seed are
-- the same everywhere; without one they follow nn.seed, and each call makes others.
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local util = require "nn.util"

local raise = util.raise
local generate = {}

local MOST = 1 << 28
local BLOCKS = 1 << 34 -- of the stream for each draw of a dataset, more than MOST numbers want

-- ---- options and draws ------------------------------------------------------------------------

local function read_options(owner, options, n, noise, more)
  local known = {n = {"count", n}, noise = {"number", noise}, seed = {"integer"}}
  for name, spec in pairs(more or {}) do known[name] = spec end
  local o = util.options(owner, options, known)
  if o.noise < 0 then
    raise("%s: option 'noise' must be a number from 0, got %s", owner, util.describe(o.noise))
  end
  for _, name in ipairs(util.sorted_keys(known)) do
    if known[name][1] == "count" and o[name] > MOST then
      raise("%s: option '%s' must be at most %d, got %d", owner, name, MOST, o[name])
    end
  end
  return o
end

-- Each call of draw gives numbers of their own: n x columns, uniform in 0..1 or standard normal.
local function drawer(o)
  local seed, place = core.source.random_place(o.seed)
  return function(kind, rows, columns)
    local t = core.source.random(kind == "normal", rows * columns, seed, place)
    place = place + BLOCKS
    return t:view(rows, columns)
  end
end

local function real(t)
  return t:to(core.zeros(1):dtype())
end

local function numbers(n)
  return core.range(0, n - 1):to "float64"
end

-- Samples take turns among the classes, so every stretch of them is balanced: each one's class from
-- 0, its place among those of its class from 0, and how many these are.
local function turns(n, classes)
  local i = numbers(n)
  local class = i % classes
  return class, (i / classes):floor(), ((class:neg() + n) / classes):ceil()
end

local function names(k)
  local list = {}
  for i = 1, k do list[i] = tostring(i) end
  return list
end

local function labelled(x, class, classes)
  return dataset.new {x = real(x), y = class:to("int64"):add(1), classes = classes}
end

local function columns(a, b)
  return core.stack({a, b}, 2)
end

-- ---- classes ----------------------------------------------------------------------------------

--- nn.data.xor{n = 400, noise = 0.1, seed} -> dataset
--- Points around the corners (0, 0), (0, 1), (1, 0), (1, 1) of the unit square in turn, with normal
--- noise of that standard deviation; the class is "1" where exactly one coordinate is 1, else "0".
--- `{n = 4, noise = 0}` is the truth table.
--- Example:
---   local ds = nn.data.xor{n = 4, noise = 0}
---   for i = 1, 4 do print(ds.x[i][1], ds.x[i][2], ds.classes[ds.y[i]]) end
function generate.xor(options)
  local o = read_options("xor", options, 400, 0.1)
  local corner = numbers(o.n) % 4
  local a, b = (corner / 2):floor(), corner % 2
  local x = columns(a, b)
  if o.noise > 0 then x = x + drawer(o)("normal", o.n, 2) * o.noise end
  return labelled(x, (a - b):abs(), {"0", "1"})
end

--- nn.data.blobs{n = 300, classes = 3, features = 2, noise = 1, seed} -> dataset
--- A cloud of normal noise (of that standard deviation) around a centre for each class; the centres
--- are drawn uniformly from -10..10 in each feature. The same seed and numbers of classes and
--- features give the same centres.
--- Example:
---   print(nn.data.blobs{n = 90, classes = 3, seed = 1})
function generate.blobs(options)
  local o = read_options("blobs", options, 300, 1, {classes = {"count", 3},
    features = {"count", 2}})
  local draw = drawer(o)
  local centres = draw("uniform", o.classes, o.features) * 20 - 10
  local class = turns(o.n, o.classes)
  local x = centres[class:to("int64"):add(1)]
  if o.noise > 0 then x = x + draw("normal", o.n, o.features) * o.noise end
  return labelled(x, class, names(o.classes))
end

-- 0..1 in equal steps over the samples of a class; both ends included unless `open`.
local function along(place, count, open)
  return place / (open and count or (count - 1):maximum(1))
end

--- nn.data.moons{n = 200, noise = 0.1, seed} -> dataset
--- Two half circles of radius 1 that reach into each other: (cos t, sin t) and (1 - cos t, 1/2 -
--- sin t), t from 0 to pi, with normal noise.
--- Example:
---   print(nn.data.moons{n = 100, noise = 0.05, seed = 1})
function generate.moons(options)
  local o = read_options("moons", options, 200, 0.1)
  local class, place, count = turns(o.n, 2)
  local t, sign = along(place, count) * math.pi, class * -2 + 1
  local x = columns(class + sign * t:cos(), class * 0.5 + sign * t:sin())
  if o.noise > 0 then x = x + drawer(o)("normal", o.n, 2) * o.noise end
  return labelled(x, class, names(2))
end

--- nn.data.circles{n = 200, noise = 0.05, factor = 0.5, seed} -> dataset
--- A circle of radius 1 and one of radius `factor` (above 0, below 1) inside it, with normal noise.
--- Example:
---   print(nn.data.circles{n = 100, factor = 0.4, seed = 1})
function generate.circles(options)
  local o = read_options("circles", options, 200, 0.05, {factor = {"number", 0.5}})
  if not (o.factor > 0 and o.factor < 1) then
    raise("circles: option 'factor' must be above 0 and below 1, got %s", util.describe(o.factor))
  end
  local class, place, count = turns(o.n, 2)
  local t, radius = along(place, count, true) * (2 * math.pi), class * (o.factor - 1) + 1
  local x = columns(radius * t:cos(), radius * t:sin())
  if o.noise > 0 then x = x + drawer(o)("normal", o.n, 2) * o.noise end
  return labelled(x, class, names(2))
end

--- nn.data.spirals{n = 300, classes = 2, turns = 1.75, noise = 0.02, seed} -> dataset
--- A spiral arm for each class, from the centre to radius 1: r = i / m, angle 2 pi (turns r + class
--- / classes), as (r sin, r cos), with normal noise. (TensorFlow Playground's has these turns.)
--- Example:
---   print(nn.data.spirals{n = 200, classes = 3, seed = 1})
function generate.spirals(options)
  local o = read_options("spirals", options, 300, 0.02, {classes = {"count", 2},
    turns = {"number", 1.75}})
  local class, place, count = turns(o.n, o.classes)
  local r = along(place, count, true)
  local angle = (r * o.turns + class / o.classes) * (2 * math.pi)
  local x = columns(r * angle:sin(), r * angle:cos())
  if o.noise > 0 then x = x + drawer(o)("normal", o.n, 2) * o.noise end
  return labelled(x, class, names(o.classes))
end

-- ---- targets ----------------------------------------------------------------------------------

--- nn.data.polynomial{n = 100, degree = 3, noise = 0.1, seed} -> dataset
--- y = c0 + c1 x + ... + cd x^d + normal noise, x uniform in -1..1 and the coefficients in -1..1
--- too, drawn first: `ds.coefficients` lists them from c0 on. x and y are n x 1.
--- Example:
---   local ds = nn.data.polynomial{n = 50, degree = 2, noise = 0, seed = 1}
---   print(ds, #ds.coefficients)
function generate.polynomial(options)
  local o = read_options("polynomial", options, 100, 0.1, {degree = {"index", 3}})
  if o.degree > 1000 then raise("polynomial: option 'degree' must be at most 1000") end
  local draw = drawer(o)
  local c = (draw("uniform", o.degree + 1, 1) * 2 - 1):flatten():totable()
  local x = draw("uniform", o.n, 1) * 2 - 1
  local y = core.full({o.n, 1}, c[#c], {dtype = "float64"})
  for k = #c - 1, 1, -1 do y = y * x + c[k] end
  if o.noise > 0 then y = y + draw("normal", o.n, 1) * o.noise end
  return dataset.new {x = real(x), y = real(y), coefficients = c}
end

--- nn.data.regression{n = 100, features = 5, targets = 1, noise = 0.1, seed} -> dataset
--- y = x w + b + normal noise, with x, w and b standard normal; `ds.weights` (features x targets)
--- and `ds.bias` (targets) are what made it.
--- Example:
---   local ds = nn.data.regression{n = 200, noise = 0, seed = 1}
---   local w, b = nn.ols(ds.x, ds.y)
---   print(nn.allclose(w, ds.weights, {atol = 1e-4}))
function generate.regression(options)
  local o = read_options("regression", options, 100, 0.1, {features = {"count", 5},
    targets = {"count", 1}})
  local draw = drawer(o)
  local w, b = draw("normal", o.features, o.targets), draw("normal", 1, o.targets)
  local x = draw("normal", o.n, o.features)
  local y = b:expand(o.n, o.targets)
  for j = 1, o.features do y = y + x:narrow(2, j, 1) * w:narrow(1, j, 1) end -- as no BLAS rounds
  if o.noise > 0 then y = y + draw("normal", o.n, o.targets) * o.noise end
  return dataset.new {x = real(x), y = real(y), weights = real(w), bias = real(b):flatten()}
end

return generate
