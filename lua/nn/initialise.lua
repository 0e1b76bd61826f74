-- initialise.lua: nn.init: initial weights, in place, from the stream "init". Names, formulas and
-- defaults are PyTorch's (torch.nn.init without the trailing underscore).
local core = require "nn.core"
local util = require "nn.util"

local raise = util.raise
local init = {}

local function check(name, t)
  if core.kind(t) ~= "tensor" or not t:dtype():find "^float" then
    raise("init.%s: expected a floating tensor, got %s", name, util.describe(t))
  end
end

-- What a unit sums over, and what it feeds: of (out, in, kernel...).
local function fans(name, t)
  if t:dim() < 2 then
    raise("init.%s: fan in and fan out need 2 dimensions or more (out x in x ...), got %s", name,
      util.shape(t))
  end
  local field = 1
  for d = 3, t:dim() do field = field * t:size(d) end
  return t:size(2) * field, t:size(1) * field
end

-- Fills under no_grad; tensors without elements have nothing to fill.
local function random(t, kind, a, b)
  if t:numel() > 0 then core.no_grad(core.init_random, t, kind, a, b) end
  return t
end

local function fill(t, value)
  core.no_grad(t.fill_, t, value)
  return t
end

local gains = {
  linear = 1, conv1d = 1, conv2d = 1, conv_transpose2d = 1, sigmoid = 1, tanh = 5 / 3,
  relu = math.sqrt(2), selu = 3 / 4,
}

-- The factor that keeps the variance through a nonlinearity; `param` is leaky_relu's slope.
--- nn.init.calculate_gain(nonlinearity, slope) -> number
--- The factor for weights before a nonlinearity that keeps the variance: "linear", "sigmoid",
--- "tanh" (5/3), "relu" (sqrt 2), "leaky_relu" (of that slope, 0.01), "selu" (3/4), "conv2d" and
--- kin.
--- Example:
---   print(nn.init.calculate_gain "relu")
function init.calculate_gain(nonlinearity, param)
  if param ~= nil and type(param) ~= "number" then
    raise("init.calculate_gain: the slope must be a number, got %s", util.describe(param))
  end
  if nonlinearity == "leaky_relu" then
    local slope = param or 0.01
    return math.sqrt(2 / (1 + slope * slope))
  end
  local names = util.sorted_keys(gains)
  names[#names + 1] = "leaky_relu"
  if type(nonlinearity) ~= "string" then
    raise("init.calculate_gain: expected the name of a nonlinearity, got %s",
      util.describe(nonlinearity))
  end
  return gains[nonlinearity]
    or util.unknown("init.calculate_gain", "nonlinearity", nonlinearity, names)
end

--- nn.init.zeros(tensor) -> tensor
--- Fills with zeros, in place, without a trace in the gradients; nn.init.ones with ones. All of
--- nn.init
--- returns its tensor and draws from the random stream "init".
--- Example:
---   local fc = nn.Linear(3, 2)
---   nn.init.zeros(fc.bias)
function init.zeros(t)
  check("zeros", t)
  return fill(t, 0)
end

--- nn.init.ones(tensor) -> tensor
--- Fills with ones, in place.
--- Example:
---   print(nn.init.ones(nn.zeros(3)))
function init.ones(t)
  check("ones", t)
  return fill(t, 1)
end

-- constant(t, 0.5) or constant(t, {val = 0.5})
--- nn.init.constant(tensor, value) -> tensor
--- Fills with one number, in place.
--- Example:
---   print(nn.init.constant(nn.zeros(3), 0.1))
function init.constant(t, value)
  check("constant", t)
  if type(value) == "table" then
    value = util.options("init.constant", value, {val = {"number"}}).val
  end
  if type(value) ~= "number" then
    raise("init.constant: expected a number, got %s", util.describe(value))
  end
  return fill(t, value)
end

--- nn.init.uniform(tensor, {a = 0, b = 1}) -> tensor
--- Fills with uniform random numbers from a to b, in place.
--- Example:
---   print(nn.init.uniform(nn.zeros(3), {a = -1, b = 1}))
-- U(a, b)
function init.uniform(t, options)
  check("uniform", t)
  local o = util.options("init.uniform", options, {a = {"number", 0}, b = {"number", 1}})
  if o.b < o.a then raise("init.uniform: the range is empty, %g to %g", o.a, o.b) end
  return random(t, "uniform", o.a, o.b)
end

--- nn.init.normal(tensor, {mean = 0, std = 1}) -> tensor
--- Fills with normal random numbers, in place.
--- Example:
---   print(nn.init.normal(nn.zeros(3), {std = 0.01}))
-- N(mean, std^2)
function init.normal(t, options)
  check("normal", t)
  local o = util.options("init.normal", options, {mean = {"number", 0}, std = {"number", 1}})
  if o.std < 0 then raise("init.normal: std must not be negative, got %g", o.std) end
  return random(t, "normal", o.mean, o.std)
end

-- Glorot and Bengio 2010: the variance is gain^2 2 / (fan_in + fan_out).
local function xavier(name, t, options)
  check(name, t)
  local o = util.options("init." .. name, options, {gain = {"number", 1}})
  local fan_in, fan_out = fans(name, t)
  return o.gain * math.sqrt(2 / (fan_in + fan_out))
end

--- nn.init.xavier_uniform(tensor, {gain = 1}) -> tensor
--- Uniform with variance gain^2 2 / (fan_in + fan_out), in place, so that signals and gradients
--- keep
--- their size through layers with tanh or sigmoid. Glorot and Bengio, 2010.
--- Example:
---   nn.init.xavier_uniform(nn.Linear(30, 20).weight, {gain = nn.init.calculate_gain "tanh"})
function init.xavier_uniform(t, options)
  local bound = math.abs(xavier("xavier_uniform", t, options)) * math.sqrt(3)
  return random(t, "uniform", -bound, bound)
end

--- nn.init.xavier_normal(tensor, {gain = 1}) -> tensor
--- Normal with variance gain^2 2 / (fan_in + fan_out), in place. Glorot and Bengio, 2010.
--- Example:
---   nn.init.xavier_normal(nn.Linear(30, 20).weight)
function init.xavier_normal(t, options)
  return random(t, "normal", 0, math.abs(xavier("xavier_normal", t, options)))
end

-- He et al. 2015: the variance is gain^2 / fan.
local function kaiming(name, t, options)
  check(name, t)
  local o = util.options("init." .. name, options, {a = {"number", 0},
    mode = {"string", "fan_in"}, nonlinearity = {"string", "leaky_relu"}})
  local fan_in, fan_out = fans(name, t)
  if o.mode ~= "fan_in" and o.mode ~= "fan_out" then
    raise('init.%s: mode must be "fan_in" or "fan_out", got %q', name, o.mode)
  end
  return init.calculate_gain(o.nonlinearity, o.a)
    / math.sqrt(o.mode == "fan_in" and fan_in or fan_out)
end

--- nn.init.kaiming_uniform(tensor, {a = 0, mode = "fan_in", nonlinearity = "leaky_relu"}) -> tensor
--- Uniform with variance gain^2 / fan, in place, for layers followed by a ReLU; `a` is the slope
--- of a
--- leaky one, mode "fan_in" keeps the size of signals, "fan_out" that of gradients. He et al.,
--- 2015.
--- Example:
---   nn.init.kaiming_uniform(nn.Linear(30, 20).weight, {nonlinearity = "relu"})
function init.kaiming_uniform(t, options)
  local bound = kaiming("kaiming_uniform", t, options) * math.sqrt(3)
  return random(t, "uniform", -bound, bound)
end

--- nn.init.kaiming_normal(tensor, {a = 0, mode = "fan_in", nonlinearity = "leaky_relu"}) -> tensor
--- Normal with variance gain^2 / fan, in place; options as in nn.init.kaiming_uniform.
--- Example:
---   nn.init.kaiming_normal(nn.Linear(30, 20).weight, {nonlinearity = "relu"})
function init.kaiming_normal(t, options)
  return random(t, "normal", 0, kaiming("kaiming_normal", t, options))
end

-- Orthonormal rows or columns, whichever are fewer, times gain. Saxe et al. 2013.
local function orthogonal(t, gain)
  local rows = t:size(1)
  local cols = t:numel() // rows
  local flat = core.zeros(math.max(rows, cols), math.min(rows, cols), {dtype = t:dtype()})
  local q, r = core.linalg.qr(random(flat, "normal", 0, 1))
  -- With the signs of r's diagonal every orthogonal matrix is equally likely.
  local signs = (r * core.eye(flat:size(2), {dtype = t:dtype()})):sum(1):sign()
  q = q * (signs + signs:eq(0):to(t:dtype())) * gain
  if rows < cols then q = q:t() end
  t:copy_(q:contiguous():view(t:size()))
end

--- nn.init.orthogonal(tensor, {gain = 1}) -> tensor
--- A random orthogonal matrix times gain, in place; more dimensions count as columns. Saxe et
--- al., 2013.
--- Example:
---   local w = nn.init.orthogonal(nn.zeros(4, 4))
---   print(nn.allclose(w:matmul(w:t()), nn.eye(4), {atol = 1e-5}))
function init.orthogonal(t, options)
  check("orthogonal", t)
  local o = util.options("init.orthogonal", options, {gain = {"number", 1}})
  if t:dim() < 2 then
    raise("init.orthogonal: needs 2 dimensions or more, got %s", util.shape(t))
  end
  if t:numel() > 0 then core.no_grad(orthogonal, t, o.gain) end
  return t
end

-- In each column a part `sparsity` of the elements is 0, the rest N(0, std^2). Martens 2010.
local function sparse(t, o)
  local rows = t:size(1)
  local zeros = math.ceil(o.sparsity * rows)
  random(t, "normal", 0, o.std)
  for c = 1, t:size(2) do
    local order = core.randperm(rows, {stream = "init"}):totable()
    for i = 1, zeros do t[{order[i], c}] = 0 end
  end
end

--- nn.init.sparse(tensor, {sparsity, std = 0.01}) -> tensor
--- In each column of a matrix that share of zeros, the rest normal, in place. Martens, 2010.
--- Example:
---   print(nn.init.sparse(nn.zeros(10, 2), {sparsity = 0.5}))
function init.sparse(t, options)
  check("sparse", t)
  local o = util.options("init.sparse", options, {sparsity = {"number"}, std = {"number", 0.01}})
  if t:dim() ~= 2 then raise("init.sparse: needs 2 dimensions, got %s", util.shape(t)) end
  if not o.sparsity or o.sparsity < 0 or o.sparsity > 1 then
    raise("init.sparse: option 'sparsity' must be the part of zeros, in 0..1, got %s",
      tostring(o.sparsity))
  end
  if o.std < 0 then raise("init.sparse: std must not be negative, got %g", o.std) end
  if t:numel() > 0 then core.no_grad(sparse, t, o) end
  return t
end

return init
