-- public.lua: the public names: what a script can reach without looking behind the curtain.
local core = require "nn.core"

local M = {}

-- Tables of nn whose fields are public too.
M.parts = {"data", "functions", "init", "linalg", "metrics", "optim", "plot", "schedule"}

-- What stands in nn for the interpreter's own use.
local internal = {["nn.options"] = true, ["nn.last"] = true}

local function add(names, t, prefix)
  local found = {}
  for key in next, t do found[key] = true end
  local meta = debug.getmetatable(t)
  for key in pairs(type(meta) == "table" and rawget(meta, "names") or {}) do found[key] = true end
  for key in pairs(found) do
    if type(key) == "string" and key:match "^%a" and not internal[prefix .. key] then
      names[#names + 1] = prefix .. key
    end
  end
end

-- Sorted: "nn.fit", "nn.optim.Adam", "tensor:exp".
function M.names()
  local nn, names = require "nn", {}
  add(names, nn, "nn.")
  for _, part in ipairs(M.parts) do
    if type(nn[part]) == "table" then add(names, nn[part], ("nn.%s."):format(part)) end
  end
  add(names, core.methods.tensor, "tensor:")
  table.sort(names)
  return names
end

-- Those without a text.
function M.missing(gather)
  local missing = {}
  for _, name in ipairs(M.names()) do
    local known = gather.entries()[name] or gather.aliases()[name]
    local together = name:match "^(nn%.functions)%." -- described all at once
    if not known and not gather.entries()[together] then
      missing[#missing + 1] = name
    end
  end
  return missing
end

return M
