-- scalers.lua: transforms that keep a sample's shape: Standardize, MinMax, Whiten.
local core = require "nn.core"
local transform = require "nn.data.transform"
local util = require "nn.util"

local raise = util.raise
local scalers = {}

-- y = (x - shift) / scale + offset in x's dtype.
local function scaled(x, shift, scale)
  x = transform.to_float(x)
  local dtype = x:dtype()
  return x:sub(shift:to(dtype)):div(scale:to(dtype))
end

local function unscaled(x, shift, scale)
  x = transform.to_float(x)
  local dtype = x:dtype()
  return x:mul(scale:to(dtype)):add(shift:to(dtype))
end

-- Where a feature does not vary its scale is 1.
local function varying(scale, columns)
  return core.where(columns.max:gt(columns.min) & scale:gt(0), scale, 1.0)
end

--- nn.data.Standardize() -> transform
--- (x - mean) / std for each feature (each pixel of images), mean and std (over N, not N - 1)
--- learned by `t = nn.data.Standardize():fit(train)`, in double precision; a feature that is
--- constant there becomes 0. `t(ds)` or `t(x)` applies it, `t:invert(x)` takes it back; t.mean and
--- t.std are what was learned. NaN is left out in fit and stays NaN. y, names, weights and the
--- held-out mark stay.
--- Example:
---   local train, test = nn.data.iris():split {0.8, 0.2, seed = 1}
---   local t = nn.data.Standardize():fit(train)
---   print(t(test).x[1], t:invert(t(test)).x[1])
scalers.Standardize = transform.define {
  name = "Standardize",
  read = function(options) return util.options("Standardize", options, {}) end,
  learn = function(_, x, train)
    local c = transform.columns("Standardize", x, train)
    return {mean = c.mean, std = varying(c.var:sqrt(), c)}
  end,
  apply = function(f, x) return scaled(x, f.mean, f.std) end,
  invert = function(f, x) return unscaled(x, f.mean, f.std) end,
  check = function(f)
    transform.check_tensor(f.mean, f.sample)
    transform.check_tensor(f.std, f.sample)
  end,
}

local function read_range(options)
  local o = util.options("MinMax", options, {low = {"number", 0}, high = {"number", 1}})
  if o.low >= o.high then raise("MinMax: low must be below high, got %s and %s", o.low, o.high) end
  return o
end

--- nn.data.MinMax{low = 0, high = 1} -> transform
--- Each feature to low..high by the least and the largest number that the training part has of it;
--- other data may go beyond. A feature that is constant there becomes `low`. fit, t(ds), t(x),
--- t:invert(x) as in Standardize; t.min and t.max are what was learned.
--- Example:
---   local train, test = nn.data.iris():split {0.8, 0.2, seed = 1}
---   local t = nn.data.MinMax():fit(train)
---   print(t(train).x:min(), t(train).x:max(), t(test).x:max())
scalers.MinMax = transform.define {
  name = "MinMax",
  read = read_range,
  learn = function(_, x, train)
    local c = transform.columns("MinMax", x, train)
    return {min = c.min, max = c.max, scale = varying(c.max:sub(c.min), c)}
  end,
  apply = function(f, x, o)
    return scaled(x, f.min, f.scale):mul(o.high - o.low):add(o.low)
  end,
  invert = function(f, x, o)
    return unscaled(transform.to_float(x):sub(o.low):div(o.high - o.low), f.min, f.scale)
  end,
  check = function(f)
    for _, key in ipairs {"min", "max", "scale"} do transform.check_tensor(f[key], f.sample) end
  end,
}

-- ---- Whiten -----------------------------------------------------------------------------------

local ROWS = 4096 -- taken at a time, in float64

local function flat(x, n)
  return transform.to_float(x):reshape(x:size(1), n)
end

local function covariance(x, mean)
  local n, d = x:size(1), x:size(2)
  local sum = core.zeros({d, d}, {dtype = "float64"})
  for first = 1, n, ROWS do
    local piece = x:narrow(1, first, math.min(ROWS, n - first + 1)):to("float64"):sub(mean)
    sum:add_(piece:t():matmul(piece))
  end
  return sum:div(n)
end

local methods = {pca = true, zca = true}

local function read_whiten(options)
  local o = util.options("Whiten", options, {method = {"string", "pca"}, eps = {"number", 0}})
  if not methods[o.method] then
    raise('Whiten: option \'method\' must be "pca" or "zca", got %s', util.describe(o.method))
  end
  if o.eps < 0 then raise("Whiten: option 'eps' must be 0 or more, got %s", o.eps) end
  return o
end

-- Directions that hold less than that of the largest variance are rounding: they have no scale.
local FLAT = 1e-12

local function learn_whiten(o, x, train)
  local c = transform.columns("Whiten", x, train)
  if c.count:min():item() < x:size(1) then raise("Whiten: x holds NaN; mend the data first") end
  local mean = c.mean:reshape(-1)
  local values, vectors = core.linalg.eigh(covariance(flat(x, mean:size(1)), mean))
  values, vectors = values:flip(1), vectors:flip(2) -- the direction of most variance first
  local real = values:gt(math.max(values:max():item() * FLAT, 0))
  local root = core.where(real, values:clamp(0):add(o.eps), 1.0):sqrt()
  local keep = real:to("float64")
  local forward, back = vectors:mul(keep:div(root)), vectors:mul(keep:mul(root)):t()
  if o.method == "zca" then
    forward, back = forward:matmul(vectors:t()), vectors:matmul(back)
  end
  return {mean = mean, forward = forward:contiguous(), back = back:contiguous()}
end

--- nn.data.Whiten{method = "pca", eps = 0} -> transform
--- Features without correlation and of variance 1, as far as the training part tells: z = (x -
--- mean) W with W = V diag(1 / sqrt(lambda + eps)), where the columns of V are the directions of
--- the covariance's eigenvectors, most variance first. `method = "zca"` turns z back by V', so that
--- it stays as near x as can be (images still look like images). A direction without variance
--- becomes 0; eps (such as 0.01) keeps those of little variance from being blown up. t:invert(z) is
--- (x, with directions without variance at their mean). Images are taken as rows of pixels and keep
--- their shape.
--- Example:
---   local t = nn.data.Whiten():fit(nn.data.iris())
---   local z = t(nn.data.iris()).x
---   print((z:t():matmul(z) / 150):round())
scalers.Whiten = transform.define {
  name = "Whiten",
  read = read_whiten,
  learn = learn_whiten,
  apply = function(f, x)
    local rows = flat(x, f.mean:size(1))
    local dtype = rows:dtype()
    return rows:sub(f.mean:to(dtype)):matmul(f.forward:to(dtype)):reshape(x:size())
  end,
  invert = function(f, x)
    local rows = flat(x, f.mean:size(1))
    local dtype = rows:dtype()
    return rows:matmul(f.back:to(dtype)):add(f.mean:to(dtype)):reshape(x:size())
  end,
  check = function(f)
    local n = 1
    for _, size in ipairs(f.sample) do n = n * size end
    transform.check_tensor(f.mean, {n})
    transform.check_tensor(f.forward, {n, n})
    transform.check_tensor(f.back, {n, n})
  end,
}

return scalers
