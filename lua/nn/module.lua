-- module.lua: nn.Module:extend, nn.Parameter, and the walk over the tensors and children of any
-- module, written in C or in Lua. What every module can do (parameters, state, ...) is built on the
-- walk, in module_methods.lua.
local core = require "nn.core"
local util = require "nn.util"

local raise, kind_of = util.raise, core.kind
local weak_keys = {__mode = "k"}

local module = {}

-- Kept beside the objects, so that `pairs` over a module shows its fields and nothing else.
local orders = setmetatable({}, weak_keys)     -- instance -> {list = keys in order, known = set}
local metatables = setmetatable({}, weak_keys) -- class -> the metatable of its instances
local names = setmetatable({}, weak_keys)      -- class -> its name
local classes = setmetatable({}, {__mode = "v"}) -- name -> the class defined last under it
local parameters = setmetatable({}, weak_keys) -- tensor -> true: is one, also when frozen
local slots = setmetatable({}, weak_keys)      -- table -> set of keys that held a parameter

core.hooks.modules = orders -- how the core tells a module from any other table

-- ---- parameters -------------------------------------------------------------------------------

-- "parameter", "buffer", or nil for a tensor that is the result of an operation: these require a
-- gradient too, but a module that keeps one in a field (a hidden state) has not got one parameter
-- more.
local function role(t, holder, key)
  if t.requires_grad then
    if not parameters[t] then
      if not t.is_leaf then return nil end
      parameters[t] = true
    end
    slots[holder] = slots[holder] or {}
    slots[holder][key] = true
    return "parameter"
  end
  return (parameters[t] or (slots[holder] and slots[holder][key])) and "parameter" or "buffer"
end

--- nn.Parameter(t, {requires_grad = true}) -> tensor
--- Makes t a parameter of whichever module holds it in a field, whether or not it requires a
--- gradient; a
--- tensor that requires one is a parameter anyway, any other tensor a buffer.
--- Example:
---   local Scale = nn.Module:extend "Scale"
---   function Scale:init() self.s = nn.Parameter(nn.ones(1)) end
---   function Scale:forward(x) return x * self.s end
---   print(#Scale():parameters())
-- Makes t a parameter of whichever module holds it, whether or not it requires a gradient.
function module.Parameter(t, options)
  if kind_of(t) ~= "tensor" then
    raise("Parameter: expected a tensor, got %s", util.describe(t))
  end
  local o = util.options("Parameter", options, {requires_grad = {"boolean", true}})
  t:requires_grad_(o.requires_grad)
  parameters[t] = true
  return t
end

-- ---- classes ----------------------------------------------------------------------------------

-- A field's first assignment, which fixes its place in the order of parameters.
local function set_field(self, key, value)
  local order = orders[self]
  if not order.known[key] then
    order.known[key] = true
    order.list[#order.list + 1] = key
  end
  rawset(self, key, value)
  if kind_of(value) == "tensor" then role(value, self, key) end
end

local function all_of(...)
  return ...
end

-- Not `return self:forward(...)`: a call in the last place would leave no trace of self for errors.
local function call(self, ...)
  return all_of(self:forward(...))
end

local function tostring_instance(self)
  return require "nn.module_methods".tree(self)
end

-- An instance without the fields that `init` gives it.
local function new_instance(class)
  local self = setmetatable({}, metatables[class])
  orders[self] = {list = {}, known = {training = true}}
  rawset(self, "training", true)
  return self
end

local function construct(class, ...)
  local self = new_instance(class)
  local init = class.init
  if init then init(self, ...) end
  return self
end

local function tostring_class(class)
  return "class " .. names[class]
end

local function new_class(name, parent)
  local class = setmetatable({}, {
    __index = parent, __call = construct, __tostring = tostring_class, __name = "class",
  })
  names[class], classes[name] = name, class
  metatables[class] = {
    __index = class, __newindex = set_field, __call = call, __name = name,
    __tostring = function(self) return (class.__tostring or tostring_instance)(self) end,
  }
  return class
end

local Module = new_class("Module")
module.Module = Module

--- nn.Module:extend(name) -> class
--- A class of layers in Lua: define `init`, which gets the constructor's arguments, and `forward`.
--- Parameters, buffers and other layers are found in its fields, in lists and nested tables too,
--- in the
--- order in which they were first assigned; `self.training` says whether it is in training mode. It
--- works wherever a layer does; a named class can be saved, and loaded where a class of that name
--- is
--- defined.
--- Example:
---   local Block = nn.Module:extend "Block"
---   function Block:init(n) self.fc = nn.Linear(n, n) end
---   function Block:forward(x) return x + self.fc(x):relu() end
---   print(nn.Sequential{Block(4), nn.Linear(4, 2)})
function Module.extend(parent, name)
  if not metatables[parent] then
    raise('extend: called on %s; call it with a colon, nn.Module:extend "Name"',
      util.describe(parent))
  end
  if name ~= nil and type(name) ~= "string" then
    raise("extend: the name must be a string, got %s", util.describe(name))
  end
  return new_class(name or "Module", parent)
end

function Module:forward()
  raise("%s has no forward: define function %s:forward(x)", module.class_name(self),
    module.class_name(self))
end

-- ---- what a module is -------------------------------------------------------------------------

function module.is_module(v)
  return kind_of(v) == "layer" or orders[v] ~= nil
end

function module.class_name(m)
  return kind_of(m) == "layer" and m:_class() or getmetatable(m).__name
end

-- ---- for files ---------------------------------------------------------------------------------

-- The class of an instance, or nil where it has no name that a file could find it by.
function module.class_of(m)
  local class = getmetatable(m).__index
  return names[class] ~= "Module" and class or nil
end

function module.is_class(v)
  return metatables[v] ~= nil
end

-- The class defined last under that name, or nil.
function module.find_class(name)
  return name ~= "Module" and classes[name] or nil
end

-- An instance's fields in order: a list of names. Those that hold results of operations are no
-- state (see role) and left out; what is a parameter is one from here on, frozen or not.
function module.fields(m)
  for _, entry in ipairs(module.members(m)) do
    if entry.tensor and not entry.buffer then parameters[entry.tensor] = true end
  end
  local list = {}
  for _, key in ipairs(orders[m].list) do
    if rawget(m, key) ~= nil then list[#list + 1] = key end
  end
  return list
end

function module.is_parameter(t)
  return parameters[t] or false
end

-- Makes a tensor what it was when it was saved.
function module.restore_tensor(t, requires_grad, parameter)
  if requires_grad then t:requires_grad_(true) end
  if parameter then parameters[t] = true end
end

-- An instance without fields, whose `init` is not run, and its fields when they are there.
function module.restore(class, training)
  local self = new_instance(class)
  rawset(self, "training", training)
  return self
end
function module.restore_fields(m, list, values)
  local order = orders[m]
  for i, key in ipairs(list) do
    order.list[i], order.known[key] = key, true
    rawset(m, key, values[key])
  end
end

-- A plain table in a field is looked into; one with a metatable is somebody's object.
local function is_plain(v)
  return type(v) == "table" and getmetatable(v) == nil
end

-- The keys of a plain table: the list part in order, then the strings sorted.
local function plain_keys(t)
  local keys = {}
  for i = 1, #t do keys[i] = i end
  for _, key in ipairs(util.sorted_keys(t)) do
    if type(key) == "string" then keys[#keys + 1] = key end
  end
  return keys
end

local function child(list, name, value)
  list[#list + 1] = {name = name, module = value}
end

-- Appends the members found in the given fields of a table.
local function table_members(holder, keys, prefix, list, inside)
  for _, key in ipairs(keys) do
    local value, name = rawget(holder, key), prefix .. tostring(key)
    if kind_of(value) == "tensor" then
      local what = role(value, holder, key)
      if what then
        list[#list + 1] =
          {name = name, tensor = value, buffer = what == "buffer", holder = holder, key = key}
      end
    elseif module.is_module(value) then
      child(list, name, value)
    elseif is_plain(value) and not inside[value] then
      inside[value] = true
      table_members(value, plain_keys(value), name .. ".", list, inside)
      inside[value] = nil
    end
  end
  return list
end

-- A module's own tensors and children, in order: a list of {name, tensor, buffer, holder, key} and
-- {name, module}. A container's child may also be a function, which has neither.
function module.members(m)
  if kind_of(m) ~= "layer" then return table_members(m, orders[m].list, "", {}, {}) end
  local list = m:_slots()
  for _, slot in ipairs(list) do slot.holder, slot.key = m, slot.name end
  for i, value in ipairs(m:_children()) do child(list, tostring(i), value) end
  return list
end

-- Calls f(entry, name) for each tensor below m, under each name that leads to it. A module that
-- contains itself (a field `parent`) is not entered again.
local function each_tensor(m, prefix, inside, f)
  inside[m] = true
  for _, entry in ipairs(module.members(m)) do
    if entry.tensor then
      f(entry, prefix .. entry.name)
    elseif module.is_module(entry.module) and not inside[entry.module] then
      each_tensor(entry.module, prefix .. entry.name .. ".", inside, f)
    end
  end
  inside[m] = nil
end

function module.each_tensor(m, f)
  each_tensor(m, "", {}, f)
end

-- All modules from m on, each once, parents before children.
function module.all(m)
  local list, seen = {}, {}
  local function enter(one)
    if seen[one] then return end
    seen[one] = true
    list[#list + 1] = one
    for _, entry in ipairs(module.members(one)) do
      if module.is_module(entry.module) then enter(entry.module) end
    end
  end
  enter(m)
  return list
end

-- Whether only C runs in it: nobody else can keep the tensors that pass through.
function module.is_native(m)
  for _, one in ipairs(module.all(m)) do
    if kind_of(one) ~= "layer" then return false end
    for _, value in ipairs(one:_children()) do
      if kind_of(value) ~= "layer" then return false end
    end
  end
  return true
end

-- ---- replacing tensors, copies ----------------------------------------------------------------

-- Puts `t` where the entry's tensor was; it stays what it was, parameter or buffer, frozen or not.
function module.replace(entry, t)
  local frozen = not entry.tensor.requires_grad
  if kind_of(entry.holder) == "layer" then
    entry.holder:_set_slot(entry.key, t)
  else
    rawset(entry.holder, entry.key, t)
  end
  if entry.buffer then return end
  parameters[t] = true
  t:requires_grad_(not frozen)
end

local copy_value

local function copy_tensor(t)
  local copy = t:detach():clone()
  if parameters[t] then parameters[copy] = true end
  if t.requires_grad then copy:requires_grad_(true) end
  return copy
end

local function copy_layer(m, made)
  local streams = core.rng_state()
  local copy = m:_new() -- draws initial weights, which nobody will see
  core.set_rng_state(streams)
  made[m] = copy
  for _, slot in ipairs(m:_slots()) do
    local t = copy_value(slot.tensor, made)
    copy:_set_slot(slot.name, t)
    if not slot.buffer then t:requires_grad_(slot.tensor.requires_grad) end
  end
  for _, value in ipairs(m:_children()) do copy:add(copy_value(value, made)) end
  copy:_set_training(m.training)
  return copy
end

local function copy_table(from, keys, to, made)
  made[from] = to
  for _, key in ipairs(keys) do
    local value = rawget(from, key)
    -- A kept result of an operation is not the module's state, see role.
    if kind_of(value) ~= "tensor" or role(value, from, key) then
      to[key] = copy_value(value, made)
    end
    if slots[from] and slots[from][key] then
      slots[to] = slots[to] or {}
      slots[to][key] = true
    end
  end
  return to
end

local function copy_instance(m, made)
  local copy = setmetatable({}, getmetatable(m))
  orders[copy] = {list = {}, known = {training = true}}
  rawset(copy, "training", m.training)
  return copy_table(m, orders[m].list, copy, made)
end

-- Modules, tensors and plain tables are copied, everything else is shared. What was one thing in
-- two places is one thing in the copy.
function copy_value(v, made)
  if v == nil or made[v] then return made[v] end
  local kind = kind_of(v)
  if kind == "layer" then return copy_layer(v, made) end
  if orders[v] then return copy_instance(v, made) end
  if is_plain(v) then return copy_table(v, util.sorted_keys(v), {}, made) end
  if kind ~= "tensor" then return v end
  made[v] = copy_tensor(v)
  return made[v]
end

function module.clone(m)
  return copy_value(m, {})
end

return module
