-- module_methods.lua: what every module can do, for layers in C and modules in Lua alike.
local core = require "nn.core"
local module = require "nn.module"
local util = require "nn.util"

local raise = util.raise
local methods = {}

local function check(m, name)
  if not module.is_module(m) then
    raise("%s: called on %s; it wants a module (call it with a colon, model:%s())", name,
      util.describe(m), name)
  end
end

-- ---- parameters -------------------------------------------------------------------------------

-- The entries of all parameters, each tensor once under its first name.
local function parameter_entries(m)
  local list, seen = {}, {}
  module.each_tensor(m, function(entry, name)
    if entry.buffer or seen[entry.tensor] then return end
    seen[entry.tensor] = true
    list[#list + 1] = {name = name, tensor = entry.tensor}
  end)
  return list
end

--- model:named_parameters() -> list of {name, tensor}
--- Every parameter once, with its path ("1.weight"), in order; also as the fields name and tensor.
--- Example:
---   local model = nn.Sequential{nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)}
---   for _, p in ipairs(model:named_parameters()) do print(p[1], p[2].shape[1]) end
function methods.named_parameters(m)
  check(m, "named_parameters")
  local list = parameter_entries(m)
  for _, entry in ipairs(list) do entry[1], entry[2] = entry.name, entry.tensor end
  return list
end

--- model:parameters() -> list of tensors
--- Every parameter once, in order: what an optimizer takes.
--- Example:
---   local model = nn.Sequential{nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)}
---   local opt = nn.optim.SGD(model:parameters(), {lr = 0.1})
function methods.parameters(m)
  check(m, "parameters")
  local list = parameter_entries(m)
  for i, entry in ipairs(list) do list[i] = entry.tensor end
  return list
end

--- model:parameter_count() -> number
--- How many numbers can be learnt.
--- Example:
---   local model = nn.Sequential{nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)}
---   print(model:parameter_count())
function methods.parameter_count(m)
  check(m, "parameter_count")
  local n = 0
  for _, entry in ipairs(parameter_entries(m)) do n = n + entry.tensor:numel() end
  return n
end

--- model:requires_grad_(flag = true) -> model
--- Freezes (false) or thaws every parameter; an optimizer skips what is frozen.
--- Example:
---   local model = nn.Sequential{nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)}
---   model[1]:requires_grad_(false)
function methods.requires_grad_(m, flag)
  check(m, "requires_grad_")
  if flag == nil then flag = true end
  if type(flag) ~= "boolean" then
    raise("requires_grad_: expected true or false, got %s", util.describe(flag))
  end
  for _, entry in ipairs(parameter_entries(m)) do entry.tensor:requires_grad_(flag) end
  return m
end

--- model:zero_grad()
--- Forgets the gradients of all parameters.
--- Example:
---   local model = nn.Sequential{nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)}
---   model:zero_grad()
function methods.zero_grad(m)
  check(m, "zero_grad")
  for _, entry in ipairs(parameter_entries(m)) do entry.tensor:zero_grad() end
  return m
end

-- ---- training and evaluation mode -------------------------------------------------------------

local function set_training(m, flag)
  if core.kind(m) == "layer" then m:_set_training(flag) else rawset(m, "training", flag) end
end

--- model:train(flag = true) -> model
--- Training mode: dropout drops, batch normalisation uses the batch.
--- Example:
---   local model = nn.Sequential{nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)}
---   model:train()
function methods.train(m, flag)
  check(m, "train")
  if flag == nil then flag = true end
  if type(flag) ~= "boolean" then
    raise("train: expected true or false, got %s", util.describe(flag))
  end
  for _, one in ipairs(module.all(m)) do set_training(one, flag) end
  return m
end

--- model:eval() -> model
--- Evaluation mode; nn.evaluate and predict turn it on by themselves and leave the mode as it was.
--- Example:
---   local model = nn.Sequential{nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)}
---   model:eval()
---   print(model.training)
function methods.eval(m)
  check(m, "eval")
  return methods.train(m, false)
end

-- Sets the mode and returns a value for `local _ <close>` that sets it back, module by module.
function module.mode(m, flag)
  local all, before = module.all(m), {}
  for i, one in ipairs(all) do before[i] = one.training end
  for _, one in ipairs(all) do set_training(one, flag) end
  return util.finally(function()
    for i, one in ipairs(all) do set_training(one, before[i]) end
  end)
end

-- ---- state ------------------------------------------------------------------------------------

--- model:state() -> table
--- A copy of all parameters and buffers, by path.
--- Example:
---   local model = nn.Sequential{nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)}
---   local before = model:state()
---   model:load_state(before)
function methods.state(m)
  check(m, "state")
  local state, copies = {}, {}
  module.each_tensor(m, function(entry, name)
    local t = entry.tensor
    copies[t] = copies[t] or t:detach():clone()
    state[name] = copies[t]
  end)
  return state
end

-- Sorts what the state has into what fits and a list of complaints.
local function match_state(m, state, strict)
  local fits, complaints, expected = {}, {}, {}
  local function complain(...) complaints[#complaints + 1] = string.format(...) end
  module.each_tensor(m, function(entry, name)
    local value, t = state[name], entry.tensor
    expected[name] = true
    if value == nil then
      if strict then complain("missing: %s (%s)", name, util.shape(t)) end
    elseif core.kind(value) ~= "tensor" then
      complain("no tensor: %s is %s", name, util.describe(value))
    elseif not util.same_shape(value, t) then
      complain("wrong shape: %s is %s, must be %s", name, util.shape(value), util.shape(t))
    else
      fits[#fits + 1] = {to = t, from = value}
    end
  end)
  for _, name in ipairs(util.sorted_keys(state)) do
    if strict and not expected[name] then complain("not in the model: %s", tostring(name)) end
  end
  return fits, complaints
end

--- model:load_state(state, {strict = true}) -> model
--- Takes back what state() gave. Missing, unknown and misshapen entries are one error that lists
--- them,
--- and nothing is changed; strict = false skips missing and unknown ones.
--- Example:
---   local model = nn.Sequential{nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)}
---   model:load_state(model:state())
function methods.load_state(m, state, options)
  check(m, "load_state")
  if type(state) ~= "table" then
    raise("load_state: expected a table of tensors by name, got %s", util.describe(state))
  end
  local o = util.options("load_state", options, {strict = {"boolean", true}})
  local fits, complaints = match_state(m, state, o.strict)
  if #complaints > 0 then
    raise("load_state: this state does not fit the model, which is unchanged:\n  %s",
      table.concat(complaints, "\n  "))
  end
  core.no_grad(function()
    for _, pair in ipairs(fits) do pair.to:copy_(pair.from) end
  end)
  return m
end

-- ---- the whole --------------------------------------------------------------------------------

--- model:clone() -> model
--- A copy of its own, gradients left out; shared parameters stay shared within it.
--- Example:
---   local model = nn.Sequential{nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)}
---   print(nn.equal(model:clone()[1].weight, model[1].weight))
function methods.clone(m)
  check(m, "clone")
  return module.clone(m)
end

-- Changes floating tensors; counters and the like stay what they are.
--- model:to(dtype) -> model
--- Converts parameters and buffers to "float32" or "float64". An optimizer made before is to be
--- made
--- anew.
--- Example:
---   local model = nn.Sequential{nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)}
---   print(model:to("float64")[1].weight:dtype())
function methods.to(m, dtype)
  check(m, "to")
  if dtype ~= "float32" and dtype ~= "float64" then
    raise('to: a module is "float32" or "float64", got %s', util.describe(dtype))
  end
  local changed = {}
  module.each_tensor(m, function(entry)
    local t = entry.tensor
    if t:dtype() == dtype or not t:dtype():find "^float" then return end
    changed[t] = changed[t] or t:detach():to(dtype)
    module.replace(entry, changed[t])
  end)
  return m
end

-- Children first, as when a model is built from the inside out.
--- model:apply(f) -> model
--- Calls f(module) for every part, children first.
--- Example:
---   local model = nn.Sequential{nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)}
---   model:apply(function(m) if m.bias then nn.init.zeros(m.bias) end end)
function methods.apply(m, f)
  check(m, "apply")
  if type(f) ~= "function" then
    raise("apply: expected a function, got %s", util.describe(f))
  end
  local all = module.all(m)
  for i = #all, 1, -1 do f(all[i]) end
  return m
end

function methods.predict(m, ...)
  check(m, "predict")
  return require "nn.evaluate".predict(m, ...)
end

-- model:summary([shape of one sample]): see summary.lua
--- model:summary(shape of one sample) -> table
--- The layers with their output shapes, parameters and multiply-adds; prints as a table.
--- Example:
---   local model = nn.Sequential{nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)}
---   print(model:summary{3})
function methods.summary(m, ...)
  check(m, "summary")
  return require "nn.summary"(m, ...)
end

-- ---- printing ---------------------------------------------------------------------------------

local function describe_tensor(entry)
  return ("%s %s %s"):format(entry.buffer and "buffer" or "parameter", entry.tensor:dtype(),
    util.shape(entry.tensor))
end

-- The tree below m, as lines; `inside` stops at a module that contains itself.
local function draw(m, indent, inside)
  if not module.is_module(m) then return type(m) end
  if inside[m] then return module.class_name(m) .. " (above)" end
  local native = core.kind(m) == "layer"
  local members = module.members(m)
  local container = not native or m:_class() == "Sequential" or #m:_children() > 0
  if not container then return tostring(m) end
  inside[m] = true
  local lines = {module.class_name(m) .. "{"}
  for _, entry in ipairs(members) do
    lines[#lines + 1] = ("%s  %s: %s"):format(indent, entry.name,
      entry.tensor and describe_tensor(entry) or draw(entry.module, indent .. "  ", inside))
  end
  inside[m] = nil
  if #lines == 1 then return lines[1] .. "}" end
  return table.concat(lines, "\n") .. "\n" .. indent .. "}"
end

function methods.tree(m)
  return draw(m, "", {})
end

-- ---- installing -------------------------------------------------------------------------------

for name, method in pairs(methods) do
  if name ~= "tree" then
    core.methods.layer[name] = method
    module.Module[name] = method
  end
end
core.hooks.layer_tostring = methods.tree
core.hooks.locate = function(text, calls)
  return require "nn.path".locate(text, calls)
end

return methods
