-- show.lua: how the prompt writes a value: tables sorted, nested and cut; models with their
-- parameters, optimizers with their formula, datasets with what is in them.
local core = require "nn.core"
local util = require "nn.util"

local M = {}

local WIDTH = 88  -- columns of a table on one line
local DEPTH = 4   -- nested tables
local MOST = 24   -- fields of a table that are shown
local LINES = 200 -- of everything

local colors = {string = "32", number = "36", boolean = "35", ["nil"] = "35", mark = "2"}
local colored = false

local function paint(text, kind)
  if not colored or not colors[kind] then return text end
  return ("\27[%sm%s\27[0m"):format(colors[kind], text)
end

-- How many columns a text takes, without its colours.
local function columns(text)
  local plain = text:gsub("\27%[%d*m", "")
  return utf8.len(plain) or #plain
end

local function quoted(s)
  if #s > 200 then s = s:sub(1, 200) .. "..." end
  return paint(("%q"):format(s):gsub("\\\n", "\\n"):gsub("\\9", "\\t"), "string")
end

local function field_name(key)
  if type(key) == "string" then
    return key:match "^[%a_][%w_]*$" and key or ("[%q]"):format(key)
  end
  return "[" .. tostring(key) .. "]"
end

-- A value inside a table: one line, and no code of a script's.
local function brief(v)
  local kind = core.kind(v)
  if kind == "tensor" then
    if v:dim() == 0 then return ("tensor(%s)"):format(v:item()) end
    return ("%s tensor of %s"):format(v:dtype(), util.shape(v))
  end
  if type(v) == "string" then return quoted(v) end
  if type(v) == "number" or type(v) == "boolean" then return paint(tostring(v), type(v)) end
  local meta = type(v) == "table" and getmetatable(v)
  local name = type(meta) == "table" and rawget(meta, "__name")
  if kind then return (tostring(v):match "^[^\n]*") end
  return type(name) == "string" and ("<%s>"):format(name) or ("<%s>"):format(type(v))
end

local render

-- The fields as texts, those of the list part without their numbers.
local function fields_of(t, depth, seen)
  local list, hidden, n = {}, 0, rawlen(t)
  for _, key in ipairs(util.sorted_keys(t)) do
    if #list >= MOST then
      hidden = hidden + 1
    else
      local value = render(rawget(t, key), depth + 1, seen)
      local counted = math.type(key) == "integer" and key >= 1 and key <= n
      list[#list + 1] = counted and value or field_name(key) .. " = " .. value
    end
  end
  if hidden > 0 then list[#list + 1] = paint(("... %d more"):format(hidden), "mark") end
  return list
end

function render(v, depth, seen)
  if type(v) ~= "table" or getmetatable(v) then return brief(v) end
  if next(v) == nil then return "{}" end
  if seen[v] then return paint("<above>", "mark") end
  if depth > DEPTH then return paint("{...}", "mark") end
  seen[v] = true
  local list = fields_of(v, depth, seen)
  seen[v] = nil
  local line = "{" .. table.concat(list, ", ") .. "}"
  if columns(line) + 2 * depth <= WIDTH and not line:find "\n" then return line end
  local indent = ("  "):rep(depth)
  return "{\n" .. indent .. table.concat(list, ",\n" .. indent) .. "\n" .. indent:sub(3) .. "}"
end

-- ---- objects ----------------------------------------------------------------------------------

local function count(n)
  local text = tostring(n):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (text:gsub("^,", ""))
end

local function show_model(m)
  local text = tostring(m)
  local n = m:parameter_count()
  if n == 0 then return text end
  return ("%s\n%s parameter%s%s"):format(text, count(n), n == 1 and "" or "s",
    m.training and "" or ", in evaluation mode")
end

local function show_optimizer(o)
  local ok, formula = pcall(o.formula, o)
  return tostring(o) .. (ok and "\n" .. tostring(formula) or "")
end

local function show_dataset(ds)
  if not ds.describe then return tostring(ds) end
  return tostring(ds:describe())
end

local function cut(text)
  local at, lines = 0, 0
  while lines < LINES do
    at = text:find("\n", at + 1, true)
    if not at then return text end
    lines = lines + 1
  end
  local _, more = text:sub(at):gsub("\n", "")
  return ("%s\n... %d more lines"):format(text:sub(1, at - 1), more)
end

-- The text of a value, or the value itself where `print` does well.
local function show(v)
  local kind = core.kind(v)
  if kind == "optimizer" then return show_optimizer(v) end
  if kind == "layer" then return show_model(v) end
  if type(v) ~= "table" then return v end
  local meta = getmetatable(v)
  if meta == nil then return cut(render(v, 1, {})) end
  if require "nn.module".is_module(v) then return show_model(v) end
  if type(meta) == "table" and rawget(meta, "__name") == "dataset" then return show_dataset(v) end
  return v
end

function M.all(...)
  local list = table.pack(...)
  colored = require "nn".options.color and core.isatty(1)
  for i = 1, list.n do list[i] = show(list[i]) end
  return table.unpack(list, 1, list.n)
end

return M
