-- experiment/optimizers.lua: the optimizers that nn.race and nn.compare are given, as functions
-- that make one of a list of parameters.
local core = require "nn.core"
local util = require "nn.util"

local raise = util.raise
local optimizers = {}

local function class(owner, name)
  local optim = require "nn".optim
  if type(name) == "string" and type(optim[name]) == "function" then return optim[name] end
  util.unknown(owner, "optimizer", tostring(name), util.sorted_keys(optim))
end

local function check(owner, name, opt)
  if core.kind(opt) == "optimizer" or (type(opt) == "table" and opt.step) then return opt end
  raise("%s: optimizers.%s must return an optimizer, such as nn.optim.SGD(params, {lr = 0.1}), got "
    .. "%s", owner, name, util.describe(opt))
end

local function maker(owner, name, given)
  if type(given) == "function" then
    return function(params) return check(owner, name, given(params)) end
  end
  if type(given) ~= "table" or getmetatable(given) then
    raise("%s: optimizers.%s must be a function of the parameters, or a table of options, got %s",
      owner, name, util.describe(given))
  end
  local options, make = {}, class(owner, given[1] or name)
  for key, v in pairs(given) do
    if key ~= 1 then options[key] = v end
  end
  make({core.zeros({1}, {requires_grad = true})}, options) -- wrong options are found now
  return function(params) return make(params, options) end
end

-- {name = function | options} or a list of names: sorted names, and a function of parameters for
-- each.
function optimizers.read(owner, given)
  if type(given) ~= "table" or getmetatable(given) or next(given) == nil then
    raise("%s: option 'optimizers' is a table, such as {Adam = function(params) return "
      .. "nn.optim.Adam(params, {lr = 0.01}) end}, got %s", owner, util.describe(given))
  end
  local names, makers = {}, {}
  for _, key in ipairs(util.sorted_keys(given)) do
    local name, value = key, given[key]
    if type(key) == "number" then name, value = value, {} end
    if type(name) ~= "string" then
      raise("%s: optimizers have names, got %s", owner, util.describe(name))
    end
    if makers[name] then raise("%s: there are two optimizers '%s'", owner, name) end
    names[#names + 1], makers[name] = name, maker(owner, name, value)
  end
  return names, makers
end

function optimizers.needs_closure(opt)
  return core.kind(opt) == "optimizer" and opt:needs_closure()
end

return optimizers
