-- gradcheck.lua: gradients held against differences of values, for functions and modules of
-- scripts; nn.numeric_grad, the slow way itself; nn.grad of a function.
local core = require "nn.core"
local util = require "nn.util"

local kind_of, raise = core.kind, util.raise

-- ---- nn.gradcheck -----------------------------------------------------------------------------

local function is_module(v)
  return kind_of(v) == "layer" or (type(v) == "table" and type(v.parameters) == "function")
end

-- Floating tensors as float64 leaves that want a gradient; others as they are.
local function as_checked(x, i)
  if kind_of(x) ~= "tensor" then
    raise("gradcheck: input %d must be a tensor, got %s", i, util.describe(x))
  end
  local dtype = x:dtype()
  if dtype ~= "float32" and dtype ~= "float64" then return x end
  return x:detach():to("float64"):clone():requires_grad_()
end

local function element_text(t, element)
  local place, rest = {}, element - 1
  local shape = t.shape
  for d = #shape, 1, -1 do
    table.insert(place, 1, rest % shape[d] + 1)
    rest = rest // shape[d]
  end
  return #place > 0 and "[" .. table.concat(place, ", ") .. "]" or ""
end

local known = {atol = {"number", 1e-8}, eps = {"number", 1e-4}, rtol = {"number", 1e-6}}

--- nn.gradcheck(f, {x, ...}, {eps = 1e-4, rtol = 1e-6, atol = 1e-8}) -> true | nil, where
--- Compares the gradients of a function or module by backprop with central differences, in
--- float64; a
--- module's parameters too. Random streams are rewound before each evaluation, so that dropout
--- draws the
--- same mask. Nil, then a text, where they part.
--- Example:
---   print(nn.gradcheck(nn.Linear(3, 2), {nn.randn(4, 3)}))
-- nn.gradcheck(f or module, {x, ...}, {eps, rtol, atol}): true, or nil and where they part.
local function gradcheck(f, inputs, options)
  local o = util.options("gradcheck", options or {}, known)
  if type(inputs) ~= "table" then
    raise("gradcheck: the inputs come in a list, nn.gradcheck(f, {x, ...}), got %s",
      util.describe(inputs))
  end
  local tensors, names = {}, {}
  for i, x in ipairs(inputs) do
    tensors[i], names[i] = as_checked(x, i), "input " .. i
  end
  if is_module(f) then
    local copy = f:clone():to("float64")
    for _, p in ipairs(copy:named_parameters()) do
      tensors[#tensors + 1], names[#tensors + 1] = p.tensor, "parameter " .. p.name
    end
    f = function(...) return copy(...) end
  elseif type(f) ~= "function" then
    raise("gradcheck: wants a function or a module, got %s", util.describe(f))
  end
  local err, i, element, analytic, numeric = core.gradcheck(f, tensors, #inputs, o.eps)
  if err <= o.rtol or math.abs(analytic - numeric) <= o.atol then return true end
  return nil, ("%s%s: backward says %.10g, differences say %.10g (relative error %.2g)"):format(
    names[i], element_text(tensors[i], element), analytic, numeric, err)
end

-- ---- nn.numeric_grad --------------------------------------------------------------------------

--- nn.numeric_grad(f, x, eps = 1e-5) -> tensor
--- The gradient of a number f(x) by central differences, (f(x + e) - f(x - e)) / 2e for each
--- element, in
--- float64: two evaluations an element, which shows why backprop exists.
--- Example:
---   local f = function(x) return x:square():sum() end
---   print(nn.numeric_grad(f, nn.tensor{1, 2, 3}))
-- (f(x + e) - f(x - e)) / 2e for each element: two evaluations an element, which is why backprop
-- exists.
local function numeric_grad(f, x, eps)
  if kind_of(x) ~= "tensor" then
    raise("numeric_grad: wants a tensor to differentiate by, got %s", util.describe(x))
  end
  eps = eps or 1e-5
  local at = x:detach():to("float64"):clone()
  local flat, n = at:view(-1), at:numel()
  local grad = core.zeros(n, {dtype = "float64"})
  local function value()
    local y = f(at)
    return kind_of(y) == "tensor" and y:item() or y
  end
  core.no_grad(function()
    for i = 1, n do
      local keep = flat[i]
      flat[i] = keep + eps
      local up = value()
      flat[i] = keep - eps
      grad[i] = (up - value()) / (2 * eps)
      flat[i] = keep
    end
  end)
  return grad:reshape(#at.shape > 0 and at.shape or {})
end

-- ---- nn.grad of a function --------------------------------------------------------------------

--- nn.grad(y, {x, ...}) -> list of tensors
--- The gradients of a scalar y with respect to each x, returned instead of added to x.grad. With a
--- function for y: its gradients at these tensors, then its value; numbers may stand for tensors,
--- and
--- come back as numbers.
--- Example:
---   local g, value = nn.grad(function(a, b) return a * a * b end, {3, 2})
---   print(g[1], g[2], value) --> 12.0 9.0 18.0
-- nn.grad(f, {x, ...}): the gradients, then the value; numbers may stand for tensors.
local function grad(y, xs)
  if type(y) ~= "function" then return core.grad(y, xs) end
  if type(xs) ~= "table" then
    raise("grad: wants a list of tensors or numbers, got %s", util.describe(xs))
  end
  local tensors, numbers = {}, false
  for i, x in ipairs(xs) do
    if type(x) == "number" then
      numbers = true
      tensors[i] = core.tensor(x, {dtype = "float64", requires_grad = true})
    else
      tensors[i] = x:detach():requires_grad_()
    end
  end
  local value = y(table.unpack(tensors))
  local g = core.grad(value, tensors)
  for i, x in ipairs(xs) do
    if type(x) == "number" then g[i] = g[i]:item() end
  end
  return g, numbers and value:item() or value:detach()
end

return {grad = grad, gradcheck = gradcheck, numeric_grad = numeric_grad}
