-- files/units.lua: how modules, losses and optimizers are saved and made again; the same entries as
-- registry.lua has, for what is known by its kind rather than by a metatable of its own.
local core = require "nn.core"
local module = require "nn.module"
local util = require "nn.util"

local raise, kind_of = util.raise, core.kind
local files = core.files
local units = {is_module = module.is_module, is_parameter = module.is_parameter,
  restore_tensor = module.restore_tensor}

local sizes = {float32 = 4, float64 = 8, int64 = 8, uint8 = 1}
function units.bytes(t)
  return t:numel() * sizes[t:dtype()]
end

-- A state's fields, all of which must be there and no other. `known`: as util.options reads them.
local function fields(state, known)
  local o = util.options("fields", state, known)
  for _, name in ipairs(util.sorted_keys(known)) do
    if o[name] == nil then raise("field '%s' is missing", name) end
  end
  return o
end

-- ---- layers in C ------------------------------------------------------------------------------

-- head: class, arguments, training, bytes of tensors; body: the tensors by name, the children as
-- list.
local layer = {name = "layer", module = true}

function layer.save(m)
  local class, arguments = files.arguments(m)
  local body, bytes = {}, 0
  for _, slot in ipairs(m:_slots()) do
    body[slot.name] = slot.tensor
    bytes = bytes + units.bytes(slot.tensor)
  end
  for i, child in ipairs(m:_children()) do body[i] = child end
  return {class = class, arguments = arguments, training = m.training, bytes = bytes}, body
end

function layer.load(head, room)
  local o = fields(head, {
    class = {"string"}, arguments = {"table"}, training = {"boolean"}, bytes = {"index"},
  })
  if o.bytes > room then raise("tensors of %d bytes are not in the file", o.bytes) end
  local m = files.layer(o.class, o.arguments, o.bytes)
  m:_set_training(o.training)
  return m
end

function layer.fill(m, body)
  if type(body) ~= "table" then raise("the body must be a table, got %s", util.describe(body)) end
  local dtype, known = nil, {}
  for _, slot in ipairs(m:_slots()) do
    local t = body[slot.name]
    if kind_of(t) ~= "tensor" then
      raise("%s: '%s' must be a tensor, got %s", m:_class(), slot.name, util.describe(t))
    end
    dtype = dtype or t:dtype()
    if t:dtype() ~= dtype then
      raise("%s: '%s' is %s, the tensors before it %s", m:_class(), slot.name, t:dtype(), dtype)
    end
    local frozen = not t.requires_grad
    m:_set_slot(slot.name, t)
    if not slot.buffer then t:requires_grad_(not frozen) end
    known[slot.name] = true
  end
  for _, key in ipairs(util.sorted_keys(body)) do
    if not known[key] and not (math.type(key) == "integer" and key >= 1 and key <= #body) then
      raise("%s has no '%s'", m:_class(), tostring(key))
    end
  end
  for i, child in ipairs(body) do
    if not module.is_module(child) then
      raise("%s: child %d must be a layer or a module, got %s", m:_class(), i,
        util.describe(child))
    end
    m:add(child)
  end
end

-- ---- modules in Lua ---------------------------------------------------------------------------

-- Residual and its kin are found in nn whatever a script defines under the same name.
local function own_class(name)
  local class = rawget(require "nn.containers", name)
  return module.is_class(class) and class or nil
end

local instance = {name = "module", module = true}

function instance.save(m)
  local class, name = module.class_of(m), module.class_name(m)
  local own = class and own_class(name) == class
  local list, body = module.fields(m), {}
  local head = {class = name, own = own or false, training = m.training, fields = list}
  for _, key in ipairs(list) do body[key] = rawget(m, key) end
  return head, body
end

function instance.load(head)
  local o = fields(head, {
    class = {"string"}, own = {"boolean"}, training = {"boolean"}, fields = {"table"},
  })
  local class
  if o.own then class = own_class(o.class) else class = module.find_class(o.class) end
  if not class then
    raise("there is no class %q: define it, nn.Module:extend %q, before the file is loaded",
      o.class, o.class)
  end
  local m = module.restore(class, o.training)
  units.lists[m] = o.fields
  return m
end

-- The fields in the order in which they were assigned. One without a value held what is not saved.
function instance.fill(m, body)
  local list, known = {}, {training = true}
  if type(body) ~= "table" then raise("the body must be a table, got %s", util.describe(body)) end
  for _, key in ipairs(units.lists[m]) do
    local plain = type(key) == "string" or type(key) == "number" or type(key) == "boolean"
    if not plain or known[key] then
      raise("no field can be %s", known[key] and "there twice" or util.describe(key))
    end
    known[key] = true
    if body[key] ~= nil then list[#list + 1] = key end
  end
  for _, key in ipairs(util.sorted_keys(body)) do
    if not known[key] or key == "training" then raise("no field is %q", tostring(key)) end
  end
  module.restore_fields(m, list, body)
  units.lists[m] = nil
end

-- The names of the fields of an instance that is being loaded.
units.lists = setmetatable({}, {__mode = "k"})

-- ---- losses and optimizers --------------------------------------------------------------------

local loss = {name = "loss"}

function loss.save(l)
  local class, arguments = files.arguments(l)
  return {class = class, arguments = arguments}
end

function loss.load(state)
  local o = fields(state, {class = {"string"}, arguments = {"table"}})
  return files.loss(o.class, o.arguments)
end

local optimizer = {name = "optimizer"}

-- The parameters themselves, so that they are the same as those of a model beside it.
function optimizer.save(opt)
  local params = {}
  for g, group in ipairs(opt:groups()) do params[g] = group.params end
  return {params = params, state = opt:state()}
end

local function copy_options(group, params)
  local options = {}
  if type(group) ~= "table" then raise("a group must be a table, got %s", util.describe(group)) end
  for name, value in pairs(group) do options[name] = value end
  options.params = params
  return options
end

function optimizer.load(saved)
  local o = fields(saved, {params = {"table"}, state = {"table"}})
  local new, groups = rawget(require "nn.optim", o.state.optimizer), {}
  if type(o.state.optimizer) ~= "string" or type(new) ~= "function" then
    raise("there is no optimizer %s", util.describe(o.state.optimizer))
  end
  if type(o.state.groups) ~= "table" or #o.state.groups ~= #o.params then
    raise("the groups of the state are not those of the parameters")
  end
  for g, params in ipairs(o.params) do groups[g] = copy_options(o.state.groups[g], params) end
  local opt = new(groups)
  opt:load_state(o.state)
  return opt
end

-- ---- which it is ------------------------------------------------------------------------------

local by_name = {}
for _, entry in ipairs {layer, instance, loss, optimizer} do by_name[entry.name] = entry end

function units.find(name)
  return by_name[name]
end

-- The entry for a value of these kinds; or nil and, for a module that cannot be saved, the reason.
function units.entry(v)
  local kind = kind_of(v)
  if kind then return by_name[kind] end
  if not module.is_module(v) then return nil end
  if module.class_of(v) then return instance end
  return nil, "its class has no name by which it could be found again; give it one, "
    .. 'nn.Module:extend "Name"'
end

return units
