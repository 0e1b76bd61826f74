-- util.lua: what our Lua files share: errors, tables of options, sorted keys.
local core = require "nn.core"

local util = {}

-- Raises with the place in the script that called us: the innermost function that is not ours,
-- however many of ours lie between. (`error(text, level)` would need to count them.) In a module's
-- forward the module's path comes before the text.
function util.raise(format, ...)
  local text = core.locate(select("#", ...) > 0 and format:format(...) or format)
  local level = 2
  while true do
    local info = debug.getinfo(level, "Sl")
    if not info then error(text, 0) end
    if info.currentline > 0 and info.source:sub(1, 4) ~= "@nn/" then
      error(("%s:%d: %s"):format(info.short_src, info.currentline, text), 0)
    end
    level = level + 1
  end
end
local raise = util.raise

-- The keys of a table in an order that does not change from run to run: numbers, then the rest.
function util.sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    local first, second = type(a), type(b)
    if first ~= second then return first == "number" or (second ~= "number" and first < second) end
    if first == "number" or first == "string" then return a < b end
    return tostring(a) < tostring(b)
  end)
  return keys
end

-- "32x10"
function util.shape(t)
  return t:dim() == 0 and "0 dimensions" or table.concat(t:size(), "x")
end

function util.same_shape(a, b)
  if a:dim() ~= b:dim() then return false end
  for d = 1, a:dim() do
    if a:size(d) ~= b:size(d) then return false end
  end
  return true
end

-- What a value is, for the "got ..." of an error.
function util.describe(v)
  local kind = core.kind(v)
  if kind == "tensor" then return ("a %s tensor of %s"):format(v:dtype(), util.shape(v)) end
  if kind then return (kind == "optimizer" and "an " or "a ") .. kind end
  if type(v) == "string" then return ("the string %q"):format(v) end
  if v ~= v then return "nan" end -- C would write the sign of some
  if type(v) == "nil" or type(v) == "number" or type(v) == "boolean" then return tostring(v) end
  local meta = getmetatable(v)
  local name = type(meta) == "table" and meta.__name
  return "a " .. (type(name) == "string" and name or type(v))
end

-- How many slips of the finger (a letter more, less, other, or two swapped) turn a into b.
local function slips(a, b)
  local before, row = {}, {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local earlier
    earlier, before, row = before, row, {[0] = i}
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      row[j] = math.min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], earlier[j - 2] + 1)
      end
    end
  end
  return row[#b]
end

-- The name within two slips of the given one, or nil.
function util.nearest(name, names)
  local best, least = nil, 3
  for _, other in ipairs(names) do
    local d = slips(name, other)
    if d < least and d < #other then best, least = other, d end
  end
  return best
end

-- Raises "OWNER: there is no WHAT 'NAME'; ..." with the nearest and all that there are.
function util.unknown(owner, what, name, names)
  local near = util.nearest(name, names)
  local all = table.concat(names, ", ")
  if near then
    raise("%s: there is no %s '%s'; did you mean '%s'? (the %ss are %s)", owner, what, name, near,
      what, all)
  end
  raise("%s: there is no %s '%s'; the %ss are %s", owner, what, name, what, all)
end

-- A whole number from `low`, or nil; 32.0 is one, "32" is not.
local function whole(v, low)
  local n = type(v) == "number" and math.tointeger(v) or nil
  if n and n >= low then return n end
end
local function typed(name)
  return function(v) if type(v) == name then return v end end
end

-- Each kind of option: a function that returns the value as we use it, or nil; what is expected.
local kinds = {
  any = {function(v) return v end},
  boolean = {typed "boolean", "true or false"},
  string = {typed "string", "a string"},
  table = {typed "table", "a table"},
  integer = {function(v) return whole(v, math.mininteger) end, "a whole number"},
  count = {function(v) return whole(v, 1) end, "a positive whole number"},
  index = {function(v) return whole(v, 0) end, "a whole number from 0"},
  number = {function(v) return type(v) == "number" and v - v == 0 and v or nil end,
    "a finite number"},
}

-- Reads a table of options. `known`: name = {kind, default}. Returns a new table. `list` allows
-- the given table to have a list part besides, which is left alone.
function util.options(owner, given, known, list)
  if given == nil then given = {} end
  if type(given) ~= "table" or getmetatable(given) then
    raise("%s: options are a table of named fields, got %s", owner, util.describe(given))
  end
  local result = {}
  for name, spec in pairs(known) do result[name] = spec[2] end
  for _, name in ipairs(util.sorted_keys(given)) do
    local spec = known[name]
    if spec then
      local convert, expected = table.unpack(kinds[spec[1]])
      result[name] = convert(given[name])
      if result[name] == nil then
        raise("%s: option '%s' must be %s, got %s", owner, name, expected,
          util.describe(given[name]))
      end
    elseif type(name) == "string" then
      util.unknown(owner, "option", name, util.sorted_keys(known))
    elseif not list then
      raise("%s: options have names, got %s at [%s]", owner, util.describe(given[name]),
        tostring(name))
    end
  end
  return result
end

-- A value for each `local _ <close> = util.finally(f)`: f runs however the block is left.
function util.finally(f)
  return setmetatable({}, {__close = f})
end

return util
