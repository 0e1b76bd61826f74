-- progress.lua: what nn.fit shows on stderr: a live line on a terminal, else a line an epoch when
-- it was asked for.
local core = require "nn.core"
local history = require "nn.history"
local util = require "nn.util"

local progress = {}

local function is_terminal()
  return core.isatty ~= nil and core.isatty(2)
end

local function line(record, columns, epochs)
  local parts = {}
  for _, name in ipairs(columns) do
    local v = record[name]
    if name == "epoch" then
      parts[#parts + 1] = ("epoch %" .. #tostring(epochs) .. "d/%d"):format(v, epochs)
    elseif name == "seconds" then
      parts[#parts + 1] = ("%.2f s"):format(v)
    elseif name ~= "lr" and v ~= nil then
      parts[#parts + 1] = name .. " " .. history.text(v)
    end
  end
  return table.concat(parts, "  ")
end

local silent = setmetatable({close = function() end}, {__call = function() end})

-- Something to call with each record; its `close` ends a live line.
function progress.new(mode, epochs)
  if mode ~= "auto" and type(mode) ~= "boolean" then
    util.raise('fit: option \'progress\' must be "auto", true or false, got %s',
      util.describe(mode))
  end
  local quiet = require "nn".options.quiet
  if quiet or not mode or (mode == "auto" and not is_terminal()) then return silent end
  local live, shown = mode == "auto", 0
  local function show(_, record, columns)
    local text = line(record, columns, epochs)
    if live then
      io.stderr:write("\r", text, (" "):rep(shown - #text))
      shown = #text
    else
      io.stderr:write(text, "\n")
    end
  end
  local function close()
    if shown > 0 then io.stderr:write "\n" end
    shown = 0
  end
  return setmetatable({close = close}, {__call = show})
end

return progress
