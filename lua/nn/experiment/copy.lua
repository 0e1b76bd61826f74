-- experiment/copy.lua: a model and its optimizer copied, so that an experiment can train and change
-- them, and whoever gave them finds them as they were.
local core = require "nn.core"
local module = require "nn.module"
local util = require "nn.util"

local raise = util.raise
local copy = {}

-- A copy of the model, its parameters, and those of the original in the same order.
function copy.model(owner, model)
  require "nn.evaluate".check_model(owner, model)
  local twin = module.Module.clone(model)
  return twin, module.Module.parameters(twin), module.Module.parameters(model)
end

-- An optimizer in the same state for the copy's parameters: opt is one of nn.optim for the
-- original's.
function copy.optimizer(owner, opt, twins, originals)
  if core.kind(opt) ~= "optimizer" then
    raise("%s: option 'optimizer' must be one of nn.optim, such as "
      .. "nn.optim.SGD(model:parameters(), {lr = 0.1}), got %s", owner, util.describe(opt))
  end
  local twin_of, groups = {}, {}
  for i, t in ipairs(originals) do twin_of[t] = twins[i] end
  for g, group in ipairs(opt:groups()) do
    groups[g] = {params = {}}
    for i, t in ipairs(group.params) do
      groups[g].params[i] = twin_of[t]
      if not twin_of[t] then
        raise("%s: the optimizer holds a tensor of %s that is no parameter of the model; make it "
          .. "with model:parameters()", owner, util.shape(t))
      end
    end
  end
  local twin = require "nn".optim[opt:_class()](groups)
  return twin:load_state(opt:state())
end

return copy
