-- metrics/named.lua: nn.metrics, the measures with a name, each called with all predictions and all
-- targets. nn.fit and nn.evaluate take them by name.
local core = require "nn.core"
local util = require "nn.util"

local raise = util.raise
local named = {}

-- Which file has which, and the options that it takes beside `loss`.
local homes = {
  accuracy = {"classes"}, auc = {"ranking"}, confusion = {"classes"}, f1 = {"classes"},
  mae = {"numbers"}, mse = {"numbers"}, precision = {"classes"}, r2 = {"numbers"},
  recall = {"classes"}, top_k = {"classes", {k = {"count", 5}}},
}

function named.names()
  return util.sorted_keys(homes)
end

-- The function of that name, f(prediction, target, options), or nil.
function named.find(name)
  return homes[name] and require("nn.metrics." .. homes[name][1])[name]
end

-- A metric's options, checked.
function named.options(name, given)
  local known = {loss = {"any"}}
  for key, spec in pairs(homes[name][2] or {}) do known[key] = spec end
  local o = util.options(name, given, known)
  local loss = o.loss
  local fits = loss == nil or core.kind(loss) == "loss" or type(loss) == "function"
    or type(loss) == "table" -- a module
  if not fits then
    raise("%s: option 'loss' must be a loss or a function, got %s", name, util.describe(loss))
  end
  return o
end

local function check(name, what, value)
  if core.kind(value) == "tensor" and value:dim() > 0 then return end
  raise("%s: the %s must be a tensor with a row for each sample, got %s", name, what,
    util.describe(value))
end

-- The function for scripts.
local function public(name)
  return function(prediction, target, options)
    local o = named.options(name, options)
    check(name, "prediction", prediction)
    check(name, "target", target)
    if prediction:size(1) ~= target:size(1) or prediction:numel() == 0 then
      raise("%s: predictions of %s do not fit targets of %s", name, util.shape(prediction),
        util.shape(target))
    end
    return core.no_grad(named.find(name), prediction:detach(), target:detach(), o)
  end
end

-- nn.metrics; what they do is said above each of them in their files.
named.public = {}
for name in pairs(homes) do named.public[name] = public(name) end

return named
