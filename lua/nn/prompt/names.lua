-- names.lua: which names a value has, without running a script's code: raw fields, the tables that
-- stand behind them as __index, and for what is ours the methods, options and units of the core.
local core = require "nn.core"

local M = {}

local DEEPEST = 20 -- tables behind tables

-- The table behind a table, or nil.
local function behind(t)
  local meta = debug.getmetatable(t)
  local index = type(meta) == "table" and rawget(meta, "__index")
  return type(index) == "table" and index or nil
end

-- Names that a table of ours loads on first use.
local function lazy(t)
  local meta = debug.getmetatable(t)
  local list = type(meta) == "table" and rawget(meta, "names")
  return type(list) == "table" and list or nil
end

local function field(owner, key)
  local kind = core.kind(owner)
  if kind then
    local ok, value = pcall(function() return owner[key] end) -- C code of ours
    return ok and value or nil
  end
  if type(owner) == "string" then return string[key] end
  for _ = 1, DEEPEST do
    if type(owner) ~= "table" then return nil end
    local value = rawget(owner, key)
    if value ~= nil then return value end
    local later = lazy(owner)
    if later and later[key] ~= nil then return owner[key] end
    owner = behind(owner)
  end
end

-- The value of "nn.optim", "model[1].weight" or nil.
function M.resolve(session, path)
  local name, rest = path:match "^([%a_][%w_]*)(.*)$"
  if not name then return nil end
  local value = rawget(session, name)
  if value == nil then value = rawget(_G, name) end
  while value ~= nil and rest ~= "" do
    local key, after = rest:match "^[.:]([%a_][%w_]*)(.*)$"
    if not key then
      key, after = rest:match "^%[(%d+)%](.*)$"
      key = math.tointeger(key)
    end
    if not key then return nil end
    value, rest = field(value, key), after
  end
  return value
end

-- ---- the names --------------------------------------------------------------------------------

local function add_keys(list, t, wanted)
  for key, value in next, t do
    if type(key) == "string" and key:match "^%a[%w_]*$" and (not wanted or wanted(value)) then
      list[#list + 1] = key
    end
  end
end

local function is_callable(v)
  return type(v) == "function" or core.kind(v) == "layer"
end

local function unit(kind, name)
  for _, entry in ipairs(core.catalogue()[kind]) do
    if entry.name == name then return entry end
  end
end

local function add_params(list, entry)
  for _, p in ipairs(entry and entry.params or {}) do list[#list + 1] = p.name end
end

local function class_name(v)
  return tostring(v):match "^[%w_]+"
end

local function add_own(list, owner, kind)
  if kind == "layer" then
    add_params(list, unit("layers", class_name(owner)))
    for _, entry in ipairs(owner:named_parameters()) do
      list[#list + 1] = (entry.name or entry[1]):match "^[%a_][%w_]*$"
    end
    list[#list + 1] = "training"
  elseif kind == "optimizer" then
    add_params(list, unit("optimizers", class_name(owner)))
  elseif kind == "loss" then
    add_params(list, unit("losses", class_name(owner)))
  elseif kind == "tensor" then
    for _, name in ipairs {"grad", "is_leaf", "requires_grad", "shape"} do
      list[#list + 1] = name
    end
  end
end

-- The names that may follow a dot, or, of functions alone, a colon.
function M.of(owner, methods_only)
  local list = {}
  local wanted = methods_only and is_callable or nil
  local kind = core.kind(owner)
  if kind then
    add_keys(list, core.methods[kind], is_callable)
    if not methods_only then add_own(list, owner, kind) end
    return list
  end
  if type(owner) == "string" then owner = string end
  for _ = 1, DEEPEST do
    if type(owner) ~= "table" then break end
    add_keys(list, owner, wanted)
    add_keys(list, lazy(owner) or {})
    owner = behind(owner)
  end
  return list
end

-- ---- options ----------------------------------------------------------------------------------

-- Those in the signature of a function's help: "nn.fit(model, train, {validation, epochs = 10})".
local function in_signature(signature)
  local list = {}
  local inside = signature:match "{(.*)}"
  if not inside then return list end
  inside = inside:gsub("%b{}", ""):gsub("%b()", "")
  for part in inside:gmatch "[^,]+" do
    local name = part:match "^%s*([%a_][%w_]*)%s*$" or part:match "^%s*([%a_][%w_]*)%s*="
    list[#list + 1] = name
  end
  return list
end

-- The options of the function or constructor of that name: "nn.Linear", "data:split".
function M.options(name)
  local last = name:match "([%a_][%w_]*)$"
  for _, kind in ipairs {"layers", "losses", "optimizers"} do
    local entry = unit(kind, last)
    if entry then
      local list = {}
      add_params(list, entry)
      return list
    end
  end
  local entry = require "nn.help".find(name)
  return entry and in_signature(entry.signature) or {}
end

return M
