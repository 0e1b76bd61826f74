-- containers.lua: modules that only arrange others: Residual, Concat, Parallel, Lambda. A child is
-- a layer, module or function of a tensor, at [1], [2], ...
local core = require "nn.core"
local module = require "nn.module"
local util = require "nn.util"

local raise = util.raise
local M = {}

local function check_child(owner, child)
  if module.is_module(child) or type(child) == "function" then return child end
  raise("%s: a child must be a layer, a module or a function, got %s", owner,
    util.describe(child))
end

-- The children that were given as a list.
local function check_list(owner, list)
  if type(list) ~= "table" or getmetatable(list) or #list == 0 then
    raise("%s: expected a list of layers, %s{a, b}, got %s", owner, owner, util.describe(list))
  end
  for _, child in ipairs(list) do check_child(owner, child) end
end

-- ---- Residual ---------------------------------------------------------------------------------

-- y = x + m(x): He et al., "Deep residual learning", 2015.
--- nn.Residual(m) -> module
--- y = x + m(x); m is a layer, a module or a function whose output has the input's shape. He et
--- al.,
--- "Deep residual learning", 2015.
--- Example:
---   local block = nn.Residual(nn.Sequential{nn.Linear(8, 8), nn.ReLU()})
---   print(block(nn.randn(2, 8)).shape[2])
local Residual = module.Module:extend "Residual"
M.Residual = Residual

function Residual:init(m)
  self[1] = check_child("Residual", m)
end

function Residual:forward(x)
  local y = self[1](x)
  if core.kind(x) ~= "tensor" or core.kind(y) ~= "tensor" or not util.same_shape(x, y) then
    raise("Residual: what is added must have the input's shape: the input is %s, the module "
      .. "returned %s", util.describe(x), util.describe(y))
  end
  return x + y
end

-- ---- Concat -----------------------------------------------------------------------------------

-- Every child gets x; their outputs are joined along a dimension, the second unless told.
--- nn.Concat{a, b, dim = 2} -> module
--- Gives x to every child and joins their outputs along a dimension, the second unless told.
--- Example:
---   local both = nn.Concat{nn.Linear(4, 3), nn.Linear(4, 2)}
---   print(both(nn.randn(5, 4)).shape[2]) --> 5
local Concat = module.Module:extend "Concat"
M.Concat = Concat

function Concat:init(list)
  local children, dim = {}, nil
  for i, v in ipairs(type(list) == "table" and not getmetatable(list) and list or {}) do
    if i == #list and i > 1 and type(v) == "number" then dim = v else children[i] = v end
  end
  local options = {}
  for key, value in pairs(type(list) == "table" and not getmetatable(list) and list or {}) do
    if type(key) ~= "number" then options[key] = value end
  end
  check_list("Concat", #children > 0 and children or list)
  self.dim = util.options("Concat", options, {dim = {"integer", dim or 2}}).dim
  for i, child in ipairs(children) do self[i] = child end
end

function Concat:forward(x)
  local outputs = {}
  for i, child in ipairs(self) do
    outputs[i] = child(x)
    if core.kind(outputs[i]) ~= "tensor" then
      raise("Concat[%d]: must return a tensor, got %s", i, util.describe(outputs[i]))
    end
  end
  return core.cat(outputs, self.dim)
end

-- ---- Parallel ---------------------------------------------------------------------------------

-- Maps a list: {a(x[1]), b(x[2])}.
--- nn.Parallel{a, b} -> module
--- Maps a list of inputs to the list of outputs, {a(x[1]), b(x[2])}.
--- Example:
---   local two = nn.Parallel{nn.Linear(4, 3), nn.Linear(2, 3)}
---   local out = two{nn.randn(5, 4), nn.randn(5, 2)}
---   print((out[1] + out[2]).shape[2])
local Parallel = module.Module:extend "Parallel"
M.Parallel = Parallel

function Parallel:init(list)
  check_list("Parallel", list)
  for i, child in ipairs(list) do self[i] = child end
end

function Parallel:forward(list)
  local n = #self
  if type(list) ~= "table" or #list ~= n then
    raise("Parallel: expected a list of %d inputs, one for each child, got %s", n,
      type(list) == "table" and #list .. " of them" or util.describe(list))
  end
  local outputs = {}
  for i = 1, n do outputs[i] = self[i](list[i]) end
  return outputs
end

-- ---- Lambda -----------------------------------------------------------------------------------

--- nn.Lambda(f) -> module
--- A function as a layer. It has no parameters and cannot be saved; a class of your own can, see
--- nn.Module.
--- Example:
---   local model = nn.Sequential{nn.Linear(4, 4), nn.Lambda(function(x) return x:square() end)}
---   print(model(nn.randn(1, 4)))
local Lambda = module.Module:extend "Lambda"
M.Lambda = Lambda

function Lambda:init(f)
  if type(f) ~= "function" then
    raise("Lambda: expected a function of a tensor, got %s", util.describe(f))
  end
  self.f = f
end

function Lambda:forward(...)
  return self.f(...)
end

return M
