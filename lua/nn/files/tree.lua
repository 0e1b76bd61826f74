-- files/tree.lua: what a .nn file holds, as bytes and back. A value is a letter and what follows:
--
--   T F                  true, false
--   i 8 bytes            an integer               d 8 bytes            a float, every bit of it
--   s length bytes       a string (length: 4 bytes)
--   t n values           a table: 1..n, then      m (key value)        the other keys, sorted
--   x flags              the next tensor of the file; 1: requires a gradient, 2: a parameter
--   o name head T body   an object (registry.lua); without a body F stands for T and body
--   r number             what came before: tables, tensors and objects are numbered as they begin
--
-- All numbers are little-endian. So what is shared stays shared, cycles too, and a value gives the
-- same bytes each time. Views of one storage become tensors of their own.
local core = require "nn.core"
local registry = require "nn.files.registry"
local units = require "nn.files.units"
local util = require "nn.util"

local raise, kind_of = util.raise, core.kind
local pack, unpack = string.pack, string.unpack
local tree = {}

local DEEPEST = 1000 -- levels of tables and objects
local LONGEST = 0xffffffff

-- ---- writing ----------------------------------------------------------------------------------

-- The place of the present value: `model[2].f`.
local function place(w)
  local words = {}
  for _, key in ipairs(w.path) do
    local name = type(key) == "string" and key:find "^[%a_][%w_]*$"
    if name then
      words[#words + 1] = (#words > 0 and "." or "") .. key
    else
      words[#words + 1] = ("[%s]"):format(type(key) == "string" and ("%q"):format(key)
        or tostring(key))
    end
  end
  return table.concat(words)
end

local function refuse(w, format, ...)
  local where = place(w)
  raise("save: %s" .. format, where == "" and "" or where .. ": ", ...)
end

local put

local function put_element(w, key, value)
  local path = w.path
  path[#path + 1] = key
  put(w, value)
  path[#path] = nil
end

-- The result of an operation in a module's field is not the module's state.
local function is_passing(w, v)
  return w.inside > 0 and kind_of(v) == "tensor" and v.requires_grad and not v.is_leaf
end

local function put_table(w, t)
  local out, list, others = w.out, 0, {}
  while t[list + 1] ~= nil and not is_passing(w, t[list + 1]) do list = list + 1 end
  for key, value in next, t do
    local counted = math.type(key) == "integer" and key >= 1 and key <= list
    if not counted and not is_passing(w, value) then others[key] = true end
  end
  local keys = util.sorted_keys(others)
  out[#out + 1] = pack("<c1I4", "t", list)
  for i = 1, list do put_element(w, i, t[i]) end
  out[#out + 1] = pack("<I4", #keys)
  for _, key in ipairs(keys) do
    local what = type(key)
    if what ~= "string" and what ~= "number" and what ~= "boolean" then
      refuse(w, "a key of the table is a %s; keys must be strings, numbers or booleans",
        kind_of(key) or what)
    end
    put(w, key)
    put_element(w, key, t[key])
  end
end

local function put_tensor(w, t)
  local flags = t.requires_grad and t.is_leaf and 1 or 0
  if units.is_parameter(t) then flags = flags | 2 end
  w.out[#w.out + 1] = pack("<c1B", "x", flags)
  w.tensors[#w.tensors + 1] = t
end

local function put_object(w, v, entry)
  local out = w.out
  local head, body = entry.save(v)
  out[#out + 1] = pack("<c1s1", "o", entry.name)
  w.open[v] = true
  put(w, head)
  w.open[v] = nil
  out[#out + 1] = body == nil and "F" or "T"
  if body == nil then return end
  w.inside = w.inside + (entry.module and 1 or 0)
  put(w, body)
  w.inside = w.inside - (entry.module and 1 or 0)
end

-- How an object is saved: its entry; nil for a plain table.
local function entry_of(w, v)
  local entry, trouble = units.entry(v)
  if trouble then refuse(w, "%s", trouble) end
  if entry then return entry end
  local meta = getmetatable(v)
  entry = meta and registry.of(meta)
  if entry or (type(v) == "table" and meta == nil) then return entry end
  local what = util.describe(v)
  if type(v) == "function" then
    refuse(w, "a function cannot be saved, files hold no code; make it a method of a class of your "
      .. 'own, nn.Module:extend "Name"')
  elseif type(v) == "table" then
    refuse(w, "%s cannot be saved: only plain tables and objects of nn are", what)
  end
  refuse(w, "%s cannot be saved", what)
end

local function put_shared(w, v)
  local number = w.numbers[v]
  if number then
    if w.open[v] then refuse(w, "contains itself where that cannot be saved") end
    w.out[#w.out + 1] = pack("<c1I4", "r", number)
    return
  end
  w.count = w.count + 1
  w.numbers[v] = w.count
  if #w.path > DEEPEST then refuse(w, "deeper than %d levels", DEEPEST) end
  if kind_of(v) == "tensor" then return put_tensor(w, v) end
  local entry = entry_of(w, v)
  if entry then put_object(w, v, entry) else put_table(w, v) end
end

function put(w, v)
  local out, what = w.out, type(v)
  if what == "string" then
    if #v > LONGEST then refuse(w, "a string of more than 4 GiB") end
    out[#out + 1] = pack("<c1s4", "s", v)
  elseif what == "number" then
    out[#out + 1] = math.type(v) == "integer" and pack("<c1i8", "i", v) or pack("<c1d", "d", v)
  elseif what == "boolean" then
    out[#out + 1] = v and "T" or "F"
  elseif v == nil then
    refuse(w, "nil cannot be saved")
  else
    put_shared(w, v)
  end
end

-- The bytes and the list of tensors.
function tree.encode(value)
  local w = {
    out = {}, tensors = {}, path = {}, numbers = {}, open = {}, count = 0, inside = 0,
  }
  if units.is_module(value) then w.path[1] = "model" end
  put(w, value)
  return table.concat(w.out), w.tensors
end

-- ---- reading ----------------------------------------------------------------------------------

-- r: bytes, at (the next one), base (the bytes' place in the file), path; tensors, how many of them
-- are used, how many bytes they have (room); things by number, and their count.

local function fail(r, at, format, ...)
  raise("%s: byte %d: " .. format, r.path, r.base + at - 1, ...)
end

local function take(r, n, what)
  local at = r.at
  if n > #r.bytes - at + 1 then
    fail(r, at, "%s of %d bytes, but only %d are left", what, n, #r.bytes - at + 1)
  end
  r.at = at + n
  return at
end

local function take_count(r, what)
  return (unpack("<I4", r.bytes, take(r, 4, what)))
end

local get

local function new_number(r)
  r.count = r.count + 1
  return r.count
end

local function get_table(r, depth)
  local t = {}
  r.things[new_number(r)] = t
  for i = 1, take_count(r, "a count") do
    t[i] = get(r, depth)
  end
  for _ = 1, take_count(r, "a count") do
    local at = r.at
    local key = get(r, depth)
    local what = type(key)
    if (what ~= "string" and what ~= "number" and what ~= "boolean") or key ~= key then
      fail(r, at, "a key must be a string, a number or a boolean, got %s", util.describe(key))
    end
    if t[key] ~= nil then fail(r, at, "the key %s is there twice", util.describe(key)) end
    t[key] = get(r, depth)
  end
  return t
end

local function get_tensor(r)
  local at = take(r, 1, "a tensor's flags")
  local flags, t = r.bytes:byte(at), r.tensors[r.used + 1]
  if not t then fail(r, at, "there are only %d tensors in the file", r.used) end
  if flags > 3 then fail(r, at, "a tensor's flags are 0 to 3, got %d", flags) end
  if flags & 1 > 0 and not t:dtype():find "^float" then
    fail(r, at, "an %s tensor cannot require a gradient", t:dtype())
  end
  r.used = r.used + 1
  r.things[new_number(r)] = t
  units.restore_tensor(t, flags & 1 > 0, flags & 2 > 0)
  return t
end

-- Without the place in the script, which the caller's own error will have.
local function reason(err)
  return (tostring(err):gsub("^[^\n]-:%d+: ", ""))
end

-- Makes or completes an object; its type's own error gets the place in the file.
local function build(r, at, name, f, ...)
  local ok, result = pcall(f, ...)
  if ok then return result end
  fail(r, at, "%s: %s", name, reason(result))
end

local function get_object(r, depth)
  local at = take(r, 1, "a name")
  local length = r.bytes:byte(at)
  local name = r.bytes:sub(take(r, length, "a name"), r.at - 1)
  local entry = units.find(name) or registry.find(name)
  if not entry then
    fail(r, at, "there is no type %q here; it may be one of a newer nnlua", name)
  end
  local number = new_number(r)
  local head = get(r, depth)
  local v = build(r, at, name, entry.load, head, r.room)
  r.things[number] = v
  local mark = r.bytes:sub(take(r, 1, "a mark"), r.at - 1)
  if mark ~= (entry.fill and "T" or "F") then
    fail(r, r.at - 1, "%s: must %s a body", name, entry.fill and "have" or "not have")
  end
  if entry.fill then build(r, at, name, entry.fill, v, get(r, depth)) end
  return v
end

local readers = {
  T = function() return true end,
  F = function() return false end,
  i = function(r) return (unpack("<i8", r.bytes, take(r, 8, "an integer"))) end,
  d = function(r) return (unpack("<d", r.bytes, take(r, 8, "a float"))) end,
  s = function(r)
    local n = take_count(r, "a length")
    local at = take(r, n, "a string")
    return r.bytes:sub(at, at + n - 1)
  end,
  t = get_table,
  x = get_tensor,
  o = get_object,
  r = function(r)
    local n = take_count(r, "a reference")
    if r.things[n] == nil then
      fail(r, r.at - 4, "refers to number %d, which is not there yet", n)
    end
    return r.things[n]
  end,
}

function get(r, depth)
  local at = take(r, 1, "a value")
  local reader = readers[r.bytes:sub(at, at)]
  if not reader then fail(r, at, "no value begins with byte %d", r.bytes:byte(at)) end
  if depth > 2 * DEEPEST + 8 then fail(r, at, "deeper than %d levels", DEEPEST) end
  return reader(r, depth + 1)
end

-- The value that `bytes` and the tensors describe. `path` and `base` are for error texts.
function tree.decode(bytes, tensors, base, path)
  local r = {
    bytes = bytes, at = 1, base = base, path = path, tensors = tensors, used = 0, things = {},
    count = 0, room = 0,
  }
  for _, t in ipairs(tensors) do r.room = r.room + units.bytes(t) end
  local value = get(r, 1)
  if r.at <= #bytes then fail(r, r.at, "%d bytes follow the value", #bytes - r.at + 1) end
  if r.used < #tensors then
    fail(r, 1, "the file has %d tensors, only %d have a place", #tensors, r.used)
  end
  return value
end

return tree
