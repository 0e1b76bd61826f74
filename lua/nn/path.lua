-- path.lua: where in a model a module stands, "Sequential[3].fc", and the same before the text of
-- an error that happens in a module's forward. Nothing of this runs unless there is an error: the
-- core looks at the calls that are under way (bind/l_path.c) and asks here what they mean.
local module = require "nn.module"

local path = {}

local function step_of(entry)
  return entry.name:find "^%d+$" and "[" .. entry.name .. "]" or "." .. entry.name
end

-- Calls f(value, path) for all that is below m, parents before children, each once, until f
-- returns something, which is returned.
local function walk(m, at, seen, f)
  if seen[m] then return nil end
  seen[m] = true
  local found = f(m, at)
  if found or not module.is_module(m) then return found end
  for _, entry in ipairs(module.members(m)) do
    found = entry.module and walk(entry.module, at .. step_of(entry), seen, f)
    if found then return found end
  end
end

-- module -> its first path from the root, the root's class first.
function path.all(root)
  local paths = {}
  walk(root, module.class_name(root), {}, function(m, at) paths[m] = at end)
  return paths
end

-- The steps from one module to something inside it, or nil.
local function between(from, to)
  return walk(from, "", {}, function(m, at) return m == to and at end)
end

-- `calls`: the modules (and functions in containers) that run, outermost first; a text among them
-- is the way to the next one, where it is known.
-- Returns the path, and the innermost module that it leads to.
local function path_of(calls)
  local text, last, known
  for _, call in ipairs(calls) do
    if type(call) == "string" then
      known = call
    elseif known and last then
      text, last, known = text .. known, call, nil
    elseif call ~= last then
      local steps = last and between(last, call)
      if last and not steps then break end -- called from inside, but not a part: a model of its own
      text, last = (text or module.class_name(call)) .. (steps or ""), call
    end
  end
  return text, last
end

-- "Linear(4, 5): ..." becomes "Net.fc: Linear(4, 5): ..."; a container's own "Sequential[2]: ..."
-- becomes "Net.body[2]: ...".
function path.locate(text, calls)
  local where, last = path_of(calls)
  if not where then return text end
  local class = module.is_module(last) and module.class_name(last) or ""
  if text:sub(1, #class + 1) == class .. "[" then return where .. text:sub(#class + 1) end
  return where:find "[.%[]" and where .. ": " .. text or text
end

return path
