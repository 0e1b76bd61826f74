-- terminal.lua: what is known of the terminal, and small drawings made of text.
local core = require "nn.core"

local terminal = {}

-- The columns of the terminal at a file descriptor (2: stderr), or as COLUMNS says, or 80.
function terminal.columns(fd)
  local given = tonumber(os.getenv "COLUMNS")
  return core.columns and core.columns(fd or 2) or given and given >= 1 and given // 1 | 0 or 80
end

-- Whether text in UTF-8 will be read as such: what the locale says.
function terminal.utf8()
  for _, name in ipairs {"LC_ALL", "LC_CTYPE", "LANG"} do
    local value = os.getenv(name)
    if value and value ~= "" then return value:lower():find "utf%-?8" ~= nil end
  end
  return false
end

-- ---- sparklines -------------------------------------------------------------------------------

local blocks = {}
for i = 1, 8 do blocks[i] = utf8.char(0x2580 + i) end
local ascii = {"_", ".", ",", "-", "~", "+", "*", "#"}

-- At most `width` values: the means of as many equal pieces. What is not finite is left out.
local function condense(values, width)
  local n, list = #values, {}
  local count = math.min(n, width)
  for i = 1, count do
    local sum, terms = 0, 0
    for j = (i - 1) * n // count + 1, i * n // count do
      local v = values[j]
      if v - v == 0 then sum, terms = sum + v, terms + 1 end
    end
    list[i] = terms > 0 and sum / terms or 0 / 0
  end
  return list
end

-- Numbers as a row of blocks, the lowest and the highest of them as low and high as it goes; a gap
-- where a number is not finite.
function terminal.spark(values, width, plain)
  local marks = plain and ascii or blocks
  local list = condense(values, width)
  local low, high = math.huge, -math.huge
  for _, v in ipairs(list) do
    if v == v then low, high = math.min(low, v), math.max(high, v) end
  end
  for i, v in ipairs(list) do
    local height = high > low and (v - low) / (high - low) or 0
    list[i] = v ~= v and " " or marks[1 + math.floor(height * 7 + 0.5)]
  end
  return table.concat(list)
end

-- ---- bars -------------------------------------------------------------------------------------

local parts = {[0] = ""}
for i = 1, 7 do parts[i] = utf8.char(0x2590 - i) end

-- A bar of `width` characters, filled to a share of 0 to 1.
function terminal.bar(share, width, plain)
  share = share == share and math.max(0, math.min(1, share)) or 0
  local inner = width - 2
  if plain then
    local full = math.floor(share * inner + 1e-9)
    return "[" .. ("="):rep(full) .. (" "):rep(inner - full) .. "]"
  end
  local eighths = math.floor(share * inner * 8 + 1e-9)
  local full, rest = eighths // 8, eighths % 8
  return "▕" .. ("█"):rep(full) .. parts[rest] .. (" "):rep(inner - full - (rest > 0 and 1 or 0))
    .. "▏"
end

-- ---- numbers ----------------------------------------------------------------------------------

-- "9.2 s", "42 s", "1:05", "2:00:09"
function terminal.duration(seconds)
  if seconds ~= seconds or seconds > 1e9 then return "?" end
  if seconds < 9.95 then return ("%.1f s"):format(seconds) end
  local s = math.floor(seconds + 0.5)
  if s < 60 then return s .. " s" end
  if s < 3600 then return ("%d:%02d"):format(s // 60, s % 60) end
  return ("%d:%02d:%02d"):format(s // 3600, s // 60 % 60, s % 60)
end

-- "950", "45.2k", "1.3M"
function terminal.count(v)
  if v ~= v or v > 1e15 then return "?" end
  if v < 1e3 then return ("%.0f"):format(v) end
  if v < 1e6 then return ("%.1fk"):format(v / 1e3) end
  return ("%.1fM"):format(v / 1e6)
end

return terminal
