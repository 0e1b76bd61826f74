-- hint.lua: a word of help below the message of a common slip: a misspelt name, a dot where a colon
-- belongs. Called by the interpreter with the message and the place of the script's error.
local core = require "nn.core"
local util = require "nn.util"

-- The names of string keys, of tables and of those behind them.
local function add(list, t)
  for _ = 1, 8 do
    if type(t) ~= "table" then return end
    for key in next, t do
      if type(key) == "string" and key:find "^%a" then list[#list + 1] = key end
    end
    local meta = debug.getmetatable(t)
    t = type(meta) == "table" and (rawget(meta, "names") or rawget(meta, "__index"))
  end
end

local function methods()
  local list = {}
  for _, kind in ipairs {"tensor", "layer", "loss", "optimizer"} do
    add(list, core.methods[kind])
  end
  add(list, require "nn.module".Module)
  for name in pairs(core.loaded or {}) do
    if name == "nn.data.dataset" then add(list, require "nn.data.dataset".Dataset) end
  end
  add(list, string)
  add(list, io.stdout and debug.getmetatable(io.stdout).__index)
  return list
end

-- Full names by their last part: Linear -> nn.Linear.
local function fields()
  local list, full = {}, {}
  local nn = require "nn"
  local function take(t, prefix)
    local names = {}
    add(names, t)
    for _, name in ipairs(names) do
      list[#list + 1] = name
      full[name] = full[name] or prefix .. name
    end
  end
  take(nn, "nn.")
  for _, part in ipairs {"optim", "data", "schedule", "init", "linalg"} do
    if type(nn[part]) == "table" then take(nn[part], ("nn.%s."):format(part)) end
  end
  for _, library in ipairs {"string", "table", "math", "io", "os", "utf8", "coroutine"} do
    take(_G[library], library .. ".")
  end
  return list, full
end

-- The line of the script, from its file or the text of the chunk.
local function line_of(source, number)
  if not source or number < 1 then return nil end
  local at = 0
  if source:sub(1, 1) == "@" then
    local f = io.open(source:sub(2), "r")
    if not f then return nil end
    for line in f:lines() do
      at = at + 1
      if at == number then
        f:close()
        return line
      end
    end
    f:close()
    return nil
  end
  if source == "=stdin" then
    local prompt = core.loaded and core.loaded["nn.prompt"]
    source = prompt and prompt.current or ""
  end
  for line in (source .. "\n"):gmatch "(.-)\n" do
    at = at + 1
    if at == number then return line end
  end
end

local function misspelt(message)
  local what, name = message:match "attempt to %a+ a nil value %((%a+) '([^']+)'%)"
  if what == "global" then
    local list = {}
    add(list, _G)
    local near = util.nearest(name, list)
    return near and ("did you mean '%s'?"):format(near)
  elseif what == "method" then
    local near = util.nearest(name, methods())
    return near and ("did you mean ':%s'?"):format(near)
  elseif what == "field" then
    local list, full = fields()
    local near = util.nearest(name, list)
    return near and ("did you mean %s?"):format(full[near])
  end
end

-- "sum: needs a tensor" in a line with x.sum(...) or nn:zeros(...).
local function dot_or_colon(message, source, number)
  local name = message:match ":%d+: ([%a_][%w_]*): " or message:match "^([%a_][%w_]*): "
    or message:match "to '([%a_][%w_]*)'"
  local line = name and line_of(source, number)
  if not line then return nil end
  local owner = line:match("([%a_][%w_]*):" .. name .. "%s*[({\"']")
  if owner and type(rawget(_G, owner)) == "table" and owner == "nn" then
    return ("nn's functions are called with a dot: nn.%s(...)"):format(name)
  end
  owner = (" " .. line):match("[^%w_.:]([%a_][%w_]*)%." .. name .. "%s*[({\"']")
  if owner and owner ~= "nn" and type(rawget(_G, owner)) ~= "table" then
    return ("methods are called with a colon: %s:%s(...)"):format(owner, name)
  end
end

return function(message, source, number)
  return misspelt(message) or dot_or_colon(message, source, number)
end
